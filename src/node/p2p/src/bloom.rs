//! Bloom filters of BIP37: what a light client wants to hear of, told in a way that hides some of it.

use bitcoin::hashes::Hash;
use bitcoin::merkle_tree::PartialMerkleTree;
use bitcoin::script::Instruction;
use bitcoin::{OutPoint, Script, Txid};
use primitives::{Block, Tx};

use crate::message::{FilterLoad, MerkleBlock};

/// How many bytes a filter may have.
const MAX_SIZE: usize = 36_000;
/// How many hash functions a filter may have.
const MAX_HASH_FUNCTIONS: u32 = 50;
/// How long something added to a filter may be: as long as anything that a script can push.
pub(crate) const MAX_ELEMENT: usize = 520;

/// Which matched outputs are added to the filter, so that what spends them matches too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Update {
    None,
    All,
    BareKeys,
}

/// A filter that a peer has loaded.
#[derive(Debug, Clone)]
pub(crate) struct BloomFilter {
    bits: Vec<u8>,
    hash_functions: u32,
    tweak: u32,
    update: Update,
}

impl BloomFilter {
    /// `None` if the filter is larger than any may be.
    pub(crate) fn new(load: FilterLoad) -> Option<Self> {
        if load.data.len() > MAX_SIZE || load.hash_functions > MAX_HASH_FUNCTIONS {
            return None;
        }
        let update = match load.flags & 3 {
            1 => Update::All,
            2 => Update::BareKeys,
            _ => Update::None,
        };
        Some(Self { bits: load.data, hash_functions: load.hash_functions, tweak: load.tweak, update })
    }

    /// The byte and the bit that each hash function points to.
    fn places(&self, data: &[u8]) -> Vec<(usize, u8)> {
        let count = u64::try_from(self.bits.len()).unwrap_or(0) * 8;
        let seeds = (0..self.hash_functions).map(|n| n.wrapping_mul(0xfba4_c795).wrapping_add(self.tweak));
        let place = |seed| {
            let bit = u64::from(murmur3(seed, data)).checked_rem(count)?;
            Some((usize::try_from(bit / 8).ok()?, 1 << (bit % 8)))
        };
        seeds.filter_map(place).collect()
    }

    pub(crate) fn insert(&mut self, data: &[u8]) {
        for (byte, bit) in self.places(data) {
            self.bits[byte] |= bit;
        }
    }

    fn contains(&self, data: &[u8]) -> bool {
        self.places(data).into_iter().all(|(byte, bit)| self.bits[byte] & bit != 0)
    }

    /// Whether a script pushes something that is in the filter. What follows a broken push is not looked at.
    fn matches_push(&self, script: &Script) -> bool {
        let pushes = script.instructions().map_while(Result::ok);
        pushes
            .filter_map(|it| if let Instruction::PushBytes(data) = it { Some(data) } else { None })
            .any(|data| !data.is_empty() && self.contains(data.as_bytes()))
    }

    /// Whether a client with this filter wants to hear of a transaction. Its outputs may be added to the filter.
    pub(crate) fn wants(&mut self, tx: &Tx) -> bool {
        // A filter without bits is how a client says that it wants everything.
        if self.bits.is_empty() {
            return true;
        }
        let txid = tx.txid();
        let mut found = self.contains(txid.as_byte_array());
        for (vout, output) in (0..).zip(tx.outputs()) {
            let script = &output.script_pubkey;
            if !self.matches_push(script) {
                continue;
            }
            found = true;
            let follow = match self.update {
                Update::None => false,
                Update::All => true,
                Update::BareKeys => script.is_p2pk() || script.is_multisig(),
            };
            if follow {
                self.insert(&outpoint(&OutPoint { txid, vout }));
            }
        }
        found
            || tx
                .inputs()
                .iter()
                .any(|input| self.contains(&outpoint(&input.previous_output)) || self.matches_push(&input.script_sig))
    }

    /// A block as the client sees it, and the places of the transactions that it wants.
    pub(crate) fn merkle_block(&mut self, block: &Block) -> (MerkleBlock, Vec<usize>) {
        let matches: Vec<bool> = block.txs.iter().map(|tx| self.wants(tx)).collect();
        let txids: Vec<Txid> = block.txs.iter().map(|tx| tx.txid()).collect();
        let places = matches.iter().enumerate().filter_map(|(place, wanted)| wanted.then_some(place)).collect();
        let mut answer = MerkleBlock { header: block.header.clone(), total: 0, hashes: Vec::new(), flags: Vec::new() };
        if !txids.is_empty() {
            let tree = PartialMerkleTree::from_txids(&txids, &matches);
            answer.total = tree.num_transactions();
            answer.hashes = tree.hashes().iter().map(|hash| hash.to_byte_array()).collect();
            answer.flags = vec![0; tree.bits().len().div_ceil(8)];
            for (place, _) in tree.bits().iter().enumerate().filter(|(_, bit)| **bit) {
                answer.flags[place / 8] |= 1 << (place % 8);
            }
        }
        (answer, places)
    }
}

