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
    /// Whether the peer did not keep to the protocol or gave up half-way; its headers are dropped.
    pub(crate) failed: bool,
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
    work: Work,
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
        let last = Point { hash: start.hash, height: start.height, bits: start_bits, work: start.work };
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

    /// How high the first pass has come, and when its last block was made.
    pub(crate) fn height(&self) -> Option<u32> {
        (!self.redownloading).then_some(self.last.height)
    }

    /// Takes a batch whose headers follow one another and meet their own targets.
    pub(crate) fn take(&mut self, headers: &[Header], chain: &impl ChainAccess) -> Step {
        let full = headers.len() == MAX_HEADERS;
        if headers.first().is_none_or(|first| first.prev() != self.last.hash) {
            return Step { ready: Vec::new(), next: None, failed: true };
        }
        let worked = if self.redownloading { self.again(headers, chain) } else { self.first_pass(headers, chain) };
        if !worked {
            return Step { ready: Vec::new(), next: None, failed: true };
        }
        let ready = if self.redownloading { self.release() } else { Vec::new() };
        let begin_again = self.redownloading && self.last.hash == self.start.hash;
        let over = self.released && self.buffer.is_empty();
        let next = ((full || begin_again) && !over).then_some(self.last.hash);
        Step { ready, next, failed: false }
    }

    fn first_pass(&mut self, headers: &[Header], chain: &impl ChainAccess) -> bool {
        for header in headers {
            if !self.step(header, chain) {
                return false;
            }
            if self.is_committed(self.last.height) {
                self.commitments.push_back(self.bit(header));
                if self.commitments.len() > self.most_commitments {
                    return false;
                }
            }
        }
        if self.last.work >= self.minimum {
            self.redownloading = true;
            let start = self.start;
            self.last = Point { hash: start.hash, height: start.height, bits: self.start_bits, work: start.work };
        }
        true
    }

    fn again(&mut self, headers: &[Header], chain: &impl ChainAccess) -> bool {
        for header in headers {
            if !self.step(header, chain) {
                return false;
            }
            self.released |= self.last.work >= self.minimum;
            // Behind the point of enough work there is nothing to compare with, and no need to.
            if !self.released
                && self.is_committed(self.last.height)
                && self.commitments.pop_front() != Some(self.bit(header))
            {
                return false;
            }
            self.buffer.push_back(header.clone());
        }
        true
    }

    fn release(&mut self) -> Vec<Header> {
        let keep = if self.released { 0 } else { self.options.redownload_buffer };
        let count = self.buffer.len().saturating_sub(keep);
        self.buffer.drain(..count).collect()
    }

    fn step(&mut self, header: &Header, chain: &impl ChainAccess) -> bool {
        let height = self.last.height + 1;
        if header.prev() != self.last.hash || !chain.permits_transition(height, self.last.bits, header.bits()) {
            return false;
        }
        let work = self.last.work + header.raw().work();
        self.last = Point { hash: header.hash(), height, bits: header.bits(), work };
        true
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
