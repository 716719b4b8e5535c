//! Headers of a chain whose worth is not known yet.
//!
//! A header costs a peer almost nothing to make where the difficulty is low, so headers are not kept before their chain
//! has proven enough work. The chain is fetched twice. In the first pass only one salted bit per period is remembered;
//! once the work suffices, the second pass must show the same bits, and a header is let out when enough bits behind it
//! were right.

use std::collections::VecDeque;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Work};
use primitives::Header;

use crate::chance::Chance;
use crate::message::MAX_HEADERS;
use crate::view::{BlockInfo, ChainAccess};

/// How a chain's headers are fetched twice.
#[derive(Debug, Clone, Copy)]
pub struct PresyncOptions {
    /// One bit is remembered for so many headers.
    pub commitment_period: u32,
    /// How many headers of the second pass wait until their commitments are trusted.
    pub redownload_buffer: usize,
}

/// What a batch of headers leads to.
#[derive(Debug)]
pub(crate) struct Step {
    /// Headers that have proven their chain's work.
    pub(crate) ready: Vec<Header>,
    /// The block to ask on from; `None` if it is over.
    pub(crate) next: Option<BlockHash>,
    /// Why the headers do not belong to this chain, which is given up then.
    pub(crate) failed: Option<Abort>,
}

/// Why a chain is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Abort {
    /// The headers do not follow those before.
    #[error("non-continuous headers at height={0} ({1} phase)")]
    NotContinuous(u32, Phase),
    /// The difficulty changes more than it may.
    #[error("invalid difficulty transition at height={0} ({1} phase)")]
    Transition(u32, Phase),
    /// The chain is longer than any honest one can be.
    #[error("exceeded max commitments at height={0} (presync phase)")]
    TooLong(u32),
    /// The second pass is longer than the first one without having proven its work.
    #[error("commitment overrun at height={0} (redownload phase)")]
    Overrun(u32),
    /// The second pass shows another chain than the first one.
    #[error("commitment mismatch at height={0} (redownload phase)")]
    Mismatch(u32),
}

/// The first or the second pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    First,
    Second,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "presync",
            Self::Second => "redownload",
        })
    }
}

/// One chain of one peer.
#[derive(Debug)]
pub(crate) struct Presync {
    options: PresyncOptions,
    key: (u64, u64),
    offset: u32,
    start: BlockInfo,
    start_bits: u32,
    minimum: Work,
    most_commitments: usize,
    commitments: VecDeque<bool>,
    redownloading: bool,
    last: Point,
    released: bool,
    buffer: VecDeque<Header>,
}

/// How far a pass has come.
#[derive(Debug, Clone, Copy)]
struct Point {
    hash: BlockHash,
    height: u32,
    bits: u32,
    time: u32,
    work: Work,
}

impl Point {
    fn at(block: &BlockInfo, bits: u32) -> Self {
        Self { hash: block.hash, height: block.height, bits, time: block.time, work: block.work }
    }
}

impl Presync {
    /// Behind a known block.
    pub(crate) fn new(
        options: PresyncOptions,
        start: BlockInfo,
        start_bits: u32,
        minimum: Work,
        now: Duration,
        chance: &mut Chance,
    ) -> Self {
        // No honest chain has more than six blocks per second since the start, with two hours for wrong clocks.
        let seconds = now.as_secs().saturating_sub(u64::from(start.time)) + 7200;
        let most = 6 * seconds / u64::from(options.commitment_period.max(1));
        let last = Point::at(&start, start_bits);
        Self {
            options,
            key: (chance.u64(), chance.u64()),
            offset: u32::try_from(chance.below(u64::from(options.commitment_period.max(1)))).unwrap_or(0),
            start,
            start_bits,
            minimum,
            most_commitments: usize::try_from(most).unwrap_or(usize::MAX),
            commitments: VecDeque::new(),
            redownloading: false,
            last,
            released: false,
            buffer: VecDeque::new(),
        }
    }

    /// The known block that the chain starts behind.
    pub(crate) fn start(&self) -> BlockHash {
        self.start.hash
    }

