//! The block tree: every header that is known, whatever became of it.
//!
//! Nodes live in one arena and name each other by number, so the tree can be read under a short lock from any thread and
//! costs one allocation. Each node has a skip pointer, which makes an ancestor at any height a matter of `log n` steps.

use std::collections::HashMap;

use bitcoin::{BlockHash, block::Header as RawHeader};
use consensus::{MergedFacts, U256, header_work};
use store::{FlatPos, IndexRecord};

use crate::hashing::SaltedState;

/// A node's number in the tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(u32);

impl NodeId {
    const NONE: Self = Self(u32::MAX);

    fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

/// How far a block has been proven right. Each step implies the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Validity {
    /// Nothing is known.
    Unknown = 0,
    /// The header is right in its place and so are all before it.
    Tree = 2,
    /// The block is right in itself and on its header chain.
    Transactions = 3,
    /// Its coins exist and its sums are right.
    Chain = 4,
    /// Its scripts are right.
    Scripts = 5,
}

/// Bits of [`IndexRecord::status`]; the numbers are on disk and the daemon's.
mod bits {
    pub(super) const VALIDITY: u32 = 7;
    pub(super) const HAVE_DATA: u32 = 8;
    pub(super) const HAVE_UNDO: u32 = 16;
    pub(super) const FAILED: u32 = 32;
    pub(super) const WITNESS: u32 = 128;
}

/// What is known of one block.
#[derive(Clone, Debug)]
pub struct Node {
    /// The 80-byte header.
    pub header: RawHeader,
    /// Its hash.
    pub hash: BlockHash,
    /// Blocks below it.
    pub height: u32,
    /// Work of the chain up to and with it.
    pub chain_work: U256,
    /// Latest timestamp of the chain up to and with it.
    pub time_max: u32,
    /// Transactions in it; 0 while the block was never seen.
    pub tx_count: u32,
    /// Transactions in the chain up to and with it; 0 while some block below is missing.
    pub chain_tx_count: u64,
    /// Order of arrival: at equal work the lower one wins.
    pub sequence: i32,
    parent: NodeId,
    skip: NodeId,
    status: u32,
    file: u32,
    block_offset: u32,
    undo_offset: u32,
}

impl Node {
    /// The parent, `None` for genesis.
    pub fn parent(&self) -> Option<NodeId> {
        self.parent.some()
    }

    /// How far it is proven.
    pub fn validity(&self) -> Validity {
        match self.status & bits::VALIDITY {
            0 | 1 => Validity::Unknown,
            2 => Validity::Tree,
            3 => Validity::Transactions,
            4 => Validity::Chain,
            _ => Validity::Scripts,
        }
    }

    /// Whether it, or a block that it builds on, broke a rule or was declared invalid.
    pub fn failed(&self) -> bool {
        self.status & bits::FAILED != 0
    }

    /// Whether it is proven at least so far and did not fail.
    pub fn is_valid(&self, at_least: Validity) -> bool {
        !self.failed() && self.validity() >= at_least
    }

    /// Whether the block's bytes are on disk.
    pub fn has_data(&self) -> bool {
        self.status & bits::HAVE_DATA != 0
    }

    /// Whether its undo bytes are on disk.
    pub fn has_undo(&self) -> bool {
        self.status & bits::HAVE_UNDO != 0
    }

    /// The work of the chain up to and with it, as a power of two.
    pub fn log2_work(&self) -> f64 {
        self.chain_work.to_f64().log2()
    }

    /// Whether it was stored under the rules that keep witnesses.
    pub fn stored_with_witness(&self) -> bool {
        self.status & bits::WITNESS != 0
    }

    /// Where the block is, if it is stored.
    pub fn block_pos(&self) -> Option<FlatPos> {
        self.has_data().then_some(FlatPos { file: self.file, offset: self.block_offset })
    }

    /// Where its undo data are, if they are stored.
    pub fn undo_pos(&self) -> Option<FlatPos> {
        self.has_undo().then_some(FlatPos { file: self.file, offset: self.undo_offset })
    }

