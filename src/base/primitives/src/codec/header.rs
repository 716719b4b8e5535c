//! Reading headers and proofs of merged mining.

use std::sync::Arc;

use bitcoin::block::{Header as RawHeader, Version};
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, CompactTarget, TxMerkleNode};
use coin::{HeaderFormat, TxFormat};

use super::Codec;
use crate::auxpow::{Branch, FreicoinAuxPow, NamecoinAuxPow};
use crate::header::{FREICOIN_EXTENDED, HEADER_SIZE};
use crate::{AuxPow, DecodeError, Header, Reader, WitnessMode};

/// Syscoin's version bits: a proof follows the header; NEVM data follow the transactions.
const VERSION_AUXPOW: i32 = 1 << 8;
const VERSION_NEVM: i32 = 1 << 7;

/// Reads a header and what its format puts behind it.
pub(super) fn read(codec: &Codec, reader: &mut Reader<'_>) -> Result<Header, DecodeError> {
    let mut bytes = reader.array()?;
    let mut raw = fields(&bytes);
    let aux = match codec.header {
        HeaderFormat::AuxpowNamecoin if raw.version.to_consensus() & VERSION_AUXPOW != 0 => {
            Some(AuxPow::Namecoin(Box::new(namecoin(codec.tx, reader)?)))
        }
        HeaderFormat::AuxpowFreicoin if raw.bits.to_consensus() & FREICOIN_EXTENDED != 0 => {
            raw.bits = CompactTarget::from_consensus(raw.bits.to_consensus() ^ FREICOIN_EXTENDED);
            bytes[72..76].copy_from_slice(&raw.bits.to_consensus().to_le_bytes());
            freicoin_extension(reader)?.map(|proof| AuxPow::Freicoin(Box::new(proof)))
        }
        HeaderFormat::Bitcoin | HeaderFormat::AuxpowNamecoin | HeaderFormat::AuxpowFreicoin => None,
    };
    Ok(Header::from_bytes(raw, &bytes, aux.map(Arc::new)))
}

/// Whether a Syscoin block of that version has NEVM data behind its transactions.
pub(super) fn has_nevm_data(version: i32) -> bool {
    version & VERSION_NEVM != 0
}

fn fields(bytes: &[u8; HEADER_SIZE]) -> RawHeader {
    let mut reader = Reader::new(bytes);
    let mut read = || -> Result<RawHeader, DecodeError> {
        Ok(RawHeader {
            version: Version::from_consensus(reader.i32()?),
            prev_blockhash: BlockHash::from_byte_array(reader.array()?),
            merkle_root: TxMerkleNode::from_byte_array(reader.array()?),
            time: reader.u32()?,
            bits: CompactTarget::from_consensus(reader.u32()?),
            nonce: reader.u32()?,
        })
    };
    read().expect("a header has exactly 80 bytes")
}

pub(super) fn namecoin(format: TxFormat, reader: &mut Reader<'_>) -> Result<NamecoinAuxPow, DecodeError> {
    let coinbase = Arc::new(super::tx::read(format, reader, WitnessMode::Include)?);
    reader.take(32)?; // a block hash that nobody checks
    let coinbase_branch = branch(reader)?;
    reader.take(4)?; // the coinbase's place, which nobody checks
    let chain_branch = branch(reader)?;
    let chain_index = reader.i32()?;
    let parent = fields(&reader.array()?);
    Ok(NamecoinAuxPow { coinbase, coinbase_branch, chain_branch, chain_index, parent })
}

/// Reads what follows a Freicoin header whose extension bit is set: 0xff, flags, and the proof if the flags say so.
fn freicoin_extension(reader: &mut Reader<'_>) -> Result<Option<FreicoinAuxPow>, DecodeError> {
    if reader.u8()? != 0xff {
        return Err(DecodeError::HeaderDummy);
    }
    let flags = reader.u8()?;
    let proof = if flags & 1 == 1 { Some(freicoin(reader)?) } else { None };
    if flags & !1 != 0 {
        return Err(DecodeError::UnknownHeaderData);
    }
    // A count of transactions that wraps to 0 is how the reference says that there is no proof.
    Ok(proof.filter(|proof| proof.aux_num_txns != 0))
}

fn freicoin(reader: &mut Reader<'_>) -> Result<FreicoinAuxPow, DecodeError> {
    Ok(FreicoinAuxPow {
        commit_version: reader.i32()?,
        commit_merkle_root: reader.array()?,
        commit_time: reader.u32()?,
        commit_bits: reader.u32()?,
        commit_nonce: reader.u32()?,
        secret_lo: reader.u64()?,
        secret_hi: reader.u64()?,
        commit_branch: commit_branch(reader)?,
        midstate_hash: reader.array()?,
        midstate_buffer: reader.bytes()?.to_vec(),
        midstate_length: reader.varint_u32()?,
        aux_lock_time: reader.u32()?,
        aux_branch: branch(reader)?,
        aux_num_txns: reader.varint_u32()?.wrapping_add(1),
        aux_version: reader.i32()?,
        aux_prev: reader.array()?,
        aux_bits: reader.u32()?,
        aux_nonce: reader.u32()?,
    })
}

fn branch(reader: &mut Reader<'_>) -> Result<Branch, DecodeError> {
    let count = reader.compact_size()?;
    let mut branch = Vec::with_capacity(reader.room_for(count, 32));
    for _ in 0..count {
        branch.push(reader.array()?);
    }
    Ok(branch)
}

fn commit_branch(reader: &mut Reader<'_>) -> Result<Vec<(u8, [u8; 32])>, DecodeError> {
    let count = reader.compact_size()?;
    let mut branch = Vec::with_capacity(reader.room_for(count, 33));
    for _ in 0..count {
        branch.push((reader.u8()?, reader.array()?));
    }
    Ok(branch)
}

/// Whether nothing follows the 80 bytes.
pub(super) fn is_bare(format: HeaderFormat, raw: &bitcoin::block::Header) -> bool {
    match format {
        HeaderFormat::Bitcoin => true,
        HeaderFormat::AuxpowNamecoin => raw.version.to_consensus() & VERSION_AUXPOW == 0,
        HeaderFormat::AuxpowFreicoin => false,
    }
}