    /// The height of that block.
    pub(crate) fn start_height(&self) -> u32 {
        self.start.height
    }

    /// How many bits are remembered at most.
    pub(crate) fn most_commitments(&self) -> usize {
        self.most_commitments
    }

    /// How high the first pass has come; `None` in the second one.
    pub(crate) fn height(&self) -> Option<u32> {
        (!self.redownloading).then_some(self.last.height)
    }

    /// When the last block of this pass was made.
    pub(crate) fn time(&self) -> u32 {
        self.last.time
    }

    /// How high this pass has come, whichever it is.
    pub(crate) fn reached(&self) -> u32 {
        self.last.height
    }

    /// Whether all that waited was let out.
    pub(crate) fn is_complete(&self) -> bool {
        self.released && self.buffer.is_empty()
    }

    fn phase(&self) -> Phase {
        if self.redownloading { Phase::Second } else { Phase::First }
    }

    /// Takes a batch whose headers follow one another and meet their own targets.
    pub(crate) fn take(&mut self, headers: &[Header], chain: &impl ChainAccess) -> Step {
        let full = headers.len() == MAX_HEADERS;
        let fail = |why| Step { ready: Vec::new(), next: None, failed: Some(why) };
        if headers.first().is_none_or(|first| first.prev() != self.last.hash) {
            return fail(Abort::NotContinuous(self.last.height, self.phase()));
        }
        let worked = if self.redownloading { self.again(headers, chain) } else { self.first_pass(headers, chain) };
        if let Err(why) = worked {
            return fail(why);
        }
        let ready = if self.redownloading { self.release() } else { Vec::new() };
        let begin_again = self.redownloading && self.last.hash == self.start.hash;
        let next = ((full || begin_again) && !self.is_complete()).then_some(self.last.hash);
        Step { ready, next, failed: None }
    }

    fn first_pass(&mut self, headers: &[Header], chain: &impl ChainAccess) -> Result<(), Abort> {
        for header in headers {
            self.step(header, chain)?;
            if self.is_committed(self.last.height) {
                self.commitments.push_back(self.bit(header));
                if self.commitments.len() > self.most_commitments {
                    return Err(Abort::TooLong(self.last.height));
                }
            }
        }
        if self.last.work >= self.minimum {
            self.redownloading = true;
            self.last = Point::at(&self.start, self.start_bits);
        }
        Ok(())
    }

    fn again(&mut self, headers: &[Header], chain: &impl ChainAccess) -> Result<(), Abort> {
        for header in headers {
            self.step(header, chain)?;
            self.released |= self.last.work >= self.minimum;
            // Behind the point of enough work there is nothing to compare with, and no need to.
            if !self.released && self.is_committed(self.last.height) {
                let bit = self.commitments.pop_front().ok_or(Abort::Overrun(self.last.height))?;
                if bit != self.bit(header) {
                    return Err(Abort::Mismatch(self.last.height));
                }
            }
            self.buffer.push_back(header.clone());
        }
        Ok(())
    }

    fn release(&mut self) -> Vec<Header> {
        let keep = if self.released { 0 } else { self.options.redownload_buffer };
        let count = self.buffer.len().saturating_sub(keep);
        self.buffer.drain(..count).collect()
    }

    fn step(&mut self, header: &Header, chain: &impl ChainAccess) -> Result<(), Abort> {
        let height = self.last.height + 1;
        if header.prev() != self.last.hash {
            return Err(Abort::NotContinuous(height, self.phase()));
        }
        if !chain.permits_transition(height, self.last.bits, header.bits()) {
            return Err(Abort::Transition(height, self.phase()));
        }
        let work = self.last.work + chain.header_work(header);
        self.last = Point { hash: header.hash(), height, bits: header.bits(), time: header.time(), work };
        Ok(())
    }

    fn is_committed(&self, height: u32) -> bool {
        height % self.options.commitment_period.max(1) == self.offset
    }

    fn bit(&self, header: &Header) -> bool {
        bitcoin::hashes::siphash24::Hash::hash_to_u64_with_keys(self.key.0, self.key.1, header.hash().as_byte_array())
            & 1
            == 1
    }
}
