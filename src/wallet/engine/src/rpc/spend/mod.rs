//! The methods that spend.
//!
//! Each reads its arguments into recipients and a [`CoinControl`](crate::spend::CoinControl) (`options`, `outputs`), lets a
//! [`Spender`] build under the wallet's lock, signs, and hands the transaction to the wallet, which keeps and sends it.

mod bump;
mod fund;
mod options;
mod outputs;
mod pay;
mod send;
mod sendall;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::rpc::{Code, Json, Method, RpcError};
use platform::entropy::random_bytes;

use crate::loader::Wallets;
use crate::select::Dice;
use crate::spend::{CoinControl, CorePurse, SpendError, Spender};
use crate::wallet::{Core, Draft, Wallet, WalletError, road};

pub(super) fn methods() -> Vec<Method<Wallets>> {
    use super::docs::{bump as bump_docs, fund as fund_docs, spend as docs};
    vec![
        bump_docs::bumpfee().run(bump::bumpfee),
        bump_docs::psbtbumpfee().run(bump::psbtbumpfee),
        fund_docs::fundrawtransaction().run(fund::fundrawtransaction),
        docs::send().run(send::send),
        docs::sendall().run(sendall::sendall),
        docs::sendmany().run(pay::sendmany),
        docs::sendtoaddress().run(pay::sendtoaddress),
        fund_docs::walletcreatefundedpsbt().run(fund::walletcreatefundedpsbt),
    ]
}

/// Fresh randomness for one request.
fn dice(wallet: &Wallet) -> Result<Dice, RpcError> {
    let seed = random_bytes::<32>(&*wallet.shared().entropy);
    Ok(Dice::new(seed.map_err(|error| WalletError::Entropy(error.to_string()))?))
}

/// Lets a spender work under the wallet's lock. What it changes, such as addresses that are given out, is in the file
/// when this returns.
fn build<T, E>(
    wallet: &Wallet,
    dice: &mut Dice,
    work: impl FnOnce(&mut Spender<'_>) -> Result<T, E>,
) -> Result<Result<T, E>, RpcError> {
    let done = wallet.change(|core, draft| Ok::<_, WalletError>(spend_with(wallet, core, draft, dice, work)))?;
    Ok(done)
}

/// Lets a spender work as part of a larger change.
fn spend_with<T>(
    wallet: &Wallet,
    core: &mut Core,
    draft: &mut Draft,
    dice: &mut Dice,
    work: impl FnOnce(&mut Spender<'_>) -> T,
) -> T {
    let shared = wallet.shared();
    let (ledger, mut purse) = CorePurse::split(core, &mut draft.records);
    let settings = wallet.settings();
    work(&mut Spender::new(ledger, &mut purse, settings, shared.codec, &*shared.chain, shared.now(), dice))
}

/// Nothing special, as the wallet's settings have it.
fn default_control(wallet: &Wallet) -> CoinControl {
    CoinControl::new(wallet.settings().avoid_partial_spends)
}

/// The error of a transaction that could not be built.
fn spend_error(error: SpendError, code: Code) -> RpcError {
    match error {
        SpendError::Chain(error) => road(error),
        error => RpcError::new(code, error.to_string()),
    }
}

/// The place of the change, or -1.
fn json_position(position: Option<usize>) -> Json {
    position.and_then(|position| i64::try_from(position).ok()).map_or(Json::from(-1), Json::from)
}

/// Locks what a transaction spends, until the wallet is closed.
fn lock_inputs(wallet: &Arc<Wallet>, tx: &primitives::Tx) -> Result<(), RpcError> {
    wallet.change(|core, _| {
        for input in tx.inputs() {
            core.ledger.lock_coin(input.previous_output, false);
        }
        Ok::<_, WalletError>(())
    })?;
    Ok(())
}