    /// The number of the block file it is stored in, if it is.
    pub fn file(&self) -> Option<u32> {
        (self.status & (bits::HAVE_DATA | bits::HAVE_UNDO) != 0).then_some(self.file)
    }

    /// The status bits as they are on disk.
    pub fn status_bits(&self) -> u32 {
        self.status
    }

    pub(crate) fn raise(&mut self, to: Validity) -> bool {
        if self.failed() || self.validity() >= to {
            return false;
        }
        self.status = self.status & !bits::VALIDITY | u32::from(to as u8);
        true
    }

    pub(crate) fn set_failed(&mut self, failed: bool) {
        self.status = if failed { self.status | bits::FAILED } else { self.status & !bits::FAILED };
    }

    pub(crate) fn set_stored(&mut self, pos: FlatPos, witness: bool) {
        (self.file, self.block_offset, self.undo_offset) = (pos.file, pos.offset, 0);
        self.status |= bits::HAVE_DATA | if witness { bits::WITNESS } else { 0 };
    }

    pub(crate) fn set_undo(&mut self, offset: u32) {
        self.undo_offset = offset;
        self.status |= bits::HAVE_UNDO;
    }

    pub(crate) fn clear_stored(&mut self) {
        self.status &= !(bits::HAVE_DATA | bits::HAVE_UNDO);
        (self.file, self.block_offset, self.undo_offset) = (0, 0, 0);
    }

    fn record(&self, merged: Option<MergedFacts>) -> IndexRecord {
        let mut header = [0; 80];
        header.copy_from_slice(&bitcoin::consensus::serialize(&self.header));
        IndexRecord {
            header,
            height: self.height,
            status: self.status,
            tx_count: self.tx_count,
            file: self.file,
            block_offset: self.block_offset,
            undo_offset: self.undo_offset,
            merged: merged.map(|merged| (merged.bits, merged.filtered_time)),
        }
    }
}

/// All headers.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    by_hash: HashMap<BlockHash, NodeId, SaltedState>,
    /// What proofs of merged mining say that later headers ask for. Most coins have none, and no room for them.
    merged: HashMap<NodeId, MergedFacts>,
}

impl std::ops::Index<NodeId> for Tree {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl std::ops::IndexMut<NodeId> for Tree {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}

impl Tree {
    /// An empty tree whose table is salted, since hashes of headers are chosen by strangers.
    pub fn new(salt: SaltedState) -> Self {
        Self { nodes: Vec::new(), by_hash: HashMap::with_hasher(salt), merged: HashMap::new() }
    }

    /// How many headers there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether not even genesis is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node of this hash.
    pub fn find(&self, hash: &BlockHash) -> Option<NodeId> {
        self.by_hash.get(hash).copied()
    }

    /// All nodes in order of arrival; a parent comes before its children.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.nodes.len()).expect("node numbers are 32 bits wide")).map(NodeId)
    }

    /// What the proof of merged mining behind a header says, if later headers ask for it.
    pub fn merged(&self, id: NodeId) -> Option<MergedFacts> {
        self.merged.get(&id).copied()
    }

    /// The record of a node to store.
    pub(crate) fn record(&self, id: NodeId) -> IndexRecord {
        self[id].record(self.merged(id))
    }

