//! Requests that bring their own private keys, and what those share with requests to wallets.
//!
//! The functions here take a request and say the answer; descriptions of the methods are the engine's. What they need to
//! know of the chain is asked of a [`World`].

mod message;
mod prevouts;
mod psbts;
mod transactions;

use std::sync::Arc;

use ::rpc::{Code, Request, RpcError};
use bitcoin::{OutPoint, Txid};
use descriptors::Notation;
use primitives::{Codec, Tx};
use psbt::finalize::Problem;

use crate::Coin;

pub use message::sign_message_with_private_key;
pub use prevouts::{Prevouts, read_prevouts};
pub use psbts::{descriptor_process_psbt, evaluate_descriptor};
pub use transactions::{read_transaction, sign_raw_transaction_with_key, signed_to_json};

/// What requests need to know.
pub trait World {
    /// The formats of the coin.
    fn codec(&self) -> Codec;

    /// How the chain writes keys and addresses.
    fn notation(&self) -> &Notation;

    /// The most that an amount can be.
    fn max_money(&self) -> i64;

    /// The words in front of signed messages.
    fn message_magic(&self) -> &str;

    /// Unspent outputs, of blocks and of the memory pool, in the order in which they are asked for.
    fn coins(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Coin>>, RpcError>;

    /// A transaction of the memory pool or of an index, if it can be found.
    fn transaction(&self, txid: &Txid) -> Result<Option<Arc<Tx>>, RpcError>;
}

/// The hash type that a request asks for, by its name.
pub fn read_sighash(request: &Request) -> Result<Option<i32>, RpcError> {
    // The default that help pages state is no name.
    if !request.has("sighashtype") {
        return Ok(None);
    }
    Ok(Some(match request.str("sighashtype")? {
        "DEFAULT" => 0,
        "ALL" => 1,
        "NONE" => 2,
        "SINGLE" => 3,
        "ALL|ANYONECANPAY" => 0x81,
        "NONE|ANYONECANPAY" => 0x82,
        "SINGLE|ANYONECANPAY" => 0x83,
        other => {
            return Err(RpcError::invalid_parameter(format!("'{other}' is not a valid sighash parameter.")));
        }
    }))
}

/// What a client hears of a problem with a PSBT.
pub fn psbt_error(problem: Problem) -> RpcError {
    let code = match problem {
        Problem::SighashMismatch => Code::DESERIALIZATION_ERROR,
        Problem::MissingUtxo | Problem::Contradiction | Problem::Incomplete => Code::VERIFY_ERROR,
    };
    RpcError::new(code, problem.to_string())
}

/// Reads a PSBT in base64.
pub fn read_psbt(world: &dyn World, text: &str) -> Result<psbt::Psbt, RpcError> {
    psbt::Psbt::decode_base64(world.codec(), text)
        .map_err(|error| RpcError::new(Code::DESERIALIZATION_ERROR, format!("TX decode failed {error}")))
}
