//! Coins that may be spent.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Script, ScriptBuf, Txid};
use primitives::CoinTail;

use super::standing::Standing;
use super::{Ledger, Owner, WalletTx};

/// Which coins are wanted.
#[derive(Clone, Copy)]
pub struct CoinFilter<'a> {
    /// Least number of blocks.
    pub min_depth: i32,
    /// Largest number of blocks.
    pub max_depth: i32,
    /// Whether coins of unconfirmed transactions from others, and of replacements, are left out.
    pub only_safe: bool,
    /// Least value.
    pub min_amount: i64,
    /// Largest value.
    pub max_amount: i64,
    /// Whether mined coins count before they can be spent.
    pub include_immature: bool,
    /// Whether locked coins are left out.
    pub skip_locked: bool,
    /// Whether the wallet's own unconfirmed change is trusted.
    pub trust_change: bool,
    /// The version of the transaction that is to be built: version 3 spends unconfirmed version 3 only, the others none
    /// of it. None where that does not matter.
    pub version: Option<u32>,
    /// Whether coins that carry assets count. A transaction that does not list them would lose them.
    pub with_assets: bool,
    /// Scripts that count as used and are left out.
    pub is_used: Option<&'a dyn Fn(&Script) -> bool>,
}

impl std::fmt::Debug for CoinFilter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoinFilter").field("min_depth", &self.min_depth).finish_non_exhaustive()
    }
}

impl Default for CoinFilter<'_> {
    fn default() -> Self {
        Self {
            min_depth: 0,
            max_depth: 9_999_999,
            only_safe: true,
            min_amount: 1,
            max_amount: i64::MAX,
            include_immature: false,
            skip_locked: true,
            trust_change: true,
            version: None,
            with_assets: false,
            is_used: None,
        }
    }
}

/// A coin that may be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// Which output.
    pub outpoint: OutPoint,
    /// What it is worth in the next block.
    pub value: i64,
    /// Its script.
    pub script: ScriptBuf,
    /// Blocks on top.
    pub depth: i32,
    /// Whether it is confirmed or trusted.
    pub safe: bool,
    /// Whether the wallet paid for the transaction.
    pub from_me: bool,
    /// The transaction's time.
    pub time: i64,
    /// The transaction's version.
    pub version: u32,
    /// The asset that it carries, and how much of it.
    pub asset: Option<(u64, u64)>,
    /// Where values decay: the height that its transaction counts from, and the value there.
    pub reference: Option<(u32, i64)>,
}

impl Available {
    /// What it was worth when it was received.
    pub fn received(&self) -> i64 {
        self.reference.map_or(self.value, |(_, value)| value)
    }
}

/// Whether the coins of a transaction may be spent at all, and if so, whether they are safe.
type Verdict = Option<bool>;

impl Ledger {
    /// The coins that pass a filter, in the order of their outputs.
    pub fn available(&self, owner: &dyn Owner, filter: &CoinFilter<'_>) -> Vec<Available> {
        let mut trusted = BTreeSet::new();
        // Coins of one transaction come one after the other.
        let mut judged: Option<(&WalletTx, Verdict)> = None;
        let mut found = Vec::new();
        for (outpoint, standing) in self.coins.iter().filter(|(_, standing)| *standing != Standing::Gone) {
            let outpoint = *outpoint;
            let (tx, verdict) = match judged {
                Some(known) if known.0.txid() == outpoint.txid => known,
                _ => {
                    let Some(tx) = self.txs.get(&outpoint.txid) else { continue };
                    (tx, self.judge(tx, owner, filter, &mut trusted))
                }
            };
            judged = Some((tx, verdict));
            let Some(safe) = verdict else { continue };
            let Some(output) = tx.output(outpoint.vout) else { continue };
            if (filter.skip_locked && self.is_locked(&outpoint))
                || (standing == Standing::Open && self.is_spent(&outpoint))
            {
                continue;
            }
            if filter.is_used.is_some_and(|is_used| is_used(&output.script_pubkey)) {
                continue;
            }
            let asset = self.asset(tx, outpoint.vout);
            if asset.is_some() && !filter.with_assets {
                continue;
            }
            let value = self.worth(tx, outpoint.vout);
            if value < filter.min_amount || value > filter.max_amount {
                continue;
            }
            found.push(Available {
                outpoint,
                value,
                script: output.script_pubkey.clone(),
                depth: self.depth(tx),
                safe,
                from_me: self.is_from_me(tx.tx()),
                time: i64::from(tx.time()),
                version: tx.tx().version(),
                asset,
                reference: tx.tx().lock_height().map(|height| (height, consensus::value_of(output))),
            });
        }
        found
    }

    /// The asset that an output carries, and how much of it.
    fn asset(&self, tx: &WalletTx, vout: u32) -> Option<(u64, u64)> {
        if !self.codec.carries_assets(tx.tx()) {
            return None;
        }
        match self.codec.tails(tx.tx()).at(usize::try_from(vout).ok()?) {
            CoinTail::Asset { asset, amount } if asset != 0 => Some((asset, amount)),
            _ => None,
        }
    }

    /// Whether coins of a transaction may be spent at all, and if so, whether they are safe.
    fn judge(
        &self,
        tx: &WalletTx,
        owner: &dyn Owner,
        filter: &CoinFilter<'_>,
        trusted: &mut BTreeSet<Txid>,
    ) -> Verdict {
        let depth = self.depth(tx);
        if depth < 0 || (depth == 0 && !tx.in_mempool()) || (self.is_immature(tx) && !filter.include_immature) {
            return None;
        }
        let mut safe = self.is_trusted(tx, owner, filter.trust_change, trusted);
        if depth == 0 {
            // Spending a replacement, or what was replaced, could pay somebody twice after a reorganisation.
            if tx.notes().replaces.is_some() || tx.notes().replaced_by.is_some() {
                safe = false;
            }
            match filter.version {
                Some(3) if tx.tx().version() != 3 || tx.truc_child().is_some() => return None,
                Some(version) if version != 3 && tx.tx().version() == 3 => return None,
                _ => {}
            }
        }
        let fits = (filter.min_depth..=filter.max_depth).contains(&depth) && (safe || !filter.only_safe);
        fits.then_some(safe)
    }
}
