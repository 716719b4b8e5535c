//! Roots against rust-bitcoin's, branches against roots, and the lists that keep a root.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn leaf(number: u8) -> [u8; 32] {
    [number; 32]
}

#[test]
fn doubling_the_end_keeps_the_root_and_is_noticed() {
    let honest = root((1..=6).map(leaf).collect());
    let doubled = root([1, 2, 3, 4, 5, 6, 5, 6].map(leaf).to_vec());
    assert_eq!(honest.hash, doubled.hash);
    assert!(!honest.mutated);
    assert!(doubled.mutated);
    assert!(root([1, 2, 2].map(leaf).to_vec()).hash != root([1, 2].map(leaf).to_vec()).hash);
    assert!(root([1, 1, 2].map(leaf).to_vec()).mutated);
    // Equal leaves that are not side by side in a pair are no doubling.
    assert!(!root([1, 2, 2, 1].map(leaf).to_vec()).mutated);
}

#[test]
fn no_leaves_and_one_leaf() {
    assert_eq!(root(Vec::new()), Root { hash: [0; 32], mutated: false });
    assert_eq!(root(vec![leaf(7)]), Root { hash: leaf(7), mutated: false });
    assert_eq!(branch(Vec::new(), 0), Vec::<[u8; 32]>::new());
    assert_eq!(branch(vec![leaf(7)], 0), Vec::<[u8; 32]>::new());
}

proptest! {
    #[test]
    fn every_branch_leads_to_the_root(leaves in vec(any::<[u8; 32]>(), 1..40)) {
        let expected = root(leaves.clone()).hash;
        for (position, leaf) in leaves.iter().enumerate() {
            let branch = branch(leaves.clone(), position);
            prop_assert_eq!(root_of_branch(*leaf, &branch, u32::try_from(position).unwrap()), expected);
        }
    }

    #[test]
    fn rust_bitcoin_agrees(leaves in vec(any::<[u8; 32]>(), 1..40)) {
        let theirs = bitcoin::merkle_tree::calculate_root(leaves.iter().map(|l| sha256d::Hash::from_byte_array(*l)));
        prop_assert_eq!(Some(root(leaves).hash), theirs.map(sha256d::Hash::to_byte_array));
    }
}
