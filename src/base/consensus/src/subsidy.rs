//! How much money a block may create.
//!
//! The schedules are data of the coins' profiles. They depend on the height and on nothing else.

use coin::{Activation, Chain, ChainKind, Coin, FreicoinExtra, StepsSubsidy, Subsidy, SyscoinSubsidy};

/// A schedule, bound to a chain.
#[derive(Clone, Copy, Debug)]
pub enum SubsidySchedule {
    /// Amounts by height, some of which halve.
    Steps {
        /// The steps.
        data: &'static StepsSubsidy,
        /// How many blocks lie between halvings.
        interval: u32,
    },
    /// A falling excess on top of a perpetual subsidy.
    Freicoin {
        /// The numbers of the chain.
        data: &'static FreicoinExtra,
        /// How many blocks lie between halvings of the perpetual part, on the chain where it halves.
        interval: u32,
    },
    /// A twentieth less each year.
    Syscoin {
        /// The numbers.
        data: &'static SyscoinSubsidy,
        /// From this height on blocks are rarer and pay more.
        nevm_start: Activation,
        /// How many blocks a year has from then on.
        interval: u32,
        /// Years of blocks are counted from the genesis block on, not from that height.
        test: bool,
    },
    /// One amount that halves.
    Halving {
        /// The amount.
        amount: u64,
        /// How many blocks lie between halvings.
        interval: u32,
    },
}

/// `amount` halved `halvings` times; nothing is left where a shift would not be defined.
fn halved(amount: u64, halvings: u32) -> u64 {
    amount.checked_shr(halvings).unwrap_or(0)
}

/// How many whole intervals a height is past; none if there is no interval.
fn intervals(height: u32, interval: u32) -> u32 {
    height.checked_div(interval).unwrap_or(0)
}

impl SubsidySchedule {
    /// The schedule of a chain; `None` if its profile lacks the numbers.
    pub fn new(coin: &'static Coin, chain: &'static Chain) -> Option<Self> {
        let interval = chain.halving_interval;
        Some(match &coin.consensus.subsidy {
            Subsidy::Steps(data) => Self::Steps { data, interval },
            Subsidy::Freicoin(_) => Self::Freicoin { data: chain.freicoin()?, interval },
            Subsidy::Syscoin(data) => match chain.kind {
                ChainKind::Main | ChainKind::Test => Self::Syscoin {
                    data,
                    nevm_start: chain.syscoin()?.nevm_start_block,
                    interval,
                    test: chain.kind == ChainKind::Test,
                },
                // The chains that nobody mines for money pay like Bitcoin's.
                _ => Self::Halving { amount: data.height_0, interval },
            },
        })
    }

    /// What a block at `height` may create.
    pub fn at(&self, height: u32) -> i64 {
        let amount = match *self {
            Self::Steps { data, interval } => steps(data, interval, height),
            Self::Halving { amount, interval } => halved(amount, intervals(height, interval)),
            Self::Freicoin { data, interval } => {
                excess(data, height).saturating_add(halved(data.perpetual_subsidy, intervals(height, interval)))
            }
            Self::Syscoin { data, nevm_start, interval, test } => {
                syscoin(data, nevm_start.height().unwrap_or(u32::MAX), interval, test, height)
            }
        };
        // Profiles have amounts below 2^63.
        i64::try_from(amount).unwrap_or(i64::MAX)
    }
}

/// The last step that has begun, halved once per interval since height 0 if it is one that halves.
fn steps(data: &StepsSubsidy, interval: u32, height: u32) -> u64 {
    let Some(step) = data.steps.iter().rev().find(|step| step.from <= height) else { return 0 };
    let halvings = if step.halve { intervals(height, interval) } else { 0 };
    if halvings >= data.max_halvings { 0 } else { halved(step.amount, halvings) }
}

/// Freicoin: what is paid above the perpetual subsidy until equilibrium, falling in a straight line and rounded up.
fn excess(data: &FreicoinExtra, height: u32) -> u64 {
    let equilibrium = data.equilibrium_height;
    let Some(left) = equilibrium.checked_sub(height).filter(|left| *left > 0) else { return 0 };
    let numerator =
        4 * u128::from(data.equilibrium_monetary_base) + 5 * u128::from(left) * u128::from(data.initial_excess_subsidy);
    u64::try_from(numerator / (5 * u128::from(equilibrium))).map_or(u64::MAX, |amount| amount.saturating_add(1))
}

/// Syscoin: a twentieth less each year, in the floating point steps of its reference.
fn syscoin(data: &SyscoinSubsidy, nevm_start: u32, interval: u32, test: bool, height: u32) -> u64 {
    match height {
        0 => return data.height_0,
        1 => return data.height_1,
        _ => {}
    }
    let factor = data.post_nevm_factor;
    let year = f64::from(interval) * factor;
    let (base, reductions) = if height < nevm_start {
        (data.base, f64::from(height) / year)
    } else if test {
        (scaled(data.base, factor), f64::from(height) / f64::from(interval))
    } else {
        let since = f64::from(height - nevm_start) / f64::from(interval);
        (scaled(data.base, factor), f64::from(nevm_start) / year + since)
    };
    if reductions.floor() >= f64::from(data.max_reductions) {
        return 0;
    }
    let mut amount = base;
    let mut reduction = 1.0;
    while reduction <= reductions {
        amount -= amount.checked_div(data.reduction_per_interval_divisor).unwrap_or(0);
        reduction += 1.0;
    }
    amount.saturating_sub(scaled(amount, data.superblock_part))
}

/// An amount times a fraction, truncated.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the reference computes in doubles; amounts are far below 2^53, and the cast saturates"
)]
fn scaled(amount: u64, factor: f64) -> u64 {
    (amount as f64 * factor) as u64
}

#[cfg(test)]
mod tests;
