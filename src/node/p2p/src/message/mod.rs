//! Every message of the network: its name, its fields, its bytes.

mod compact;
mod filters;
mod inventory;
mod version;

use std::sync::Arc;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use primitives::{Block, Codec, Header, Reader, Tx, WitnessMode, put_bytes, put_compact_size};

pub use compact::{BlockTxn, CompactBlock, GetBlockTxn, Prefilled};
pub use filters::{CFHeaders, CFilter, FilterCheckpoint, FilterLoad, FilterRange, MerkleBlock};
pub use inventory::{Inv, InvKind};
pub use version::{Version, sanitize};

use crate::error::MessageError;
use crate::netaddr::PeerAddress;

/// The protocol version of this node.
pub const PROTOCOL_VERSION: i32 = 70017;
/// The version since which BIP434 features are negotiated.
pub const FEATURE_VERSION: i32 = 70017;
/// The version since which transactions may be announced by their wtxid.
pub const WTXID_RELAY_VERSION: i32 = 70016;
/// The version since which compact blocks exist.
pub const SHORT_IDS_BLOCKS_VERSION: i32 = 70014;
/// The version since which a peer may say below which feerate it wants nothing.
pub const FEEFILTER_VERSION: i32 = 70013;
/// The version since which blocks may be announced by their headers.
pub const SENDHEADERS_VERSION: i32 = 70012;
/// Peers below this version are refused.
pub const MIN_PEER_PROTO_VERSION: i32 = 31800;
/// How many bytes a payload may have.
pub const MAX_MESSAGE_LENGTH: usize = 4_000_000;
/// How many items an `inv` or `getdata` may have.
pub const MAX_INV: usize = 50_000;
/// How many headers a `headers` may have.
pub const MAX_HEADERS: usize = 2000;
/// How many addresses an `addr` may have.
pub const MAX_ADDR: usize = 1000;
/// How many hashes a locator may have.
pub const MAX_LOCATOR: usize = 101;

/// The names of all messages that are understood.
pub const MESSAGE_NAMES: [&str; 36] = [
    "version",
    "verack",
    "ping",
    "pong",
    "addr",
    "addrv2",
    "sendaddrv2",
    "getaddr",
    "inv",
    "getdata",
    "notfound",
    "getblocks",
    "getheaders",
    "headers",
    "block",
    "tx",
    "mempool",
    "feefilter",
    "sendheaders",
    "wtxidrelay",
    "sendcmpct",
    "cmpctblock",
    "getblocktxn",
    "blocktxn",
    "filterload",
    "filteradd",
    "filterclear",
    "merkleblock",
    "getcfilters",
    "cfilter",
    "getcfheaders",
    "cfheaders",
    "getcfcheckpt",
    "cfcheckpt",
    "sendtxrcncl",
    "feature",
];

