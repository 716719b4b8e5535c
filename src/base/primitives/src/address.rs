//! Addresses of a chain: text to destination and back.

use bitcoin::{Script, ScriptBuf};
use coin::{Bech32V0, Chain, Coin, TxFormat};

use crate::bech32::{self, Bech32Error, Encoding};
use crate::destination::{from_hash_script, push};
use crate::{Destination, base58};

/// Why a text is not an address of the chain. The texts are the daemon's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Base58 with a right checksum and a prefix of this chain, but not 20 bytes behind it.
    #[error("Invalid length for Base58 address (P2PKH or P2SH)")]
    Base58Length,
    /// Base58 with a right checksum and a prefix that is not this chain's.
    #[error("Invalid or unsupported Base58-encoded address.")]
    Base58Prefix,
    /// Base58, but the checksum is wrong or it is too long.
    #[error("Invalid checksum or length of Base58 address (P2PKH or P2SH)")]
    Base58Checksum,
    /// Nothing that could be an address.
    #[error("Invalid or unsupported Segwit (Bech32) or Base58 encoding.")]
    Encoding,
    /// Not bech32.
    #[error(transparent)]
    Bech32(#[from] Bech32Error),
    /// Bech32 without data.
    #[error("Empty Bech32 data section")]
    EmptyData,
    /// Bech32 of another chain.
    #[error("Invalid or unsupported prefix for Segwit (Bech32) address (expected {expected}, got {got}).")]
    Prefix {
        /// What this chain's addresses start with.
        expected: &'static str,
        /// What this one starts with.
        got: String,
    },
    /// Version 0 with the checksum of later versions.
    #[error("Version 0 witness address must use Bech32 checksum")]
    Version0Checksum,
    /// A later version with the checksum of version 0.
    #[error("Version 1+ witness address must use Bech32m checksum")]
    LaterChecksum,
    /// The old checksum, in a coin that never used it.
    #[error("All address types in {0} use Bech32m checksum.")]
    OldChecksum(&'static str),
    /// A version 0 program that is neither a key hash nor a script hash.
    #[error("Invalid Bech32 v0 address program size ({}), per BIP141", bytes(*.0))]
    Version0Size(usize),
    /// A version that no opcode stands for.
    #[error("Invalid Bech32 address witness version")]
    Version,
    /// A program that is too short or too long.
    #[error("Invalid Bech32 address program size ({})", bytes(*.0))]
    ProgramSize(usize),
    /// Bits left over that are not zero.
    #[error("Invalid padding in Bech32 data section")]
    Padding,
}

fn bytes(count: usize) -> String {
    format!("{count} {}", if count == 1 { "byte" } else { "bytes" })
}

impl AddressError {
    /// The bytes of the text that are wrong, as far as that can be told.
    pub fn locations(&self) -> &[usize] {
        match self {
            Self::Bech32(error) => error.locations(),
            _ => &[],
        }
    }
}

/// The addresses of one chain of one coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pubkey: u8,
    script: u8,
    hrp: &'static str,
    coin: &'static str,
    witness: WitnessRules,
    tx_format: TxFormat,
}

/// What a coin makes of witness versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WitnessRules {
    /// Version 0 has the old checksum, programs have up to 40 bytes, versions go up to 16.
    Bitcoin,
    /// Everything has the new checksum, programs have up to 75 bytes, versions go up to 30, taproot does not exist.
    Freicoin,
}

/// Freicoin's opcodes of witness versions from 18 on: NOP, DEPTH, CODESEPARATOR and NOP1 to NOP10.
const FREICOIN_OPCODES: [u8; 13] = [0x61, 0x74, 0xab, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9];

impl WitnessRules {
    fn longest(self) -> usize {
        match self {
            Self::Bitcoin => 40,
            Self::Freicoin => 75,
        }
    }

    fn last_version(self) -> u8 {
        match self {
            Self::Bitcoin => 16,
            Self::Freicoin => 30,
        }
    }
}

