//! What clients ask about descriptors.

use bitcoin::ScriptBuf;
use primitives::Destination;

use crate::{DeriveError, Descriptor, Notation, ParseError, PrivateKeys, RangeError, parse};

/// What `getdescriptorinfo` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The canonical form; of several paths the first.
    pub descriptor: String,
    /// All paths, if there are several.
    pub multipath_expansion: Option<Vec<String>>,
    /// The checksum of the text as it was given.
    pub checksum: String,
    /// Whether it has other scripts at each index.
    pub is_range: bool,
    /// Whether it says how to spend.
    pub is_solvable: bool,
    /// Whether a private key was in the text.
    pub has_private_keys: bool,
}

/// Reads a descriptor and says what it is.
pub fn describe(text: &str, notation: &Notation, secrets: &mut dyn PrivateKeys) -> Result<Info, ParseError> {
    let parsed = parse(text, false, notation, secrets)?;
    let all: Vec<String> = parsed.descriptors.iter().map(Descriptor::to_string).collect();
    Ok(Info {
        descriptor: all.first().cloned().unwrap_or_default(),
        multipath_expansion: (all.len() > 1).then_some(all),
        checksum: parsed.checksum,
        is_range: parsed.descriptors.first().is_some_and(Descriptor::is_range),
        is_solvable: parsed.descriptors.first().is_some_and(Descriptor::is_solvable),
        has_private_keys: parsed.has_private_keys,
    })
}

/// Indexes from one to another, both included. There are at most a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    begin: u32,
    end: u32,
}

impl Range {
    /// Checks what a client asked for.
    pub fn new(begin: i64, end: i64) -> Result<Self, RangeError> {
        if begin > end {
            return Err(RangeError::Order);
        }
        let begin =
            u32::try_from(begin).map_err(|_| if begin < 0 { RangeError::Negative } else { RangeError::TooHigh })?;
        let end = i32::try_from(end).ok().and_then(|end| u32::try_from(end).ok()).ok_or(RangeError::TooHigh)?;
        if end - begin >= 1_000_000 {
            return Err(RangeError::TooLarge);
        }
        Ok(Self { begin, end })
    }

    /// What is scanned if the client does not say.
    pub const DEFAULT: Self = Self { begin: 0, end: 1000 };
    const ONE: Self = Self { begin: 0, end: 0 };

    /// The indexes.
    pub fn indexes(self) -> std::ops::RangeInclusive<u32> {
        self.begin..=self.end
    }
}

/// What `deriveaddresses` says: addresses for each path.
pub fn derive_addresses(
    text: &str,
    range: Option<Range>,
    notation: &Notation,
    secrets: &mut dyn PrivateKeys,
) -> Result<Vec<Vec<String>>, DeriveError> {
    let parsed = parse(text, true, notation, secrets)?;
    let is_range = parsed.descriptors.first().is_some_and(Descriptor::is_range);
    let range = match (is_range, range) {
        (false, Some(_)) => return Err(DeriveError::RangeGiven),
        (true, None) => return Err(DeriveError::RangeMissing),
        (_, range) => range.unwrap_or(Range::ONE),
    };
    parsed.descriptors.iter().map(|descriptor| addresses(descriptor, range, notation, secrets)).collect()
}

fn addresses(
    descriptor: &Descriptor,
    range: Range,
    notation: &Notation,
    secrets: &dyn PrivateKeys,
) -> Result<Vec<String>, DeriveError> {
    let mut out = Vec::new();
    for index in range.indexes() {
        let scripts = descriptor.expand(index, secrets).ok_or(DeriveError::PrivateKeys)?.scripts;
        for script in &scripts {
            let destination = notation.addresses().destination(script);
            // One of combo()'s scripts has no address.
            if scripts.len() > 1 && matches!(destination, Destination::PubKey(_)) {
                continue;
            }
            out.push(notation.addresses().encode(&destination).ok_or(DeriveError::NoAddress)?);
        }
    }
    if out.is_empty() { Err(DeriveError::Empty) } else { Ok(out) }
}

/// The scripts that `scantxoutset` and `scanblocks` look for, each with the descriptor that it comes from.
pub fn scan_scripts(
    text: &str,
    range: Option<Range>,
    notation: &Notation,
    secrets: &mut dyn PrivateKeys,
) -> Result<Vec<(ScriptBuf, Descriptor)>, DeriveError> {
    let parsed = parse(text, false, notation, secrets)?;
    let is_range = parsed.descriptors.first().is_some_and(Descriptor::is_range);
    let range = if is_range { range.unwrap_or(Range::DEFAULT) } else { Range::ONE };
    let mut out = Vec::new();
    for index in range.indexes() {
        for descriptor in &parsed.descriptors {
            let expansion = descriptor.expand(index, &*secrets);
            let expansion = expansion.ok_or_else(|| DeriveError::PrivateKeysFor(text.to_owned()))?;
            for script in expansion.scripts {
                let inferred = crate::infer(&script, &expansion.known, notation);
                out.push((script, inferred));
            }
        }
    }
    Ok(out)
}
