//! Taproot trees as lists of leaves.

/// Whether leaves of these depths, from left to right, make a whole tree.
pub(crate) fn is_whole(depths: impl IntoIterator<Item = u8>) -> bool {
    // Whether there is a finished left side at each depth.
    let mut sides: Vec<bool> = Vec::new();
    for depth in depths {
        let mut depth = usize::from(depth);
        if depth + 1 < sides.len() {
            return false;
        }
        // Two sides of one depth are one side of the depth above.
        while sides.get(depth) == Some(&true) {
            sides.truncate(depth);
            match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return false,
            }
        }
        sides.resize(depth + 1, false);
        sides[depth] = true;
    }
    matches!(sides.as_slice(), [] | [true])
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn whole_trees() {
        for depths in [vec![], vec![0], vec![1, 1], vec![1, 2, 2], vec![2, 2, 1], vec![2, 2, 2, 2], vec![3, 3, 2, 1]] {
            assert!(is_whole(depths.clone()), "{depths:?}");
        }
    }

    #[test]
    fn broken_trees() {
        for depths in [vec![1], vec![0, 0], vec![2, 1], vec![1, 1, 1], vec![2, 2], vec![1, 2], vec![128]] {
            assert!(!is_whole(depths.clone()), "{depths:?}");
        }
    }
}
