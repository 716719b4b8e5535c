//! Markets that are easy to see through.

use bitcoin::hashes::Hash;

use super::*;

/// A market: in each block come some transactions of each of ten rates, and the better ones are mined sooner.
struct Market {
    estimator: FeeEstimator,
    height: u32,
    made: u64,
    /// Who waits, by level.
    waiting: [Vec<(u32, Txid)>; 10],
}

/// The rate of a level: 1000 to 10000.
fn rate(level: usize) -> i64 {
    1000 * i64::try_from(level + 1).unwrap()
}

impl Market {
    fn new() -> Self {
        let mut estimator = FeeEstimator::default();
        estimator.confirm(&[], 1);
        Self { estimator, height: 1, made: 0, waiting: Default::default() }
    }

    /// A block: level 9 is mined at once, each lower level a block later. Below `cut` nothing is.
    fn block(&mut self, cut: usize) {
        for level in 0..10 {
            for _ in 0..4 {
                self.made += 1;
                let mut id = [0; 32];
                id[..8].copy_from_slice(&self.made.to_le_bytes());
                let txid = Txid::from_byte_array(id);
                self.estimator.track(txid, self.height, FeeRate::new(rate(level), 1000));
                self.waiting[level].push((self.height, txid));
            }
        }
        self.height += 1;
        let mut mined = Vec::new();
        for (level, waiting) in self.waiting.iter_mut().enumerate().skip(cut) {
            let patience = u32::try_from(9 - level).unwrap();
            waiting.retain(|(since, txid)| {
                let due = self.height > since + patience;
                if due {
                    mined.push(*txid);
                }
                !due
            });
        }
        self.estimator.confirm(&mined, self.height);
    }
}

#[test]
fn nothing_is_known_at_first() {
    let estimator = FeeEstimator::default();
    for target in [0, 1, 2, 25, 1008, 1009] {
        assert_eq!(estimator.estimate_smart(target, true).rate, None);
    }
    assert_eq!(Horizon::ALL.map(|horizon| estimator.highest_target(horizon)), [12, 48, 1008]);
    assert!(estimator.estimate_raw(13, 0.5, Horizon::Short).is_none());
    assert!(estimator.estimate_raw(12, 0.5, Horizon::Short).unwrap().0.is_none());
}

#[test]
fn patience_is_cheaper() {
    let mut market = Market::new();
    for _ in 0..200 {
        market.block(0);
    }
    let ask = |target| market.estimator.estimate_smart(target, false);
    let rates: Vec<i64> = (2..=12).map(|target| ask(target).rate.unwrap().fee_per_kvb()).collect();
    assert!(rates.is_sorted_by(|a, b| a >= b), "{rates:?}");
    // Level n is confirmed within 10 - n blocks; the medium horizon counts by two.
    let (raw, detail) = market.estimator.estimate_raw(3, 0.85, Horizon::Short).unwrap();
    let raw = raw.unwrap().fee_per_kvb();
    assert!((7900..=8100).contains(&raw), "{raw}: level 7 waits for three blocks");
    let pass = detail.pass.unwrap();
    assert!(pass.start < 8000.0 && pass.end >= 8000.0 && pass.within_target > 0.85 * pass.confirmed);
    let fail = detail.fail.unwrap();
    assert!(fail.end < 8000.0 && fail.within_target < 0.85 * (fail.confirmed + fail.in_mempool));
    assert_eq!(ask(1).target, 2, "nobody can promise the next block");
    assert_eq!(ask(1000).target, 99, "half of what was seen");
    let slow = ask(12).rate.unwrap().fee_per_kvb();
    assert!((4_900..=5_100).contains(&slow), "within half of twelve blocks level 4 is mined: {slow}");
}

#[test]
fn what_is_never_mined_is_no_bargain() {
    let mut market = Market::new();
    for _ in 0..150 {
        market.block(5);
    }
    let rate = market.estimator.estimate_smart(20, false).rate.unwrap().fee_per_kvb();
    assert!((5_900..=6_100).contains(&rate), "level 5 is the lowest that is mined: {rate}");
    let before = market.estimator.estimate_raw(24, 0.95, Horizon::Medium).unwrap().1.fail.unwrap();
    assert!(before.in_mempool > 0.0 && before.left_mempool == 0.0);
    market.estimator.give_up_waiting();
    let after = market.estimator.estimate_raw(24, 0.95, Horizon::Medium).unwrap().1.fail.unwrap();
    assert!(after.in_mempool == 0.0 && after.left_mempool > 0.0);
}

#[test]
fn estimates_survive_a_restart() {
    let mut market = Market::new();
    for _ in 0..120 {
        market.block(2);
    }
    market.estimator.give_up_waiting();
    let bytes = market.estimator.to_bytes();
    let again = FeeEstimator::from_bytes(&bytes).unwrap();
    for target in 2..60 {
        for conservative in [false, true] {
            let (a, b) =
                (market.estimator.estimate_smart(target, conservative), again.estimate_smart(target, conservative));
            assert_eq!((a.rate, a.target, a.reason), (b.rate, b.target, b.reason));
            assert!(a.rate.is_some());
        }
    }
    assert_eq!(again.to_bytes(), bytes);
    let floats = |count: usize| 1 + 8 * count;
    let stats = |periods: usize| 12 + 2 * floats(237) + 2 * (1 + periods * floats(237));
    assert_eq!(bytes.len(), 16 + floats(237) + stats(12) + stats(24) + stats(42));
}

#[test]
fn damaged_files_are_not_used() {
    let bytes = FeeEstimator::default().to_bytes();
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        FeeEstimator::from_bytes(&bytes).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(0, &309_901i32.to_le_bytes()), BadEstimates::TooNew(309_901));
    assert_eq!(with(0, &149_900i32.to_le_bytes()), BadEstimates::TooOld(149_900));
    assert_eq!(with(8, &[1]), BadEstimates::History);
    assert_eq!(with(16, &[1]), BadEstimates::Buckets);
    let stats = 17 + 237 * 8;
    assert_eq!(with(stats, &2.0f64.to_bits().to_le_bytes()), BadEstimates::Decay);
    assert_eq!(with(stats, &f64::NAN.to_bits().to_le_bytes()), BadEstimates::Decay);
    assert_eq!(with(stats + 8, &[0; 4]), BadEstimates::Scale);
    assert_eq!(with(stats + 8, &[255, 255, 255, 255]), BadEstimates::Blocks);
    assert_eq!(with(stats + 12, &[9]), BadEstimates::Table);
    for len in (0..bytes.len()).step_by(997) {
        assert!(FeeEstimator::from_bytes(&bytes[..len]).is_err());
    }
}