/// A question for blocks behind a known one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    /// The version of whoever asks; ignored.
    pub version: u32,
    /// Blocks that the asker has, newest first.
    pub have: Vec<BlockHash>,
    /// Where to stop; zero for nowhere.
    pub stop: BlockHash,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Who I am.
    Version(Box<Version>),
    /// Your version is fine.
    Verack,
    /// Are you there?
    Ping(u64),
    /// I am; the bytes are the question's, and some peers forget them.
    Pong(Option<u64>),
    /// Peers that I know of.
    Addr(Vec<PeerAddress>),
    /// The same in the format of BIP155.
    AddrV2(Vec<PeerAddress>),
    /// Send me addresses in the format of BIP155.
    SendAddrV2,
    /// Tell me peers.
    GetAddr,
    /// I have these.
    Inv(Vec<Inv>),
    /// Send me these.
    GetData(Vec<Inv>),
    /// I do not have these.
    NotFound(Vec<Inv>),
    /// Announce blocks to me.
    GetBlocks(Locator),
    /// Send me headers.
    GetHeaders(Locator),
    /// Headers, one after the other.
    Headers(Vec<Header>),
    /// A block.
    Block(Arc<Block>, WitnessMode),
    /// A transaction.
    Tx(Arc<Tx>, WitnessMode),
    /// Announce the memory pool to me.
    Mempool,
    /// Send me no transaction below this feerate, in satoshis per thousand virtual bytes.
    FeeFilter(i64),
    /// Announce blocks by their headers.
    SendHeaders,
    /// Announce transactions by their wtxid.
    WtxidRelay,
    /// I speak compact blocks of this version, and want them unasked or not.
    SendCmpct {
        /// 1 if they shall come unasked.
        announce: u8,
        /// The version; 2 is the only one left.
        version: u64,
    },
    /// A compact block.
    CmpctBlock(Box<CompactBlock>),
    /// Send me transactions of a block.
    GetBlockTxn(GetBlockTxn),
    /// Transactions of a block.
    BlockTxn(BlockTxn),
    /// A bloom filter.
    FilterLoad(FilterLoad),
    /// Something to add to the bloom filter.
    FilterAdd(Vec<u8>),
    /// No more bloom filter.
    FilterClear,
    /// A block as the bloom filter sees it.
    MerkleBlock(MerkleBlock),
    /// Send me block filters.
    GetCFilters(FilterRange),
    /// A block filter.
    CFilter(CFilter),
    /// Send me headers of block filters.
    GetCFHeaders(FilterRange),
    /// Headers of block filters.
    CFHeaders(CFHeaders),
    /// Send me every thousandth header of block filters.
    GetCFCheckpt {
        /// The kind of filter.
        kind: u8,
        /// The last block.
        stop: BlockHash,
    },
    /// Every thousandth header of block filters.
    CFCheckpt(FilterCheckpoint),
    /// I can reconcile transaction sets (BIP330).
    SendTxRcncl {
        /// The version of the protocol.
        version: u32,
        /// Half of the salt for short ids.
        salt: u64,
    },
    /// I have this feature (BIP434).
    Feature {
        /// Its name.
        id: Vec<u8>,
        /// What it wants to say.
        data: Vec<u8>,
    },
    /// A message that nobody here knows.
    Other {
        /// Its name.
        name: String,
        /// Its payload.
        payload: Vec<u8>,
    },
}