    /// Adds a header behind its parent (`None`: genesis). The hash must not be known yet.
    pub fn insert(
        &mut self,
        header: RawHeader,
        hash: BlockHash,
        parent: Option<NodeId>,
        merged: Option<MergedFacts>,
    ) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("node numbers are 32 bits wide"));
        let node = self.draft(header, hash, parent, merged);
        self.nodes.push(node);
        if let Some(merged) = merged {
            self.merged.insert(id, merged);
        }
        self.by_hash.insert(hash, id);
        id
    }

    /// The node that a header would be behind its parent.
    pub(crate) fn draft(
        &self,
        header: RawHeader,
        hash: BlockHash,
        parent: Option<NodeId>,
        merged: Option<MergedFacts>,
    ) -> Node {
        let work = header_work(header.bits.to_consensus(), merged);
        let (height, chain_work, time_max) = parent.map_or((0, work, header.time), |p| {
            let p = &self[p];
            (p.height + 1, p.chain_work.wrapping_add(work), p.time_max.max(header.time))
        });
        let skip = parent.and_then(|p| self.ancestor(p, skip_height(height))).unwrap_or(NodeId::NONE);
        Node {
            header,
            hash,
            height,
            chain_work,
            time_max,
            tx_count: 0,
            chain_tx_count: 0,
            sequence: 1,
            parent: parent.unwrap_or(NodeId::NONE),
            skip,
            status: Validity::Tree as u32,
            file: 0,
            block_offset: 0,
            undo_offset: 0,
        }
    }

    /// Adds a header that was stored before, with what was known of it.
    pub(crate) fn restore(
        &mut self,
        header: RawHeader,
        hash: BlockHash,
        parent: Option<NodeId>,
        record: &IndexRecord,
    ) -> NodeId {
        let merged = record.merged.map(|(bits, filtered_time)| MergedFacts { bits, filtered_time });
        let id = self.insert(header, hash, parent, merged);
        let node = &mut self[id];
        node.status = record.status;
        node.tx_count = record.tx_count;
        (node.file, node.block_offset, node.undo_offset) = (record.file, record.block_offset, record.undo_offset);
        id
    }

    /// The ancestor of `id` at `height`, itself included; `None` above it.
    pub fn ancestor(&self, id: NodeId, height: u32) -> Option<NodeId> {
        let mut at = id;
        let mut node = &self[at];
        if height > node.height {
            return None;
        }
        while node.height > height {
            // Follow the long pointer only if the one behind the parent is not a better deal.
            let (skip, before) = (skip_height(node.height), skip_height(node.height - 1));
            let far = node.skip.some().filter(|_| {
                skip == height || (skip > height && !(before < skip.saturating_sub(2) && before >= height))
            });
            at = far.or(node.parent.some())?;
            node = &self[at];
        }
        Some(at)
    }

    /// The last block that both chains have.
    pub fn fork(&self, a: NodeId, b: NodeId) -> Option<NodeId> {
        let low = self[a].height.min(self[b].height);
        let (mut a, mut b) = (self.ancestor(a, low)?, self.ancestor(b, low)?);
        while a != b {
            let (na, nb) = (&self[a], &self[b]);
            if na.skip != nb.skip && na.skip.some().is_some() && nb.skip.some().is_some() {
                (a, b) = (na.skip, nb.skip);
            } else {
                (a, b) = (na.parent.some()?, nb.parent.some()?);
            }
        }
        Some(a)
    }

    /// Median of the last eleven timestamps up to and with this block.
    pub fn median_time_past(&self, id: NodeId) -> u32 {
        let mut times = [0; 11];
        let mut n = 0;
        let mut at = Some(id);
        while let Some(node) = at.map(|i| &self[i]).filter(|_| n < times.len()) {
            times[n] = node.header.time;
            n += 1;
            at = node.parent.some();
        }
        times[..n].sort_unstable();
        times[n / 2]
    }

    /// Heights of a locator: dense near the tip, then in doubling steps, down to genesis.
    pub fn locator(&self, tip: NodeId) -> Vec<BlockHash> {
        let (mut height, mut step) = (self[tip].height, 1);
        let mut have = Vec::with_capacity(32);
        loop {
            have.push(self[self.ancestor(tip, height).expect("the height is below the tip's")].hash);
            if height == 0 {
                return have;
            }
            height = height.saturating_sub(step);
            if have.len() > 10 {
                step *= 2;
            }
        }
    }
}

