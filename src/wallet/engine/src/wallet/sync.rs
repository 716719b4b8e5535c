//! From the chain's notifications to the ledger.

use std::sync::{Arc, Weak};

use bitcoin::BlockHash;
use interfaces::{Call, ChainNotifications, ConnectedBlock, Locator, RawTx};
use primitives::{Block, Tx, WitnessMode};

use super::attach::TIMESTAMP_WINDOW;
use super::{Core, Draft, Wallet, WalletError, lock};
use crate::book::Purpose;
use crate::convert;
use crate::ledger::{Stamp, State};

/// Blocks between two notes of the last one, if nothing of the wallet's was in them.
const BLOCKS_PER_NOTE: i32 = 144;

/// What the chain calls. It does not keep the wallet open.
pub(super) struct Listener {
    wallet: Weak<Wallet>,
    gated: bool,
}

impl Listener {
    /// One that waits while the wallet catches up.
    pub(super) fn new(wallet: &Arc<Wallet>) -> Self {
        Self { wallet: Arc::downgrade(wallet), gated: true }
    }

    /// One that does not wait, for what the wallet asks for itself.
    pub(super) fn ungated(wallet: &Arc<Wallet>) -> Self {
        Self { wallet: Arc::downgrade(wallet), gated: false }
    }

    fn with(&self, work: impl FnOnce(&Arc<Wallet>) -> Result<(), WalletError>) {
        let Some(wallet) = self.wallet.upgrade().filter(|wallet| !wallet.is_closed()) else { return };
        let gate = self.gated.then(|| lock(&wallet.gate));
        if let Err(error) = work(&wallet) {
            tracing::error!("{} Error while following the chain: {error}", wallet.display_name());
        }
        drop(gate);
    }
}

impl ChainNotifications for Listener {
    fn transaction_added_to_mempool(&self, tx: &RawTx) -> Call<()> {
        self.with(|wallet| match wallet.decode_tx(tx) {
            Some(tx) => wallet.mempool_added(&tx),
            None => Ok(()),
        });
        Ok(())
    }

    fn transaction_removed_from_mempool(&self, tx: &RawTx, reason: &str) -> Call<()> {
        self.with(|wallet| match wallet.decode_tx(tx) {
            Some(tx) => wallet.mempool_removed(&tx, reason),
            None => Ok(()),
        });
        Ok(())
    }

    fn block_connected(&self, block: &ConnectedBlock, background: bool) -> Call<()> {
        if !background {
            self.with(|wallet| wallet.block_connected(block));
        }
        Ok(())
    }

    fn block_disconnected(&self, block: &ConnectedBlock) -> Call<()> {
        self.with(|wallet| wallet.block_disconnected(block));
        Ok(())
    }

    fn updated_block_tip(&self) -> Call<()> {
        self.with(|wallet| {
            let now = wallet.shared.now();
            wallet.change(|core, _| {
                core.block_came = now;
                Ok(())
            })
        });
        Ok(())
    }

    fn chain_state_flushed(&self, _locator: &Locator) -> Call<()> {
        Ok(())
    }
}

impl Wallet {
    /// A transaction of the node. One that cannot be read is the node's mistake, and of no use.
    pub(super) fn decode_tx(&self, raw: &RawTx) -> Option<Arc<Tx>> {
        match self.shared.codec.decode_tx(raw.as_bytes(), WitnessMode::Include) {
            Ok(tx) => Some(Arc::new(tx)),
            Err(error) => {
                self.log(&format!("The node sent a transaction that cannot be read: {error}"));
                None
            }
        }
    }

    fn decode_block(&self, block: &ConnectedBlock) -> Option<Block> {
        match self.shared.codec.decode_block(block.data.as_bytes()) {
            Ok(decoded) => Some(decoded),
            Err(error) => {
                self.log(&format!("The node sent a block that cannot be read: {error}"));
                None
            }
        }
    }

    fn mempool_added(&self, tx: &Arc<Tx>) -> Result<(), WalletError> {
        let stamp = Stamp { now: self.shared.now(), ..Stamp::default() };
        self.change(|core, draft| {
            core.sync_tx(tx, State::InMempool, stamp, draft);
            core.ledger.refresh_mempool_state(&tx.txid(), true);
            core.ledger.mempool_added(tx, &mut draft.changes);
            Ok(())
        })
    }

