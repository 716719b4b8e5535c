//! The handle that everybody holds: readers look at the pool under a lock that is never held while scripts run, and one
//! writer at a time changes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bitcoin::{BlockHash, OutPoint, Txid};
use chainstate::{Hub, Reader, SaltedState, ScriptChecker, Subscription, TipFollower};
use consensus::{MemoryCache, Rules};
use platform::Clock;
use primitives::{Tx, TxOutEntry};
use store::StoreError;

use crate::{
    BadOptions, Experience, FeeRate, MempoolEvent, Options, Pool, Template, TemplateOptions,
    accept::{AcceptOptions, Accepted, ChainView, Extra, PackageOptions, PackageOutcome, Rejected, Setting, split},
    follow::Follower,
};

/// What the handles share.
#[derive(Debug)]
pub(crate) struct Inner {
    pool: RwLock<Pool>,
    /// Whoever changes the pool holds this from the first look to the last change.
    writer: Mutex<()>,
    pub(crate) rules: Arc<dyn Rules>,
    pub(crate) scripts: Arc<ScriptChecker>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What signalled upgrades have come to.
    pub(crate) upgrades: MemoryCache,
    events: Hub<MempoolEvent>,
    pub(crate) experience: Mutex<Experience>,
}

impl Inner {
    /// Looks at the pool. Every change leaves it whole, so a panic elsewhere did not damage it.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Pool> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the pool. The caller is the only writer.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Pool> {
        self.pool.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    fn publish(&self) {
        let events = std::mem::take(&mut self.write().events);
        if events.is_empty() {
            return;
        }
        let mut experience = self.experience.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &events {
            experience.learn(event);
            self.events.publish(event);
        }
    }
}

/// The memory pool. Clones are handles of the same pool.
#[derive(Clone, Debug)]
pub struct Mempool {
    pub(crate) inner: Arc<Inner>,
}

/// A template with the block that it builds on.
#[derive(Clone, Debug)]
pub struct NextBlock {
    /// The block before.
    pub prev: BlockHash,
    /// The height of the new one.
    pub height: u32,
    /// The time that locks were compared with; the new block must be later.
    pub median_time: i64,
    /// What is in it.
    pub template: Template,
}

impl Mempool {
    /// An empty pool. `scripts` are best those of the chain state, so that blocks find what was checked here.
    pub fn new(
        options: Options,
        rules: Arc<dyn Rules>,
        scripts: Arc<ScriptChecker>,
        clock: Arc<dyn Clock>,
        salt: SaltedState,
    ) -> Result<Self, BadOptions> {
        options.check()?;
        let pool = Pool::new(options, rules.params().coin().ticker, salt);
        let inner = Inner {
            pool: RwLock::new(pool),
            writer: Mutex::new(()),
            rules,
            scripts,
            clock,
            upgrades: MemoryCache::default(),
            events: Hub::default(),
            experience: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Looks at the pool. The lock is held as long as the answer, so look and let go; until then no other method of the
    /// handle may be called on this thread.
    pub fn read(&self) -> RwLockReadGuard<'_, Pool> {
        self.inner.read()
    }

    /// Starts listening to what happens from now on.
    pub fn subscribe(&self) -> Subscription<MempoolEvent> {
        self.inner.events.subscribe()
    }

    /// Calls `relay` with what happens from now on, on the thread where it happens; see [`Hub::relay`].
    pub fn relay(&self, relay: impl Fn(&MempoolEvent) + Send + 'static) {
        self.inner.events.relay(relay);
    }

    /// Ends every subscription.
    pub fn close(&self) {
        self.inner.events.close();
    }

    /// Somebody who keeps the pool in step with the chain; the engine takes it.
    pub fn follower(&self) -> Box<dyn TipFollower> {
        Box::new(Follower::new(self.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change as the only writer, and tells what happened.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&Inner) -> T) -> T {
        let _only_writer = self.lock();
        let result = change(&self.inner);
        self.inner.publish();
        result
    }

    /// Takes a transaction in, or says which rule it breaks. Runs on the validation thread, so that the chain stands
    /// still. The outer error is the disk's; without a chain there are no coins, so everything is missing.
    pub fn accept(
        &self,
        chain: &Reader,
        tx: &Arc<Tx>,
        options: AcceptOptions,
    ) -> Result<Result<Accepted, Rejected>, StoreError> {
        self.change(|inner| {
            let Some(view) = ChainView::new(chain, &*inner.rules) else { return Ok(Err(Rejected::no_chain())) };
            let verdict = split(inner.accept_one(&view, &Setting::single(options, inner.now()), tx))?;
            if let Err(rejected) = &verdict {
                tracing::debug!(
                    target: "mempoolrej",
                    "{} (wtxid={}) was not accepted: {}", tx.txid(), tx.wtxid(), rejected.reason.full()
                );
            }
            Ok(verdict)
        })
    }

    /// Takes a package in, as far as that is possible. Runs on the validation thread.
    pub fn accept_package(
        &self,
        chain: &Reader,
        package: &[Arc<Tx>],
        options: PackageOptions,
    ) -> Result<PackageOutcome, StoreError> {
        self.change(|inner| match ChainView::new(chain, &*inner.rules) {
            Some(view) => inner.accept_package(&view, package, options, inner.now()),
            None => Ok(PackageOutcome::default()),
        })
    }

    /// `prioritisetransaction`: from now on a transaction counts as if it paid so much more.
    pub fn prioritise(&self, txid: Txid, change: i64) {
        self.change(|inner| inner.write().prioritise(txid, change));
    }

    /// Remembers that a transaction of ours should be asked for by some peer.
    pub fn add_unbroadcast(&self, txid: Txid) {
        self.change(|inner| inner.write().add_unbroadcast(&txid));
    }

    /// A peer has asked for it. Tells whether it was waiting for that.
    pub fn remove_unbroadcast(&self, txid: &Txid) -> bool {
        self.change(|inner| inner.write().remove_unbroadcast(txid))
    }

    /// Whether the file has been loaded, or has been found not to be there.
    pub fn set_load_tried(&self, tried: bool) {
        self.change(|inner| inner.write().load_tried = tried);
    }

    /// The lowest rate that is let in now.
    pub fn min_fee(&self) -> FeeRate {
        self.read().min_fee(self.inner.now())
    }

    /// Whether a transaction would keep within the limits of its cluster.
    pub fn within_limits(&self, tx: &Arc<Tx>) -> bool {
        self.read().within_limits(tx)
    }

    /// The coin at `out` as the pool leaves it: of the pool or of the chain, and not spent by the pool. One that the pool
    /// makes has the height of the next block.
    pub fn coin(&self, chain: &Reader, out: &OutPoint) -> Result<Option<TxOutEntry>, StoreError> {
        let Some(view) = ChainView::new(chain, &*self.inner.rules) else { return Ok(None) };
        let pool = self.read();
        if pool.spender(out).is_some() { Ok(None) } else { pool.coin(&view, &Extra::new(), out) }
    }

    /// Chooses the transactions of the next block; `None` while there is no chain.
    pub fn template(&self, chain: &Reader, options: &TemplateOptions) -> Option<NextBlock> {
        let view = ChainView::new(chain, &*self.inner.rules)?;
        let template = self.read().template(options, view.rules, view.next_height(), view.median_time);
        Some(NextBlock { prev: view.tip.hash, height: view.next_height(), median_time: view.median_time, template })
    }
}
