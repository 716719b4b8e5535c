//! Taking transactions in: what is asked for, what is answered, and what the checks look at.
//!
//! A transaction is checked from the cheap to the expensive: by itself, against the coins that it spends, against what it
//! would replace, against the size of its cluster, and last its scripts. Nothing changes before all of that is right.

mod checks;
mod package;
mod replace;
mod scripts;
mod single;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use bitcoin::{OutPoint, Txid, Wtxid};
use chainstate::{Branch, Reader, Tip};
use consensus::{Rules, TxResult};
use primitives::{Codec, Tx, TxOutEntry};
use store::StoreError;

use crate::{
    FeeRate, PackageReason, Reason,
    entry::{Entry, EntryId},
};

/// How a transaction is to be taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct AcceptOptions {
    /// Only tell what would happen.
    pub test_only: bool,
    /// The time that it came; now, if nothing is said.
    pub time: Option<i64>,
    /// Refuse it if its fee itself is more than this, whatever the operator pretends.
    pub max_fee_rate: Option<FeeRate>,
}

/// How a package is to be taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct PackageOptions {
    /// Only tell what would happen. Then any transactions will do, and none may replace anything.
    pub test_only: bool,
    /// Refuse a transaction that pays more.
    pub max_fee_rate: Option<FeeRate>,
}

/// A transaction that was taken, or would be.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its virtual size, signature operations counted.
    pub vsize: i64,
    /// What it pays.
    pub fee: i64,
    /// The rate that counted, which may be that of a package.
    pub effective_rate: FeeRate,
    /// Whose rate that is.
    pub effective_includes: Vec<Wtxid>,
    /// What it replaced.
    pub replaced: Vec<Arc<Tx>>,
}

/// A transaction that was not taken.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The rule.
    pub reason: Reason,
    /// The rate that was too low, and whose it is, if that is why.
    pub effective: Option<(FeeRate, Vec<Wtxid>)>,
}

impl Rejected {
    fn new(reason: Reason) -> Self {
        Self { reason, effective: None }
    }

    /// Without a chain there are no coins.
    pub(crate) fn no_chain() -> Self {
        Self::new(Reason::MissingInputs)
    }

    /// What a refusal of this entry tells of its rate.
    fn of(reason: Reason, entry: &Entry) -> Self {
        let effective =
            (reason.result() == TxResult::Reconsiderable).then(|| (entry.fee_rate(), vec![entry.tx.wtxid()]));
        Self { reason, effective }
    }

    /// The class that decides what happens to the transaction and to its sender.
    pub fn result(&self) -> TxResult {
        self.reason.result()
    }
}

/// What became of a transaction of a package.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It was taken.
    Accepted(Accepted),
    /// It was not.
    Rejected(Rejected),
    /// It was here.
    InMempool {
        /// Its virtual size.
        vsize: i64,
        /// What it pays.
        fee: i64,
    },
    /// It was here with another witness.
    OtherWitness(Wtxid),
}

/// What became of a package. Transactions that were not looked at have no verdict.
#[derive(Clone, Debug, Default)]
pub struct PackageOutcome {
    /// What is wrong with the package.
    pub error: Option<PackageReason>,
    /// What became of each transaction.
    pub verdicts: HashMap<Wtxid, Verdict>,
}

impl PackageOutcome {
    fn failed(error: PackageReason) -> Self {
        Self { error: Some(error), verdicts: HashMap::new() }
    }

    fn failed_at(error: PackageReason, wtxid: Wtxid, rejected: Rejected) -> Self {
        Self { error: Some(error), verdicts: HashMap::from([(wtxid, Verdict::Rejected(rejected))]) }
    }
}

/// Why checks stop: the transaction, or the disk.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Box<Rejected>),
    Disk(StoreError),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Refused(Box::new(Rejected::new(reason)))
    }
}

impl From<Rejected> for Stop {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(Box::new(rejected))
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Disk(error)
    }
}

/// Separates what is wrong with the transaction from what is wrong with the disk.
pub(crate) fn split<T>(result: Result<T, Stop>) -> Result<Result<T, Rejected>, StoreError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Refused(rejected)) => Ok(Err(*rejected)),
        Err(Stop::Disk(error)) => Err(error),
    }
}

