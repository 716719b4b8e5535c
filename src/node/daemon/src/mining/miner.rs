//! The maker of blocks: one for the node, used by RPC methods and by every client of the socket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitcoin::BlockHash;
use chainstate::{ChainHandle, Engine, Fatal, Reader, Tip, TipFollower, Unfit};
use consensus::{Rules, Scope};
use mempool::Mempool;
use platform::{Clock, Shutdown};
use primitives::{Block, Tx};

use super::{
    BadOrder, Draft, MergedWork, Order, Settings, Submission, TipSignal,
    held::{Budget, HeldDraft},
    signal::Bell,
};

/// What the templates of all clients may hold, in bytes.
const TEMPLATE_BYTES: usize = 256 << 20;

/// Why no block could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MineError {
    /// There is no tip yet.
    #[error("the chain has no blocks yet")]
    NoTip,
    /// Such a block cannot be.
    #[error(transparent)]
    Order(#[from] BadOrder),
    /// What was made breaks a rule. The pool and the chain do not fit together.
    #[error("TestBlockValidity failed: {0}")]
    Invalid(String),
    /// A block at this height names the one that its parent builds on, and nobody said which.
    #[error("btcprevhash is required at this height")]
    Unnamed,
    /// The chain did not take it.
    #[error("ProcessNewBlock, block not accepted")]
    Refused,
    /// The node stops.
    #[error("Shutting down")]
    Stopped,
    /// The disk failed, and the node stops.
    #[error("{0}")]
    Fatal(String),
}

/// The last draft, and from when it is.
#[derive(Debug)]
struct Recent {
    draft: Arc<Draft>,
    updates: u64,
    second: i64,
}

/// What `getblocktemplate` remembers between calls.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// The draft that was told last.
    pub(crate) draft: Option<Arc<Draft>>,
    /// When it was made.
    pub(crate) made: i64,
    /// The changes of the pool until then.
    pub(crate) updates: u64,
}

/// Makes blocks, takes them, and knows who waits.
#[derive(Debug)]
pub struct Miner {
    chain: ChainHandle,
    pool: Mempool,
    rules: Arc<dyn Rules>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    shutdown: Shutdown,
    signal: Arc<TipSignal>,
    recent: Mutex<Option<Recent>>,
    /// Weight and number of transactions of the last draft.
    last: Mutex<Option<(u64, usize)>>,
    polled: Mutex<Polled>,
    merged: Mutex<MergedWork>,
    /// What clients of the socket hold.
    templates: Arc<Budget>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one assignment, so a panic elsewhere left it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Miner {
    /// Somebody who rings `signal` for every tip; the engine takes it, after the pool's.
    pub fn follower(signal: &Arc<TipSignal>) -> Box<dyn TipFollower> {
        Box::new(Bell(Arc::clone(signal)))
    }

    /// A maker of blocks for this chain and pool.
    pub fn new(
        chain: ChainHandle,
        pool: Mempool,
        rules: Arc<dyn Rules>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        shutdown: Shutdown,
        signal: Arc<TipSignal>,
    ) -> Self {
        let (recent, last, polled, merged) = Default::default();
        let templates = Arc::new(Budget::new(TEMPLATE_BYTES));
        Self { chain, pool, rules, clock, settings, shutdown, signal, recent, last, polled, merged, templates }
    }

    pub(super) fn shared_rules(&self) -> Arc<dyn Rules> {
        Arc::clone(&self.rules)
    }

    pub(super) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(super) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Notes the weight and the number of transactions of the last draft, if there was one.
    pub(super) fn drafted(&self, last: Option<(u64, usize)>) {
        if last.is_some() {
            *lock(&self.last) = last;
        }
    }

    /// Keeps a draft for a client, as long as there is room.
    pub(super) fn hold(&self, draft: Arc<Draft>) -> Arc<HeldDraft> {
        self.templates.hold(draft)
    }

    /// The rules of the chain.
    pub fn rules(&self) -> &dyn Rules {
        &*self.rules
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// What the operator says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The pool.
    pub fn pool(&self) -> &Mempool {
        &self.pool
    }

    /// The chain.
    pub fn reader(&self) -> &Reader {
        self.chain.reader()
    }

    /// The tip; `None` before there is one.
    pub fn tip(&self) -> Option<Tip> {
        self.reader().tip()
    }

    /// What rings when the tip changes.
    pub fn signal(&self) -> &Arc<TipSignal> {
        &self.signal
    }

    /// Weight and number of transactions of the last draft.
    pub fn last(&self) -> Option<(u64, usize)> {
        *lock(&self.last)
    }

    /// The blocks that wait for a proof of merged mining.
    pub(crate) fn merged(&self) -> MutexGuard<'_, MergedWork> {
        lock(&self.merged)
    }

    pub(crate) fn polled(&self) -> MutexGuard<'_, Polled> {
        lock(&self.polled)
    }

