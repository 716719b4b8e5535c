//! Syscoin's assets: which asset, and how much of it, each output of a transaction carries.
//!
//! A transaction that moves assets says so by its version and lists them in the data of its first output that can never
//! be spent. Outputs that are not listed carry none. The reference reads the list together with the transaction, so a
//! transaction with an unreadable list is no transaction at all; whether assets are conserved is for `consensus` to say.

use crate::compress::{compress_amount, decompress_amount};
use crate::writer::{put_bytes, put_compact_size, put_compact_u64, put_varint};
use crate::{CoinTail, DecodeError, Reader, Tx};

/// The version of a transaction that burns the asset that stands for the coin, and gets coins.
pub const BURN_TO_COIN: u32 = 138;
/// The version of a transaction that burns coins, and gets the asset that stands for them.
pub const COIN_TO_ASSET: u32 = 139;
/// The version of a transaction that mints what was frozen on the other chain.
pub const MINT: u32 = 140;
/// The version of a transaction that burns an asset, to have it on the other chain.
pub const BURN_TO_NEVM: u32 = 141;
/// The version of a transaction that sends assets.
pub const SEND: u32 = 142;

/// All there can be of an asset.
pub const MAX_ASSET: u64 = 999_999_999_999_999_999;

/// How many bytes may follow the list, as a memo.
const MAX_MEMO: usize = 256;
/// What the data of a commitment to witnesses begins with; other data may stand behind it.
const WITNESS_COMMITMENT: [u8; 4] = [0xaa, 0x21, 0xa9, 0xed];
const OP_RETURN: u8 = 0x6a;
const OP_PUSHDATA4: u8 = 78;
/// A longer script can never run.
const MAX_SCRIPT_SIZE: usize = 10_000;
/// The fewest bytes that an asset and one of its outputs take in a list.
const SMALLEST_ASSET: usize = 2;
const SMALLEST_OUTPUT: usize = 2;

/// Whether transactions of that version carry assets.
pub fn carries_assets(version: u32) -> bool {
    (BURN_TO_COIN..=SEND).contains(&version)
}

/// The versions with which earlier releases burned assets for coins.
pub const LEGACY_BURNS: [u32; 2] = [0x7400, 128];

/// Whether the first output of a transaction is paid for by what it burns, and not by its inputs.
pub fn first_output_is_burnt(version: u32) -> bool {
    version == BURN_TO_COIN || LEGACY_BURNS.contains(&version)
}

/// What the reference calls a transaction of that version.
pub fn kind(version: u32) -> Option<&'static str> {
    Some(match version {
        BURN_TO_COIN => "assetallocationburntosyscoin",
        COIN_TO_ASSET => "syscoinburntoassetallocation",
        MINT => "assetallocationmint",
        BURN_TO_NEVM => "assetallocationburntonevm",
        SEND => "assetallocationsend",
        _ => return None,
    })
}

/// What a transaction says of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetOutputs {
    /// The asset.
    pub asset: u64,
    /// The outputs that get it, and how much of it.
    pub outputs: Vec<(u32, u64)>,
}

/// The list of a transaction's assets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// The assets, in the order in which they are listed.
    pub assets: Vec<AssetOutputs>,
}

/// Which of the outputs holds a transaction's data: the first that can never be spent.
pub fn data_output(tx: &Tx) -> Option<usize> {
    tx.outputs().iter().position(|output| {
        let script = output.script_pubkey.as_bytes();
        script.first() == Some(&OP_RETURN) || script.len() > MAX_SCRIPT_SIZE
    })
}

/// The data of a transaction, if the output for it holds a single push, or one behind a commitment to witnesses.
pub fn data(tx: &Tx) -> Option<&[u8]> {
    let script = tx.outputs()[data_output(tx)?].script_pubkey.as_bytes();
    let mut reader = Reader::new(script.strip_prefix(&[OP_RETURN])?);
    let mut data = operation(&mut reader).ok()?.data;
    if is_witness_commitment(data) {
        data = operation(&mut reader).ok()?.data;
    }
    // Nothing may follow but what is no whole operation.
    operation(&mut reader).is_err().then_some(data)
}

