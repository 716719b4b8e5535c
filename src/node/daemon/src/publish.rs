//! What happens, for programs that subscribe over ZMQ (`-zmqpub…`).

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid};
use chainstate::ChainEvent;
use config::Config;
use mempool::MempoolEvent;
use notify::zmq::{DEFAULT_HIGH_WATER, Notifier, Publisher, Topic};
use primitives::{Block, Tx, WitnessMode};

use crate::NodeContext;
use crate::chain_iface::{Happening, Subscriber};

/// Connected blocks that are held back while the chain moves on.
const MAX_HELD: usize = 32;

/// What the options ask for.
fn notifiers(config: &Config) -> Vec<Notifier> {
    let args = config.args();
    let of = |topic: Topic| {
        let name = format!("zmqpub{}", topic.name());
        let high_water = args.get_i64(&format!("{name}hwm"), i64::try_from(DEFAULT_HIGH_WATER).unwrap_or(0));
        let high_water = usize::try_from(high_water).unwrap_or(DEFAULT_HIGH_WATER);
        args.get_all(&name).into_iter().filter(|address| !address.is_empty()).map(move |address| {
            let address = address.strip_prefix("unix:").map_or(address.clone(), |path| format!("ipc://{path}"));
            Notifier { topic, address, high_water }
        })
    };
    Topic::ALL.into_iter().flat_map(of).collect()
}

/// Publishes for as long as the answer lives. An address that cannot be used is told; the node runs without.
pub(crate) fn start(node: &Arc<NodeContext>) -> std::io::Result<Option<Subscriber>> {
    let wanted = notifiers(&node.config);
    if wanted.is_empty() {
        return Ok(None);
    }
    let publisher = match Publisher::bind(wanted) {
        Ok(publisher) => Arc::new(publisher),
        Err(e) => {
            tracing::error!("zmq: {e}");
            return Ok(None);
        }
    };
    for notifier in publisher.notifiers() {
        let name = notifier.topic.name();
        tracing::info!("zmq: Notifier pub{name} ready (address = {})", notifier.address);
    }
    // Nobody else sets it.
    let _ = node.publisher.set(Arc::clone(&publisher));
    let mut stage = Stage { publisher, node: Arc::downgrade(node), held: Vec::new() };
    let deliver = move |what: Option<&Happening>| {
        stage.hear(what);
        Ok(())
    };
    Subscriber::start(&node.feed, "zmqpub", deliver).map(|(subscriber, _)| Some(subscriber))
}

/// Puts events into the order that subscribers know: connected blocks are told when the chain has come to rest, after what
/// the pool made of the move.
struct Stage {
    publisher: Arc<Publisher>,
    node: std::sync::Weak<NodeContext>,
    held: Vec<(Arc<Block>, BlockHash)>,
}

impl Stage {
    fn hear(&mut self, what: Option<&Happening>) {
        match what {
            Some(Happening::Chain(ChainEvent::Connected { block, hash, .. })) => {
                self.held.push((Arc::clone(block), *hash));
                if self.held.len() >= MAX_HELD {
                    self.release();
                }
            }
            Some(Happening::Chain(ChainEvent::Disconnected { block, hash, .. })) => {
                self.release();
                self.block(block, *hash, b'D');
            }
            Some(Happening::Chain(ChainEvent::Tip { hash, initial_download, .. })) => {
                self.release();
                if !initial_download {
                    self.tip(*hash);
                }
            }
            Some(Happening::Pool(MempoolEvent::Added { tx, sequence, .. })) => {
                self.tx(tx);
                self.change(tx.txid(), b'A', *sequence);
            }
            Some(Happening::Pool(MempoolEvent::Removed { tx, sequence, .. })) => {
                self.change(tx.txid(), b'R', *sequence);
            }
            None => tracing::warn!("zmq: Messages were lost, because they came faster than they could be published"),
            _ => {}
        }
    }

    fn release(&mut self) {
        for (block, hash) in std::mem::take(&mut self.held) {
            self.block(&block, hash, b'C');
        }
    }

    fn block(&self, block: &Block, hash: BlockHash, what: u8) {
        block.txs.iter().for_each(|tx| self.tx(tx));
        self.publisher.publish(Topic::Sequence, || [&as_shown(hash.to_byte_array())[..], &[what]].concat());
    }

    fn tip(&self, hash: BlockHash) {
        self.publisher.publish(Topic::HashBlock, || as_shown(hash.to_byte_array()).to_vec());
        let Some(node) = self.node.upgrade() else { return };
        let stored = node.reader().find(&hash).and_then(|(_, found)| node.reader().block_bytes(&found));
        match stored {
            Some(Ok(bytes)) => self.publisher.publish(Topic::RawBlock, || bytes),
            Some(Err(e)) => tracing::error!("zmq: Can't read block from disk: {e}"),
            // Pruned in the meantime.
            None => {}
        }
    }

    fn tx(&self, tx: &Tx) {
        self.publisher.publish(Topic::HashTx, || as_shown(tx.txid().to_byte_array()).to_vec());
        self.publisher.publish(Topic::RawTx, || tx.to_bytes(WitnessMode::Include));
    }

    fn change(&self, txid: Txid, what: u8, sequence: u64) {
        let body = || [&as_shown(txid.to_byte_array())[..], &[what], &sequence.to_le_bytes()].concat();
        self.publisher.publish(Topic::Sequence, body);
    }
}

/// The bytes of a hash in the order in which it is written.
fn as_shown(mut hash: [u8; 32]) -> [u8; 32] {
    hash.reverse();
    hash
}
