//! The checks that need no script: form, locks, coins, standardness, fee, version 3.

use std::{collections::BTreeSet, sync::Arc};

use bitcoin::{OutPoint, Txid, hashes::Hash as _};
use consensus::SequenceLocks;
use primitives::{Tx, TxOutEntry};
use store::StoreError;

use super::{Candidate, ChainView, Extra, Rejected, Setting, Stop};
use crate::{
    Pool, Reason,
    entry::{Entry, EntryId},
    feerate::signed,
    policy::{self, Relative},
};

/// So many outputs are looked up to tell a transaction that is in the chain from one whose parents are missing.
const KNOWN_OUTPUTS: u32 = 32;

impl Pool {
    /// The coin at `out`, of the package, of the pool or of the chain. One that the pool makes counts as of the next block.
    pub(crate) fn coin(
        &self,
        chain: &ChainView<'_>,
        extra: &Extra,
        out: &OutPoint,
    ) -> Result<Option<TxOutEntry>, StoreError> {
        if let Some(coin) = extra.get(out) {
            return Ok(Some(coin.clone()));
        }
        if let Some(entry) = self.entry(&out.txid) {
            let vout = usize::try_from(out.vout).unwrap_or(usize::MAX);
            return Ok(chain.codec.new_coin(&entry.tx, vout, chain.next_height()));
        }
        chain.reader.coin(out)
    }

    /// What a transaction spends, or that something is missing.
    fn spent(&self, chain: &ChainView<'_>, extra: &Extra, tx: &Tx) -> Result<Vec<TxOutEntry>, Stop> {
        let mut spent = Vec::with_capacity(tx.inputs().len());
        let last = chain.reader.final_tx();
        for input in tx.inputs() {
            // What the next block has to spend itself, nobody else may.
            let from = &input.previous_output;
            if last.is_some_and(|last| from.txid == last.txid && from.vout < last.outputs) {
                return Err(Reason::BlockFinal.into());
            }
            if let Some(coin) = self.coin(chain, extra, &input.previous_output)? {
                spent.push(coin);
                continue;
            }
            for vout in (0..KNOWN_OUTPUTS).take(tx.outputs().len()) {
                if chain.reader.coin(&OutPoint { txid: tx.txid(), vout })?.is_some() {
                    return Err(Reason::AlreadyKnown.into());
                }
            }
            return Err(Reason::MissingInputs.into());
        }
        Ok(spent)
    }

