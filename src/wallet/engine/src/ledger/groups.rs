//! Addresses whose common owner the chain gives away.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Script, ScriptBuf};

use super::{Ledger, Owner};

impl Ledger {
    /// Groups of scripts that were spent together, or took the change of such a payment.
    pub fn groupings(&self, owner: &dyn Owner, is_change: &dyn Fn(&Script) -> bool) -> Vec<BTreeSet<ScriptBuf>> {
        let mut groups = Groups::default();
        for tx in self.txs.values() {
            let mut together: Vec<&ScriptBuf> = Vec::new();
            for input in tx.tx().inputs() {
                if let Some((_, output)) = self.coin(&input.previous_output) {
                    together.push(&output.script_pubkey);
                }
            }
            let outputs = tx.tx().outputs().iter().map(|output| &output.script_pubkey);
            if !together.is_empty() {
                together.extend(outputs.clone().filter(|script| is_change(script)));
            }
            groups.join(&together);
            for script in outputs.filter(|script| owner.is_mine(script)) {
                groups.join(&[script]);
            }
        }
        groups.finish()
    }

    /// What each script holds: confirmed, or change of the wallet's own. A spent one holds nothing.
    pub fn script_balances(&self, owner: &dyn Owner, trust_change: bool) -> BTreeMap<ScriptBuf, i64> {
        let (mut balances, mut trusted) = (BTreeMap::new(), BTreeSet::new());
        for (outpoint, tx, output) in self.coins() {
            let least = i32::from(!self.is_from_me(tx.tx()));
            if self.is_trusted(tx, owner, trust_change, &mut trusted)
                && !self.is_immature(tx)
                && self.depth(tx) >= least
            {
                let worth = if self.is_spent(&outpoint) { 0 } else { self.worth(tx, outpoint.vout) };
                let balance = balances.entry(output.script_pubkey.clone()).or_insert(0_i64);
                *balance = balance.saturating_add(worth);
            }
        }
        balances
    }
}

/// Disjoint sets that grow together.
#[derive(Default)]
struct Groups {
    of: BTreeMap<ScriptBuf, usize>,
    parents: Vec<usize>,
}

impl Groups {
    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn join(&mut self, scripts: &[&ScriptBuf]) {
        let mut first = None;
        for script in scripts {
            let at = if let Some(at) = self.of.get(*script) {
                *at
            } else {
                let at = self.parents.len();
                self.parents.push(at);
                self.of.insert((*script).clone(), at);
                at
            };
            let root = self.root(at);
            match first {
                None => first = Some(root),
                Some(first) => self.parents[root] = first,
            }
        }
    }

    fn finish(mut self) -> Vec<BTreeSet<ScriptBuf>> {
        let mut sets: BTreeMap<usize, BTreeSet<ScriptBuf>> = BTreeMap::new();
        for (script, at) in std::mem::take(&mut self.of) {
            let root = self.root(at);
            sets.entry(root).or_default().insert(script);
        }
        sets.into_values().collect()
    }
}