impl Message {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Version(_) => "version",
            Self::Verack => "verack",
            Self::Ping(_) => "ping",
            Self::Pong(_) => "pong",
            Self::Addr(_) => "addr",
            Self::AddrV2(_) => "addrv2",
            Self::SendAddrV2 => "sendaddrv2",
            Self::GetAddr => "getaddr",
            Self::Inv(_) => "inv",
            Self::GetData(_) => "getdata",
            Self::NotFound(_) => "notfound",
            Self::GetBlocks(_) => "getblocks",
            Self::GetHeaders(_) => "getheaders",
            Self::Headers(_) => "headers",
            Self::Block(..) => "block",
            Self::Tx(..) => "tx",
            Self::Mempool => "mempool",
            Self::FeeFilter(_) => "feefilter",
            Self::SendHeaders => "sendheaders",
            Self::WtxidRelay => "wtxidrelay",
            Self::SendCmpct { .. } => "sendcmpct",
            Self::CmpctBlock(_) => "cmpctblock",
            Self::GetBlockTxn(_) => "getblocktxn",
            Self::BlockTxn(_) => "blocktxn",
            Self::FilterLoad(_) => "filterload",
            Self::FilterAdd(_) => "filteradd",
            Self::FilterClear => "filterclear",
            Self::MerkleBlock(_) => "merkleblock",
            Self::GetCFilters(_) => "getcfilters",
            Self::CFilter(_) => "cfilter",
            Self::GetCFHeaders(_) => "getcfheaders",
            Self::CFHeaders(_) => "cfheaders",
            Self::GetCFCheckpt { .. } => "getcfcheckpt",
            Self::CFCheckpt(_) => "cfcheckpt",
            Self::SendTxRcncl { .. } => "sendtxrcncl",
            Self::Feature { .. } => "feature",
            Self::Other { name, .. } => name,
        }
    }

    /// The payload.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Version(version) => version.encode(&mut out),
            Self::Ping(nonce) => out.extend_from_slice(&nonce.to_le_bytes()),
            Self::Pong(nonce) => out.extend(nonce.iter().flat_map(|nonce| nonce.to_le_bytes())),
            Self::Addr(list) => put_list(&mut out, list, |out, item| item.encode_v1(out)),
            Self::AddrV2(list) => put_list(&mut out, list, |out, item| item.encode_v2(out)),
            Self::Inv(list) | Self::GetData(list) | Self::NotFound(list) => {
                put_list(&mut out, list, |out, item| item.encode(out));
            }
            Self::GetBlocks(locator) | Self::GetHeaders(locator) => {
                out.extend_from_slice(&locator.version.to_le_bytes());
                put_list(&mut out, &locator.have, |out, hash| out.extend_from_slice(hash.as_byte_array()));
                out.extend_from_slice(locator.stop.as_byte_array());
            }
            Self::Headers(list) => put_list(&mut out, list, |out, header| {
                header.encode(out, WitnessMode::Include);
                out.push(0);
            }),
            Self::Block(block, mode) => block.encode(&mut out, *mode),
            Self::Tx(tx, mode) => tx.encode(&mut out, *mode),
            Self::FeeFilter(rate) => out.extend_from_slice(&rate.to_le_bytes()),
            Self::SendCmpct { announce, version } => {
                out.push(*announce);
                out.extend_from_slice(&version.to_le_bytes());
            }
            Self::CmpctBlock(block) => block.encode(&mut out),
            Self::GetBlockTxn(request) => request.encode(&mut out),
            Self::BlockTxn(answer) => answer.encode(&mut out),
            Self::FilterLoad(filter) => filter.encode(&mut out),
            Self::FilterAdd(data) => put_bytes(&mut out, data),
            Self::MerkleBlock(block) => block.encode(&mut out),
            Self::GetCFilters(range) | Self::GetCFHeaders(range) => range.encode(&mut out),
            Self::CFilter(filter) => filter.encode(&mut out),
            Self::CFHeaders(headers) => headers.encode(&mut out),
            Self::GetCFCheckpt { kind, stop } => {
                out.push(*kind);
                out.extend_from_slice(stop.as_byte_array());
            }
            Self::CFCheckpt(checkpoints) => checkpoints.encode(&mut out),
            Self::SendTxRcncl { version, salt } => {
                out.extend_from_slice(&version.to_le_bytes());
                out.extend_from_slice(&salt.to_le_bytes());
            }
            Self::Feature { id, data } => {
                put_bytes(&mut out, id);
                put_bytes(&mut out, data);
            }
            Self::Other { payload, .. } => out.extend_from_slice(payload),
            Self::Verack
            | Self::SendAddrV2
            | Self::GetAddr
            | Self::Mempool
            | Self::SendHeaders
            | Self::WtxidRelay
            | Self::FilterClear => {}
        }
        out
    }

    /// Reads the payload of a message. What follows the last field is ignored, as later versions may put more there.
    pub fn decode(name: &str, payload: &[u8], codec: &Codec) -> Result<Self, MessageError> {
        let mut reader = Reader::new(payload);
        let r = &mut reader;
        let message = match name {
            "version" => Self::Version(Box::new(Version::decode(r)?)),
            "verack" => Self::Verack,
            // Before BIP31 a ping had no number and no answer.
            "ping" => Self::Ping(r.u64()?),
            "pong" => Self::Pong(r.u64().ok()),
            "addr" => Self::Addr(list(r, "addr", MAX_ADDR, 30, PeerAddress::decode_v1)?),
            "addrv2" => Self::AddrV2(list(r, "addrv2", MAX_ADDR, 9, PeerAddress::decode_v2)?),
            "sendaddrv2" => Self::SendAddrV2,
            "getaddr" => Self::GetAddr,
            "inv" => Self::Inv(list(r, "inv", MAX_INV, 36, Inv::decode)?),
            "getdata" => Self::GetData(list(r, "getdata", MAX_INV, 36, Inv::decode)?),
            "notfound" => Self::NotFound(list(r, "notfound", MAX_INV, 36, Inv::decode)?),
            "getblocks" => Self::GetBlocks(read_locator(r, "getblocks locator")?),
            "getheaders" => Self::GetHeaders(read_locator(r, "getheaders locator")?),
            "headers" => Self::Headers(list(r, "headers", MAX_HEADERS, 81, |r| {
                let header = codec.read_header(r)?;
                r.compact_size()?;
                Ok(header)
            })?),
            "block" => Self::Block(Arc::new(codec.read_block(r, WitnessMode::Include)?), WitnessMode::Include),
            "tx" => Self::Tx(Arc::new(codec.read_tx(r, WitnessMode::Include)?), WitnessMode::Include),
            "mempool" => Self::Mempool,
            "feefilter" => Self::FeeFilter(r.i64()?),
            "sendheaders" => Self::SendHeaders,
            "wtxidrelay" => Self::WtxidRelay,
            "sendcmpct" => Self::SendCmpct { announce: r.u8()?, version: r.u64()? },
            "cmpctblock" => Self::CmpctBlock(Box::new(CompactBlock::decode(r, codec)?)),
            "getblocktxn" => Self::GetBlockTxn(GetBlockTxn::decode(r)?),
            "blocktxn" => Self::BlockTxn(BlockTxn::decode(r, codec)?),
            "filterload" => Self::FilterLoad(FilterLoad::decode(r)?),
            "filteradd" => Self::FilterAdd(r.bytes()?.to_vec()),
            "filterclear" => Self::FilterClear,
            "merkleblock" => Self::MerkleBlock(MerkleBlock::decode(r, codec)?),
            "getcfilters" => Self::GetCFilters(FilterRange::decode(r)?),
            "cfilter" => Self::CFilter(CFilter::decode(r)?),
            "getcfheaders" => Self::GetCFHeaders(FilterRange::decode(r)?),
            "cfheaders" => Self::CFHeaders(CFHeaders::decode(r)?),
            "getcfcheckpt" => Self::GetCFCheckpt { kind: r.u8()?, stop: read_hash(r)? },
            "cfcheckpt" => Self::CFCheckpt(FilterCheckpoint::decode(r)?),
            "sendtxrcncl" => Self::SendTxRcncl { version: r.u32()?, salt: r.u64()? },
            "feature" => read_feature(r)?,
            other => Self::Other { name: other.to_owned(), payload: payload.to_vec() },
        };
        Ok(message)
    }
}

