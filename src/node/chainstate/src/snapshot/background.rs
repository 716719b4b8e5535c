//! The chain behind a snapshot: from where the old chain stood, block by block, to the block of the snapshot.
//!
//! The engine works on one chain at a time. For a step of the background it exchanges what belongs to a chain, namely its
//! coins, its tip and those who follow it, connects or disconnects a block as ever, and exchanges it back.

use std::{
    cell::Cell,
    sync::{Arc, atomic::Ordering},
};

use bitcoin::{
    OutPoint, Txid,
    hashes::{Hash, HashEngine, sha256d},
};
use coin::Snapshot;
use store::StoreError;

use super::{SnapshotState, folder, populate::show};
use crate::{
    Engine, Fatal, FlushMode, NodeId,
    engine::LastVerified,
    shared::{Shared, read, write},
    stats::digest_bytes,
};

/// Coins that are hashed in one go.
const STEP: usize = 20_000;
/// Connected blocks between two looks at whether files may go.
const PRUNE_STEP: u32 = 64;
/// The part of the cache, in percent, of the chain that is more urgent.
const LARGE_SHARE: usize = 95;

/// The snapshot was not what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{client} failed to validate the -assumeutxo snapshot state. This indicates a hardware problem, or a bug in the software, or a bad software modification that allowed an invalid snapshot to be loaded. As a result of this, the node will shut down and stop using any state that was built on the snapshot, resetting the chain height from {from} to {to}. On the next restart, the node will resume syncing from {to} without using any snapshot data. Please report this incident to {contact}, including how you obtained the snapshot. The invalid snapshot chainstate will be left on disk in case it is helpful in diagnosing the issue that caused this error.{more}"
)]
pub struct InvalidSnapshot {
    client: &'static str,
    contact: &'static str,
    from: u32,
    to: u32,
    /// What else went wrong, on a line of its own.
    more: String,
}

/// The digest of the background's coins, as far as it has come.
struct Proof {
    engine: <sha256d::Hash as Hash>::Engine,
    last: Option<OutPoint>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proof").field(&self.last).finish()
    }
}

/// What belongs to the chain behind a snapshot.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tip: Option<NodeId>,
    base: NodeId,
    known: &'static Snapshot,
    last_write: i64,
    verifies: Cell<LastVerified>,
    proof: Option<Proof>,
    /// Something went wrong: nothing more is done.
    over: bool,
}

impl Background {
    pub(crate) fn new(
        shared: Arc<Shared>,
        tip: Option<NodeId>,
        base: NodeId,
        known: &'static Snapshot,
        last_write: i64,
    ) -> Self {
        let verifies = Cell::default();
        Self { shared, tip, base, known, last_write, verifies, proof: None, over: false }
    }

    /// The snapshot's block.
    pub(crate) fn base(&self) -> NodeId {
        self.base
    }
}

