//! How well the pool knows what miners take: only if recent blocks were made of transactions that were here, what is
//! here now tells something about the next block.

use bitcoin::{BlockHash, hashes::Hash};
use primitives::{DecodeError, Reader, put_compact_size};

const VERSION: i32 = 1;
/// So many blocks are looked at.
const WINDOW: usize = 6;
/// Blocks that together weigh less than one full block tell nothing bad.
const ENOUGH_WEIGHT: u64 = 4_000_000;
/// Of what was mined, by weight, at least three in four must have been here.
const SHARE: (u64, u64) = (3, 4);

/// What is remembered of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockWeights {
    /// Its height.
    pub height: u64,
    /// The weight of those of its transactions that were here.
    pub known: u64,
    /// The weight of all of them, without the coinbase.
    pub all: u64,
}

/// Why the pool is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unhealthy {
    /// Too few blocks have come since the start.
    #[error("Not enough recent block data for fee rate estimation")]
    TooFewBlocks,
    /// Too much of them was unknown here.
    #[error("Mempool is unreliable for fee rate estimation")]
    LowCoverage,
}

/// Why a file is not used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadHealth {
    /// A version that nobody knows.
    #[error("file version not supported; continuing anyway")]
    Version,
    /// More blocks than are looked at.
    #[error("Number of previously mined blocks read exceeds the maximum of {WINDOW}; ignoring file")]
    TooMany,
    /// Blocks that do not follow one another.
    #[error("Non-consecutive block heights read, expected height {0} but found {1}; ignoring file")]
    Gap(u64, u64),
    /// It ends at another block than the tip.
    #[error(
        "Mined-block stats read end at height {0} block {1}, but the active chain tip is height {2} block {3}; ignoring file"
    )]
    OtherTip(u64, BlockHash, u64, BlockHash),
    /// It breaks off.
    #[error("Unable to read mined-block stats from stream (non-fatal)")]
    Decode(#[from] DecodeError),
}

/// The last blocks, oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    blocks: Vec<BlockWeights>,
    tip: BlockHash,
}

impl Default for Health {
    fn default() -> Self {
        Self { blocks: Vec::new(), tip: BlockHash::all_zeros() }
    }
}

impl Health {
    /// A block has come.
    pub fn note(&mut self, block: BlockWeights, hash: BlockHash) {
        self.blocks.retain(|old| old.height < block.height);
        if self.blocks.last().is_some_and(|last| last.height + 1 != block.height) {
            self.blocks.clear();
        }
        if self.blocks.len() == WINDOW {
            self.blocks.remove(0);
        }
        self.blocks.push(block);
        self.tip = hash;
    }

    /// What is remembered, oldest first.
    pub fn blocks(&self) -> &[BlockWeights] {
        &self.blocks
    }

    /// Whether the pool can be asked.
    pub fn check(&self) -> Result<(), Unhealthy> {
        if self.blocks.len() < WINDOW {
            return Err(Unhealthy::TooFewBlocks);
        }
        let all: u64 = self.blocks.iter().fold(0, |sum, block| sum.saturating_add(block.all));
        let known: u64 = self.blocks.iter().fold(0, |sum, block| sum.saturating_add(block.known));
        let covered = u128::from(known) * u128::from(SHARE.1) >= u128::from(all) * u128::from(SHARE.0);
        if all < ENOUGH_WEIGHT || covered { Ok(()) } else { Err(Unhealthy::LowCoverage) }
    }