    /// Runs `work` on the validation thread. A failure there ends the node.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> Result<T, Fatal> + Send + 'static,
    ) -> Result<T, MineError> {
        let done = self.chain.call(work).map_err(|_| MineError::Stopped)?;
        done.map_err(|e| {
            crate::startup::abort(&self.shutdown, &e);
            MineError::Fatal(e.to_string())
        })
    }

    /// Makes a draft on the tip. Whoever wants the same within the same second, while nothing has changed, gets the same.
    pub fn draft(&self, order: &Order) -> Result<Arc<Draft>, MineError> {
        self.settings.options(order, self.rules.params())?;
        let second = self.clock.unix_seconds();
        let fresh = |recent: &Recent| {
            recent.second == second
                && recent.updates == self.pool.read().updates()
                && Some(recent.draft.prev) == self.tip().map(|tip| tip.hash)
                && recent.draft.order == *order
        };
        if let Some(recent) = lock(&self.recent).as_ref().filter(|recent| fresh(recent)) {
            return Ok(Arc::clone(&recent.draft));
        }
        let (rules, pool) = (Arc::clone(&self.rules), self.pool.clone());
        let (settings, order) = (self.settings.clone(), order.clone());
        let (updates, draft) = self.run(move |engine| {
            let updates = pool.read().updates();
            Ok((updates, Draft::make(engine, &rules, &pool, &settings, &order, second)?))
        })?;
        let draft = Arc::new(draft?);
        self.drafted(Some((draft.weight, draft.txs.len())));
        *lock(&self.recent) = Some(Recent { draft: Arc::clone(&draft), updates, second });
        Ok(draft)
    }

    /// Makes a block on the tip of just these transactions, in one step, so that nobody moves the tip in between. The
    /// inner error is the rule that they break.
    pub fn assemble(&self, order: &Order, txs: Vec<Arc<Tx>>) -> Result<Result<Block, Unfit>, MineError> {
        let (rules, pool, now) = (Arc::clone(&self.rules), self.pool.clone(), self.clock.unix_seconds());
        let (settings, order) = (self.settings.clone(), Order { use_mempool: false, ..order.clone() });
        self.run(move |engine| {
            let draft = match Draft::make(engine, &rules, &pool, &settings, &order, now)? {
                Ok(draft) => draft,
                Err(error) => return Ok(Err(error)),
            };
            let block = Arc::new(draft.block_of(txs));
            let verdict = engine.test_block(&block, Scope::TEMPLATE)?;
            Ok(Ok(verdict.map(|()| Arc::unwrap_or_clone(block))))
        })?
    }

    /// Judges a block as the next one.
    pub fn check(&self, block: Block, scope: Scope) -> Result<Result<(), Unfit>, MineError> {
        let block = Arc::new(block);
        self.run(move |engine| engine.test_block(&block, scope))
    }

    /// Hands a block to the chain.
    pub fn submit(&self, block: Block) -> Result<Submission, MineError> {
        let block = Arc::new(block);
        self.run(move |engine| Submission::of(engine, &block))
    }

    /// How many blocks the best header is ahead, if it builds on the tip.
    pub fn blocks_ahead(&self) -> Option<u32> {
        let (reader, tip) = (self.reader(), self.tip()?);
        let best = reader.best_header()?;
        reader.tree(|tree| {
            let (best_node, tip_node) = (&tree[best], &tree[tip.id]);
            let ahead = best_node.chain_work > tip_node.chain_work && tree.ancestor(best, tip.height) == Some(tip.id);
            ahead.then(|| best_node.height - tip_node.height)
        })
    }

    /// The hash of the tip, if it is not `hash`.
    pub(super) fn tip_other_than(&self, hash: &BlockHash) -> Option<BlockHash> {
        self.tip().map(|tip| tip.hash).filter(|tip| tip != hash)
    }
}
