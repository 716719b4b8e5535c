//! A record: a typed key and a typed value.

mod tx;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Txid, Wtxid};
use primitives::{Codec, Reader, Tx, WitnessMode, put_bytes, put_compact_size};
use std::sync::Arc;
use zeroize::Zeroizing;

use crate::secret::{self, KeySecret, is_public_key};
use crate::{DescriptorId, Key, LegacyKind, RecordError, Text, WalletFlags};

pub use tx::{StoredState, TxRecord};

/// The size of an extended public key in the file: the one of BIP32 without version and checksum.
pub const EXTENDED_KEY_BYTES: usize = 74;

/// An extended public key: depth, fingerprint, child number, chain code, public key.
pub type ExtendedKeyBytes = [u8; EXTENDED_KEY_BYTES];

/// What stands in a locator's record where old programs wrote their version. Nobody reads it.
const LOCATOR_VERSION: i32 = 70_016;

/// A key that keys are encrypted with, as a passphrase locks it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyRecord {
    /// The key, encrypted.
    pub encrypted_key: Vec<u8>,
    /// What the passphrase is salted with.
    pub salt: Vec<u8>,
    /// How a key is made of the passphrase. 0 is the only way so far.
    pub derivation_method: u32,
    /// How many rounds that takes.
    pub iterations: u32,
    /// Parameters of other ways.
    pub other_parameters: Vec<u8>,
}

/// A descriptor and how far it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorRecord {
    /// The descriptor with its checksum, public.
    pub text: Text,
    /// When it was made, in seconds.
    pub creation_time: u64,
    /// The next position to give out.
    pub next_index: i32,
    /// The first position.
    pub range_start: i32,
    /// The position behind the last one that scripts were made of.
    pub range_end: i32,
}

/// A record of a wallet file. What the keys mean is said at [`Key`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the key of the same name, and one value")]
pub enum Record {
    Version(i32),
    MinVersion(i32),
    Flags(WalletFlags),
    BestBlock(Vec<BlockHash>),
    BestBlockNoMerkle(Vec<BlockHash>),
    OrderPosNext(i64),
    Name { address: Text, label: Text },
    Purpose { address: Text, purpose: Text },
    DestData { address: Text, name: Text, value: Text },
    Tx { txid: Txid, record: Box<TxRecord> },
    TxVariant { txid: Txid, wtxid: Wtxid, tx: Arc<Tx> },
    LockedUtxo(OutPoint),
    MasterKey { number: u32, key: MasterKeyRecord },
    Active { internal: bool, output_type: u8, id: DescriptorId },
    Descriptor { id: DescriptorId, descriptor: DescriptorRecord },
    DescriptorKey { id: DescriptorId, public_key: Vec<u8>, secret: KeySecret },
    DescriptorCryptedKey { id: DescriptorId, public_key: Vec<u8>, ciphertext: Vec<u8> },
    DescriptorCache { id: DescriptorId, key_index: u32, position: Option<u32>, xpub: ExtendedKeyBytes },
    DescriptorLastHardened { id: DescriptorId, key_index: u32, xpub: ExtendedKeyBytes },
    Legacy { kind: LegacyKind, rest: Vec<u8>, value: Vec<u8> },
    Unknown { key: Vec<u8>, value: Vec<u8> },
}

impl Record {
    /// A transaction, under its own id.
    pub fn tx(record: TxRecord) -> Self {
        Self::Tx { txid: record.tx.txid(), record: Box::new(record) }
    }

    /// A set of witnesses of a transaction, under its own ids.
    pub fn variant(tx: Arc<Tx>) -> Self {
        Self::TxVariant { txid: tx.txid(), wtxid: tx.wtxid(), tx }
    }

    /// That an address was spent from.
    pub fn used(address: impl Into<Text>) -> Self {
        Self::DestData { address: address.into(), name: Text::from("used"), value: Text::from("1") }
    }

    /// A payment request that was made for an address.
    pub fn receive_request(address: impl Into<Text>, id: &str, request: Text) -> Self {
        Self::DestData { address: address.into(), name: Text::from(format!("rr{id}")), value: request }
    }

