//! How much the wallet has, and whom it trusts.

use std::collections::BTreeSet;

use bitcoin::{Script, Txid};

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
        for (outpoint, tx, output) in self.coins() {
            let outside = match self.spent(&outpoint) {
                Spent::Confirmed | Spent::Mempool => continue,
                Spent::Elsewhere if !query.include_nonmempool => continue,
                Spent::Elsewhere => true,
                Spent::No => false,
            };
            let trusted = self.is_trusted(tx, owner, query.trust_change, &mut known);
            let bucket = if tx.state.is_confirmed() && self.is_immature(tx) {
                &mut balance.immature
            } else if trusted && self.depth(tx) >= query.min_depth {
                &mut balance.trusted
            } else if !trusted && tx.in_mempool() {
                &mut balance.untrusted_pending
            } else {
                continue;
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
        balance
    }
}
