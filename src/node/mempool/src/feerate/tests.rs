//! Rates and diagrams.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

#[test]
fn rounding() {
    let rate = FeeRate::per_kvb(1001);
    assert_eq!((rate.fee_for(0), rate.fee_for(1), rate.fee_for(1000), rate.fee_for(999)), (0, 2, 1001, 1000));
    assert_eq!(FeeRate::new(1, 3).fee_per_kvb(), 333);
    assert_eq!(FeeRate::new(-1, 3).fee_per_kvb(), -334);
    assert_eq!(FeeRate::per_kvb(-1).fee_for(10), -1);
    assert_eq!(FeeRate::new(5, 0), FeeRate::default());
    assert_eq!(FeeRate::per_kvb(123_456_789).text("BTC"), "1.23456789 BTC/kvB");
    assert_eq!(FeeRate::new(10, 7).by_vsize(), FeeRate::new(10, 2));
}

#[test]
fn diagrams() {
    let rates = |list: &[(i64, i64)]| list.iter().map(|(fee, size)| FeeRate::new(*fee, *size)).collect::<Vec<_>>();
    for (a, b, expected) in [
        (&[(950, 300), (100, 100)][..], &[(1000, 300), (50, 100)][..], Some(Ordering::Less)),
        (&[(1000, 300)], &[(1000, 300)], Some(Ordering::Equal)),
        (&[(500, 100), (500, 200)], &[(1000, 300)], Some(Ordering::Greater)),
        (&[(1000, 100)], &[(900, 50), (150, 100)], None),
        (&[(100, 10)], &[], Some(Ordering::Greater)),
        (&[(0, 10)], &[], Some(Ordering::Equal)),
        (&[(100, 10), (-50, 10)], &[(100, 10)], Some(Ordering::Less)),
        // The second is better until it falls to its end, and worse there.
        (&[(39, 8), (-3, 3)], &[(41, 2), (3, 2), (-2, 4), (-5, 1)], None),
    ] {
        assert_eq!(compare_diagrams(&rates(a), &rates(b)), expected, "{a:?} {b:?}");
        assert_eq!(compare_diagrams(&rates(b), &rates(a)), expected.map(Ordering::reverse));
    }
}

proptest! {
    #[test]
    fn a_diagram_is_compared_at_every_size(
        mut a in prop::collection::vec((-5i64..50, 1i64..10), 0..6),
        mut b in prop::collection::vec((-5i64..50, 1i64..10), 0..6),
    ) {
        let sort = |list: &mut Vec<(i64, i64)>| list.sort_by_key(|(fee, size)| -(fee * 2520 / size));
        sort(&mut a);
        sort(&mut b);
        let rates = |list: &[(i64, i64)]| list.iter().map(|(fee, size)| FeeRate::new(*fee, *size)).collect::<Vec<_>>();
        // The height of a diagram at a size, times the product of all possible sizes of a step.
        let height = |list: &[(i64, i64)], at: i64| {
            let (mut left, mut sum) = (at, 0);
            for (fee, size) in list {
                let part = left.min(*size);
                sum += fee * 2520 * part / size;
                left -= part;
            }
            sum
        };
        let (mut above, mut below) = (false, false);
        for at in 0..60 {
            above |= height(&a, at) > height(&b, at);
            below |= height(&a, at) < height(&b, at);
        }
        let expected = match (above, below) {
            (false, false) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (true, true) => None,
        };
        prop_assert_eq!(compare_diagrams(&rates(&a), &rates(&b)), expected);
    }
}