impl Engine {
    /// Lets `work` see the background's chain in place of the chain.
    pub(crate) fn behind<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let mut other = self.background.take()?;
        let exchange = |engine: &mut Self, other: &mut Background| {
            std::mem::swap(&mut engine.shared, &mut other.shared);
            std::mem::swap(&mut engine.active_tip, &mut other.tip);
            std::mem::swap(&mut engine.last_write, &mut other.last_write);
            engine.verifies.swap(&other.verifies);
            engine.in_background = !engine.in_background;
        };
        let (followers, recent) = (std::mem::take(&mut self.followers), std::mem::take(&mut self.recent));
        let cache_bytes = self.options.cache_bytes;
        self.options.cache_bytes = self.shared.places.total_cache.saturating_sub(cache_bytes);
        exchange(self, &mut other);
        let done = work(self);
        exchange(self, &mut other);
        self.options.cache_bytes = cache_bytes;
        (self.followers, self.recent) = (followers, recent);
        let unproven = SnapshotState::unproven(&read(&self.shared.tree), other.base, other.tip);
        *write(&self.shared.snapshot) = Some(unproven);
        self.background = Some(other);
        Some(done)
    }

    /// Gives most of the cache to the chain that is more urgent: first the one that everybody sees, and once that has caught
    /// up, the one behind it.
    pub(crate) fn share_cache(&mut self) {
        let total = self.shared.places.total_cache;
        let large = total / 100 * LARGE_SHARE;
        self.options.cache_bytes = match &self.background {
            None => total,
            Some(_) if self.reader().initial_download() => large,
            Some(_) => total - large,
        };
        self.shared.places.tip_cache.store(self.options.cache_bytes, Ordering::Release);
    }

    /// Whether [`Engine::work_behind`] would do anything now.
    pub fn has_work_behind(&self) -> bool {
        let Some(other) = self.background.as_ref().filter(|other| !other.over) else { return false };
        if self.interrupted() {
            return false;
        }
        if other.tip == Some(other.base) {
            return true;
        }
        let tree = read(&self.shared.tree);
        // Nothing is undone before the way on is here.
        let fork = other.tip.and_then(|tip| tree.fork(tip, other.base));
        let height = fork.map_or(0, |fork| tree[fork].height + 1);
        tree.ancestor(other.base, height).is_some_and(|next| tree[next].has_data())
    }

    /// Goes a small step towards the proof of the snapshot. A failure is for good.
    pub fn work_behind(&mut self) -> Result<(), Fatal> {
        if !self.has_work_behind() {
            return Ok(());
        }
        let done = self.step_behind();
        if done.is_err()
            && let Some(other) = &mut self.background
        {
            other.over = true;
        }
        done
    }

    fn step_behind(&mut self) -> Result<(), Fatal> {
        self.share_cache();
        let Some(base) = self.background.as_ref().map(Background::base) else { return Ok(()) };
        if self.background.as_ref().is_some_and(|other| other.tip == Some(base)) {
            return self.prove();
        }
        let Some(stepped) = self.behind(|engine| engine.move_towards(base)) else { return Ok(()) };
        if !stepped? {
            return Err(self.refuse_snapshot());
        }
        let height = self.background.as_ref().and_then(|other| other.tip).map_or(0, |tip| self.node(tip).height);
        if height.is_multiple_of(PRUNE_STEP) && self.options.prune_target.is_some_and(|target| target != u64::MAX) {
            self.prune_to_target()?;
        }
        Ok(())
    }

    /// Disconnects or connects one block. `false` if a block on the way to `base` breaks a rule.
    fn move_towards(&mut self, base: NodeId) -> Result<bool, Fatal> {
        let (fork, next) = {
            let tree = read(&self.shared.tree);
            let fork = self.active_tip.and_then(|tip| tree.fork(tip, base));
            (fork, tree.ancestor(base, fork.map_or(0, |fork| tree[fork].height + 1)))
        };
        if self.active_tip != fork {
            self.disconnect_tip(false)?;
            return Ok(true);
        }
        let Some(next) = next else { return Ok(true) };
        if let Err(reason) = self.connect_tip(next, None)? {
            tracing::error!("[background validation] block {} is invalid: {}", self.node(next).hash, reason.full());
            return Ok(false);
        }
        self.flush(FlushMode::Periodic)?;
        Ok(true)
    }

    /// Hashes some of the background's coins, and compares once all are.
    fn prove(&mut self) -> Result<(), Fatal> {
        if self.background.as_ref().is_some_and(|other| other.proof.is_none()) {
            tracing::info!(
                "[snapshot] computing UTXO stats for background chainstate to validate snapshot - this could take a few minutes"
            );
            self.behind(|engine| engine.flush(FlushMode::Empty)).transpose()?;
        }
        let Some(other) = &mut self.background else { return Ok(()) };
        let proof = other.proof.get_or_insert_with(|| Proof { engine: sha256d::Hash::engine(), last: None });
        if !proof.advance(&other.shared)? {
            return Ok(());
        }
        let found = sha256d::Hash::from_engine(proof.engine.clone()).to_byte_array();
        if found != other.known.hash_serialized {
            let expected = show(other.known.hash_serialized);
            tracing::warn!("[snapshot] hash mismatch: actual={}, expected={expected}", show(found));
            return Err(self.refuse_snapshot());
        }
        let base = other.base;
        tracing::info!("[snapshot] snapshot beginning at {} has been fully validated", self.node(base).hash);
        self.background = None;
        self.share_cache();
        *write(&self.shared.snapshot) = Some(SnapshotState { base, behind: None });
        // Now the chain may also go back below that block.
        self.offer_all();
        self.announce_tip();
        Ok(())
    }

    /// The snapshot is wrong, and with it everything that was built on it: it is put aside.
    fn refuse_snapshot(&mut self) -> Fatal {
        let coin = self.shared.params.coin();
        let height = |id: Option<NodeId>| id.map_or(0, |id| self.node(id).height);
        let (from, to) = (height(self.active_tip), height(self.background.as_ref().and_then(|other| other.tip)));
        tracing::error!("[snapshot] deleting snapshot, reverting to validated chain, and stopping node");
        let more = folder::set_aside(&self.shared.places.coins).err().map_or(String::new(), |e| {
            let path = folder::snapshot_path(&self.shared.places.coins);
            let path = path.display();
            format!(
                "\nRename of '{path}' -> '{path}_INVALID' failed. You should resolve this by manually moving or deleting the \
                 invalid snapshot directory {path}, otherwise you will encounter the same error again on the next startup. ({e})"
            )
        });
        self.abandoned = true;
        InvalidSnapshot { client: coin.client_name, contact: coin::BUG_CONTACT, from, to, more }.into()
    }
}

impl Proof {
    /// Takes some more coins in. `true` once all were.
    fn advance(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let db = shared.coins_db();
        let from = self.last.map(|out| out.txid);
        let done = |out: &OutPoint| self.last.is_some_and(|last| key(out) <= key(&last));
        let mut bytes = Vec::new();
        let coins = db.cursor_from(from.as_ref()).skip_while(|entry| entry.as_ref().is_ok_and(|(out, _)| done(out)));
        let (mut count, mut last) = (0, self.last);
        for entry in coins.take(STEP) {
            let (out, encoded) = entry?;
            let coin = shared.codec.decode_coin(&encoded).map_err(|_| StoreError::Corrupt { what: "Coin" })?;
            digest_bytes(&out, &coin, &mut bytes);
            self.engine.input(&bytes);
            last = Some(out);
            count += 1;
        }
        self.last = last;
        Ok(count < STEP)
    }
}

/// In the order of the database.
fn key(out: &OutPoint) -> (&[u8; 32], u32) {
    (Txid::as_byte_array(&out.txid), out.vout)
}