    /// The key.
    pub fn key(&self) -> Key {
        match self {
            Self::Version(_) => Key::Version,
            Self::MinVersion(_) => Key::MinVersion,
            Self::Flags(_) => Key::Flags,
            Self::BestBlock(_) => Key::BestBlock,
            Self::BestBlockNoMerkle(_) => Key::BestBlockNoMerkle,
            Self::OrderPosNext(_) => Key::OrderPosNext,
            Self::Name { address, .. } => Key::Name(address.clone()),
            Self::Purpose { address, .. } => Key::Purpose(address.clone()),
            Self::DestData { address, name, .. } => Key::DestData { address: address.clone(), name: name.clone() },
            Self::Tx { txid, .. } => Key::Tx(*txid),
            Self::TxVariant { txid, wtxid, .. } => Key::TxVariant { txid: *txid, wtxid: *wtxid },
            Self::LockedUtxo(outpoint) => Key::LockedUtxo(*outpoint),
            Self::MasterKey { number, .. } => Key::MasterKey(*number),
            Self::Active { internal, output_type, .. } => {
                Key::Active { internal: *internal, output_type: *output_type }
            }
            Self::Descriptor { id, .. } => Key::Descriptor(*id),
            Self::DescriptorKey { id, public_key, .. } => {
                Key::DescriptorKey { id: *id, public_key: public_key.clone() }
            }
            Self::DescriptorCryptedKey { id, public_key, .. } => {
                Key::DescriptorCryptedKey { id: *id, public_key: public_key.clone() }
            }
            Self::DescriptorCache { id, key_index, position, .. } => {
                Key::DescriptorCache { id: *id, key_index: *key_index, position: *position }
            }
            Self::DescriptorLastHardened { id, key_index, .. } => {
                Key::DescriptorLastHardened { id: *id, key_index: *key_index }
            }
            Self::Legacy { kind, rest, .. } => Key::Legacy { kind: *kind, rest: rest.clone() },
            Self::Unknown { key, .. } => Key::Unknown(key.clone()),
        }
    }