fn outpoint(out: &OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[..32].copy_from_slice(out.txid.as_byte_array());
    bytes[32..].copy_from_slice(&out.vout.to_le_bytes());
    bytes
}

/// The hash function of BIP37: 32-bit MurmurHash3.
fn murmur3(seed: u32, data: &[u8]) -> u32 {
    let mix = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = data.as_chunks::<4>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        (hash ^ mix(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash ^= mix(u32::from_le_bytes(last));
    }
    hash ^= u32::try_from(data.len()).unwrap_or(u32::MAX);
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mine, spend};

    fn empty(bytes: usize, hash_functions: u32, flags: u8) -> BloomFilter {
        BloomFilter::new(FilterLoad { data: vec![0; bytes], hash_functions, tweak: 0, flags }).unwrap()
    }

    #[test]
    fn the_hash_function_is_murmur3() {
        for (seed, data, expected) in [
            (0, &b""[..], 0),
            (1, b"", 0x514e_28b7),
            (0xffff_ffff, b"", 0x81f1_6f39),
            (0, b"test", 0xba6b_d213),
            (0, b"Hello, world!", 0xc036_3e43),
            (0x9747_b28c, b"The quick brown fox jumps over the lazy dog", 0x2fa8_26cd),
        ] {
            assert_eq!(murmur3(seed, data), expected, "{seed} {data:?}");
        }
    }

    #[test]
    fn filters_have_limits() {
        let load = |size, hash_functions| FilterLoad { data: vec![0; size], hash_functions, tweak: 0, flags: 0 };
        assert!(BloomFilter::new(load(36_000, 50)).is_some());
        assert!(BloomFilter::new(load(36_001, 1)).is_none());
        assert!(BloomFilter::new(load(1, 51)).is_none());
    }

    #[test]
    fn a_matched_output_is_followed_if_the_client_wants_it() {
        let coin = OutPoint { txid: spend(OutPoint::null(), 1, 0).txid(), vout: 7 };
        let parent = spend(coin, 5, 1);
        let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 4, 1);
        for (flags, follows) in [(0, false), (1, true), (2, false)] {
            let mut filter = empty(1000, 10, flags);
            assert!(!filter.wants(&parent) && !filter.wants(&child));
            filter.insert(&outpoint(&coin));
            assert!(filter.wants(&parent), "it spends a wanted coin");
            filter.insert(parent.txid().as_byte_array());
            assert!(filter.wants(&parent));
            assert!(!filter.wants(&child), "an output is followed only if its script matches");
            let script = bitcoin::script::Builder::new().push_slice([9; 20]).into_script();
            let mut inner = parent.inner().clone();
            inner.output[0].script_pubkey = script;
            let paying = Tx::new(inner, None);
            filter.insert(&[9; 20]);
            assert!(filter.wants(&paying));
            let spending = spend(OutPoint { txid: paying.txid(), vout: 0 }, 4, 1);
            assert_eq!(filter.wants(&spending), follows, "flags {flags}");
        }
        assert!(empty(0, 1, 0).wants(&child), "a filter without bits wants everything");
    }

    #[test]
    fn a_merkle_block_proves_what_it_contains() {
        let mut block = (*mine(bitcoin::BlockHash::all_zeros(), 1, 1)).clone();
        for value in 1..10 {
            block.txs.push(spend(OutPoint::null(), value, 1));
        }
        let mut filter = empty(1000, 10, 0);
        filter.insert(block.txs[3].txid().as_byte_array());
        let (answer, places) = filter.merkle_block(&block);
        assert_eq!((places, answer.total), (vec![3], 10));
        let mut bytes = answer.total.to_le_bytes().to_vec();
        primitives::put_compact_size(&mut bytes, answer.hashes.len());
        bytes.extend(answer.hashes.concat());
        primitives::put_bytes(&mut bytes, &answer.flags);
        let tree: PartialMerkleTree = bitcoin::consensus::deserialize(&bytes).unwrap();
        let (mut found, mut indexes) = (Vec::new(), Vec::new());
        let root = tree.extract_matches(&mut found, &mut indexes).unwrap();
        assert_eq!((root, found), (block.merkle_root().0, vec![block.txs[3].txid()]));
    }
}
