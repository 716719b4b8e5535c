//! What an algorithm chose, and how good the choice is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::OutPoint;

use super::{Coin, Dice, Group, Params};

/// Who chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Branch and bound: no change.
    BranchAndBound,
    /// The knapsack solver: as close to the target as random tries get.
    Knapsack,
    /// A single random draw.
    RandomDraw,
    /// The coin grinder: the lightest inputs.
    CoinGrinder,
    /// The user.
    Manual,
}

impl Algorithm {
    /// The name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BranchAndBound => "bnb",
            Self::Knapsack => "knapsack",
            Self::RandomDraw => "srd",
            Self::CoinGrinder => "cg",
            Self::Manual => "manual",
        }
    }
}

/// A set of coins that pays for a target.
#[derive(Debug, Clone)]
pub struct Selection {
    coins: BTreeMap<OutPoint, Arc<Coin>>,
    target: i64,
    algorithm: Algorithm,
    effective: bool,
    bump_discount: i64,
    /// How many sets were looked at.
    pub tries: usize,
    /// Whether the search ended by itself, so that the choice is the best one.
    pub completed: bool,
}

impl Selection {
    /// Nothing yet. The target is what is paid, and the fee for all that is neither an input nor change.
    pub fn new(target: i64, algorithm: Algorithm) -> Self {
        Self {
            coins: BTreeMap::new(),
            target,
            algorithm,
            effective: false,
            bump_discount: 0,
            tries: 0,
            completed: true,
        }
    }

    /// Takes a group.
    pub fn add(&mut self, group: &Group) {
        self.add_coins(group.coins(), group.subtract_fee());
    }

    /// Takes coins. If the recipients pay the fee, they count in full.
    pub fn add_coins(&mut self, coins: &[Arc<Coin>], subtract_fee: bool) {
        self.coins.extend(coins.iter().map(|coin| (coin.outpoint, Arc::clone(coin))));
        self.effective = !subtract_fee;
    }

    /// Takes what another selection chose for another target.
    pub fn merge(&mut self, other: Self) {
        self.coins.extend(other.coins);
        self.target = self.target.saturating_add(other.target);
        self.effective |= other.effective;
        if self.algorithm == Algorithm::Manual {
            self.algorithm = other.algorithm;
        }
    }

    /// The coins, by outpoint.
    pub fn coins(&self) -> impl ExactSizeIterator<Item = &Arc<Coin>> {
        self.coins.values()
    }

    /// Whether a coin is among them.
    pub fn contains(&self, outpoint: &OutPoint) -> bool {
        self.coins.contains_key(outpoint)
    }

    /// The coins in random order, so that their order in the transaction says nothing.
    pub fn shuffled(&self, dice: &mut Dice) -> Vec<Arc<Coin>> {
        let mut coins: Vec<_> = self.coins.values().cloned().collect();
        dice.shuffle(&mut coins);
        coins
    }

    /// What was to be paid for.
    pub fn target(&self) -> i64 {
        self.target
    }

    /// Who chose.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What the inputs weigh.
    pub fn weight(&self) -> i64 {
        self.sum(Coin::weight)
    }

    /// What the coins are worth.
    pub fn value(&self) -> i64 {
        self.sum(|coin| coin.value)
    }

    /// What is left of it after the fee for the inputs.
    pub fn effective_value(&self) -> i64 {
        self.sum(Coin::effective_value).saturating_add(self.bump_discount)
    }

    /// What the unconfirmed ancestors of all coins lack.
    pub fn bump_fees(&self) -> i64 {
        self.sum(Coin::bump_fee).saturating_sub(self.bump_discount)
    }

    /// Coins with common ancestors pay for them once: says how much less that is than the sum over the coins.
    pub fn set_bump_discount(&mut self, discount: i64) {
        self.bump_discount = discount.max(0);
    }

    /// What goes back to the wallet; 0 if that is too little to be worth an output.
    pub fn change(&self, min_viable_change: i64, change_fee: i64) -> i64 {
        let excess = self.excess();
        let change = if self.effective { excess.saturating_sub(change_fee) } else { excess };
        if change < min_viable_change { 0 } else { change }
    }

    /// What the choice costs that another one might not: what its inputs cost more now than without hurry, and either the
    /// making and spending of change or what is thrown away without it.
    pub fn waste(&self, params: &Params) -> i64 {
        let inputs =
            self.sum(|coin| coin.fee().saturating_sub(coin.long_term_fee())).saturating_sub(self.bump_discount);
        let rest = if self.change(params.min_viable_change, params.change_fee) == 0 {
            self.excess()
        } else {
            params.cost_of_change
        };
        inputs.saturating_add(rest)
    }

    fn excess(&self) -> i64 {
        let value = if self.effective { self.effective_value() } else { self.value() };
        value.saturating_sub(self.target)
    }

    fn sum(&self, of: impl Fn(&Coin) -> i64) -> i64 {
        self.coins.values().fold(0, |sum, coin| sum.saturating_add(of(coin)))
    }
}
