//! A coin under consideration, and what it is worth at a fee rate.

use bitcoin::{OutPoint, ScriptBuf};
use descriptors::AddressType;

use super::FeeRate;

/// Weight units per virtual byte.
pub const WITNESS_SCALE: i64 = 4;

/// No input is larger than this, whatever somebody says about it: a standard transaction would not hold it.
const MAX_INPUT_VSIZE: u32 = 1_000_000;

/// The family of a coin's script. Families are not mixed in a transaction without need. `None` are all scripts that no
/// kind of address has, and coins that were chosen by hand.
pub type Kind = Option<AddressType>;

/// A coin under consideration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// Which output it is.
    pub outpoint: OutPoint,
    /// What it is worth in the transaction that spends it.
    pub value: i64,
    /// The script that it pays to.
    pub script: ScriptBuf,
    /// The family of that script.
    pub kind: Kind,
    /// How many confirmations it has; 0 in the mempool.
    pub depth: i32,
    /// Whether this wallet sent it.
    pub from_me: bool,
    /// How many unconfirmed ancestors its transaction has, itself included; 0 if it is confirmed.
    pub ancestors: u64,
    /// How many transactions its cluster in the mempool has; 0 if it is confirmed.
    pub cluster: u64,
    input_vsize: Option<u32>,
    fee: i64,
    long_term_fee: i64,
    bump_fee: i64,
}

impl Coin {
    /// A confirmed coin from somebody else. `input_vsize` is the size of the input that spends it, if that is known.
    pub fn new(outpoint: OutPoint, value: i64, script: ScriptBuf, kind: Kind, input_vsize: Option<u32>) -> Self {
        let input_vsize = input_vsize.map(|size| size.min(MAX_INPUT_VSIZE));
        Self {
            outpoint,
            value,
            script,
            kind,
            depth: 1,
            from_me: false,
            ancestors: 0,
            cluster: 0,
            input_vsize,
            fee: 0,
            long_term_fee: 0,
            bump_fee: 0,
        }
    }

    /// Computes what spending it costs: now, and one day without hurry. Forgets fees for ancestors.
    #[must_use]
    pub fn priced(mut self, now: FeeRate, long_term: FeeRate) -> Self {
        let vsize = self.input_vsize.map_or(0, i64::from);
        self.fee = now.fee(vsize);
        self.long_term_fee = long_term.fee(vsize);
        self.bump_fee = 0;
        self
    }

    /// Adds what its unconfirmed ancestors lack. A negative amount is none.
    pub fn add_bump_fee(&mut self, fee: i64) {
        let fee = fee.max(0);
        self.bump_fee = self.bump_fee.saturating_add(fee);
        self.fee = self.fee.saturating_add(fee);
    }

    /// What spending it costs, ancestors included.
    pub fn fee(&self) -> i64 {
        self.fee
    }

    /// What spending it would cost without hurry.
    pub fn long_term_fee(&self) -> i64 {
        self.long_term_fee
    }

    /// What its unconfirmed ancestors lack.
    pub fn bump_fee(&self) -> i64 {
        self.bump_fee
    }

    /// What is left of it after its fee.
    pub fn effective_value(&self) -> i64 {
        self.value.saturating_sub(self.fee)
    }

    /// The size of the input that spends it.
    pub fn input_vsize(&self) -> Option<u32> {
        self.input_vsize
    }

    /// The weight of the input that spends it, 0 if unknown.
    pub fn weight(&self) -> i64 {
        self.input_vsize.map_or(0, i64::from) * WITNESS_SCALE
    }
}