impl Addresses {
    /// Those of a chain.
    pub fn new(coin: &Coin, chain: &Chain) -> Self {
        let witness = match coin.bech32_v0_encoding {
            Bech32V0::Bech32 => WitnessRules::Bitcoin,
            Bech32V0::Bech32m => WitnessRules::Freicoin,
        };
        let (pubkey, script) = (chain.base58_pubkey, chain.base58_script);
        let tx_format = coin.consensus.tx_format;
        Self { pubkey, script, hrp: chain.bech32_hrp, coin: coin.name, witness, tx_format }
    }

    /// The format of the transactions that pay to these addresses.
    pub fn tx_format(&self) -> TxFormat {
        self.tx_format
    }

    /// The address of a destination, if it has one.
    pub fn encode(&self, destination: &Destination) -> Option<String> {
        let base58 = |prefix: u8, hash: &[u8; 20]| base58::encode_check(&[[prefix].as_slice(), hash].concat());
        Some(match destination {
            Destination::None(_) | Destination::PubKey(_) => return None,
            Destination::PubKeyHash(hash) => base58(self.pubkey, hash),
            Destination::ScriptHash(hash) => base58(self.script, hash),
            Destination::WitnessV0KeyHash(hash) => self.encode_witness(0, hash),
            Destination::WitnessV0ScriptHash(hash) => self.encode_witness(0, hash),
            Destination::WitnessV1Taproot(key) => self.encode_witness(1, key),
            Destination::PayToAnchor => self.encode_witness(1, &crate::destination::ANCHOR),
            Destination::WitnessUnknown { version, program } => {
                let first = u8::from(self.witness == WitnessRules::Bitcoin);
                let fits = (first..=self.witness.last_version()).contains(version)
                    && (2..=self.witness.longest()).contains(&program.len());
                return fits.then(|| self.encode_witness(*version, program));
            }
        })
    }

    fn encode_witness(&self, version: u8, program: &[u8]) -> String {
        let encoding = match (self.witness, version) {
            (WitnessRules::Bitcoin, 0) => Encoding::Bech32,
            _ => Encoding::Bech32m,
        };
        let groups: Vec<u8> = [version].into_iter().chain(bech32::to_groups(program)).collect();
        bech32::encode(encoding, self.hrp, &groups)
    }

    /// The destination of an address.
    ///
    /// What starts like bech32 is read as bech32. The reference stops there; but Widecoin's and Syscoin's base58 addresses
    /// may start like their bech32 ones by chance, so a text with a right base58 checksum is not refused here.
    pub fn decode(&self, text: &str) -> Result<Destination, AddressError> {
        let start = text.as_bytes().get(..self.hrp.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(self.hrp.as_bytes())) {
            self.decode_witness(text).or_else(|error| self.decode_base58(text).map_err(|_| error))
        } else {
            self.decode_base58(text)
        }
    }

    fn decode_base58(&self, text: &str) -> Result<Destination, AddressError> {
        let Some(bytes) = base58::decode_check(text, 21) else {
            // Base58 that is longer than an address is told from a text that is no base58 at all.
            let is_base58 = base58::decode(text, 100).is_some();
            return Err(if is_base58 { AddressError::Base58Checksum } else { AddressError::Encoding });
        };
        let (prefix, hash) = bytes.split_first().ok_or(AddressError::Base58Prefix)?;
        let hash = <[u8; 20]>::try_from(hash);
        match (*prefix, hash) {
            (prefix, Ok(hash)) if prefix == self.pubkey => Ok(Destination::PubKeyHash(hash)),
            (prefix, Ok(hash)) if prefix == self.script => Ok(Destination::ScriptHash(hash)),
            (prefix, _) if prefix == self.pubkey || prefix == self.script => Err(AddressError::Base58Length),
            _ => Err(AddressError::Base58Prefix),
        }
    }

