//! Delivering what happens to subscribers, each on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use bitcoin::BlockHash;
use chainstate::{ChainEvent, Node, NodeId, Reader, Received, Subscription};
use interfaces::{Call, ChainEvents, ChainNotifications, ConnectedBlock, Handler, IpcError, Locator, RawBlock, RawTx};
use mempool::{Mempool, MempoolEvent};
use primitives::{Block, Tx, WitnessMode};

use super::feed::{Feed, Happening, Numbered};
use super::{NodeChain, block_ref, from_hash, height_of, to_hash};

/// How far one subscriber has come.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    progress: Mutex<Progress>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    reached: u64,
    ended: bool,
    thread: Option<ThreadId>,
}

impl Delivery {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything up to this number was delivered.
    pub(super) fn reached(&self, number: u64) {
        self.lock().reached = number;
        self.moved.notify_all();
    }

    fn end(&self) {
        self.lock().ended = true;
        self.moved.notify_all();
    }

    /// Waits until everything up to this number was delivered, or nothing will be any more. A subscriber that waits for
    /// itself inside of a notification does not wait.
    pub(super) fn wait_for(&self, number: u64, limit: Option<Duration>) {
        let waiting = |progress: &mut Progress| progress.reached < number && !progress.ended;
        let progress = self.lock();
        if progress.thread == Some(std::thread::current().id()) {
            return;
        }
        match limit {
            Some(limit) => drop(self.moved.wait_timeout_while(progress, limit, waiting)),
            None => drop(self.moved.wait_while(progress, waiting)),
        }
    }
}

/// The subscriptions of one client.
#[derive(Debug, Default)]
pub(crate) struct Subscribers(Mutex<Vec<std::sync::Weak<Delivery>>>);

impl Subscribers {
    fn add(&self, delivery: &Arc<Delivery>) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|other| other.strong_count() > 0);
        list.push(Arc::downgrade(delivery));
    }

    fn all(&self) -> Vec<Arc<Delivery>> {
        let list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().filter_map(std::sync::Weak::upgrade).collect()
    }
}

/// A subscription. It ends with this value.
pub(crate) struct Subscriber {
    stopped: Arc<AtomicBool>,
    events: Arc<Subscription<Numbered>>,
}

impl Subscriber {
    /// Calls `deliver` with everything that happens from now on, on a thread of its own, until it says to stop, fails, or
    /// the subscription ends. `lost` is called instead where too much had piled up and was forgotten.
    pub(crate) fn start(
        feed: &Feed,
        name: &str,
        mut deliver: impl FnMut(Option<&Happening>) -> Call<()> + Send + 'static,
    ) -> std::io::Result<(Self, Arc<Delivery>)> {
        let delivery = Arc::new(Delivery::default());
        let events = Arc::new(feed.subscribe(&delivery));
        let stopped = Arc::new(AtomicBool::new(false));
        let (ours, flag, count) = (Arc::clone(&events), Arc::clone(&stopped), Arc::clone(&delivery));
        platform::thread::spawn(name, move || {
            // However this thread ends, nobody waits for it any more.
            let end = EndOnDrop(count);
            end.0.lock().thread = Some(std::thread::current().id());
            while !ours.ended() {
                let Some(next) = ours.next_within(Duration::from_mins(1)) else { continue };
                if flag.load(Ordering::Acquire) {
                    return;
                }
                let (happening, number) = match &next {
                    Received::Event(event) => (Some(&event.what), Some(event.number)),
                    Received::Lagged(_) => (None, None),
                };
                if let Err(error) = deliver(happening) {
                    if !matches!(error, IpcError::Disconnected | IpcError::Interrupted) {
                        tracing::warn!("A subscriber of chain events is given up: {error}");
                    }
                    return;
                }
                if let Some(number) = number {
                    end.0.reached(number);
                }
            }
        })?;
        Ok((Self { stopped, events }, delivery))
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.events.close();
    }
}