/// The same data, if their script is written in the only way that is canonical: pushes to the end and nothing else.
pub fn canonical_data(tx: &Tx) -> Option<&[u8]> {
    let script = tx.outputs()[data_output(tx)?].script_pubkey.as_bytes();
    let mut reader = Reader::new(script.strip_prefix(&[OP_RETURN])?);
    let mut last = push(&mut reader)?;
    if is_witness_commitment(last) {
        last = push(&mut reader)?;
    }
    reader.is_empty().then_some(last)
}

fn is_witness_commitment(data: &[u8]) -> bool {
    data.len() >= 36 && data.starts_with(&WITNESS_COMMITMENT)
}

/// Reads a push of data.
fn push<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    operation(reader).ok().filter(|read| read.opcode <= OP_PUSHDATA4).map(|read| read.data)
}

struct Operation<'a> {
    opcode: u8,
    data: &'a [u8],
}

/// Reads an operation. Only pushes have data.
fn operation<'a>(reader: &mut Reader<'a>) -> Result<Operation<'a>, DecodeError> {
    let opcode = reader.u8()?;
    let len = match opcode {
        direct @ 0..=75 => usize::from(direct),
        76 => usize::from(reader.u8()?),
        77 => usize::from(reader.u16()?),
        OP_PUSHDATA4 => usize::try_from(reader.u32()?).map_err(|_| DecodeError::EndOfData)?,
        _ => 0,
    };
    Ok(Operation { opcode, data: reader.take(len)? })
}

impl Allocation {
    /// The list of a transaction, and what follows it in the data. `None` if there is none that can be read.
    pub fn of(tx: &Tx) -> Option<(Self, &[u8])> {
        let data = data(tx)?;
        let mut reader = Reader::new(data);
        let list = Self::read(&mut reader).ok().filter(|list| !list.assets.is_empty())?;
        let rest = &data[reader.position()..];
        let limited = matches!(tx.version(), COIN_TO_ASSET | SEND);
        (!limited || rest.len() <= MAX_MEMO).then_some((list, rest))
    }

    /// Reads a list.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.compact_size()?;
        let mut assets = Vec::with_capacity(reader.room_for(count, SMALLEST_ASSET));
        for _ in 0..count {
            let asset = reader.varint_u64()?;
            let count = reader.compact_size()?;
            let mut outputs = Vec::with_capacity(reader.room_for(count, SMALLEST_OUTPUT));
            for _ in 0..count {
                // The place is written as a size, and has a size's limit.
                let place = u32::try_from(reader.compact_size()?).map_err(|_| DecodeError::SizeTooLarge)?;
                outputs.push((place, decompress_amount(reader.varint_u64()?)));
            }
            assets.push(AssetOutputs { asset, outputs });
        }
        Ok(Self { assets })
    }

    /// Appends the list as a transaction holds it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_compact_size(out, self.assets.len());
        for AssetOutputs { asset, outputs } in &self.assets {
            put_varint(out, *asset);
            put_compact_size(out, outputs.len());
            for (place, amount) in outputs {
                put_compact_u64(out, u64::from(*place));
                put_varint(out, compress_amount(*amount));
            }
        }
    }

    /// What each of so many outputs carries. An output that is listed twice carries what the last line says.
    pub fn assign(&self, outputs: usize) -> Result<Vec<CoinTail>, DecodeError> {
        let mut tails = vec![NO_ASSET; outputs];
        for AssetOutputs { asset, outputs } in &self.assets {
            if outputs.is_empty() {
                return Err(DecodeError::EmptyAsset);
            }
            for (place, amount) in outputs {
                let tail = usize::try_from(*place).ok().and_then(|place| tails.get_mut(place));
                let tail = tail.ok_or(DecodeError::AssetOutput)?;
                if *amount > MAX_ASSET {
                    return Err(DecodeError::AssetAmount);
                }
                *tail = if *asset == 0 { NO_ASSET } else { CoinTail::Asset { asset: *asset, amount: *amount } };
            }
        }
        Ok(tails)
    }
}

