//! Wallets whose keys are in a device (`-signer`): a program of the user talks to it, and we talk to the program.
//!
//! 1. [`Signer::find`] asks the program which devices there are (`ask` starts it, `answers` reads what it says). Where one is
//!    needed there must be exactly one.
//! 2. A new wallet gets its descriptors from the device, [`Signer::descriptors`].
//! 3. [`Signer::show`] has it show an address, so that its owner can compare.
//! 4. [`sign`] has it sign a PSBT in which the wallet has said what it knows.
//!
//! The words and the answers are those of `doc/external-signer.md` of Bitcoin Core, and so are the texts of what goes wrong.
//! Assumed: the program may be wrong, may hang, or may write without end, and people take their time to press a button. No
//! lock of a wallet is held while it is asked.

mod answers;
mod ask;
mod error;
#[cfg(test)]
mod tests;

use ::rpc::{Code, RpcError};
use bitcoin::OutPoint;
use primitives::hex;
use psbt::{Input, Psbt};

use crate::shared::Shared;
use answers::{Found, Signed};
use ask::{ask, split};

pub(crate) use answers::Offered;
pub use error::DeviceError;

/// A device that signs, and how to reach it.
#[derive(Debug, Clone)]
pub(crate) struct Signer<'a> {
    shared: &'a Shared,
    command: Vec<String>,
    found: Found,
}

/// The devices that the program of `-signer` finds.
pub(crate) fn list(shared: &Shared) -> Result<Vec<Signer<'_>>, DeviceError> {
    let text = shared.config.args().get_str("signer", "");
    if text.is_empty() {
        return Err(DeviceError::NotConfigured);
    }
    let command = split(&text);
    let answer = ask(shared, &[&command[..], &["enumerate".to_owned()]].concat(), "")?;
    let found = answers::devices(&text, &answer)?;
    Ok(found.into_iter().map(|found| Signer { shared, command: command.clone(), found }).collect())
}

impl<'a> Signer<'a> {
    /// The only device that there is.
    pub(crate) fn find(shared: &'a Shared) -> Result<Self, DeviceError> {
        let mut all = list(shared)?;
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(DeviceError::Several),
            (None, _) => Err(DeviceError::None),
        }
    }

    /// The fingerprint of its root key, in hex.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.found.fingerprint
    }

    /// What it is called; may be empty.
    pub(crate) fn name(&self) -> &str {
        &self.found.name
    }

    fn command(&self, global: &[&str], words: &[&str]) -> Vec<String> {
        let chain = self.shared.config.chain().kind.name();
        let device = ["--fingerprint", self.fingerprint(), "--chain", chain];
        let all = global.iter().chain(&device).chain(words).map(|word| (*word).to_owned());
        self.command.iter().cloned().chain(all).collect()
    }

    /// The descriptors that a wallet of it has.
    pub(crate) fn descriptors(&self) -> Result<Vec<Offered>, DeviceError> {
        let answer = ask(self.shared, &self.command(&[], &["getdescriptors", "--account", "0"]), "")?;
        answers::descriptors(&answer, &self.shared.notation)
    }

    /// Has it show the address of a descriptor. What it shows must be `address`.
    pub(crate) fn show(&self, descriptor: &str, address: &str) -> Result<(), DeviceError> {
        let answer = ask(self.shared, &self.command(&[], &["displayaddress", "--desc", descriptor]), "")?;
        answers::shown(&answer, address)
    }

    /// Has it sign. The inner error is its own, for the log.
    fn sign(&self, psbt: &Psbt) -> Result<Result<Psbt, String>, DeviceError> {
        let text = psbt.to_base64();
        if !psbt.inputs.iter().any(|input| self.has_key_of(input)) {
            let fingerprint = self.fingerprint();
            return Ok(Err(format!("Signer fingerprint {fingerprint} does not match any of the inputs:\n{text}")));
        }
        let answer = ask(self.shared, &self.command(&["--stdin"], &[]), &format!("signtx {text}"))?;
        Ok(match answers::signed(&answer) {
            Signed::Psbt(text) => {
                Psbt::decode_base64(psbt.codec, text).map_err(|error| format!("TX decode failed {error}"))
            }
            Signed::Refused(why) => Err(why.to_owned()),
            Signed::Neither => Err("Unexpected result from signer".to_owned()),
        })
    }

    fn has_key_of(&self, input: &Input) -> bool {
        let plain = input.origins.values();
        let taproot = input.taproot_origins.values().map(|taproot| &taproot.origin);
        plain.chain(taproot).any(|origin| hex::encode(&origin.fingerprint).eq_ignore_ascii_case(self.fingerprint()))
    }
}

/// Has the device sign what is not signed yet. What it gives back takes the place of what it was given.
pub(crate) fn sign(shared: &Shared, psbt: &mut Psbt, finalize: bool) -> Result<(), DeviceError> {
    if psbt.inputs.iter().all(Input::is_final) {
        return Ok(());
    }
    let signer = match Signer::find(shared) {
        Err(error @ (DeviceError::NotConfigured | DeviceError::None | DeviceError::Several)) => {
            tracing::warn!("{error}");
            return Err(DeviceError::NotFound);
        }
        found => found?,
    };
    let failed = |why: String| {
        tracing::warn!("Failed to sign: {why}");
        DeviceError::Failed
    };
    let signed = signer.sign(psbt)?.map_err(failed)?;
    let coins = |psbt: &Psbt| -> Vec<OutPoint> { psbt.inputs.iter().map(|input| input.prevout).collect() };
    if coins(&signed) != coins(psbt) {
        return Err(failed("The signer returned a PSBT that spends other coins".to_owned()));
    }
    if signed.unsigned_tx() != psbt.unsigned_tx() {
        // It has the keys, so it can pay whom it likes. That is for the owner to see on it, and here.
        tracing::warn!("The signer returned a PSBT that pays others than it was asked to");
    }
    *psbt = signed;
    if finalize {
        psbt::finalize::finalize(psbt);
    }
    Ok(())
}

impl From<DeviceError> for RpcError {
    fn from(error: DeviceError) -> Self {
        let code = match error {
            DeviceError::NotFound | DeviceError::Failed => Code::VERIFY_ERROR,
            _ => Code::MISC,
        };
        Self::new(code, error.to_string())
    }
}
