//! Joining the chain, and leaving it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bitcoin::hashes::Hash;
use interfaces::BlockRef;
use walletdb::{BackupError, Records, StoredState};

use super::scan::{ScanOutcome, ScanRange};
use super::sync::Listener;
use super::{Core, Draft, NO_BIRTH, Wallet, WalletError, lock};
use crate::convert;
use crate::ledger::{State, WalletTx};

/// How long the end of a wallet waits for those who watch it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Clocks of miners differ by up to this.
pub(crate) const TIMESTAMP_WINDOW: i64 = 2 * 60 * 60;

impl Wallet {
    /// Follows the chain from now on, and catches up with what was missed.
    pub(crate) fn attach(self: &Arc<Self>, rescan: bool) -> Result<(), WalletError> {
        let chain = &self.shared.chain;
        let locator = self.file.best_block()?.unwrap_or_default();
        if let Some(genesis) = locator.last()
            && !self.shared.config.args().get_bool("walletcrosschain", false)
            && let Ok(own) = chain.block_hash(0)?
            && convert::from_hash(&own) != *genesis
        {
            return Err(WalletError::OtherChain);
        }
        // Events wait at the gate until the wallet has caught up.
        let gate = lock(&self.gate);
        let listener = Arc::new(Listener::new(self));
        *lock(&self.subscription) = Some(chain.handle_notifications(listener)?);
        let known = if rescan { None } else { chain.find_locator_fork(&convert::to_locator(&locator))? };
        let Some(tip) = chain.tip()? else { return Ok(()) };
        self.resolve()?;
        let outcome = self.catch_up(known.unwrap_or(0), tip);
        drop(gate);
        outcome
    }

    /// Looks again for blocks that were not in the chain when the file was read: a node that has just started may have been
    /// on its way to them. From now on, it would tell.
    fn resolve(&self) -> Result<(), WalletError> {
        let mut found = Vec::new();
        for (txid, stored) in self.read(|core| core.unresolved.clone()) {
            let (StoredState::Confirmed { block, .. } | StoredState::Conflicted { block }) = stored else { continue };
            let known = self.shared.chain.find_block(convert::to_hash(&block), false)?;
            let height = known.filter(|known| known.in_active_chain).map(|known| known.block.height);
            found.extend(height.map(|height| (txid, State::from_stored(stored, Some(height)))));
        }
        self.change(|core, draft| {
            core.unresolved.clear();
            for (txid, state) in found {
                core.ledger.resolve(&txid, state);
            }
            // A coinbase whose block is gone never comes back by itself, and nor does anything that spends it.
            let coinbases = core.ledger.in_order().filter(|tx| tx.tx().is_coinbase());
            for txid in coinbases.map(WalletTx::txid).collect::<Vec<_>>() {
                core.ledger.abandon(&txid, &mut draft.changes);
            }
            Ok(())
        })
    }

    fn catch_up(self: &Arc<Self>, from: i32, tip: BlockRef) -> Result<(), WalletError> {
        let chain = &self.shared.chain;
        let birth = self.change(|core, _| {
            core.ledger.set_tip(convert::from_hash(&tip.hash), tip.height);
            Ok::<_, WalletError>(core.birth)
        })?;
        if from == tip.height {
            return Ok(());
        }
        let mut from = from;
        if birth != NO_BIRTH || from < tip.height {
            // Blocks before the wallet was made have nothing of it.
            let since = birth.saturating_sub(TIMESTAMP_WINDOW);
            let first = chain.find_first_block_with_time_and_height(since, from)?;
            from = first.map_or(tip.height, |found| found.block.height);
        }
        if chain.have_pruned()? || chain.has_assumed_valid_chain()? {
            let mut lowest = tip.height;
            while lowest > 0 && lowest != from && chain.have_block_on_disk(lowest - 1)? {
                lowest -= 1;
            }
            if lowest != from {
                let pruned = chain.have_pruned()?;
                return Err(if pruned { WalletError::Pruned } else { WalletError::NotYetDownloaded(lowest) });
            }
        }
        chain.init_message("Rescanning…")?;
        self.log(&format!("Rescanning last {} blocks (from block {from})...", tip.height.saturating_sub(from)));
        let reservation = self.scanning.reserve(false, &self.shared.clock).ok_or(WalletError::Rescan)?;
        let range = ScanRange { start: from, stop: None, save_progress: true };
        let outcome = self.scan(&reservation, range)?;
        match outcome {
            ScanOutcome::Done(last) => {
                let last = last.unwrap_or(tip);
                self.change(|core, _| {
                    core.ledger.set_tip(convert::from_hash(&last.hash), last.height);
                    Ok::<_, WalletError>(())
                })?;
                self.write_best_block()
            }
            ScanOutcome::Failed(_) | ScanOutcome::Aborted => Err(WalletError::Rescan),
        }
    }