/// A burn to the other chain: its list, and the address there.
pub fn burn(tx: &Tx) -> Option<(Allocation, &[u8])> {
    let mut reader = Reader::new(data(tx)?);
    let list = Allocation::read(&mut reader).ok()?;
    let address = reader.bytes().ok()?;
    (reader.is_empty() && !(list.assets.is_empty() && address.is_empty())).then_some((list, address))
}

/// The data of a burn to the other chain.
pub fn burn_data(list: &Allocation, address: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    list.encode(&mut out);
    put_bytes(&mut out, address);
    out
}

/// The proof that a mint brings from the other chain. Nothing in it is checked here but its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mint<'a> {
    /// The transaction there.
    pub tx_hash: [u8; 32],
    /// The block there.
    pub block_hash: [u8; 32],
    /// Where the transaction begins in its proof.
    pub tx_position: u16,
    /// The nodes from the transaction to the root.
    pub tx_nodes: &'a [u8],
    /// The way through the tree.
    pub path: &'a [u8],
    /// Where the receipt begins in its proof.
    pub receipt_position: u16,
    /// The nodes from the receipt to the root.
    pub receipt_nodes: &'a [u8],
    /// The root of the transactions.
    pub tx_root: [u8; 32],
    /// The root of the receipts.
    pub receipt_root: [u8; 32],
}

/// The proof of a mint, if it has the right form.
pub fn mint(tx: &Tx) -> Option<Mint<'_>> {
    let mut reader = Reader::new(data(tx)?);
    let mut read = || -> Result<Mint<'_>, DecodeError> {
        Allocation::read(&mut reader)?;
        let mint = Mint {
            tx_hash: reader.array()?,
            block_hash: reader.array()?,
            tx_position: reader.u16()?,
            tx_nodes: reader.bytes()?,
            path: reader.bytes()?,
            receipt_position: reader.u16()?,
            receipt_nodes: reader.bytes()?,
            tx_root: reader.array()?,
            receipt_root: reader.array()?,
        };
        reader.finish().map(|()| mint)
    };
    let within = |position: u16, nodes: &[u8]| usize::from(position) < nodes.len();
    let mint = read().ok()?;
    (within(mint.tx_position, mint.tx_nodes) && within(mint.receipt_position, mint.receipt_nodes)).then_some(mint)
}

/// An output that carries no asset.
const NO_ASSET: CoinTail = CoinTail::Asset { asset: 0, amount: 0 };

/// What the outputs of a transaction carry; empty if none carries anything.
pub(crate) fn tails(tx: &Tx) -> Result<Vec<CoinTail>, DecodeError> {
    if !carries_assets(tx.version()) {
        return Ok(Vec::new());
    }
    let (list, _) = Allocation::of(tx).ok_or(DecodeError::UnknownAssetData)?;
    list.assign(tx.outputs().len())
}

/// What each output of a transaction carries, made once for all of them.
#[derive(Debug, Clone)]
pub struct Tails {
    pub(crate) same: CoinTail,
    pub(crate) each: Vec<CoinTail>,
}

impl Tails {
    /// The same for all outputs.
    pub(crate) fn all(same: CoinTail) -> Self {
        Self { same, each: Vec::new() }
    }

    /// Of a transaction of Syscoin. What cannot be read carries none.
    pub fn assets(tx: &Tx) -> Self {
        Self { same: NO_ASSET, each: tails(tx).unwrap_or_default() }
    }

    /// What an output carries.
    pub fn at(&self, vout: usize) -> CoinTail {
        self.each.get(vout).copied().unwrap_or(self.same)
    }
}

#[cfg(test)]
mod tests;
