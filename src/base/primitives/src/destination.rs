//! Where an output pays to, as far as an address can say it.

use bitcoin::opcodes::all::{
    OP_CHECKSIG, OP_DUP, OP_EQUAL, OP_EQUALVERIFY, OP_HASH160, OP_PUSHBYTES_0, OP_PUSHDATA1, OP_PUSHDATA4, OP_PUSHNUM_1,
};
use bitcoin::{Opcode, Script, ScriptBuf};

/// What an output script asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Something that has no address: the script itself.
    None(ScriptBuf),
    /// A signature by this key. It has no address either.
    PubKey(Vec<u8>),
    /// A signature by the key with this hash.
    PubKeyHash([u8; 20]),
    /// The script with this hash.
    ScriptHash([u8; 20]),
    /// A signature by the key with this hash, in the witness. In Freicoin: the short hash of a tree of scripts.
    WitnessV0KeyHash([u8; 20]),
    /// The script with this hash, in the witness. In Freicoin: the hash of a tree of scripts.
    WitnessV0ScriptHash([u8; 32]),
    /// A signature by this key or a script that it commits to.
    WitnessV1Taproot([u8; 32]),
    /// Nothing: an output for bumping the fee that anybody may spend.
    PayToAnchor,
    /// A witness program that has no meaning yet.
    WitnessUnknown {
        /// Its version, at least 1, or 0 in Freicoin.
        version: u8,
        /// The program.
        program: Vec<u8>,
    },
}

/// The program of the anchor output.
pub(crate) const ANCHOR: [u8; 2] = [0x4e, 0x73];

impl Destination {
    /// What a script asks for, by Bitcoin's templates.
    pub fn from_script(script: &Script) -> Self {
        let bytes = script.as_bytes();
        if let Some(found) = from_hash_script(bytes) {
            return found;
        }
        if let Some((version, program)) = witness_program(bytes)
            && let Some(found) = Self::from_witness(version, program)
        {
            return found;
        }
        Self::from_key_script(bytes).unwrap_or_else(|| Self::None(script.to_owned()))
    }

    /// What a witness program asks for in Bitcoin. Version 0 programs of other lengths ask for nothing.
    pub(crate) fn from_witness(version: u8, program: &[u8]) -> Option<Self> {
        Some(match (version, program) {
            (0, _) => match program.len() {
                20 => Self::WitnessV0KeyHash(program.try_into().ok()?),
                32 => Self::WitnessV0ScriptHash(program.try_into().ok()?),
                _ => return None,
            },
            (1, key) if key.len() == 32 => Self::WitnessV1Taproot(key.try_into().ok()?),
            (1, anchor) if anchor == ANCHOR => Self::PayToAnchor,
            _ => Self::WitnessUnknown { version, program: program.to_vec() },
        })
    }

    /// The key of a script that asks for its signature.
    pub(crate) fn from_key_script(bytes: &[u8]) -> Option<Self> {
        let (len, rest) = bytes.split_first()?;
        let (last, key) = rest.split_last()?;
        let wanted = match key.first()? {
            2 | 3 => 33,
            4 | 6 | 7 => 65,
            _ => return None,
        };
        let fits = usize::from(*len) == key.len() && key.len() == wanted && *last == OP_CHECKSIG.to_u8();
        fits.then(|| Self::PubKey(key.to_vec()))
    }

    /// Whether there is an address for it.
    pub fn has_address(&self) -> bool {
        !matches!(self, Self::None(_) | Self::PubKey(_))
    }

    /// The script that asks for it, by Bitcoin's templates.
    pub fn script_pubkey(&self) -> ScriptBuf {
        let bytes = match self {
            Self::None(script) => return script.clone(),
            Self::PubKey(key) => [push(key), vec![OP_CHECKSIG.to_u8()]].concat(),
            Self::PubKeyHash(hash) => [
                vec![OP_DUP.to_u8(), OP_HASH160.to_u8()],
                push(hash),
                vec![OP_EQUALVERIFY.to_u8(), OP_CHECKSIG.to_u8()],
            ]
            .concat(),
            Self::ScriptHash(hash) => [vec![OP_HASH160.to_u8()], push(hash), vec![OP_EQUAL.to_u8()]].concat(),
            Self::WitnessV0KeyHash(hash) => witness_script(0, hash),
            Self::WitnessV0ScriptHash(hash) => witness_script(0, hash),
            Self::WitnessV1Taproot(key) => witness_script(1, key),
            Self::PayToAnchor => witness_script(1, &ANCHOR),
            Self::WitnessUnknown { version, program } => witness_script(*version, program),
        };
        ScriptBuf::from_bytes(bytes)
    }
}

/// The destination of a script that pays to the hash of a key or script.
pub(crate) fn from_hash_script(bytes: &[u8]) -> Option<Destination> {
    match bytes {
        [a, 20, hash @ .., b] if (*a, *b) == (OP_HASH160.to_u8(), OP_EQUAL.to_u8()) => {
            hash.try_into().ok().map(Destination::ScriptHash)
        }
        [a, b, 20, hash @ .., c, d]
            if [*a, *b, *c, *d] == [OP_DUP, OP_HASH160, OP_EQUALVERIFY, OP_CHECKSIG].map(Opcode::to_u8) =>
        {
            hash.try_into().ok().map(Destination::PubKeyHash)
        }
        _ => None,
    }
}

/// Version and program of a witness script (BIP141).
fn witness_program(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [version, len, program @ ..] = bytes else { return None };
    let version = match *version {
        0 => 0,
        number @ 0x51..=0x60 => number - 0x50,
        _ => return None,
    };
    ((2..=40).contains(&program.len()) && usize::from(*len) == program.len()).then_some((version, program))
}

fn witness_script(version: u8, program: &[u8]) -> Vec<u8> {
    let opcode = match version {
        0 => OP_PUSHBYTES_0.to_u8(),
        version => OP_PUSHNUM_1.to_u8().wrapping_add(version - 1),
    };
    [vec![opcode], push(program)].concat()
}

/// A push of the shortest form by length.
pub(crate) fn push(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    if let Ok(len @ 0..=75) = u8::try_from(bytes.len()) {
        out.push(len);
    } else if let Ok(len) = u8::try_from(bytes.len()) {
        out.extend_from_slice(&[OP_PUSHDATA1.to_u8(), len]);
    } else {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        out.push(OP_PUSHDATA4.to_u8());
        out.extend_from_slice(&len.to_le_bytes());
    }
    out.extend_from_slice(bytes);
    out
}
