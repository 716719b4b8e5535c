//! What happens to the chain, and how the driver hears of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bitcoin::{BlockHash, Txid, Wtxid};
use p2p::{BlockVerdict, ChainAccess, Refusal, TxAccess};
use primitives::Block;

use super::Driver;

/// What to do once something was heard.
pub(crate) type Heard = Box<dyn FnOnce() + Send>;

/// What happens to the chain, as far as peers have to do with it.
#[derive(Debug, Clone)]
pub enum ChainNews {
    /// A block that was left open is judged.
    Judged(BlockHash, BlockVerdict),
    /// All rules of a block were checked.
    Checked(BlockHash, Result<(), Refusal>),
    /// A block that extends the tip has arrived; it is not connected yet.
    Announced(Arc<Block>),
    /// A block was put on the tip.
    Connected(Arc<Block>),
    /// The tip was taken back.
    Disconnected,
    /// The chain has come to rest at a new tip.
    Tip,
    /// A transaction is to be told to every peer.
    Relay(Txid, Wtxid),
    /// Blocks are, or are not any more, being read from the disk.
    Loading(bool),
}

/// News that can wait. Where there are no peers nobody is to be told, so whoever makes hundreds of blocks in a second does not
/// wake the network for each. It hears of them when it wakes up for something else, which is soon.
#[derive(Default)]
pub(crate) struct Later {
    alone: AtomicBool,
    news: Mutex<Vec<(ChainNews, Heard)>>,
}

impl Later {
    /// Whether there is nobody to tell.
    pub(super) fn set_alone(&self, alone: bool) {
        self.alone.store(alone, Ordering::Relaxed);
    }

    /// Keeps news for later, or gives them back if they cannot wait.
    pub(crate) fn keep(&self, news: ChainNews, heard: Heard) -> Option<(ChainNews, Heard)> {
        if !self.alone.load(Ordering::Relaxed) {
            return Some((news, heard));
        }
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push((news, heard));
        None
    }

    fn take(&self) -> Vec<(ChainNews, Heard)> {
        std::mem::take(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Later {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Later").field("alone", &self.alone).finish_non_exhaustive()
    }
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    /// Hears what could wait.
    pub(super) fn hear_later(&mut self) {
        for (news, heard) in self.later.take() {
            let now = self.now();
            self.hear(news, now);
            heard();
            self.act(now);
        }
    }

    pub(super) fn hear(&mut self, news: ChainNews, now: Duration) {
        match news {
            ChainNews::Judged(hash, verdict) => {
                self.peers.block_judged(hash, verdict, now);
                // Whose message has waited for it goes on.
                self.ready.extend(self.conns.keys());
            }
            ChainNews::Checked(hash, result) => self.peers.block_checked(hash, &result),
            ChainNews::Announced(block) => self.peers.block_accepted(&block),
            ChainNews::Connected(block) => self.peers.block_connected(&block, now),
            ChainNews::Disconnected => self.peers.block_disconnected(),
            ChainNews::Tip => {
                self.peers.notice_tip(now);
                // The next round tells the peers.
                self.next_tick = Duration::ZERO;
            }
            ChainNews::Relay(txid, wtxid) => self.peers.relay_tx(txid, wtxid),
            ChainNews::Loading(loading) => self.peers.set_loading(loading),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn news_wait_only_where_nobody_is_to_be_told() {
        let (later, heard) = (Later::default(), Arc::new(AtomicUsize::new(0)));
        let told = || {
            let heard = Arc::clone(&heard);
            let hear: Heard = Box::new(move || {
                heard.fetch_add(1, Ordering::Relaxed);
            });
            later.keep(ChainNews::Tip, hear).is_none()
        };
        assert!(!told(), "there may be somebody, as far as is known at the start");
        later.set_alone(true);
        assert!(told() && told());
        later.set_alone(false);
        assert!(!told());
        let kept = later.take();
        assert_eq!(kept.len(), 2);
        for (_, hear) in kept {
            hear();
        }
        assert_eq!(heard.load(Ordering::Relaxed), 2);
        assert!(later.take().is_empty());
    }
}