    fn decode_witness(&self, text: &str) -> Result<Destination, AddressError> {
        let Some(decoded) = bech32::decode(text) else {
            return Err(bech32::locate_errors(text).map_or(AddressError::Encoding, AddressError::Bech32));
        };
        let freicoin = self.witness == WitnessRules::Freicoin;
        if freicoin && decoded.encoding != Encoding::Bech32m && !decoded.data.is_empty() {
            return Err(AddressError::OldChecksum(self.coin));
        }
        let (version, groups) = decoded.data.split_first().ok_or(AddressError::EmptyData)?;
        if decoded.hrp != self.hrp {
            return Err(AddressError::Prefix { expected: self.hrp, got: decoded.hrp });
        }
        match (*version, decoded.encoding) {
            _ if freicoin => {}
            (0, Encoding::Bech32m) => return Err(AddressError::Version0Checksum),
            (1.., Encoding::Bech32) => return Err(AddressError::LaterChecksum),
            _ => {}
        }
        let program = bech32::from_groups(groups).ok_or(AddressError::Padding)?;
        self.witness_destination(*version, program)
    }

    fn witness_destination(&self, version: u8, program: Vec<u8>) -> Result<Destination, AddressError> {
        let known = Destination::from_witness(version, &program);
        match (self.witness, version) {
            (WitnessRules::Bitcoin, 0) => return known.ok_or(AddressError::Version0Size(program.len())),
            (WitnessRules::Freicoin, 0) => {
                if let Some(known) = known {
                    return Ok(known);
                }
            }
            (WitnessRules::Bitcoin, _) => {
                if let Some(known @ (Destination::WitnessV1Taproot(_) | Destination::PayToAnchor)) = known {
                    return Ok(known);
                }
            }
            (WitnessRules::Freicoin, _) => {}
        }
        if version > self.witness.last_version() {
            return Err(AddressError::Version);
        }
        if !(2..=self.witness.longest()).contains(&program.len()) {
            return Err(AddressError::ProgramSize(program.len()));
        }
        Ok(Destination::WitnessUnknown { version, program })
    }

    /// What a script asks for in this coin. Freicoin's optional shard prefix and extension output are not read.
    pub fn destination(&self, script: &Script) -> Destination {
        match self.witness {
            WitnessRules::Bitcoin => Destination::from_script(script),
            WitnessRules::Freicoin => {
                freicoin_destination(script.as_bytes()).unwrap_or_else(|| Destination::None(script.to_owned()))
            }
        }
    }

    /// The script that asks for a destination in this coin.
    pub fn script(&self, destination: &Destination) -> ScriptBuf {
        match (self.witness, destination) {
            (WitnessRules::Freicoin, Destination::WitnessUnknown { version, program }) => {
                let opcode = match version {
                    0 => 0,
                    1 => 0x4f, // OP_1NEGATE
                    2..=17 => 0x51 + (version - 2),
                    _ => FREICOIN_OPCODES[usize::from(version - 18).min(FREICOIN_OPCODES.len() - 1)],
                };
                ScriptBuf::from_bytes([vec![opcode], push(program)].concat())
            }
            _ => destination.script_pubkey(),
        }
    }
}

fn freicoin_destination(bytes: &[u8]) -> Option<Destination> {
    if let Some(found) = from_hash_script(bytes) {
        return Some(found);
    }
    if let [opcode, len, program @ ..] = bytes
        && let Some(version) = freicoin_version(*opcode)
        && (2..=75).contains(&program.len())
        && usize::from(*len) == program.len()
    {
        let known = if version == 0 { Destination::from_witness(0, program) } else { None };
        return Some(known.unwrap_or_else(|| Destination::WitnessUnknown { version, program: program.to_vec() }));
    }
    Destination::from_key_script(bytes)
}

fn freicoin_version(opcode: u8) -> Option<u8> {
    match opcode {
        0 => Some(0),
        0x4f => Some(1),
        0x51..=0x60 => Some(opcode - 0x51 + 2),
        _ => FREICOIN_OPCODES.iter().position(|known| *known == opcode).and_then(|at| u8::try_from(at + 18).ok()),
    }
}

#[cfg(test)]
mod tests;
