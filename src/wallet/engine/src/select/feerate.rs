//! Fee rates: exact fractions, so that the rate of a transaction and the rate a user names compare without rounding.

use std::cmp::Ordering;

/// So much for so many virtual bytes. Never less than zero bytes; no bytes at all are the rate zero.
#[derive(Debug, Clone, Copy, Default)]
pub struct FeeRate {
    fee: i64,
    size: i64,
}

impl FeeRate {
    /// Nothing.
    pub const ZERO: Self = Self::per_kvb(0);

    /// So much for a thousand virtual bytes, as options name rates.
    pub const fn per_kvb(fee: i64) -> Self {
        Self { fee, size: 1000 }
    }

    /// What a transaction of this size pays.
    pub const fn paid(fee: i64, vsize: i64) -> Self {
        if vsize > 0 { Self { fee, size: vsize } } else { Self::ZERO }
    }

    /// What a thousand virtual bytes cost, rounded down.
    pub fn fee_per_kvb(self) -> i64 {
        self.scaled(1000, i128::div_euclid)
    }

    /// What this many virtual bytes cost, rounded up.
    pub fn fee(self, vsize: i64) -> i64 {
        self.scaled(vsize, |fee, size| -(-fee).div_euclid(size))
    }

    /// The rate so many times over.
    #[must_use]
    pub fn times(self, factor: i64) -> Self {
        Self { fee: self.fee.saturating_mul(factor), size: self.size }
    }

    /// The sum of what both cost for a thousand virtual bytes, each rounded down.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::per_kvb(self.fee_per_kvb().saturating_add(other.fee_per_kvb()))
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.fee == 0 || self.size == 0
    }

    /// As the daemon writes it for people: `1.000 sat/vB`.
    pub fn per_vbyte_text(self) -> String {
        let rate = self.fee_per_kvb();
        format!("{}.{:03} sat/vB", rate / 1000, (rate % 1000).abs())
    }

    fn scaled(self, vsize: i64, divide: fn(i128, i128) -> i128) -> i64 {
        if self.size == 0 {
            return 0;
        }
        let wide = divide(i128::from(self.fee) * i128::from(vsize), i128::from(self.size));
        i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
    }
}

impl PartialEq for FeeRate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for FeeRate {}

impl PartialOrd for FeeRate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FeeRate {
    /// Compares what one virtual byte costs.
    fn cmp(&self, other: &Self) -> Ordering {
        let (here, there) = (self.size.max(1), other.size.max(1));
        (i128::from(self.fee) * i128::from(there)).cmp(&(i128::from(other.fee) * i128::from(here)))
    }
}

#[cfg(test)]
mod tests {
    use super::FeeRate;

    #[test]
    fn fees_are_rounded_up_and_rates_down() {
        let rate = FeeRate::per_kvb(1001);
        assert_eq!((rate.fee(0), rate.fee(1), rate.fee(1000), rate.fee(1999)), (0, 2, 1001, 2001));
        assert_eq!(FeeRate::paid(1000, 3).fee_per_kvb(), 333_333);
        assert_eq!(FeeRate::paid(1000, 0), FeeRate::ZERO);
        assert_eq!(FeeRate::paid(10, 10), FeeRate::per_kvb(1000));
        assert!(FeeRate::paid(1000, 3) > FeeRate::per_kvb(333_333));
    }

    #[test]
    fn adding_and_multiplying_follow_the_daemon() {
        assert_eq!(FeeRate::paid(1000, 3).plus(FeeRate::per_kvb(1)), FeeRate::per_kvb(333_334));
        assert_eq!(FeeRate::per_kvb(10_000).times(3), FeeRate::per_kvb(30_000));
        assert_eq!(FeeRate::per_kvb(1234).per_vbyte_text(), "1.234 sat/vB");
    }

    #[test]
    fn no_number_is_too_large() {
        let rate = FeeRate::per_kvb(i64::MAX);
        assert_eq!(rate.fee(i64::MAX), i64::MAX);
        assert_eq!(rate.plus(rate).times(2).fee(1000), i64::MAX);
        assert_eq!(FeeRate::per_kvb(-5).fee(1), 0);
    }
}
