//! Proofs of merged mining: those that hold, and every way in which one does not.

use std::sync::Arc;

use bitcoin::block::{Header as RawHeader, Version};
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, CompactTarget, ScriptBuf, TxMerkleNode};
use coin::ChainKind;
use primitives::{AuxPow, Codec, Header, NamecoinAuxPow, Tx, WitnessMode};
use proptest::prelude::*;

use super::super::auxpow::*;
use crate::reason::HeaderReason;
use crate::testing::{coinbase, header, input, output, raw_header, rules, transaction, tx};

const OURS: ChainIds = ChainIds { id: 16, old: 4096, strict: true };
const NONCE: u32 = 7;
/// The tallest tree that there may be.
const HEIGHT: u32 = 30;
const HASH: [u8; 32] = [0x39; 32];

/// A parent block and its proof, to be spoilt.
#[derive(Clone)]
struct Case {
    root: [u8; 32],
    proof: NamecoinAuxPow,
}

fn script_of(data: &[&[u8]]) -> Vec<u8> {
    let mut script = vec![2, 0xf9, 0x0a, 2, 0xdd, 0x07, 0x52];
    for part in data {
        script.push(u8::try_from(part.len()).unwrap());
        script.extend_from_slice(part);
    }
    script
}

fn data(magic: bool, root: &[u8; 32], height: u32, nonce: u32) -> Vec<u8> {
    let mut data = if magic { MERGED_MINING_MAGIC.to_vec() } else { Vec::new() };
    data.extend(root);
    data.extend((1u32 << height).to_le_bytes());
    data.extend(nonce.to_le_bytes());
    data
}

fn coinbase_with(script: Vec<u8>) -> Arc<Tx> {
    let mut inner = coinbase(0, vec![]);
    inner.input[0].script_sig = ScriptBuf::from_bytes(script);
    Arc::new(tx(inner))
}

impl Case {
    /// A right proof for `hash`, in a tree of that height.
    fn new(hash: [u8; 32], height: u32, index: u32) -> Self {
        let branch: Vec<_> = (0..height).map(|n| [u8::try_from(n).unwrap(); 32]).collect();
        let index = i32::try_from(index).unwrap();
        let mut root = climb(hash, &branch, index);
        root.reverse();
        let parent = raw_header(BlockHash::all_zeros(), 1, 0x207f_ffff);
        let parent = RawHeader { version: Version::from_consensus(5 | 42 << 16), ..parent };
        let proof = NamecoinAuxPow {
            coinbase: coinbase_with(vec![]),
            coinbase_branch: vec![],
            chain_branch: branch,
            chain_index: index,
            parent,
        };
        Self { root, proof }.with(&[&data(true, &root, height, NONCE)])
    }

    fn right() -> Self {
        Self::new(HASH, HEIGHT, expected_index(NONCE, 16, 1 << HEIGHT))
    }

    /// The same with these pushes in its coinbase.
    fn with(mut self, pushes: &[&[u8]]) -> Self {
        self.proof.coinbase = coinbase_with(script_of(pushes));
        self.seal()
    }

    /// The parent's Merkle root is that of its coinbase.
    fn seal(mut self) -> Self {
        let root = climb(self.proof.coinbase.txid().to_byte_array(), &self.proof.coinbase_branch, 0);
        self.proof.parent.merkle_root = TxMerkleNode::from_byte_array(root);
        self
    }

    fn check(&self) -> Result<(), AuxPowReason> {
        check(&self.proof, HASH, 16, OURS)
    }

    fn parent_version(mut self, version: i32) -> Self {
        self.proof.parent.version = Version::from_consensus(version);
        self
    }
}

#[test]
fn a_right_proof_holds_for_its_header_and_chain_only() {
    let case = Case::right();
    assert_eq!(case.check(), Ok(()));
    assert_eq!(check(&case.proof, [0x3a; 32], 16, OURS), Err(AuxPowReason::MissingRoot));
    assert_eq!(check(&case.proof, HASH, 17, OURS), Err(AuxPowReason::Index));
}