/// Where the skip pointer of a block at `height` leads: the numbers chosen make both short and long walks short.
fn skip_height(height: u32) -> u32 {
    fn clear_lowest(n: u32) -> u32 {
        n & n.wrapping_sub(1)
    }
    match height {
        0 | 1 => 0,
        h if h & 1 == 1 => clear_lowest(clear_lowest(h - 1)) + 1,
        h => clear_lowest(h),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use proptest::prelude::*;

    use super::*;

    fn header(parent: BlockHash, nonce: u32, time: u32) -> RawHeader {
        RawHeader {
            version: bitcoin::block::Version::from_consensus(4),
            prev_blockhash: parent,
            merkle_root: bitcoin::TxMerkleNode::all_zeros(),
            time,
            bits: bitcoin::CompactTarget::from_consensus(0x207f_ffff),
            nonce,
        }
    }

    /// A random tree: each entry picks the parent of the next node among those there are.
    fn grow(picks: &[u16]) -> Tree {
        let mut tree = Tree::new(SaltedState::new([1, 2]));
        let genesis = header(BlockHash::all_zeros(), 0, 7);
        tree.insert(genesis, genesis.block_hash(), None, None);
        for (n, pick) in picks.iter().enumerate() {
            let parent = NodeId(u32::from(*pick) % u32::try_from(tree.len()).unwrap());
            // Mostly long chains: small picks count from the end.
            let parent = if *pick < 60_000 { NodeId(u32::try_from(tree.len()).unwrap() - 1) } else { parent };
            let h = header(tree[parent].hash, u32::try_from(n).unwrap() + 1, u32::from(*pick));
            tree.insert(h, h.block_hash(), Some(parent), None);
        }
        tree
    }

    fn walk(tree: &Tree, id: NodeId) -> Vec<NodeId> {
        let mut path = vec![id];
        while let Some(p) = tree[*path.last().unwrap()].parent() {
            path.push(p);
        }
        path.reverse();
        path
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn shortcuts_agree_with_plain_walks(picks in prop::collection::vec(any::<u16>(), 1..400), a: prop::sample::Index, b: prop::sample::Index) {
            let tree = grow(&picks);
            let ids: Vec<_> = tree.ids().collect();
            let (a, b) = (*a.get(&ids), *b.get(&ids));
            let (pa, pb) = (walk(&tree, a), walk(&tree, b));
            for (height, expect) in pa.iter().enumerate() {
                prop_assert_eq!(tree.ancestor(a, u32::try_from(height).unwrap()), Some(*expect));
            }
            prop_assert_eq!(tree.ancestor(a, u32::try_from(pa.len()).unwrap()), None);
            let common = pa.iter().zip(&pb).take_while(|(x, y)| x == y).last().map(|(x, _)| *x);
            prop_assert_eq!(tree.fork(a, b), common);
            let mut times: Vec<u32> = pa.iter().rev().take(11).map(|i| tree[*i].header.time).collect();
            times.sort_unstable();
            prop_assert_eq!(tree.median_time_past(a), times[times.len() / 2]);
            // Two hashes are expected for a regtest block.
            prop_assert_eq!(tree[a].chain_work.to_u64(), Some(2 * pa.len() as u64));
            let locator = tree.locator(a);
            prop_assert_eq!(locator.first(), Some(&tree[a].hash));
            prop_assert_eq!(locator.last(), Some(&tree[pa[0]].hash));
            prop_assert!(locator.len() <= 12 + 32);
        }
    }

    #[test]
    fn a_walk_of_a_million_is_short() {
        // Count steps with the same rule, without a million nodes.
        let (mut h, mut steps) = (1_000_000u32, 0);
        while h > 123_456 {
            let (skip, before) = (skip_height(h), skip_height(h - 1));
            let far = skip == 123_456 || (skip > 123_456 && !(before < skip.saturating_sub(2) && before >= 123_456));
            h = if far { skip } else { h - 1 };
            steps += 1;
        }
        assert!(steps <= 110, "{steps} steps");
    }
}
