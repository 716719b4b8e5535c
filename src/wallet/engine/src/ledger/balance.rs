//! How much the wallet has, and whom it trusts.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Script, Txid};

use super::standing::Standing;
use super::{Ledger, Owner, Spent, WalletTx};

/// What the wallet holds, by how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Confirmed, or change of its own.
    pub trusted: i64,
    /// In the mempool, from others.
    pub untrusted_pending: i64,
    /// Mined, and not spendable yet.
    pub immature: i64,
    /// Held by addresses that were spent from before, where the wallet avoids that.
    pub used: i64,
    /// Spent by transactions that are not in the mempool; zero or negative.
    pub nonmempool: i64,
}

/// What to count.
#[derive(Clone, Copy)]
pub struct BalanceQuery<'a> {
    /// Blocks that a trusted coin must have.
    pub min_depth: i32,
    /// Whether the wallet's own unconfirmed change is trusted (`-spendzeroconfchange`).
    pub trust_change: bool,
    /// Whether coins that are spent outside the mempool count, and their negative too.
    pub include_nonmempool: bool,
    /// Which scripts count as used; none if that does not matter.
    pub is_used: Option<&'a dyn Fn(&Script) -> bool>,
}

impl std::fmt::Debug for BalanceQuery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BalanceQuery").field("min_depth", &self.min_depth).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Whether a transaction is confirmed, or is our own, in the mempool, and spends only what is trusted. `trusted`
    /// remembers across calls.
    pub fn is_trusted(
        &self,
        tx: &WalletTx,
        owner: &dyn Owner,
        trust_change: bool,
        trusted: &mut BTreeSet<Txid>,
    ) -> bool {
        if tx.state.is_confirmed() {
            return true;
        }
        // Depth first over ancestors, without recursion: a chain of unconfirmed transactions may be long.
        let mut stack = vec![(tx, false)];
        while let Some((tx, visited)) = stack.pop() {
            let txid = tx.txid();
            if visited {
                trusted.insert(txid);
                continue;
            }
            if trusted.contains(&txid) || tx.state.is_confirmed() {
                continue;
            }
            if tx.is_block_conflicted() || !trust_change || !self.is_from_me(tx.tx()) || !tx.in_mempool() {
                return false;
            }
            stack.push((tx, true));
            for input in tx.tx().inputs() {
                let Some(parent) = self.txs.get(&input.previous_output.txid) else { return false };
                let mine =
                    parent.output(input.previous_output.vout).is_some_and(|out| owner.is_mine(&out.script_pubkey));
                if !mine {
                    return false;
                }
                stack.push((parent, false));
            }
        }
        true
    }

    /// What the wallet holds.
    pub fn balance(&self, owner: &dyn Owner, query: BalanceQuery<'_>) -> Balance {
        let mut balance = Balance::default();
        let mut known = BTreeSet::new();
        // Sums do not know which scripts count as used, nor what values decay to.
        if query.is_used.is_some() || self.codec.tx_format().has_lock_height() {
            let left = self.coins.iter().filter(|(_, standing)| *standing != Standing::Gone);
            left.for_each(|(outpoint, _)| self.count(outpoint, owner, query, &mut known, &mut balance));
        } else {
            self.count_settled(query.min_depth, &mut balance);
            self.coins.open().for_each(|outpoint| self.count(outpoint, owner, query, &mut known, &mut balance));
        }
        balance
    }

    /// Adds what is confirmed and not spent.
    fn count_settled(&self, min_depth: i32, balance: &mut Balance) {
        let height = self.tip.height;
        let next = u32::try_from(height.saturating_add(1)).unwrap_or(0);
        let maturity = i32::try_from(self.rules.coinbase_maturity(next)).unwrap_or(i32::MAX - 1);
        let last_mature = height.saturating_sub(maturity);
        let last_deep = height.saturating_add(1).saturating_sub(min_depth);
        let total = self.coins.total();
        let paid = total.paid - self.coins.above(last_deep).paid;
        let mined = total.mined - self.coins.above(last_deep.min(last_mature)).mined;
        balance.trusted = clamp(paid + mined);
        balance.immature = clamp(self.coins.above(last_mature).mined);
    }

    /// Adds one coin, whatever its standing.
    fn count(
        &self,
        outpoint: &OutPoint,
        owner: &dyn Owner,
        query: BalanceQuery<'_>,
        known: &mut BTreeSet<Txid>,
        balance: &mut Balance,
    ) {
        let Some(tx) = self.txs.get(&outpoint.txid) else { return };
        let Some(output) = tx.output(outpoint.vout) else { return };
        let outside = match self.spent(outpoint) {
            Spent::Confirmed | Spent::Mempool => return,
            Spent::Elsewhere if !query.include_nonmempool => return,
            Spent::Elsewhere => true,
            Spent::No => false,
        };
        let trusted = self.is_trusted(tx, owner, query.trust_change, known);
        let bucket = if tx.state.is_confirmed() && self.is_immature(tx) {
            &mut balance.immature
        } else if trusted && self.depth(tx) >= query.min_depth {
            &mut balance.trusted
        } else if !trusted && tx.in_mempool() {
            &mut balance.untrusted_pending
        } else {
            return;
        };
        let worth = self.worth(tx, outpoint.vout);
        if query.is_used.is_some_and(|is_used| is_used(&output.script_pubkey)) {
            balance.used = balance.used.saturating_add(worth);
        } else {
            *bucket = bucket.saturating_add(worth);
        }
        if outside {
            balance.nonmempool = balance.nonmempool.saturating_sub(worth);
        }
    }
}

/// A sum as the number that it can be.
fn clamp(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}