#[test]
fn a_parent_needs_a_coinbase_that_is_its_own() {
    let mut case = Case::right();
    case.proof.coinbase = Arc::new(tx(transaction(vec![], vec![output(1, &[0x51])])));
    assert_eq!(case.seal().check(), Err(AuxPowReason::NoInputs));

    let mut case = Case::right();
    case.proof.parent.merkle_root = TxMerkleNode::from_byte_array([1; 32]);
    assert_eq!(case.check(), Err(AuxPowReason::MerkleRoot));

    // The second transaction of a parent would need a place, and the coinbase's is always the first.
    let mut case = Case::right();
    let (first, second) = (tx(transaction(vec![input(bitcoin::OutPoint::null())], vec![])), &case.proof.coinbase);
    let root = climb(second.txid().to_byte_array(), &[first.txid().to_byte_array()], 1);
    case.proof.coinbase_branch = vec![first.txid().to_byte_array()];
    case.proof.parent.merkle_root = TxMerkleNode::from_byte_array(root);
    assert_eq!(case.check(), Err(AuxPowReason::MerkleRoot));
    assert_eq!(case.seal().check(), Ok(()), "as the first it may have others beside it");
}

#[test]
fn a_parent_of_our_own_chain_is_refused() {
    let merged = super::super::version::AUXPOW;
    let with = |id: i32, merged: i32| Case::right().parent_version(5 | id << 16 | merged);
    assert_eq!(with(100 % 32, merged).check(), Ok(()));
    assert_eq!(with(16, merged).check(), Err(AuxPowReason::ParentChainId));
    assert_eq!(with(4096, merged).check(), Err(AuxPowReason::ParentOldChainId));
    // Without a proof of its own, a parent may have what it wants in those bits.
    assert_eq!((with(16, 0).check(), with(4096, 0).check()), (Ok(()), Ok(())));
    let lenient = ChainIds { strict: false, ..OURS };
    assert_eq!(check(&with(16, merged).proof, HASH, 16, lenient), Ok(()));
}

#[test]
fn a_tree_has_at_most_thirty_levels() {
    let mut case = Case::right();
    case.proof.chain_branch.push([30; 32]);
    assert_eq!(case.check(), Err(AuxPowReason::ChainBranch));
}

#[test]
fn two_roots_cannot_be_smuggled_in() {
    let case = Case::right();
    let wrong = Case::new([0x3a; 32], HEIGHT, expected_index(NONCE, 16, 1 << HEIGHT)).root;
    let (good, bad) = (|magic| data(magic, &case.root, HEIGHT, NONCE), |magic| data(magic, &wrong, HEIGHT, NONCE));
    let check = |first: Vec<u8>, second: Vec<u8>| case.clone().with(&[&first, &second]).check();
    for (both, expected) in [
        ((good(false), bad(false)), Err(AuxPowReason::MissingHeader)),
        ((good(false), bad(true)), Err(AuxPowReason::HeaderPlace)),
        ((good(true), bad(true)), Err(AuxPowReason::ManyHeaders)),
        ((good(true), bad(false)), Ok(())),
    ] {
        let (first, second) = both;
        assert_eq!(check(first.clone(), second.clone()), expected);
        assert_eq!(check(second, first), expected);
    }
    assert_eq!(case.clone().with(&[&good(false)]).check(), Err(AuxPowReason::MissingHeader), "the old form");
}

#[test]
fn size_nonce_and_place_must_fit() {
    let case = Case::right();
    let with = |data: &[u8]| case.clone().with(&[data]).check();
    let whole = data(true, &case.root, HEIGHT, NONCE);
    assert_eq!(with(&whole), Ok(()));
    assert_eq!(with(&whole[..whole.len() - 1]), Err(AuxPowReason::MissingSize));
    assert_eq!(with(&data(true, &case.root, HEIGHT - 1, NONCE)), Err(AuxPowReason::Size));
    assert_eq!(with(&data(true, &case.root, HEIGHT, NONCE + 3)), Err(AuxPowReason::Index));
    let place = expected_index(NONCE, 16, 1 << HEIGHT);
    assert_eq!(Case::new(HASH, HEIGHT, place ^ 1).check(), Err(AuxPowReason::Index));
    let mut negative = Case::new(HASH, HEIGHT, place);
    negative.proof.chain_index = -1;
    assert_eq!(negative.check(), Err(AuxPowReason::MissingRoot));
}

#[test]
fn the_place_in_the_tree() {
    // Worked by hand from the formula: a tree of one leaf has one place, and the id moves the place in others.
    assert_eq!(expected_index(u32::MAX, 16, 1), 0);
    let expected = |nonce: u64, id: u64, size: u64| {
        let slot = (nonce * 1_103_515_245 + 12_345) % size;
        ((slot + id) * 1_103_515_245 + 12_345) % size
    };
    for (nonce, id, height) in [(0u32, 16i32, 1u32), (7, 16, 30), (u32::MAX, 0, 16), (123_456_789, 8, 5)] {
        let wanted = expected(nonce.into(), u64::from(id.cast_unsigned()), 1 << height);
        assert_eq!(u64::from(expected_index(nonce, id, 1 << height)), wanted);
    }
}

