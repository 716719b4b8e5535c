//! What the rules see of the header tree: one branch, addressed by height.
//!
//! A branch ends in a tip and reaches back to the genesis block. The node implements [`HeaderView`] over its block tree,
//! tests and tools use [`HeaderVec`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bitcoin::BlockHash;

/// How many headers the median time is taken over.
pub const MEDIAN_TIME_SPAN: usize = 11;

/// The facts of one header that later headers are judged by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeaderFacts {
    /// Distance from the genesis block.
    pub height: u32,
    /// Hash of the header.
    pub hash: BlockHash,
    /// The version field, as signed as it is on the wire.
    pub version: i32,
    /// The time that the miner claims, in seconds since 1970.
    pub time: u32,
    /// The target in compact form.
    pub bits: u32,
}

/// What later headers are judged by in the proof of merged mining behind a header, on chains whose headers all have one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergedFacts {
    /// The target of the merged work in compact form.
    pub bits: u32,
    /// What a filter makes of the times between blocks: seconds, with 32 bits behind the point.
    pub filtered_time: i64,
}

/// A branch of the header tree.
pub trait HeaderView {
    /// The height of the tip. There is always one: a branch holds at least the genesis block.
    fn height(&self) -> u32;

    /// The header at `height` on this branch; `None` above the tip.
    fn at(&self, height: u32) -> Option<HeaderFacts>;

    /// What the proof behind the header at `height` says; `None` if it has none that later headers ask for.
    fn merged(&self, height: u32) -> Option<MergedFacts> {
        let _ = height;
        None
    }

    /// Shows the headers from `from` down to the genesis block until `visit` breaks. Implementations that can step from
    /// a header to its parent should override this: it runs for every header that arrives.
    fn walk_back(&self, from: u32, visit: &mut dyn FnMut(&HeaderFacts) -> ControlFlow<()>) {
        for height in (0..=from).rev() {
            let Some(header) = self.at(height) else { return };
            if visit(&header).is_break() {
                return;
            }
        }
    }

    /// The median time of the (up to) eleven headers that end at `height`; `None` above the tip.
    fn median_time_past(&self, height: u32) -> Option<i64> {
        let mut times = [0u32; MEDIAN_TIME_SPAN];
        let mut count = 0;
        self.walk_back(height, &mut |header| {
            let Some(slot) = times.get_mut(count) else { return ControlFlow::Break(()) };
            *slot = header.time;
            count += 1;
            ControlFlow::Continue(())
        });
        let times = &mut times[..count];
        times.sort_unstable();
        times.get(count / 2).copied().map(i64::from)
    }
}

/// The tip of a branch and its median time: what most rules ask for first.
pub(crate) fn tip(branch: &dyn HeaderView) -> HeaderFacts {
    branch.at(branch.height()).expect("a branch has a header at its own height")
}

/// The median time past at the tip.
pub(crate) fn tip_median_time(branch: &dyn HeaderView) -> i64 {
    branch.median_time_past(branch.height()).expect("a branch has a header at its own height")
}

/// The height of the block that would follow: 0 after nothing.
pub(crate) fn next_height(prev: Option<&dyn HeaderView>) -> u32 {
    prev.map_or(0, |branch| branch.height().saturating_add(1))
}

/// A branch in a vector, for tests, tools and headers that have no place in the tree yet.
#[derive(Clone, Debug)]
pub struct HeaderVec {
    headers: Vec<HeaderFacts>,
    merged: BTreeMap<u32, MergedFacts>,
}

impl HeaderVec {
    /// A branch of one header, at height 0.
    pub fn new(hash: BlockHash, version: i32, time: u32, bits: u32) -> Self {
        Self { headers: vec![HeaderFacts { height: 0, hash, version, time, bits }], merged: BTreeMap::new() }
    }

    /// Puts a header on the tip.
    pub fn push(&mut self, hash: BlockHash, version: i32, time: u32, bits: u32) {
        let height = self.height().saturating_add(1);
        self.headers.push(HeaderFacts { height, hash, version, time, bits });
    }