    /// As a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = VERSION.to_le_bytes().to_vec();
        put_compact_size(&mut out, self.blocks.len());
        for block in &self.blocks {
            for number in [block.height, block.known, block.all] {
                out.extend(number.to_le_bytes());
            }
        }
        out.extend(self.tip.to_byte_array());
        out
    }

    /// From a file, if it fits the tip.
    pub fn read(bytes: &[u8], tip: (u64, BlockHash)) -> Result<Self, BadHealth> {
        let mut reader = Reader::new(bytes);
        if i32::from_le_bytes(reader.array()?) != VERSION {
            return Err(BadHealth::Version);
        }
        let count = reader.compact_size()?;
        let mut blocks: Vec<BlockWeights> = Vec::with_capacity(WINDOW);
        for _ in 0..count {
            let mut number = || reader.array().map(u64::from_le_bytes);
            let block = BlockWeights { height: number()?, known: number()?, all: number()? };
            if blocks.len() == WINDOW {
                return Err(BadHealth::TooMany);
            }
            blocks.push(block);
        }
        let hash = BlockHash::from_byte_array(reader.array()?);
        for pair in blocks.windows(2) {
            let expected = pair[0].height.saturating_add(1);
            if pair[1].height != expected {
                return Err(BadHealth::Gap(expected, pair[1].height));
            }
        }
        if let Some(last) = blocks.last()
            && (last.height, hash) != tip
        {
            return Err(BadHealth::OtherTip(last.height, hash, tip.0, tip.1));
        }
        Ok(Self { blocks, tip: hash })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(height: u64, known: u64, all: u64) -> BlockWeights {
        BlockWeights { height, known, all }
    }

    fn hash(byte: u8) -> BlockHash {
        BlockHash::from_byte_array([byte; 32])
    }

    fn after(blocks: impl IntoIterator<Item = BlockWeights>) -> Health {
        let mut health = Health::default();
        blocks.into_iter().for_each(|block| health.note(block, hash(1)));
        health
    }

    #[test]
    fn the_window_moves_and_forgets() {
        assert_eq!(after((1..6).map(|n| block(n, 0, 0))).check(), Err(Unhealthy::TooFewBlocks));
        let health = after((1..9).map(|n| block(n, 0, 0)));
        assert_eq!(health.blocks().iter().map(|b| b.height).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
        assert_eq!(health.check(), Ok(()), "blocks of nothing say nothing bad");
        let mut reorganised = health.clone();
        reorganised.note(block(7, 1, 1), hash(2));
        assert_eq!(reorganised.blocks().iter().map(|b| b.height).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        let mut gap = health;
        gap.note(block(20, 1, 1), hash(2));
        assert_eq!(gap.blocks(), [block(20, 1, 1)]);
    }

    #[test]
    fn three_in_four_must_be_known() {
        let full = |known| after((1..7).map(|n| block(n, known, 1_000_000)));
        assert_eq!(full(750_000).check(), Ok(()));
        assert_eq!(full(749_999).check(), Err(Unhealthy::LowCoverage));
        assert_eq!(after((1..7).map(|n| block(n, 0, 600_000))).check(), Ok(()), "less than a block in all");
    }

    #[test]
    fn a_file_must_fit_the_tip() {
        let health = after([block(4, 1, 2), block(5, 3, 4)]);
        let bytes = health.to_bytes();
        assert_eq!(Health::read(&bytes, (5, hash(1))), Ok(health));
        assert!(matches!(Health::read(&bytes, (5, hash(2))), Err(BadHealth::OtherTip(5, ..))));
        assert!(matches!(Health::read(&bytes, (6, hash(1))), Err(BadHealth::OtherTip(..))));
        let mut later = bytes.clone();
        later[0] = 2;
        assert_eq!(Health::read(&later, (5, hash(1))), Err(BadHealth::Version));
        assert!(matches!(Health::read(&bytes[..20], (5, hash(1))), Err(BadHealth::Decode(_))));
        let mut torn = bytes;
        torn[5] = 9;
        assert_eq!(Health::read(&torn, (5, hash(1))), Err(BadHealth::Gap(10, 5)));
        assert_eq!(Health::read(&Health::default().to_bytes(), (5, hash(1))), Ok(Health::default()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Health::read(&bytes, (1, hash(1)));
        }
    }
}