    /// Everything but replacement, cluster size and scripts.
    pub(super) fn check(
        &self,
        chain: &ChainView<'_>,
        setting: &Setting,
        extra: &Extra,
        tx: &Arc<Tx>,
    ) -> Result<Candidate, Stop> {
        let options = &self.options;
        let rules = chain.rules;
        rules.check_transaction(tx).map_err(Reason::Tx)?;
        if tx.is_coinbase() {
            return Err(Reason::Coinbase.into());
        }
        if options.require_standard {
            let check = if chain.codec.carries_assets(tx) {
                policy::check_standard_with_assets
            } else {
                policy::check_standard
            };
            check(tx, options)?;
        }
        if tx.stripped_size() < policy::MIN_STANDARD_TX_NONWITNESS_SIZE {
            return Err(Reason::TxSizeSmall.into());
        }
        if !chain.is_final(tx) {
            return Err(Reason::NonFinal.into());
        }
        if self.entry_by_wtxid(&tx.wtxid()).is_some() {
            return Err(Reason::AlreadyInMempool.into());
        }
        if self.id_of(&tx.txid()).is_some() {
            return Err(Reason::SameNonWitnessData.into());
        }
        let mut conflicts = BTreeSet::new();
        for input in tx.inputs() {
            if let Some(other) = self.spender(&input.previous_output).and_then(|id| self.get(id)) {
                if !setting.allow_replacement {
                    return Err(Reason::ReplacementDisallowed.into());
                }
                conflicts.insert(other.tx.txid());
            }
        }
        let spent = self.spent(chain, extra, tx)?;
        let locks = chain.branch(|branch| {
            let locks = SequenceLocks::of(tx, spent.iter().map(|coin| coin.height), branch);
            locks.are_open_after(branch).then_some(locks)
        });
        let locks = locks.ok_or(Reason::NonBip68Final)?;
        let fee = rules.check_inputs(tx, &spent, chain.next_height()).map_err(Reason::Tx)?;
        if options.require_standard {
            policy::check_inputs_standard(tx, &spent).map_err(Reason::Inputs)?;
            if tx.has_witness() && !policy::is_witness_standard(tx, &spent) {
                return Err(Reason::WitnessNonstandard.into());
            }
        }
        let sigops = rules.sigop_cost(tx, &spent, policy::STANDARD_FLAGS);
        let entry = Entry {
            fee,
            modified_fee: fee.saturating_add(self.delta(&tx.txid())),
            time: setting.time,
            height: chain.tip.height,
            sequence: if setting.bypass_limits { 0 } else { self.sequence() },
            spends_coinbase: spent.iter().any(|coin| coin.coinbase),
            sigops,
            vsize: signed(policy::virtual_size(tx.weight(), sigops, options.bytes_per_sigop)),
            weight: signed(policy::adjusted_weight(tx.weight(), sigops, options.bytes_per_sigop)),
            relative_locks: locks.height >= 0 || locks.time >= 0,
            ..Entry::blank(Arc::clone(tx))
        };
        if options.require_standard {
            policy::check_ephemeral_tx(tx, options.dust_relay_fee, fee, entry.modified_fee)?;
        }
        if sigops > rules.params().max_block_sigops_cost() / policy::BLOCK_SIGOPS_SHARE {
            return Err(Reason::TooManySigops(sigops).into());
        }
        if !setting.bypass_limits && !setting.package_rates {
            self.check_fee(entry.modified_fee, entry.vsize, setting.now)
                .map_err(|reason| Rejected::of(reason, &entry))?;
        }
        let txids: BTreeSet<Txid> = tx.inputs().iter().map(|input| input.previous_output.txid).collect();
        let parents = txids.iter().filter_map(|txid| self.id_of(txid)).collect();
        let mut candidate = Candidate { entry, spent: Arc::new(spent), conflicts, sibling: false, parents };
        if !setting.bypass_limits {
            self.check_truc(setting, &mut candidate)?;
        }
        Ok(candidate)
    }

    /// Checks a fee against what the pool asks for.
    pub(super) fn check_fee(&self, fee: i64, vsize: i64, now: i64) -> Result<(), Reason> {
        let needed = self.min_fee(now).fee_for(vsize);
        if needed > 0 && fee < needed {
            return Err(Reason::MempoolMinFee { fee, needed });
        }
        let needed = self.options.min_relay_fee.fee_for(vsize);
        if fee < needed { Err(Reason::MinRelayFee { fee, needed }) } else { Ok(()) }
    }

    fn check_truc(&self, setting: &Setting, candidate: &mut Candidate) -> Result<(), Reason> {
        let parents = self.relatives(&candidate.parents);
        let Err(failure) =
            policy::check_single_truc(&candidate.entry.tx, candidate.entry.vsize, &parents, &candidate.conflicts)
        else {
            return Ok(());
        };
        match failure.sibling {
            Some(sibling) if setting.allow_sibling => {
                candidate.conflicts.insert(sibling);
                candidate.sibling = true;
                Ok(())
            }
            _ => Err(Reason::Truc(failure.text)),
        }
    }

    /// Parents with what version 3 asks about them, in the order of their ids' bytes: a refusal names the first that
    /// does not fit, and tools compare what it says with the real daemon.
    pub(super) fn relatives(&self, parents: &BTreeSet<EntryId>) -> Vec<Relative> {
        let relative = |id: &EntryId| {
            let tx = Arc::clone(&self.get(*id)?.tx);
            let below = self.descendants(*id).into_iter().filter(|other| other != id);
            let descendants =
                below.filter_map(|other| Some((self.get(other)?.tx.txid(), self.ancestors(other).len()))).collect();
            Some(Relative { tx, ancestors: self.ancestors(*id).len(), descendants })
        };
        let mut relatives: Vec<Relative> = parents.iter().filter_map(relative).collect();
        relatives.sort_by_key(|relative| relative.tx.txid().to_byte_array());
        relatives
    }
}