    /// The bytes of the value. They are wiped when dropped, since some are secrets.
    pub fn encode_value(&self) -> Zeroizing<Vec<u8>> {
        // The room for the longest key with its hash, so that the vector does not move while a secret is written.
        let mut out = Zeroizing::new(Vec::with_capacity(320));
        match self {
            Self::Version(number) | Self::MinVersion(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Flags(flags) => out.extend_from_slice(&flags.0.to_le_bytes()),
            Self::BestBlock(hashes) | Self::BestBlockNoMerkle(hashes) => {
                out.extend_from_slice(&LOCATOR_VERSION.to_le_bytes());
                put_compact_size(&mut out, hashes.len());
                for hash in hashes {
                    out.extend_from_slice(hash.as_byte_array());
                }
            }
            Self::OrderPosNext(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Name { label: text, .. }
            | Self::Purpose { purpose: text, .. }
            | Self::DestData { value: text, .. } => {
                put_bytes(&mut out, text.as_bytes());
            }
            Self::Tx { record, .. } => record.encode(&mut out),
            Self::TxVariant { tx, .. } => tx.encode(&mut out, WitnessMode::Include),
            Self::LockedUtxo(_) => out.push(b'1'),
            Self::MasterKey { key, .. } => {
                put_bytes(&mut out, &key.encrypted_key);
                put_bytes(&mut out, &key.salt);
                out.extend_from_slice(&key.derivation_method.to_le_bytes());
                out.extend_from_slice(&key.iterations.to_le_bytes());
                put_bytes(&mut out, &key.other_parameters);
            }
            Self::Active { id, .. } => out.extend_from_slice(id),
            Self::Descriptor { descriptor, .. } => {
                put_bytes(&mut out, descriptor.text.as_bytes());
                out.extend_from_slice(&descriptor.creation_time.to_le_bytes());
                for number in [descriptor.next_index, descriptor.range_start, descriptor.range_end] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
            Self::DescriptorKey { public_key, secret, .. } => secret::encode(public_key, secret, &mut out),
            Self::DescriptorCryptedKey { ciphertext, .. } => put_bytes(&mut out, ciphertext),
            Self::DescriptorCache { xpub, .. } | Self::DescriptorLastHardened { xpub, .. } => {
                put_bytes(&mut out, xpub);
            }
            Self::Legacy { value, .. } | Self::Unknown { value, .. } => out.extend_from_slice(value),
        }
        out
    }

    /// Reads a record. Bytes behind a value are ignored, as they always were.
    pub fn decode(codec: &Codec, key: &[u8], value: &[u8]) -> Result<Self, RecordError> {
        Self::decode_value(codec, Key::decode(key), value)
    }

    /// Reads the value of a known key.
    pub fn decode_value(codec: &Codec, key: Key, value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(value);
        Ok(match key {
            Key::Version => Self::Version(reader.i32()?),
            Key::MinVersion => Self::MinVersion(reader.i32()?),
            Key::Flags => Self::Flags(WalletFlags(reader.u64()?)),
            Key::BestBlock => Self::BestBlock(locator(&mut reader)?),
            Key::BestBlockNoMerkle => Self::BestBlockNoMerkle(locator(&mut reader)?),
            Key::OrderPosNext => Self::OrderPosNext(reader.i64()?),
            Key::Name(address) => Self::Name { address, label: text(&mut reader)? },
            Key::Purpose(address) => Self::Purpose { address, purpose: text(&mut reader)? },
            Key::DestData { address, name } => Self::DestData { address, name, value: text(&mut reader)? },
            Key::Tx(txid) => Self::Tx { txid, record: Box::new(TxRecord::read(codec, &mut reader)?) },
            Key::TxVariant { txid, wtxid } => {
                let tx = Arc::new(codec.read_tx(&mut reader, WitnessMode::Include)?);
                Self::TxVariant { txid, wtxid, tx }
            }
            Key::LockedUtxo(outpoint) => Self::LockedUtxo(outpoint),
            Key::MasterKey(number) => {
                let encrypted_key = reader.bytes()?.to_vec();
                let salt = reader.bytes()?.to_vec();
                let (derivation_method, iterations) = (reader.u32()?, reader.u32()?);
                let other_parameters = reader.bytes()?.to_vec();
                let key = MasterKeyRecord { encrypted_key, salt, derivation_method, iterations, other_parameters };
                Self::MasterKey { number, key }
            }
            Key::Active { internal, output_type } => Self::Active { internal, output_type, id: reader.array()? },
            Key::Descriptor(id) => {
                let (text, creation_time) = (text(&mut reader)?, reader.u64()?);
                let (next_index, range_start, range_end) = (reader.i32()?, reader.i32()?, reader.i32()?);
                let descriptor = DescriptorRecord { text, creation_time, next_index, range_start, range_end };
                Self::Descriptor { id, descriptor }
            }
            Key::DescriptorKey { id, public_key } => {
                let secret = secret::decode(&public_key, &mut reader)?;
                Self::DescriptorKey { id, public_key, secret }
            }
            Key::DescriptorCryptedKey { public_key, .. } if !is_public_key(&public_key) => {
                return Err(RecordError::CryptedPublicKey);
            }
            Key::DescriptorCryptedKey { id, public_key } => {
                Self::DescriptorCryptedKey { id, public_key, ciphertext: reader.bytes()?.to_vec() }
            }
            Key::DescriptorCache { id, key_index, position } => {
                Self::DescriptorCache { id, key_index, position, xpub: extended_key(&mut reader)? }
            }
            Key::DescriptorLastHardened { id, key_index } => {
                Self::DescriptorLastHardened { id, key_index, xpub: extended_key(&mut reader)? }
            }
            Key::Legacy { kind, rest } => Self::Legacy { kind, rest, value: value.to_vec() },
            Key::Unknown(key) => Self::Unknown { key, value: value.to_vec() },
        })
    }
}

fn text(reader: &mut Reader<'_>) -> Result<Text, RecordError> {
    Ok(Text::from_bytes(reader.bytes()?))
}

fn locator(reader: &mut Reader<'_>) -> Result<Vec<BlockHash>, RecordError> {
    let _version = reader.i32()?;
    let count = reader.compact_size()?;
    let mut hashes = Vec::with_capacity(reader.room_for(count, 32));
    for _ in 0..count {
        hashes.push(BlockHash::from_byte_array(reader.array()?));
    }
    Ok(hashes)
}

/// Other sizes than the only one there is are damage.
fn extended_key(reader: &mut Reader<'_>) -> Result<ExtendedKeyBytes, RecordError> {
    reader.bytes()?.try_into().map_err(|_| RecordError::ExtendedKey)
}

#[cfg(test)]
mod tests;
