//! Reading key expressions.

use bitcoin::PublicKey;
use bitcoin::secp256k1;
use primitives::hex;

use crate::extended::HARDENED;
use crate::key::Source;
use crate::parse::{Parser, Place, expression, same_width, take};
use crate::path::{read_path, read_paths};
use crate::{Key, KeyError, Origin, PrivateKind, PublicPart, Refusal, Wildcard};

impl Parser<'_> {
    /// Reads a key with or without origin.
    pub(crate) fn key(&mut self, text: &str, place: Place) -> Result<Key, KeyError> {
        if let Some(rest) = text.strip_prefix("musig(") {
            return if place == Place::Tr { self.musig(rest) } else { Err(KeyError::MusigPlace) };
        }
        let mut apostrophe = false;
        let Some((origin, rest)) = text.split_once(']') else {
            let source = self.source(text, place, &mut apostrophe)?;
            return Ok(Key { origin: None, apostrophe, source });
        };
        if rest.contains(']') {
            return Err(KeyError::OriginEnd);
        }
        let Some(inner) = origin.strip_prefix('[') else {
            return Err(KeyError::OriginStart(origin.chars().next().unwrap_or(']')));
        };
        let mut steps = inner.split('/');
        let fingerprint = steps.next().unwrap_or_default();
        if fingerprint.len() != 8 {
            return Err(KeyError::FingerprintLength(fingerprint.len()));
        }
        let bytes = hex::decode(fingerprint).and_then(|bytes| bytes.try_into().ok());
        let fingerprint = bytes.ok_or_else(|| KeyError::FingerprintHex(fingerprint.to_owned()))?;
        let path = read_path(&steps.collect::<Vec<_>>(), &mut apostrophe)?;
        let source = self.source(rest, place, &mut apostrophe)?;
        Ok(Key { origin: Some(Origin { fingerprint, path }), apostrophe, source })
    }

    /// Reads what stands behind the opening bracket of a `musig()`.
    fn musig(&mut self, text: &str) -> Result<Key, KeyError> {
        let (mut inner, rest) = text.split_once(')').ok_or(KeyError::MusigExpression)?;
        if rest.contains(')') {
            return Err(KeyError::MusigBrackets);
        }
        let mut participants: Vec<Key> = Vec::new();
        while !inner.is_empty() {
            if !participants.is_empty() && !take(&mut inner, ',') {
                return Err(KeyError::MusigComma(inner.chars().next().unwrap_or(')')));
            }
            participants.push(self.key(expression(&mut inner), Place::Musig).map_err(in_musig)?);
        }
        if participants.is_empty() {
            return Err(KeyError::MusigEmpty);
        }
        let mut wildcard = Wildcard::None;
        let mut paths = vec![Vec::new()];
        if let Some(steps) = rest.strip_prefix('/') {
            if participants.iter().any(|key| key.root().is_none()) {
                return Err(KeyError::MusigDerivation);
            }
            if participants.iter().any(Key::is_range) {
                return Err(KeyError::MusigRanges);
            }
            let mut steps: Vec<&str> = steps.split('/').collect();
            wildcard = read_wildcard(&mut steps, &mut false);
            if wildcard == Wildcard::Hardened {
                return Err(KeyError::MusigHardenedChild);
            }
            paths = read_paths(&steps, &mut false).map_err(in_musig)?;
            if paths.iter().flatten().any(|step| step & HARDENED != 0) {
                return Err(KeyError::MusigHardened);
            }
        } else if !rest.is_empty() {
            return Err(KeyError::MusigExpression);
        }
        let width = same_width(participants.iter().map(Key::width));
        if paths.len() > 1 && participants.iter().any(|key| key.width() > 1) {
            return Err(KeyError::MusigMultipath);
        }
        width.ok_or(KeyError::MusigWidths)?;
        Ok(Key { origin: None, apostrophe: false, source: Source::Musig { participants, paths, wildcard } })
    }

    fn source(&mut self, text: &str, place: Place, apostrophe: &mut bool) -> Result<Source, KeyError> {
        let mut steps: Vec<&str> = text.split('/').collect();
        let start = steps.remove(0);
        if start.is_empty() {
            return Err(KeyError::Empty);
        }
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
        if start.starts_with(is_space) || start.ends_with(is_space) {
            return Err(KeyError::Whitespace(start.to_owned()));
        }
        if steps.is_empty()
            && let Some(bytes) = hex::decode(start)
        {
            return public_key(&bytes, start, place);
        }
        let root = if let Some(root) = self.notation.read_extended(start) {
            root
        } else {
            match self.private_part(start, place, steps.is_empty())? {
                PublicPart::Single(key) => return Ok(Source::Single { key, x_only: place == Place::Tr }),
                PublicPart::Extended(root) => root,
            }
        };
        let wildcard = read_wildcard(&mut steps, apostrophe);
        Ok(Source::Extended { root, paths: read_paths(&steps, apostrophe)?, wildcard })
    }

    /// Shows a private key to whoever knows them. Single ones have no paths.
    fn private_part(&mut self, text: &str, place: Place, alone: bool) -> Result<PublicPart, KeyError> {
        let invalid = || KeyError::Invalid(text.to_owned());
        let private = self.notation.read_private(text).ok_or_else(invalid)?;
        match private.kind() {
            PrivateKind::Single { .. } if !alone => return Err(invalid()),
            PrivateKind::Single { compressed: false } if !place.takes_uncompressed() => {
                return Err(KeyError::Uncompressed);
            }
            _ => {}
        }
        let part = self.secrets.learn(&private).map_err(|refusal| match refusal {
            Refusal::NotHere => KeyError::PrivateKey,
            Refusal::Invalid => invalid(),
        })?;
        let fits = matches!(part, PublicPart::Extended(_)) == (private.kind() == PrivateKind::Extended);
        self.has_private_keys = true;
        if fits { Ok(part) } else { Err(invalid()) }
    }
}

/// What is wrong with a key that is put together with others. That it is private is for the wallet, wherever it stands.
fn in_musig(error: KeyError) -> KeyError {
    match error {
        KeyError::PrivateKey => KeyError::PrivateKey,
        error => KeyError::MusigKey(Box::new(error)),
    }
}

/// Takes the wildcard off the end, if there is one.
fn read_wildcard(steps: &mut Vec<&str>, apostrophe: &mut bool) -> Wildcard {
    let wildcard = match steps.last() {
        Some(&"*") => Wildcard::Unhardened,
        Some(&mark @ ("*'" | "*h")) => {
            *apostrophe = mark == "*'";
            Wildcard::Hardened
        }
        _ => Wildcard::None,
    };
    if wildcard != Wildcard::None {
        steps.pop();
    }
    wildcard
}

fn public_key(bytes: &[u8], text: &str, place: Place) -> Result<Source, KeyError> {
    if bytes.len() == 65 && matches!(bytes.first(), Some(6 | 7)) {
        return Err(KeyError::Hybrid);
    }
    if let Ok(key) = PublicKey::from_slice(bytes) {
        let fits = key.compressed || place.takes_uncompressed();
        return if fits { Ok(Source::Single { key, x_only: false }) } else { Err(KeyError::Uncompressed) };
    }
    let even = if bytes.len() == 32 && place == Place::Tr {
        secp256k1::PublicKey::from_slice(&[&[2], bytes].concat()).ok()
    } else {
        None
    };
    let key = even.ok_or_else(|| KeyError::Pubkey(text.to_owned()))?;
    Ok(Source::Single { key: PublicKey::new(key), x_only: true })
}
