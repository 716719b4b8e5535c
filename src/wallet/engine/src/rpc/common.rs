//! What many methods need: the wallet that is meant, and arguments that are read alike.

use std::sync::Arc;

use ::rpc::values::hash_from_value;
use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::hashes::Hash;
use bitcoin::{Script, Txid};
use primitives::{Destination, hex};
use walletdb::WalletFlags;

use crate::loader::Wallets;
use crate::wallet::{Core, Wallet};

const ENDPOINT: &str = "/wallet/";

/// The name that a path means, if it means one.
pub(crate) fn endpoint_name(request: &Request) -> Option<String> {
    request.caller.uri.strip_prefix(ENDPOINT).map(url_decode)
}

/// The wallet that a request means: the one that its path names, or the only one.
pub(crate) fn wallet_of(wallets: &Wallets, request: &Request) -> Result<Arc<Wallet>, RpcError> {
    if let Some(name) = endpoint_name(request) {
        return wallets.find(&name).ok_or_else(not_loaded);
    }
    let mut all = wallets.list();
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(RpcError::new(
            Code::WALLET_NOT_SPECIFIED,
            "Multiple wallets are loaded. Please select which wallet to use by requesting the RPC through the \
             /wallet/<walletname> URI path.",
        )),
        (None, _) => Err(RpcError::new(
            Code::WALLET_NOT_FOUND,
            "No wallet is loaded. Load a wallet using loadwallet or create a new one with createwallet. (Note: A default \
             wallet is no longer automatically created)",
        )),
    }
}

/// The same, when it knows everything that the caller could know of the chain.
pub(crate) fn synced_wallet(wallets: &Wallets, request: &Request) -> Result<Arc<Wallet>, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    wallet.wait_until_synced_with(request.caller.tip)?;
    Ok(wallet)
}

/// No wallet has that name.
pub(crate) fn not_loaded() -> RpcError {
    RpcError::new(Code::WALLET_NOT_FOUND, "Requested wallet does not exist or is not loaded")
}

/// The name that path and argument agree on.
pub(crate) fn unique_name(request: &Request, argument: Option<&str>) -> Result<String, RpcError> {
    match (endpoint_name(request), argument) {
        (Some(endpoint), Some(argument)) if endpoint != argument => Err(RpcError::invalid_parameter(
            "The RPC endpoint wallet and the wallet name parameter specify different wallets",
        )),
        (Some(name), _) => Ok(name),
        (None, Some(name)) => Ok(name.to_owned()),
        (None, None) => Err(RpcError::invalid_parameter(
            "Either the RPC endpoint wallet or the wallet name parameter must be provided",
        )),
    }
}

/// Refuses if private keys are needed and locked.
pub(crate) fn ensure_unlocked(core: &Core) -> Result<(), RpcError> {
    if core.keys.vault().is_locked() {
        let text = "Error: Please enter the wallet passphrase with walletpassphrase first.";
        return Err(RpcError::new(Code::WALLET_UNLOCK_NEEDED, text));
    }
    Ok(())
}

/// A label.
pub(crate) fn label_of(value: &Json) -> Result<String, RpcError> {
    if value.is_null() {
        return Ok(String::new());
    }
    match value.as_str()? {
        "*" => Err(RpcError::new(Code::WALLET_INVALID_LABEL_NAME, "Invalid label name")),
        label => Ok(label.to_owned()),
    }
}

/// The destination of an address, with this coin's word for one that is none.
pub(crate) fn destination_of(wallets: &Wallets, text: &str) -> Result<Destination, RpcError> {
    let shared = wallets.shared();
    shared.addresses().decode(text).map_err(|_| {
        RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("Invalid {} address", shared.config.coin().name))
    })
}

/// A transaction id.
pub(crate) fn txid_of(value: &Json, name: &str) -> Result<Txid, RpcError> {
    hash_from_value(value, name).map(Txid::from_byte_array)
}

/// Whether used addresses are left alone, as the caller or the wallet says.
pub(crate) fn avoid_reuse(core: &Core, value: &Json) -> Result<bool, RpcError> {
    let possible = core.avoids_reuse();
    let wanted = if value.is_null() { possible } else { value.as_bool()? };
    if wanted && !possible {
        let text = "wallet does not have the \"avoid reuse\" feature enabled";
        return Err(RpcError::new(Code::WALLET_ERROR, text));
    }
    Ok(wanted)
}

/// The last block that the wallet has seen.
pub(crate) fn last_processed(core: &Core) -> Json {
    let tip = core.ledger.tip();
    Object::new().with("hash", tip.hash.to_string()).with("height", tip.height).into()
}

/// The descriptors that a script comes from.
pub(crate) fn parent_descs(core: &Core, script: &Script) -> Json {
    core.keys.of_script(script).map(crate::keys::Manager::text).collect()
}

/// Adds warnings, if there are any.
pub(crate) fn push_warnings(object: &mut Object, warnings: Vec<String>) {
    if !warnings.is_empty() {
        object.push("warnings", warnings);
    }
}

/// Whether the wallet has a flag that forbids private keys.
pub(crate) fn is_watch_only(core: &Core) -> bool {
    core.flags.contains(WalletFlags::DISABLE_PRIVATE_KEYS)
}

/// Takes `%41` for `A`. What is no such code stays as it is.
pub(crate) fn url_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if *first == b'%'
            && let [high, low, after @ ..] = after
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes a name so that it can stand in a path.
pub(crate) fn url_encode(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode(&[byte]).to_ascii_uppercase());
        }
    }
    out
}