/// Which rules apply: those of a single transaction, of a test, or of a package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The time that the transaction came.
    pub(crate) time: i64,
    pub(crate) now: i64,
    /// It comes back from a block: fees and expiry are not looked at.
    pub(crate) bypass_limits: bool,
    pub(crate) test_only: bool,
    pub(crate) allow_replacement: bool,
    pub(crate) allow_sibling: bool,
    /// The pool is limited once the whole package is in.
    pub(crate) in_package: bool,
    /// The rate of the package counts, and not that of each transaction.
    pub(crate) package_rates: bool,
    /// The most that a transaction may pay, with what the operator pretends.
    pub(crate) max_fee_rate: Option<FeeRate>,
    /// The most that its fee itself may be.
    pub(crate) max_base_rate: Option<FeeRate>,
}

impl Setting {
    pub(crate) fn single(options: AcceptOptions, now: i64) -> Self {
        Self {
            time: options.time.unwrap_or(now),
            now,
            bypass_limits: false,
            test_only: options.test_only,
            allow_replacement: true,
            allow_sibling: true,
            in_package: false,
            package_rates: false,
            max_fee_rate: None,
            max_base_rate: options.max_fee_rate,
        }
    }

    pub(crate) fn from_block(now: i64) -> Self {
        Self { bypass_limits: true, ..Self::single(AcceptOptions::default(), now) }
    }

    fn package(options: PackageOptions, now: i64) -> Self {
        let single = Self::single(AcceptOptions::default(), now);
        if options.test_only {
            return Self { test_only: true, allow_replacement: false, allow_sibling: false, ..single };
        }
        let max_fee_rate = options.max_fee_rate;
        Self { allow_sibling: false, in_package: true, package_rates: true, max_fee_rate, ..single }
    }

    fn single_in_package(self) -> Self {
        Self { allow_replacement: true, allow_sibling: true, in_package: true, package_rates: false, ..self }
    }
}

/// A transaction on its way in.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) entry: Entry,
    pub(crate) spent: Arc<Vec<TxOutEntry>>,
    /// What it directly conflicts with, or would evict as a sibling.
    pub(crate) conflicts: BTreeSet<Txid>,
    /// The sibling is among them.
    pub(crate) sibling: bool,
    /// What it directly spends in the pool.
    pub(crate) parents: BTreeSet<EntryId>,
}

/// The chain as acceptance sees it: its tip does not move while a transaction is checked.
#[derive(Debug)]
pub(crate) struct ChainView<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) rules: &'a dyn Rules,
    pub(crate) codec: Codec,
    pub(crate) tip: Tip,
    pub(crate) median_time: i64,
}

/// With an older tip than this, in seconds, fees teach nothing.
const MAX_TIP_AGE: i64 = 3 * 60 * 60;

impl<'a> ChainView<'a> {
    /// `None` while there is no chain yet.
    pub(crate) fn new(reader: &'a Reader, rules: &'a dyn Rules) -> Option<Self> {
        let tip = reader.tip()?;
        let median_time = reader.tree(|tree| tree.median_time_past(tip.id)).into();
        Some(Self { reader, rules, codec: reader.codec(), tip, median_time })
    }

    /// The height of the next block.
    pub(crate) fn next_height(&self) -> u32 {
        self.tip.height.saturating_add(1)
    }

    /// Looks at the branch that ends in the tip.
    pub(crate) fn branch<T>(&self, look: impl FnOnce(&Branch<'_>) -> T) -> T {
        self.reader.tree(|tree| look(&Branch::new(tree, self.tip.id)))
    }

    pub(crate) fn is_final(&self, tx: &Tx) -> bool {
        self.rules.is_final(tx, self.next_height(), self.median_time)
    }

    /// Whether the chain is so far along that fees teach something.
    fn is_current(&self, now: i64) -> bool {
        let best = self.reader.best_header().map_or(0, |id| self.reader.node(id).height);
        !self.reader.initial_download() && i64::from(self.tip.time) >= now - MAX_TIP_AGE && self.next_height() >= best
    }
}

/// Outputs of a package that the pool does not have yet.
pub(crate) type Extra = HashMap<OutPoint, TxOutEntry>;