/// A regtest header with a proof that holds, work included.
fn proven() -> Header {
    let inner = RawHeader { version: Version::from_consensus(0x2000_0000 | 16 << 16 | 1 << 8), ..easy() };
    let hash = inner.block_hash().to_byte_array();
    let mut case = Case::new(hash, 3, expected_index(NONCE, 16, 8));
    case.proof.coinbase_branch = vec![[5; 32], [6; 32]];
    let mut proof = case.seal().proof;
    proof.parent.bits = CompactTarget::from_consensus(1);
    while !crate::is_proven(
        &proof.parent.block_hash(),
        0x207f_ffff,
        rules("syscoin", ChainKind::Regtest).params().pow(),
    ) {
        proof.parent.nonce += 1;
    }
    Header::with_aux(inner, Some(Arc::new(AuxPow::Namecoin(Box::new(proof)))))
}

fn easy() -> RawHeader {
    raw_header(BlockHash::all_zeros(), 1, 0x207f_ffff)
}

#[test]
fn the_version_and_the_proof_go_together() {
    let rules = rules("syscoin", ChainKind::Regtest);
    let good = proven();
    assert_eq!(rules.check_header(&good), Ok(()));
    let with = |version: i32, aux: bool| {
        let raw = RawHeader { version: Version::from_consensus(version), ..*good.raw() };
        rules.check_header(&Header::with_aux(raw, good.aux().filter(|_| aux).cloned()))
    };
    let merged = 0x2000_0000 | 1 << 8;
    assert_eq!(with(merged | 16 << 16, false), Err(AuxPowReason::Missing.into()));
    assert_eq!(with(0x2000_0000, true), Err(AuxPowReason::OldChainId.into()));
    assert_eq!(with(1, true), Err(AuxPowReason::Unannounced.into()));
    assert_eq!(with(merged | 17 << 16, true), Err(AuxPowReason::ChainId.into()));
    assert_eq!(with(merged | 32 << 16, true), Err(AuxPowReason::OldChainId.into()));
    // Another hash, to which the proof does not lead.
    assert_eq!(with(merged | 1 | 16 << 16, true), Err(AuxPowReason::MissingRoot.into()));
    let reason = HeaderReason::from(AuxPowReason::Index);
    assert_eq!(reason.full(), "high-hash, proof of work failed: Aux POW wrong index");
    // Without a proof it is the header's own hash that counts.
    let mut plain = easy();
    let proven = |raw: &RawHeader| rules.check_header(&header(*raw));
    while proven(&plain).is_err() {
        plain.nonce += 1;
    }
    let high = RawHeader { bits: CompactTarget::from_consensus(0x0300_0001), ..plain };
    assert_eq!(proven(&high), Err(HeaderReason::HighHash));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]
    #[test]
    fn no_bit_can_be_flipped(place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let rules = rules("syscoin", ChainKind::Regtest);
        let codec = Codec::for_coin(rules.params().coin());
        let (good, mut bytes) = (proven(), Vec::new());
        good.encode(&mut bytes, WitnessMode::Include);
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // A flipped length may make the bytes unreadable; what can be read must be refused, unless it is written the
        // same as before: the hash and the place that nobody reads.
        let Ok(flipped) = codec.decode_header(&bytes) else { return Ok(()) };
        if flipped == good {
            return Ok(());
        }
        match rules.check_header(&flipped) {
            Err(HeaderReason::AuxPow(_) | HeaderReason::HighHash) => {}
            // The parent's own header has bits that change nothing but its hash; one flip in two keeps enough work on
            // this easiest of chains.
            Ok(()) => {
                let (Some(AuxPow::Namecoin(new)), Some(AuxPow::Namecoin(old))) =
                    (flipped.aux().map(|aux| &**aux), good.aux().map(|aux| &**aux))
                else {
                    return Err(TestCaseError::fail("a proof became none"));
                };
                prop_assert_eq!(flipped.raw(), good.raw());
                prop_assert_eq!((&new.coinbase, &new.coinbase_branch), (&old.coinbase, &old.coinbase_branch));
                prop_assert_eq!((&new.chain_branch, new.chain_index), (&old.chain_branch, old.chain_index));
                prop_assert_eq!(new.parent.merkle_root, old.parent.merkle_root);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