    fn mempool_removed(&self, tx: &Arc<Tx>, reason: &str) -> Result<(), WalletError> {
        let stamp = Stamp { now: self.shared.now(), ..Stamp::default() };
        self.change(|core, draft| {
            core.ledger.refresh_mempool_state(&tx.txid(), false);
            if reason == "conflict" {
                // Whoever watches is told again; the block that follows tells of the conflict itself.
                core.sync_tx(tx, State::Inactive { abandoned: false }, stamp, draft);
            }
            core.ledger.mempool_removed(tx, &mut draft.changes);
            Ok(())
        })
    }

    fn block_connected(&self, block: &ConnectedBlock) -> Result<(), WalletError> {
        let (hash, height) = (convert::from_hash(&block.block.hash), block.block.height);
        let Some(decoded) = self.decode_block(block) else {
            return self.change(|core, _| {
                core.ledger.set_tip(hash, height);
                Ok(())
            });
        };
        let time = i64::from(decoded.header.time());
        let stamp = Stamp { now: self.shared.now(), block: Some((time, block.max_time)), rescanning: false };
        self.change(|core, draft| {
            core.ledger.set_tip(hash, height);
            let mut concerned = false;
            if block.max_time >= core.birth.saturating_sub(2 * TIMESTAMP_WINDOW) {
                for (index, tx) in (0_i32..).zip(&decoded.txs) {
                    concerned |= core.sync_tx(tx, State::Confirmed { block: hash, height, index }, stamp, draft);
                    core.ledger.mempool_removed(tx, &mut draft.changes);
                }
            }
            if concerned || height % BLOCKS_PER_NOTE == 0 {
                self.note_best_block(core, draft)?;
            }
            Ok::<_, WalletError>(())
        })
    }

    fn block_disconnected(&self, block: &ConnectedBlock) -> Result<(), WalletError> {
        let height = block.block.height;
        let prev: BlockHash = convert::from_hash(&block.prev);
        let decoded = self.decode_block(block);
        let stamp = Stamp { now: self.shared.now(), ..Stamp::default() };
        self.change(|core, draft| {
            for (index, tx) in decoded.iter().flat_map(|block| &block.txs).enumerate() {
                // A coinbase that lost its block never comes back by itself.
                core.sync_tx(tx, State::Inactive { abandoned: index == 0 }, stamp, draft);
                core.ledger.undo_conflicts(tx, height, &mut draft.changes);
            }
            core.ledger.set_tip(prev, height.saturating_sub(1));
            self.note_best_block(core, draft)
        })
    }
}

impl Core {
    /// Takes in a transaction if it concerns the wallet, and says whether it does.
    pub(super) fn sync_tx(&mut self, tx: &Arc<Tx>, state: State, stamp: Stamp, draft: &mut Draft) -> bool {
        if let State::Confirmed { block, height, .. } = state {
            self.ledger.conflict_with_block(tx, block, height, &mut draft.changes);
        }
        if !self.ledger.involves(tx, &self.keys) {
            return false;
        }
        self.note_outputs(tx, draft);
        self.add_tx(tx, state, stamp, draft, None);
        true
    }

    /// The scripts that a transaction pays to are used, and so are those before them.
    pub(super) fn note_outputs(&mut self, tx: &Tx, draft: &mut Draft) {
        // Addresses that were not given out, and are used all the same, come from another copy of the wallet.
        for output in tx.outputs() {
            for (script, internal) in self.keys.mark_used(&output.script_pubkey, &mut draft.records) {
                let destination = self.destination(&script);
                if internal == Some(false) && !self.book.is_known(&destination) {
                    self.set_label(destination, "", Some(Purpose::Receive), draft);
                }
            }
        }
    }

    /// Takes in a transaction.
    pub(crate) fn add_tx(
        &mut self,
        tx: &Arc<Tx>,
        state: State,
        stamp: Stamp,
        draft: &mut Draft,
        note: Option<&dyn Fn(&mut crate::ledger::Details)>,
    ) {
        self.mark_spent_addresses(tx, draft);
        self.ledger.add(tx, state, stamp, &self.keys, &mut draft.changes, note);
        if let Some(known) = self.ledger.get(&tx.txid()) {
            tracing::info!("AddToWallet {} {}", tx.txid(), known.state());
            self.birth = self.birth.min(i64::from(known.time()));
        }
    }
}