/// Appends a count and the items.
fn put_list<T>(out: &mut Vec<u8>, list: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
    put_compact_size(out, list.len());
    for item in list {
        put(out, item);
    }
}

/// Reads a count and the items, each of which takes at least `least` bytes. The limit is checked before anything is read.
fn list<'a, T>(
    reader: &mut Reader<'a>,
    message: &'static str,
    most: usize,
    least: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, MessageError>,
) -> Result<Vec<T>, MessageError> {
    let count = reader.compact_size()?;
    if count > most {
        return Err(MessageError::TooMany { message, count: u64::try_from(count).unwrap_or(u64::MAX) });
    }
    let mut items = Vec::with_capacity(reader.room_for(count, least));
    for _ in 0..count {
        items.push(read(reader)?);
    }
    Ok(items)
}

fn read_hash(reader: &mut Reader<'_>) -> Result<BlockHash, MessageError> {
    Ok(BlockHash::from_byte_array(reader.array()?))
}

fn read_locator(reader: &mut Reader<'_>, name: &'static str) -> Result<Locator, MessageError> {
    let version = reader.u32()?;
    let have = list(reader, name, MAX_LOCATOR, 32, read_hash)?;
    Ok(Locator { version, have, stop: read_hash(reader)? })
}

/// BIP434: a name of 4 to 80 bytes, data of at most 512, and nothing behind.
fn read_feature(reader: &mut Reader<'_>) -> Result<Message, MessageError> {
    let bad = |_| MessageError::BadFeature;
    let id = reader.bytes().map_err(bad)?;
    let data = reader.bytes().map_err(bad)?;
    if !(4..=80).contains(&id.len()) || data.len() > 512 || !reader.is_empty() {
        return Err(MessageError::BadFeature);
    }
    Ok(Message::Feature { id: id.to_vec(), data: data.to_vec() })
}

#[cfg(test)]
pub(crate) mod tests;