    /// After the wallet has become known to others: brings its transactions into the mempool, and learns what is there.
    pub(crate) fn settle(self: &Arc<Self>) -> Result<(), WalletError> {
        self.resubmit(interfaces::Broadcast::MempoolNoBroadcast, true)?;
        self.read_mempool()
    }

    /// Learns what is in the mempool.
    pub(crate) fn read_mempool(self: &Arc<Self>) -> Result<(), WalletError> {
        let reader = Arc::new(Listener::ungated(self));
        Ok(self.shared.chain.request_mempool_transactions(reader)?)
    }

    /// Writes which block the wallet has seen last.
    pub(crate) fn write_best_block(&self) -> Result<(), WalletError> {
        self.change(|core, draft| self.note_best_block(core, draft))
    }

    /// Writes which block the wallet has seen last, as part of a larger change.
    pub(super) fn note_best_block(&self, core: &Core, draft: &mut Draft) -> Result<(), WalletError> {
        let tip = core.ledger.tip();
        if tip.height < 0 {
            return Ok(());
        }
        if let Some(found) = self.shared.chain.find_block(convert::to_hash(&tip.hash), false)? {
            draft.best_block = Some(convert::from_locator(&found.locator));
        }
        Ok(())
    }

    /// Waits until everything that happened before was heard.
    pub fn wait_until_synced(&self) -> Result<(), WalletError> {
        self.wait_until_synced_with(None)
    }

    /// The same for who knows where the chain stands. If the wallet is there, the node is not asked.
    pub fn wait_until_synced_with(&self, known: Option<[u8; 32]>) -> Result<(), WalletError> {
        let tip = self.read(|core| core.ledger.tip());
        if known.is_some_and(|known| known == tip.hash.to_byte_array()) {
            return Ok(());
        }
        Ok(self.shared.chain.wait_for_notifications_if_tip_changed(convert::to_hash(&tip.hash))?)
    }

    /// Leaves the chain. What is in the file stays as it is.
    pub(crate) fn detach(&self) {
        let subscription = lock(&self.subscription).take();
        if let Some(subscription) = subscription
            && let Err(error) = subscription.disconnect()
        {
            self.log(&format!("The node is gone: {error}"));
        }
    }

    /// Ends everything. The file is closed when the last user lets go.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        self.scanning.abort();
        self.detach();
        if let Err(error) = self.write_best_block() {
            self.log(&format!("The last block could not be noted: {error}"));
        }
        self.each_watcher(|watcher| watcher.unload());
        self.watchers.close(PATIENCE);
        self.log("Releasing wallet");
    }

    /// Whether it is being closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Copies the file, with the last block noted.
    pub fn backup(&self, destination: &std::path::Path) -> Result<(), BackupError> {
        if let Err(error) = self.write_best_block() {
            self.log(&format!("The last block could not be noted: {error}"));
        }
        self.file.backup(destination)
    }
}
