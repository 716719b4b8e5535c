//! The key of a record: a type, written as a string in front, and what tells records of that type apart.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid, Wtxid};
use primitives::{DecodeError, Reader, put_bytes};

use crate::Text;

/// The hash that a descriptor is known by, least significant byte first.
pub type DescriptorId = [u8; 32];

/// Record types of legacy wallets. A descriptor wallet must not have any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegacyKind {
    /// An encrypted key.
    CryptedKey,
    /// A script to pay to the hash of.
    Script,
    /// The key that the first address was of.
    DefaultKey,
    /// The counters of the HD chain.
    HdChain,
    /// A key.
    Key,
    /// Where a key comes from.
    KeyMetadata,
    /// A key of the oldest kind.
    OldKey,
    /// A key that waits for its use.
    Pool,
    /// Where a watched script comes from.
    WatchMetadata,
    /// A watched script.
    WatchScript,
}

impl LegacyKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::CryptedKey,
        Self::Script,
        Self::DefaultKey,
        Self::HdChain,
        Self::Key,
        Self::KeyMetadata,
        Self::OldKey,
        Self::Pool,
        Self::WatchMetadata,
        Self::WatchScript,
    ];

    /// The string in front of the key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CryptedKey => "ckey",
            Self::Script => "cscript",
            Self::DefaultKey => "defaultkey",
            Self::HdChain => "hdchain",
            Self::Key => "key",
            Self::KeyMetadata => "keymeta",
            Self::OldKey => "wkey",
            Self::Pool => "pool",
            Self::WatchMetadata => "watchmeta",
            Self::WatchScript => "watchs",
        }
    }

    fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().as_bytes() == name)
    }
}

/// The key of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The version of the program that opened the wallet last.
    Version,
    /// The least version that can open the wallet. Not used by descriptor wallets.
    MinVersion,
    /// What the wallet is and does.
    Flags,
    /// The last block that was seen, where very old programs look for it. It is kept empty.
    BestBlock,
    /// The last block that was seen.
    BestBlockNoMerkle,
    /// The next number in the order of transactions.
    OrderPosNext,
    /// The label of an address.
    Name(Text),
    /// What an address is for.
    Purpose(Text),
    /// More about an address: whether it was spent from, or a payment request.
    DestData {
        /// The address.
        address: Text,
        /// What is known.
        name: Text,
    },
    /// A transaction.
    Tx(Txid),
    /// The same transaction, with this set of witnesses.
    TxVariant {
        /// The transaction.
        txid: Txid,
        /// The set of witnesses.
        wtxid: Wtxid,
    },
    /// A coin that is not to be spent.
    LockedUtxo(OutPoint),
    /// A key that keys are encrypted with, itself encrypted with a passphrase.
    MasterKey(u32),
    /// The descriptor that new addresses of a type come from.
    Active {
        /// Whether the addresses are for change.
        internal: bool,
        /// The type of address: 0 for legacy, 1 for P2SH-segwit, 2 for bech32, 3 for bech32m.
        output_type: u8,
    },
    /// A descriptor.
    Descriptor(DescriptorId),
    /// A private key of a descriptor.
    DescriptorKey {
        /// The descriptor.
        id: DescriptorId,
        /// The public key.
        public_key: Vec<u8>,
    },
    /// An encrypted private key of a descriptor.
    DescriptorCryptedKey {
        /// The descriptor.
        id: DescriptorId,
        /// The public key.
        public_key: Vec<u8>,
    },
    /// An extended public key that was derived for a descriptor.
    DescriptorCache {
        /// The descriptor.
        id: DescriptorId,
        /// Which of the descriptor's key expressions.
        key_index: u32,
        /// The position in the range; the parent of all positions has none.
        position: Option<u32>,
    },
    /// The extended public key behind the last hardened step of a key expression.
    DescriptorLastHardened {
        /// The descriptor.
        id: DescriptorId,
        /// Which of the descriptor's key expressions.
        key_index: u32,
    },
    /// A record of a legacy wallet.
    Legacy {
        /// Its type.
        kind: LegacyKind,
        /// What is behind the type.
        rest: Vec<u8>,
    },
    /// A record of a type that is not known here, or whose key is not as it should be: the whole key.
    Unknown(Vec<u8>),
}

