//! What blocks say of Bitcoin's chain.
//!
//! No network has this in force yet; on regtest `-btccstartheight` starts it. Of every ten blocks one, if it is mined
//! together with a block of Bitcoin, names the block that this one builds on. Five blocks later a coinbase brings what the
//! quorums say of it, or a report that says nothing. Quorums are not known here, so that a report which says something
//! cannot be verified, and is refused.
//!
//! Both are the end of the data that the reference keeps in a coinbase, behind the commitment to witnesses.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use coin::Activation;
use primitives::{AuxPow, Block, Reader, Tx, assets};

use crate::view::{HeaderView, next_height};

/// One block of so many names one of Bitcoin's, the one that leaves this rest.
const PERIOD: u32 = 10;
const NAMING: u32 = 2;
/// How many blocks later the report comes.
const LATER: u32 = 5;

/// What stands before the named block.
pub const NAME_TAG: [u8; 4] = *b"btcp";
/// What stands before a report.
const REPORT_TAG: [u8; 4] = *b"btcc";

const SIGNATURE: usize = 96;
/// Height, hash, signature, and a list of at most eight signers.
const MAX_REPORT: usize = 4 + 32 + SIGNATURE + 2;
/// The height in a report that says nothing.
const NO_HEIGHT: i32 = -1;

/// Why what a block says of Bitcoin's chain is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum CheckpointReason {
    /// It names no block.
    #[error("bad-btcp-missing")]
    Unnamed,
    /// It names the block that is nobody's.
    #[error("bad-btcp-null")]
    Null,
    /// Its parent builds on another block.
    #[error("bad-btcp-mismatch")]
    Mismatch,
    /// Its coinbase has no data.
    #[error("bad-btcc-output")]
    NoData,
    /// There is no report in the data, or more than one.
    #[error("bad-btcc-missing")]
    NoReport,
    /// The report is about another height.
    #[error("bad-btcc-height")]
    Height,
    /// The report is about another block.
    #[error("bad-btcc-syshash")]
    Hash,
    /// The report is signed by nobody who is known.
    #[error("bad-btcc-sig")]
    Signature,
}

/// Whether a block at `height` names one of Bitcoin's.
pub fn is_naming(start: Activation, height: u32) -> bool {
    start.is_active_at(height) && height % PERIOD == NAMING
}

/// The height that a block at `height` reports about, if it does.
pub fn reported(start: Activation, height: u32) -> Option<u32> {
    height.checked_sub(LATER).filter(|named| is_naming(start, *named))
}

/// A report that says nothing, as data of a coinbase.
pub fn empty_report() -> Vec<u8> {
    let mut data = REPORT_TAG.to_vec();
    data.extend(NO_HEIGHT.to_le_bytes());
    // No hash, no signature, no signers.
    data.resize(data.len() + 32 + SIGNATURE + 1, 0);
    data
}

/// Checks that a block which is mined with another names the block that this one builds on.
pub fn check_name(block: &Block) -> Result<(), CheckpointReason> {
    let Some(AuxPow::Namecoin(proof)) = block.header.aux().map(|aux| &**aux) else { return Ok(()) };
    let named = block.txs.first().and_then(|coinbase| name(coinbase)).ok_or(CheckpointReason::Unnamed)?;
    if named == BlockHash::all_zeros() {
        return Err(CheckpointReason::Null);
    }
    if named == proof.parent.prev_blockhash { Ok(()) } else { Err(CheckpointReason::Mismatch) }
}

/// The block that a coinbase names.
fn name(coinbase: &Tx) -> Option<BlockHash> {
    let (before, named) = assets::data(coinbase)?.split_last_chunk()?;
    before.ends_with(&NAME_TAG).then(|| BlockHash::from_byte_array(*named))
}

/// Checks the report in the coinbase of the block after `prev`, if it has to bring one.
pub fn check_report(start: Activation, block: &Block, prev: &dyn HeaderView) -> Result<(), CheckpointReason> {
    let Some(named) = reported(start, next_height(Some(prev))) else { return Ok(()) };
    let data = block.txs.first().and_then(|coinbase| assets::data(coinbase)).ok_or(CheckpointReason::NoData)?;
    let report = Report::in_data(data).ok_or(CheckpointReason::NoReport)?;
    if report.height == NO_HEIGHT && report.hash == BlockHash::all_zeros() {
        return if report.signature == [0; SIGNATURE] { Ok(()) } else { Err(CheckpointReason::Signature) };
    }
    if u32::try_from(report.height) != Ok(named) {
        return Err(CheckpointReason::Height);
    }
    let is_there = prev.at(named).is_some_and(|header| header.hash == report.hash);
    Err(if is_there { CheckpointReason::Signature } else { CheckpointReason::Hash })
}

struct Report {
    height: i32,
    hash: BlockHash,
    signature: [u8; SIGNATURE],
}

impl Report {
    /// The one report that the data ends with.
    fn in_data(data: &[u8]) -> Option<Self> {
        let longest = REPORT_TAG.len() + MAX_REPORT;
        let end = &data[data.len().saturating_sub(longest)..];
        let tags = end.windows(REPORT_TAG.len()).enumerate().filter(|(_, tag)| *tag == REPORT_TAG);
        let mut reports = tags.filter_map(|(at, tag)| Self::read(&end[at + tag.len()..]));
        reports.next().filter(|_| reports.next().is_none())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let height = reader.u32().ok()?.cast_signed();
        let hash = BlockHash::from_byte_array(reader.array().ok()?);
        let signature = reader.array().ok()?;
        let signers = reader.compact_size().ok()?;
        let list = reader.take(signers.div_ceil(8)).ok()?;
        // Only signers have bits.
        let unused = list.len() * 8 - signers;
        let fits =
            list.last().is_none_or(|last| usize::try_from(last.leading_zeros()).is_ok_and(|zeros| zeros >= unused));
        (fits && reader.is_empty()).then_some(Self { height, hash, signature })
    }
}
