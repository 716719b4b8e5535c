//! What the program may answer, and what it means.

use ::rpc::Json;
use descriptors::{Descriptor, NoPrivateKeys, Notation, parse};

use super::DeviceError;

/// A device that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The fingerprint of its root key: eight digits, as it wrote them.
    pub(super) fingerprint: String,
    /// What it is called; may be empty.
    pub(super) name: String,
}

/// A descriptor that a device offers for a new wallet.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// The descriptor.
    pub(crate) descriptor: Descriptor,
    /// Whether it is for change.
    pub(crate) internal: bool,
}

/// What came of a request to sign.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signed<'a> {
    /// A PSBT in base64.
    Psbt(&'a str),
    /// The device, or its owner, does not want to.
    Refused(&'a str),
    /// Nobody knows.
    Neither,
}

/// A field that is text.
fn text<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    value.get(name).as_str().ok()
}

/// The answer to `enumerate`: each device once. `command` is for the errors.
pub(super) fn devices(command: &str, answer: &Json) -> Result<Vec<Found>, DeviceError> {
    let owned = || command.to_owned();
    let list = answer.as_arr().map_err(|_| DeviceError::NotAList(owned()))?;
    let mut all: Vec<Found> = Vec::new();
    for entry in list {
        match entry.get("error") {
            Json::Null => {}
            Json::Str(error) => return Err(DeviceError::Told(owned(), error.clone())),
            _ => return Err(DeviceError::Untold(owned())),
        }
        let fingerprint = match entry.get("fingerprint") {
            Json::Null => return Err(DeviceError::NoFingerprint(owned())),
            other => other.as_str().unwrap_or_default(),
        };
        if fingerprint.len() != 8 || !fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(DeviceError::BadFingerprint(owned()));
        }
        if all.iter().all(|found| found.fingerprint != fingerprint) {
            let name = text(entry, "model").unwrap_or_default().to_owned();
            all.push(Found { fingerprint: fingerprint.to_owned(), name });
        }
    }
    Ok(all)
}

/// The answer to `getdescriptors`. Those that give no addresses are left out.
pub(super) fn descriptors(answer: &Json, notation: &Notation) -> Result<Vec<Offered>, DeviceError> {
    let mut all = Vec::new();
    for (name, internal) in [("receive", false), ("internal", true)] {
        for text in answer.get(name).as_arr().map_err(|_| DeviceError::NoDescriptors)? {
            let text = text.as_str().unwrap_or_default();
            let wrong = |why: &dyn ToString| DeviceError::BadDescriptor(text.to_owned(), why.to_string());
            let parsed = parse(text, false, notation, &mut NoPrivateKeys).map_err(|error| wrong(&error))?;
            let Some(descriptor) = parsed.descriptors.into_iter().next() else { return Err(wrong(&"nothing")) };
            if descriptor.address_type().is_some() {
                all.push(Offered { descriptor, internal });
            }
        }
    }
    Ok(all)
}

/// The answer to `displayaddress`.
pub(super) fn shown(answer: &Json, address: &str) -> Result<(), DeviceError> {
    if let Some(error) = text(answer, "error") {
        return Err(DeviceError::NotShown(error.to_owned()));
    }
    match text(answer, "address") {
        None => Err(DeviceError::NoEcho),
        Some(shown) if shown == address => Ok(()),
        Some(other) => Err(DeviceError::OtherAddress(other.to_owned())),
    }
}

/// The answer to `signtx`.
pub(super) fn signed(answer: &Json) -> Signed<'_> {
    match (text(answer, "error"), text(answer, "psbt")) {
        (Some(error), _) => Signed::Refused(error),
        (None, Some(psbt)) => Signed::Psbt(psbt),
        (None, None) => Signed::Neither,
    }
}