impl Key {
    /// The bytes in the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        match self {
            Self::Version => put_type(&mut out, "version"),
            Self::MinVersion => put_type(&mut out, "minversion"),
            Self::Flags => put_type(&mut out, "flags"),
            Self::BestBlock => put_type(&mut out, "bestblock"),
            Self::BestBlockNoMerkle => put_type(&mut out, "bestblock_nomerkle"),
            Self::OrderPosNext => put_type(&mut out, "orderposnext"),
            Self::Name(address) => {
                put_type(&mut out, "name");
                put_bytes(&mut out, address.as_bytes());
            }
            Self::Purpose(address) => {
                put_type(&mut out, "purpose");
                put_bytes(&mut out, address.as_bytes());
            }
            Self::DestData { address, name } => {
                put_type(&mut out, "destdata");
                put_bytes(&mut out, address.as_bytes());
                put_bytes(&mut out, name.as_bytes());
            }
            Self::Tx(txid) => {
                put_type(&mut out, "tx");
                out.extend_from_slice(txid.as_byte_array());
            }
            Self::TxVariant { txid, wtxid } => {
                put_type(&mut out, "wtxvariant");
                out.extend_from_slice(txid.as_byte_array());
                out.extend_from_slice(wtxid.as_byte_array());
            }
            Self::LockedUtxo(outpoint) => {
                put_type(&mut out, "lockedutxo");
                out.extend_from_slice(outpoint.txid.as_byte_array());
                out.extend_from_slice(&outpoint.vout.to_le_bytes());
            }
            Self::MasterKey(number) => {
                put_type(&mut out, "mkey");
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Active { internal, output_type } => {
                put_type(&mut out, if *internal { "activeinternalspk" } else { "activeexternalspk" });
                out.push(*output_type);
            }
            Self::Descriptor(id) => {
                put_type(&mut out, "walletdescriptor");
                out.extend_from_slice(id);
            }
            Self::DescriptorKey { id, public_key } => {
                put_type(&mut out, "walletdescriptorkey");
                out.extend_from_slice(id);
                put_bytes(&mut out, public_key);
            }
            Self::DescriptorCryptedKey { id, public_key } => {
                put_type(&mut out, "walletdescriptorckey");
                out.extend_from_slice(id);
                put_bytes(&mut out, public_key);
            }
            Self::DescriptorCache { id, key_index, position } => {
                put_type(&mut out, "walletdescriptorcache");
                out.extend_from_slice(id);
                out.extend_from_slice(&key_index.to_le_bytes());
                if let Some(position) = position {
                    out.extend_from_slice(&position.to_le_bytes());
                }
            }
            Self::DescriptorLastHardened { id, key_index } => {
                put_type(&mut out, "walletdescriptorlhcache");
                out.extend_from_slice(id);
                out.extend_from_slice(&key_index.to_le_bytes());
            }
            Self::Legacy { kind, rest } => {
                put_type(&mut out, kind.name());
                out.extend_from_slice(rest);
            }
            Self::Unknown(key) => out.extend_from_slice(key),
        }
        out
    }

    /// Reads a key. Whatever is not exactly a key that is known here is [`Key::Unknown`].
    pub fn decode(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        match read(&mut reader) {
            Ok(Some(key)) if reader.is_empty() => key,
            _ => Self::Unknown(bytes.to_vec()),
        }
    }

    /// What the keys of all records of a type begin with.
    pub fn prefix(record_type: &str) -> Vec<u8> {
        let mut out = Vec::new();
        put_type(&mut out, record_type);
        out
    }

    /// What the keys of all variants of a transaction begin with.
    pub fn variants_of(txid: Txid) -> Vec<u8> {
        let mut out = Self::prefix("wtxvariant");
        out.extend_from_slice(txid.as_byte_array());
        out
    }

    /// What the keys of everything that is known of an address, besides its label and purpose, begin with.
    pub fn dest_data_of(address: &Text) -> Vec<u8> {
        let mut out = Self::prefix("destdata");
        put_bytes(&mut out, address.as_bytes());
        out
    }
}

fn put_type(out: &mut Vec<u8>, record_type: &str) {
    put_bytes(out, record_type.as_bytes());
}

fn read(reader: &mut Reader<'_>) -> Result<Option<Key>, DecodeError> {
    let record_type = reader.bytes()?;
    Ok(Some(match record_type {
        b"version" => Key::Version,
        b"minversion" => Key::MinVersion,
        b"flags" => Key::Flags,
        b"bestblock" => Key::BestBlock,
        b"bestblock_nomerkle" => Key::BestBlockNoMerkle,
        b"orderposnext" => Key::OrderPosNext,
        b"name" => Key::Name(Text::from_bytes(reader.bytes()?)),
        b"purpose" => Key::Purpose(Text::from_bytes(reader.bytes()?)),
        b"destdata" => {
            let address = Text::from_bytes(reader.bytes()?);
            Key::DestData { address, name: Text::from_bytes(reader.bytes()?) }
        }
        b"tx" => Key::Tx(Txid::from_byte_array(reader.array()?)),
        b"wtxvariant" => {
            let txid = Txid::from_byte_array(reader.array()?);
            Key::TxVariant { txid, wtxid: Wtxid::from_byte_array(reader.array()?) }
        }
        b"lockedutxo" => {
            let txid = Txid::from_byte_array(reader.array()?);
            Key::LockedUtxo(OutPoint { txid, vout: reader.u32()? })
        }
        b"mkey" => Key::MasterKey(reader.u32()?),
        b"activeexternalspk" => Key::Active { internal: false, output_type: reader.u8()? },
        b"activeinternalspk" => Key::Active { internal: true, output_type: reader.u8()? },
        b"walletdescriptor" => Key::Descriptor(reader.array()?),
        b"walletdescriptorkey" => {
            let id = reader.array()?;
            Key::DescriptorKey { id, public_key: reader.bytes()?.to_vec() }
        }
        b"walletdescriptorckey" => {
            let id = reader.array()?;
            Key::DescriptorCryptedKey { id, public_key: reader.bytes()?.to_vec() }
        }
        b"walletdescriptorcache" => {
            let (id, key_index) = (reader.array()?, reader.u32()?);
            let position = if reader.is_empty() { None } else { Some(reader.u32()?) };
            Key::DescriptorCache { id, key_index, position }
        }
        b"walletdescriptorlhcache" => {
            let id = reader.array()?;
            Key::DescriptorLastHardened { id, key_index: reader.u32()? }
        }
        other => {
            let Some(kind) = LegacyKind::from_name(other) else { return Ok(None) };
            let rest = reader.take(reader.remaining())?.to_vec();
            Key::Legacy { kind, rest }
        }
    }))
}
