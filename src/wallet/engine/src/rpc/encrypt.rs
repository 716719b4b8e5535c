//! Passphrases and signed messages.

use ::rpc::{Code, Json, Method, Request, RpcError};
use primitives::Destination;
use zeroize::Zeroizing;

use super::common::{ensure_unlocked, is_watch_only, wallet_of};
use super::docs::encrypt as docs;
use crate::loader::Wallets;
use crate::wallet::{Wallet, WalletError, passphrase_text};

/// About three years: nobody unlocks a wallet for longer.
const MAX_SECONDS: i64 = 100_000_000;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::encryptwallet().run(encrypt),
        docs::signmessage().run(sign_message),
        docs::walletlock().run(lock),
        docs::walletpassphrase().run(unlock),
        docs::walletpassphrasechange().run(change),
    ]
}

fn ensure_encrypted(wallet: &Wallet, method: &str) -> Result<(), RpcError> {
    if wallet.is_encrypted() {
        return Ok(());
    }
    let text = format!("Error: running with an unencrypted wallet, but {method} was called.");
    Err(RpcError::new(Code::WALLET_WRONG_ENC_STATE, text))
}

fn ensure_not_scanning(wallet: &Wallet, before: &str) -> Result<(), RpcError> {
    if !wallet.scanning().needs_passphrase() {
        return Ok(());
    }
    let text = format!(
        "Error: the wallet is currently being used to rescan the blockchain for related transactions. Please call \
         `abortrescan` before {before}."
    );
    Err(RpcError::new(Code::WALLET_ERROR, text))
}

fn not_empty(passphrase: &str) -> Result<(), RpcError> {
    if passphrase.is_empty() {
        return Err(RpcError::invalid_parameter("passphrase cannot be empty"));
    }
    Ok(())
}

fn encrypt(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    if wallet.read(is_watch_only) {
        let text = "Error: wallet does not contain private keys, nothing to encrypt.";
        return Err(RpcError::new(Code::WALLET_ENCRYPTION_FAILED, text));
    }
    if wallet.is_encrypted() {
        let text = "Error: running with an encrypted wallet, but encryptwallet was called.";
        return Err(RpcError::new(Code::WALLET_WRONG_ENC_STATE, text));
    }
    ensure_not_scanning(&wallet, "encrypting the wallet")?;
    let passphrase = Zeroizing::new(request.str("passphrase")?.to_owned());
    not_empty(&passphrase)?;
    wallet.encrypt(&passphrase).map_err(|error| {
        tracing::error!("{} {error}", wallet.display_name());
        RpcError::new(Code::WALLET_ENCRYPTION_FAILED, "Error: Failed to encrypt the wallet.")
    })?;
    Ok("wallet encrypted; The keypool has been flushed and a new HD seed was generated. You need to make a new backup \
        with the backupwallet RPC."
        .into())
}

fn unlock(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    ensure_encrypted(&wallet, "walletpassphrase")?;
    let passphrase = Zeroizing::new(request.str("passphrase")?.to_owned());
    let seconds: i64 = request.int("timeout")?;
    if seconds < 0 {
        return Err(RpcError::invalid_parameter("Timeout cannot be negative."));
    }
    let seconds = u32::try_from(seconds.min(MAX_SECONDS)).unwrap_or(u32::MAX);
    not_empty(&passphrase)?;
    wallet.unlock(&passphrase, Some(seconds)).map_err(|error| told(error, &passphrase, false))?;
    wallets.bell().ring();
    Ok(Json::Null)
}

fn told(error: WalletError, passphrase: &str, is_change: bool) -> RpcError {
    match error {
        WalletError::Vault(fault) => {
            RpcError::new(Code::WALLET_PASSPHRASE_INCORRECT, passphrase_text(&fault, passphrase, is_change))
        }
        other => other.into(),
    }
}

fn change(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    ensure_encrypted(&wallet, "walletpassphrasechange")?;
    ensure_not_scanning(&wallet, "changing the passphrase")?;
    let old = Zeroizing::new(request.str("oldpassphrase")?.to_owned());
    let new = Zeroizing::new(request.str("newpassphrase")?.to_owned());
    not_empty(&old)?;
    not_empty(&new)?;
    wallet.change_passphrase(&old, &new).map_err(|error| told(error, &old, true))?;
    Ok(Json::Null)
}

fn lock(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    ensure_encrypted(&wallet, "walletlock")?;
    ensure_not_scanning(&wallet, "locking the wallet")?;
    wallet.lock_keys()?;
    Ok(Json::Null)
}

fn sign_message(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let shared = wallets.shared();
    wallet.read(|core| {
        ensure_unlocked(core)?;
        let invalid = |_| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Invalid address");
        let destination = shared.addresses().decode(request.str("address")?).map_err(invalid)?;
        let Destination::PubKeyHash(hash) = &destination else {
            return Err(RpcError::wrong_type("Address does not refer to key"));
        };
        let script = shared.addresses().script(&destination);
        let signing = core.keys.signing(&script);
        let key = signing.and_then(|(ring, _)| ring.get(hash).cloned());
        let missing = || RpcError::new(Code::WALLET_ERROR, "Private key not available");
        let key = key.ok_or_else(missing)?;
        let magic = shared.config.coin().message_magic;
        Ok(signer::sign_message(&key, magic, request.str("message")?).into())
    })
}