struct EndOnDrop(Arc<Delivery>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Handler for Subscriber {
    fn disconnect(&self) -> Call<()> {
        self.stop();
        Ok(())
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.stop();
    }
}

impl ChainEvents for NodeChain {
    fn handle_notifications(&self, notifications: Arc<dyn ChainNotifications>) -> Call<Arc<dyn Handler>> {
        let (reader, pool) = (self.reader()?.clone(), self.mempool()?.clone());
        let believed = reader.tip().map(|tip| tip.hash);
        let mut teller = Teller { reader, pool, notifications, believed, lost: false };
        let (subscriber, delivery) = Subscriber::start(&self.node.feed, "chainnotify", move |what| teller.tell(what))
            .map_err(|error| IpcError::Remote(error.to_string()))?;
        self.subscribers.add(&delivery);
        Ok(Arc::new(subscriber))
    }

    fn wait_for_notifications(&self) -> Call<()> {
        let last = self.node.feed.last();
        for delivery in self.subscribers.all() {
            delivery.wait_for(last, None);
        }
        Ok(())
    }

    fn wait_for_notifications_if_tip_changed(&self, old_tip: interfaces::BlockHash) -> Call<()> {
        if self.reader()?.tip().is_some_and(|tip| tip.hash == to_hash(old_tip)) {
            return Ok(());
        }
        self.wait_for_notifications()
    }

    fn request_mempool_transactions(&self, notifications: Arc<dyn ChainNotifications>) -> Call<()> {
        tell_pool(self.mempool()?, &*notifications)
    }
}

/// Tells everything that is in the pool, parents first.
fn tell_pool(pool: &Mempool, notifications: &dyn ChainNotifications) -> Call<()> {
    let txs: Vec<Arc<Tx>> = pool.read().in_mining_order().map(|(entry, _)| Arc::clone(&entry.tx)).collect();
    for tx in txs {
        // What has left meanwhile was told to leave already, and would stay for ever.
        if pool.read().id_of(&tx.txid()).is_some() {
            notifications.transaction_added_to_mempool(&raw_tx(&tx))?;
        }
    }
    Ok(())
}

fn raw_tx(tx: &Tx) -> RawTx {
    RawTx::from(tx.to_bytes(WitnessMode::Include))
}

/// Tells one subscriber what happens.
struct Teller {
    reader: Reader,
    pool: Mempool,
    notifications: Arc<dyn ChainNotifications>,
    /// The tip as the subscriber knows it.
    believed: Option<BlockHash>,
    /// Something was forgotten, and the subscriber has not been brought up to date yet.
    lost: bool,
}

impl Teller {
    fn tell(&mut self, what: Option<&Happening>) -> Call<()> {
        match what {
            None => {
                self.lost = true;
                Ok(())
            }
            Some(Happening::Pool(MempoolEvent::Added { tx, .. })) => {
                self.notifications.transaction_added_to_mempool(&raw_tx(tx))
            }
            Some(Happening::Pool(MempoolEvent::Removed { tx, reason, .. })) => {
                self.notifications.transaction_removed_from_mempool(&raw_tx(tx), &reason.to_string())
            }
            Some(Happening::Pool(MempoolEvent::Confirmed { .. }) | Happening::Chain(ChainEvent::Announced { .. })) => {
                Ok(())
            }
            Some(Happening::Chain(ChainEvent::Connected { block, hash, .. })) => {
                self.catch_up(block.header.prev())?;
                self.connected(block, *hash)
            }
            Some(Happening::Chain(ChainEvent::Disconnected { block, hash, .. })) => {
                self.catch_up(*hash)?;
                self.disconnected(block, *hash)
            }
            Some(Happening::Chain(ChainEvent::Tip { hash, .. })) => {
                self.catch_up(*hash)?;
                self.notifications.updated_block_tip()
            }
            Some(Happening::Chain(ChainEvent::Flushed { hash })) => {
                let Some((id, _)) = self.reader.find(hash) else { return Ok(()) };
                let hashes = self.reader.tree(|tree| tree.locator(id));
                self.notifications.chain_state_flushed(&Locator { hashes: hashes.into_iter().map(from_hash).collect() })
            }
        }
    }

    fn connected(&mut self, block: &Block, hash: BlockHash) -> Call<()> {
        let Some((_, node)) = self.reader.find(&hash) else { return Ok(()) };
        self.notifications.block_connected(&told(block, &node), false)?;
        self.believed = Some(hash);
        Ok(())
    }

    fn disconnected(&mut self, block: &Block, hash: BlockHash) -> Call<()> {
        let Some((_, node)) = self.reader.find(&hash) else { return Ok(()) };
        self.notifications.block_disconnected(&told(block, &node))?;
        self.believed = Some(block.header.prev());
        Ok(())
    }

    /// Brings a subscriber that has missed something to this tip, with blocks from the disk.
    fn catch_up(&mut self, to: BlockHash) -> Call<()> {
        if !std::mem::take(&mut self.lost) {
            return Ok(());
        }
        let path = self.believed.and_then(|from| self.path(from, to));
        let Some((back, forth)) = path else { return Ok(()) };
        for id in back {
            let (node, block) = self.read(id)?;
            self.disconnected(&block, node.hash)?;
        }
        for id in forth {
            let (node, block) = self.read(id)?;
            self.connected(&block, node.hash)?;
        }
        tell_pool(&self.pool, &*self.notifications)
    }

    /// Blocks to take back, then blocks to put on.
    fn path(&self, from: BlockHash, to: BlockHash) -> Option<(Vec<NodeId>, Vec<NodeId>)> {
        self.reader.tree(|tree| {
            let (from, to) = (tree.find(&from)?, tree.find(&to)?);
            let fork = tree.fork(from, to)?;
            let down = |tip: NodeId| {
                std::iter::successors(Some(tip), |at| tree[*at].parent())
                    .take_while(|at| *at != fork)
                    .collect::<Vec<_>>()
            };
            let mut forth = down(to);
            forth.reverse();
            Some((down(from), forth))
        })
    }

    fn read(&self, id: NodeId) -> Call<(Node, Block)> {
        let node = self.reader.node(id);
        match self.reader.block(&node) {
            Some(Ok(block)) => Ok((node, block)),
            Some(Err(error)) => Err(super::disk_failed(&error)),
            None => Err(IpcError::Remote(format!("block {} was pruned before it was delivered", node.hash))),
        }
    }
}

fn told(block: &Block, node: &Node) -> ConnectedBlock {
    ConnectedBlock {
        block: interfaces::BlockRef { hash: from_hash(node.hash), height: height_of(node.height) },
        prev: from_hash(node.header.prev_blockhash),
        max_time: i64::from(node.time_max),
        data: RawBlock::from(block.to_bytes(WitnessMode::Include)),
    }
}

/// The tip as it crosses.
pub(super) fn tip_ref(reader: &Reader) -> Option<interfaces::BlockRef> {
    let tip = reader.tip()?;
    Some(reader.tree(|tree| block_ref(tree, tip.id)))
}
