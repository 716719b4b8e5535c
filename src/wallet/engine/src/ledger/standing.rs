//! Where each coin stands, kept up to date so that questions need not look at all of them.
//!
//! A coin is gone once a transaction in a block spends it. It is settled while its own transaction is in a block and nothing
//! at all spends it; what such coins are worth is summed up by height. All others are open: what they count for depends on
//! more than this, and is found out when somebody asks. A wallet with a long history has few of these.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Txid};

use super::{Ledger, State, WalletTx};

/// Where a coin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody can say without looking.
    Open,
    /// Confirmed, and not spent by anything.
    Settled { height: i32, value: i64, mined: bool },
    /// Spent in a block.
    Gone,
}

/// What settled coins come to. Wide enough for whatever a node could claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    /// Of coins that somebody paid.
    pub(super) paid: i128,
    /// Of coins from coinbases.
    pub(super) mined: i128,
    coins: usize,
}

impl Sums {
    fn add(&mut self, value: i64, mined: bool) {
        self.coins += 1;
        *self.side(mined) += i128::from(value);
    }

    fn take(&mut self, value: i64, mined: bool) {
        self.coins -= 1;
        *self.side(mined) -= i128::from(value);
    }

    fn side(&mut self, mined: bool) -> &mut i128 {
        if mined { &mut self.mined } else { &mut self.paid }
    }
}

/// The coins of a wallet, spent or not, and their standing.
#[derive(Debug, Default)]
pub(super) struct Coins {
    all: BTreeMap<OutPoint, Standing>,
    open: BTreeSet<OutPoint>,
    by_height: BTreeMap<i32, Sums>,
    total: Sums,
}

impl Coins {
    /// Whether an output is the wallet's.
    pub(super) fn contains(&self, outpoint: &OutPoint) -> bool {
        self.all.contains_key(outpoint)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OutPoint, Standing)> {
        self.all.iter().map(|(outpoint, standing)| (outpoint, *standing))
    }

    /// The open ones.
    pub(super) fn open(&self) -> impl Iterator<Item = &OutPoint> {
        self.open.iter()
    }

    /// What all settled ones come to.
    pub(super) fn total(&self) -> Sums {
        self.total
    }

    /// What the settled ones above a height come to. It is meant for the last blocks of a chain.
    pub(super) fn above(&self, height: i32) -> Sums {
        let Some(first) = height.checked_add(1) else { return Sums::default() };
        self.by_height.range(first..).fold(Sums::default(), |sum, (_, more)| Sums {
            paid: sum.paid + more.paid,
            mined: sum.mined + more.mined,
            coins: sum.coins + more.coins,
        })
    }

    /// Adds a coin, or notes that it stands elsewhere now.
    pub(super) fn file(&mut self, outpoint: OutPoint, standing: Standing) {
        match self.all.insert(outpoint, standing) {
            Some(old) if old == standing => return,
            Some(old) => self.unfile(&outpoint, old),
            None => {}
        }
        match standing {
            Standing::Open => {
                self.open.insert(outpoint);
            }
            Standing::Settled { height, value, mined } => {
                self.by_height.entry(height).or_default().add(value, mined);
                self.total.add(value, mined);
            }
            Standing::Gone => {}
        }
    }

    /// Forgets a coin.
    pub(super) fn remove(&mut self, outpoint: &OutPoint) {
        if let Some(old) = self.all.remove(outpoint) {
            self.unfile(outpoint, old);
        }
    }

    fn unfile(&mut self, outpoint: &OutPoint, old: Standing) {
        match old {
            Standing::Open => {
                self.open.remove(outpoint);
            }
            Standing::Settled { height, value, mined } => {
                self.total.take(value, mined);
                if let Some(sums) = self.by_height.get_mut(&height) {
                    sums.take(value, mined);
                    if sums.coins == 0 {
                        self.by_height.remove(&height);
                    }
                }
            }
            Standing::Gone => {}
        }
    }
}

impl Ledger {
    /// Changes a transaction, and files the coins anew that it made and spends if it stands elsewhere now. Nothing else may
    /// change the state of a transaction.
    pub(super) fn alter<T>(&mut self, txid: &Txid, work: impl FnOnce(&mut WalletTx) -> T) -> Option<T> {
        let tx = self.txs.get_mut(txid)?;
        let before = tx.state;
        let done = work(tx);
        if tx.state != before {
            let tx = std::sync::Arc::clone(tx.tx());
            for vout in (0_u32..).take(tx.outputs().len()) {
                self.refile(OutPoint { txid: *txid, vout });
            }
            for input in tx.inputs() {
                self.refile(input.previous_output);
            }
        }
        Some(done)
    }

    /// Files a coin anew, if it is one of the wallet's.
    pub(super) fn refile(&mut self, outpoint: OutPoint) {
        if self.coins.contains(&outpoint) {
            self.coins.file(outpoint, self.standing(&outpoint));
        }
    }

    /// Where a coin stands, by what is known of it and of those that spend it.
    pub(super) fn standing(&self, outpoint: &OutPoint) -> Standing {
        let spenders = self.spenders(outpoint);
        if spenders.iter().filter_map(|txid| self.txs.get(txid)).any(|tx| tx.state.is_confirmed()) {
            return Standing::Gone;
        }
        let Some(tx) = self.txs.get(&outpoint.txid).filter(|_| spenders.is_empty()) else { return Standing::Open };
        match (tx.state, tx.output(outpoint.vout)) {
            (State::Confirmed { height, .. }, Some(output)) => {
                Standing::Settled { height, value: consensus::value_of(output), mined: tx.tx().is_coinbase() }
            }
            _ => Standing::Open,
        }
    }
}
