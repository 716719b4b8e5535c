//! The rate that peers are told not to send below. It is rounded to a few steps, and by chance, so that it does not tell
//! one node from another.

use super::float;
use crate::FeeRate;

const HIGHEST: f64 = 1e7;
const SPACING: f64 = 1.1;

/// Rounds rates to steps, each a tenth above the last.
#[derive(Clone, Debug)]
pub struct FeeFilterRounder {
    steps: Vec<f64>,
}

#[expect(clippy::cast_possible_truncation, reason = "steps are at most ten million")]
fn whole(step: f64) -> i64 {
    step as i64
}

impl FeeFilterRounder {
    /// Steps from half of `-incrementalrelayfee` on.
    pub fn new(incremental: FeeRate) -> Self {
        let lowest = float((incremental.fee_per_kvb() / 2).max(1));
        let steps = std::iter::successors(Some(lowest), |step| Some(step * SPACING));
        let steps = std::iter::once(0.0).chain(steps.take_while(|step| *step <= HIGHEST)).collect();
        Self { steps }
    }

    /// Rounds a rate per thousand virtual bytes: up if `dice` is a multiple of three, else down.
    pub fn round(&self, per_kvb: i64, dice: u32) -> i64 {
        let above = self.steps.partition_point(|step| *step < float(per_kvb));
        let down = above == self.steps.len() || (above > 0 && !dice.is_multiple_of(3));
        whole(self.steps[if down { above - 1 } else { above }])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_steps() {
        let rounder = FeeFilterRounder::new(FeeRate::per_kvb(100));
        assert_eq!((rounder.round(0, 1), rounder.round(0, 0)), (0, 0));
        assert_eq!((rounder.round(1, 1), rounder.round(1, 3)), (0, 50));
        assert_eq!((rounder.round(54, 2), rounder.round(54, 6)), (50, 55));
        let top = rounder.round(i64::MAX, 0);
        assert_eq!(top, rounder.round(i64::MAX, 1));
        assert!(top <= 10_000_000 && top > 9_000_000);
        assert_eq!(FeeFilterRounder::new(FeeRate::per_kvb(0)).round(1, 0), 1);
    }

    proptest! {
        #[test]
        fn never_far_off(rate in 50i64..9_000_000, dice: u32) {
            let rounded = FeeFilterRounder::new(FeeRate::per_kvb(100)).round(rate, dice);
            prop_assert!(rounded * 112 >= rate * 100 - 200 && rounded * 100 <= rate * 112);
        }
    }
}