    /// Says what the proof behind the tip says.
    pub fn set_merged(&mut self, merged: Option<MergedFacts>) {
        let tip = self.height();
        match merged {
            Some(facts) => self.merged.insert(tip, facts),
            None => self.merged.remove(&tip),
        };
    }

    /// Takes headers off until the tip is at `height`. The genesis block stays.
    pub fn rewind(&mut self, height: u32) {
        while self.headers.len() > 1 && self.height() > height {
            self.merged.remove(&self.height());
            self.headers.pop();
        }
    }
}

impl HeaderView for HeaderVec {
    fn height(&self) -> u32 {
        self.headers.last().map_or(0, |header| header.height)
    }

    fn at(&self, height: u32) -> Option<HeaderFacts> {
        self.headers.get(usize::try_from(height).ok()?).copied()
    }

    fn merged(&self, height: u32) -> Option<MergedFacts> {
        self.merged.get(&height).copied()
    }
}

/// The same branch, cut off at an earlier height.
#[derive(Clone, Copy)]
pub struct Below<'a> {
    branch: &'a dyn HeaderView,
    height: u32,
}

impl<'a> Below<'a> {
    /// `branch` up to and including `height`; all of it if it is not that high.
    pub fn new(branch: &'a dyn HeaderView, height: u32) -> Self {
        Self { branch, height: height.min(branch.height()) }
    }
}

impl std::fmt::Debug for Below<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Below").field("height", &self.height).finish_non_exhaustive()
    }
}

impl HeaderView for Below<'_> {
    fn height(&self) -> u32 {
        self.height
    }

    fn at(&self, height: u32) -> Option<HeaderFacts> {
        if height > self.height { None } else { self.branch.at(height) }
    }

    fn merged(&self, height: u32) -> Option<MergedFacts> {
        if height > self.height { None } else { self.branch.merged(height) }
    }

    fn walk_back(&self, from: u32, visit: &mut dyn FnMut(&HeaderFacts) -> ControlFlow<()>) {
        if from <= self.height {
            self.branch.walk_back(from, visit);
        }
    }

    fn median_time_past(&self, height: u32) -> Option<i64> {
        if height > self.height { None } else { self.branch.median_time_past(height) }
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;

    use super::*;

    #[test]
    fn median_of_few_and_of_many() {
        let mut chain = HeaderVec::new(BlockHash::all_zeros(), 1, 100, 0);
        assert_eq!(chain.median_time_past(0), Some(100));
        chain.push(BlockHash::all_zeros(), 1, 50, 0);
        // Of an even number the upper middle.
        assert_eq!(chain.median_time_past(1), Some(100));
        for time in 1..=10 {
            chain.push(BlockHash::all_zeros(), 1, time, 0);
        }
        // 50, 1, 2 … 10: the genesis block has dropped out.
        assert_eq!(chain.median_time_past(11), Some(6));
        assert_eq!(chain.median_time_past(12), None);
    }

    #[test]
    fn a_branch_cut_off_does_not_see_beyond() {
        let mut chain = HeaderVec::new(BlockHash::all_zeros(), 1, 0, 0);
        for time in 1..30 {
            chain.push(BlockHash::all_zeros(), 1, time, 0);
        }
        let below = Below::new(&chain, 20);
        assert_eq!((below.height(), below.at(20), below.at(21)), (20, chain.at(20), None));
        assert_eq!((below.median_time_past(20), below.median_time_past(21)), (Some(15), None));
        chain.rewind(25);
        chain.set_merged(Some(MergedFacts { bits: 1, filtered_time: 2 }));
        assert_eq!((Below::new(&chain, 24).merged(25), chain.merged(25).map(|facts| facts.bits)), (None, Some(1)));
        assert_eq!(Below::new(&chain, 25).merged(25), chain.merged(25));
        let below = Below::new(&chain, 20);
        let mut seen = Vec::new();
        below.walk_back(2, &mut |header| {
            seen.push(header.height);
            ControlFlow::Continue(())
        });
        below.walk_back(25, &mut |_| panic!("nothing is above the cut"));
        assert_eq!(seen, [2, 1, 0]);
        chain.rewind(3);
        assert_eq!((chain.height(), chain.merged(25)), (3, None));
    }
}
