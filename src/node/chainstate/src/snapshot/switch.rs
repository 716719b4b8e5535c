//! The moment in which the coins of a snapshot become those that everybody sees.

use std::sync::Arc;

use bitcoin::{BlockHash, hashes::Hash};
use coin::Snapshot;
use primitives::FinalTx;
use store::{CoinsDb, CoinsTip, KvOptions, StoreError};

use super::{Background, Loaded, SnapshotRefusal, SnapshotState, folder};
use crate::{
    Engine, Fatal, FlushMode, LoadError, NodeId,
    coins::CoinsCache,
    shared::{CoinsState, read, write},
};

impl Engine {
    /// Goes on from the block of a snapshot. The chain so far is validated behind it.
    pub fn begin_with(&mut self, mut loaded: Loaded) -> Result<Result<NodeId, SnapshotRefusal>, Fatal> {
        let base = loaded.base();
        // Much may have happened since the file was opened.
        if let Err(refusal) = self.reader().may_load(&base) {
            return Ok(Err(refusal));
        }
        let Some((id, node)) = self.reader().find(&base) else { return Ok(Err(SnapshotRefusal::NoHeader(base))) };
        if self.active_tip.is_some_and(|tip| self.node(tip).chain_work >= node.chain_work) {
            return Ok(Err(SnapshotRefusal::LessWork));
        }
        // What the background begins with is on disk, and its cache is empty.
        self.flush(FlushMode::Empty)?;
        if let Err(e) = folder::write_base(loaded.folder.path(), &base) {
            tracing::error!("[snapshot] failed to write the base blockhash: {e}");
            return Ok(Err(SnapshotRefusal::Base));
        }
        loaded.folder.keep();
        self.exchange(loaded.db, id, loaded.known)?;
        self.count_from(id, loaded.known.chain_tx_count);
        self.recent.clear();
        tracing::info!("[snapshot] successfully activated snapshot {base}");
        self.update_initial_download();
        self.settle(true);
        self.announce_tip();
        Ok(Ok(id))
    }

    /// At a start: what was loaded as the chain is the background, and the snapshot's coins are the chain's.
    pub(crate) fn resume_snapshot(&mut self, known: &'static Snapshot) -> Result<(), LoadError> {
        let places = Arc::clone(&self.shared.places);
        let base = BlockHash::from_byte_array(known.blockhash);
        let id = read(&self.shared.tree).find(&base).ok_or(LoadError::UnknownTip)?;
        let options = KvOptions { cache_bytes: places.cache_bytes, wipe: false, compact: false };
        let db = CoinsDb::open(&folder::snapshot_path(&places.coins), options, places.key)?;
        if db.tip()? == CoinsTip::Empty {
            return Err(LoadError::UnknownTip);
        }
        self.exchange(db, id, known)?;
        self.load_tip()?;
        tracing::info!("[snapshot] switching active chainstate to the one from snapshot {base}");
        Ok(())
    }

    /// The coins so far become the background's; those of `db` take their place, for everybody at once.
    fn exchange(&mut self, db: CoinsDb, base: NodeId, known: &'static Snapshot) -> Result<(), StoreError> {
        let mut cache = CoinsCache::new(self.scripts.salt());
        cache.remember_final_tx(db.final_tx()?.map(|(txid, outputs)| FinalTx { txid, outputs }));
        let mut state = CoinsState { tip: Some(base), cache, db };
        self.shared.files.keep_apart(known.height);
        let unproven = SnapshotState::unproven(&read(&self.shared.tree), base, self.active_tip);
        {
            let mut front = write(&self.shared.state);
            std::mem::swap(&mut *front, &mut state);
            *write(&self.shared.snapshot) = Some(unproven);
        }
        let shared = Arc::new(self.shared.beside(state));
        let tip = self.active_tip.replace(base);
        self.background = Some(Background::new(shared, tip, base, known, self.last_write));
        self.share_cache();
        Ok(())
    }

    /// Makes the block of the snapshot a tip that others can build on, though the blocks below it are missing.
    fn count_from(&mut self, base: NodeId, chain_tx_count: u64) {
        let shared = Arc::clone(&self.shared);
        {
            let mut tree = write(&shared.tree);
            tree[base].chain_tx_count = chain_tx_count;
            self.candidates.offer(&tree, base, None);
            self.candidates.prune(&tree, base);
            for child in self.candidates.release(base).into_iter().rev() {
                self.count(&mut tree, child);
            }
        }
    }
}
