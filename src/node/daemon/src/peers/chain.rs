//! The chain as the peer logic sees it: a reader that never waits, and the validation thread for whatever changes it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bitcoin::{BlockHash, Work};
use chainstate::{Arrival, ChainHandle, Engine, Fatal, Node, NodeId, Reader, Tree, Validity};
use consensus::{BlockChecks, BlockResult, Buried, Rules, U256};
use net::{ChainNews, NetHandle};
use p2p::{Behind, BlockInfo, BlockVerdict, ChainAccess, Fault, Refusal};
use platform::Shutdown;
use primitives::{Block, Header};

/// Blocks on their way to the validation thread, which has a task for each.
type Waiting = Arc<Mutex<VecDeque<(Arc<Block>, Arrival)>>>;

/// The way to the chain.
#[derive(Debug)]
pub(crate) struct PeerChain {
    handle: ChainHandle,
    reader: Reader,
    rules: Arc<dyn Rules>,
    net: NetHandle,
    shutdown: Shutdown,
    waiting: Waiting,
    /// What is shown while block files are read in again and there is no block yet.
    genesis: BlockInfo,
}

fn work(work: U256) -> Work {
    Work::from_be_bytes(work.to_be_bytes())
}

fn fault(result: BlockResult) -> Fault {
    match result {
        BlockResult::Consensus | BlockResult::Mutated => Fault::Block,
        BlockResult::CachedInvalid => Fault::KnownInvalid,
        BlockResult::InvalidHeader | BlockResult::InvalidPrev | BlockResult::MissingPrev => Fault::Header,
        BlockResult::TimeFuture | BlockResult::HeaderLowWork => Fault::Nobody,
    }
}

fn info(tree: &Tree, tip: Option<NodeId>, id: NodeId) -> BlockInfo {
    let node = &tree[id];
    BlockInfo {
        hash: node.hash,
        height: node.height,
        time: node.header.time,
        work: work(node.chain_work),
        has_data: node.has_data(),
        pruned: node.tx_count > 0 && !node.has_data(),
        active: tip.is_some_and(|tip| tree.ancestor(tip, node.height) == Some(id)),
        invalid: node.failed(),
        checked: node.is_valid(Validity::Scripts),
    }
}

impl PeerChain {
    pub(crate) fn new(handle: ChainHandle, rules: Arc<dyn Rules>, net: NetHandle, shutdown: Shutdown) -> Self {
        let reader = handle.reader().clone();
        let genesis = BlockInfo {
            hash: rules.params().genesis_hash(),
            height: 0,
            time: 0,
            work: Work::from_be_bytes([0; 32]),
            has_data: false,
            pruned: false,
            active: true,
            invalid: false,
            checked: true,
        };
        Self { handle, reader, rules, net, shutdown, waiting: Waiting::default(), genesis }
    }

    fn tip_id(&self) -> Option<NodeId> {
        self.reader.tip().map(|tip| tip.id)
    }

    /// A block that may be there. A disk that fails is told, and is as if it were not.
    fn read(&self, node: &Node) -> Option<Block> {
        self.reader.block(node)?.inspect_err(|error| tracing::error!("{error}")).ok()
    }
}

/// The block whose turn it is. While the node catches up, all that wait: if they are taken in before any is connected, the
/// scripts of one can run while the next is made ready.
fn in_turn(waiting: &Waiting, engine: &Engine) -> Vec<(Arc<Block>, Arrival)> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let count = if engine.reader().initial_download() { waiting.len() } else { waiting.len().min(1) };
    waiting.drain(..count).collect()
}

/// Takes blocks in, and tells the network what became of them and of those that could be connected with them.
fn take(engine: &mut Engine, blocks: &[(Arc<Block>, Arrival)]) -> Result<Vec<ChainNews>, Fatal> {
    let mut news = Vec::new();
    for (block, how) in blocks {
        let verdict: BlockVerdict = match engine.accept_block(block, *how)? {
            Ok(accepted) => Ok(accepted.new),
            Err(refusal) => Err(Refusal { reason: refusal.to_string(), fault: fault(refusal.result()) }),
        };
        // First, so that what is refused for good finds its sender.
        news.push(ChainNews::Judged(block.hash(), verdict));
    }
    for refused in engine.activate()?.refused {
        let refusal = Refusal { reason: refused.reason.to_string(), fault: fault(refused.reason.result()) };
        news.push(ChainNews::Checked(refused.hash, Err(refusal)));
    }
    Ok(news)
}

impl ChainAccess for PeerChain {
    fn tip(&self) -> BlockInfo {
        let tip = self.tip_id();
        tip.map_or(self.genesis, |id| self.reader.tree(|tree| info(tree, tip, id)))
    }

    fn best_header(&self) -> BlockInfo {
        let tip = self.tip_id();
        match self.reader.best_header() {
            Some(id) => self.reader.tree(|tree| info(tree, tip, id)),
            None => self.tip(),
        }
    }

    fn behind(&self) -> Option<Behind> {
        let (behind, tip) = (self.reader.behind()?, self.tip_id());
        let show = |id| self.reader.tree(|tree| info(tree, tip, id));
        Some(Behind { tip: show(behind.tip), target: show(behind.target) })
    }

    fn info(&self, hash: &BlockHash) -> Option<BlockInfo> {
        let tip = self.tip_id();
        self.reader.tree(|tree| tree.find(hash).map(|id| info(tree, tip, id)))
    }

    fn ancestor(&self, hash: &BlockHash, height: u32) -> Option<BlockHash> {
        self.reader.tree(|tree| {
            let id = tree.find(hash)?;
            Some(tree[tree.ancestor(id, height)?].hash)
        })
    }

    fn header(&self, hash: &BlockHash) -> Option<Header> {
        let (_, node) = self.reader.find(hash)?;
        if self.reader.codec().is_bare(&node.header) {
            return Some(Header::new(node.header));
        }
        match self.read(&node) {
            Some(block) => Some(block.header),
            None => Some(Header::new(node.header)),
        }
    }

    fn block(&self, hash: &BlockHash) -> Option<Arc<Block>> {
        let (_, node) = self.reader.find(hash)?;
        self.read(&node).map(Arc::new)
    }

    fn block_bytes(&self, hash: &BlockHash) -> Option<Vec<u8>> {
        let (_, node) = self.reader.find(hash)?;
        self.reader.block_bytes(&node)?.inspect_err(|error| tracing::error!("{error}")).ok()
    }

    fn is_initial_download(&self) -> bool {
        self.reader.initial_download()
    }

    fn minimum_work(&self) -> Work {
        work(self.rules.params().minimum_chain_work())
    }

    fn has_valid_proof(&self, header: &Header) -> bool {
        self.rules.check_header(header).is_ok()
    }

    fn header_work(&self, header: &Header) -> Work {
        work(self.rules.header_work(header))
    }

    fn permits_transition(&self, height: u32, old: u32, new: u32) -> bool {
        self.rules.permitted_transition(height, old, new)
    }

    fn is_mutated(&self, block: &Block) -> bool {
        let height = self.info(&block.header.prev()).map_or(0, |prev| prev.height + 1);
        consensus::is_mutated(&*self.rules, block, self.commits_to_witnesses(height), &mut BlockChecks::default())
    }

    fn commits_to_witnesses(&self, height: u32) -> bool {
        self.rules.params().is_active(Buried::Segwit, height)
    }

    fn accept_headers(&mut self, headers: &[Header]) -> Result<(), Refusal> {
        let headers = headers.to_vec();
        let taken = self.handle.call(move |engine| {
            for header in &headers {
                engine.accept_header(header, true)?;
            }
            Ok(())
        });
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => {
                let reason: consensus::HeaderReason = reason;
                Err(Refusal { reason: reason.full(), fault: fault(reason.result()) })
            }
            // The node is stopping: nobody is to blame.
            Err(stopped) => Err(Refusal { reason: stopped.to_string(), fault: Fault::Nobody }),
        }
    }

    fn submit_block(&mut self, block: Arc<Block>, requested: bool) -> Option<BlockVerdict> {
        let (net, shutdown) = (self.net.clone(), self.shutdown.clone());
        let how = Arrival { requested, enough_work: true, stored_at: None };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back((block, how));
        let waiting = Arc::clone(&self.waiting);
        let posted = self.handle.post(move |engine| {
            let blocks = in_turn(&waiting, engine);
            if blocks.is_empty() {
                // They were taken in with those before.
                return;
            }
            match take(engine, &blocks) {
                Ok(news) => news.into_iter().for_each(|news| net.tell(news)),
                Err(error) => crate::startup::abort(&shutdown, &error),
            }
        });
        match posted {
            Ok(()) => None,
            Err(stopped) => Some(Err(Refusal { reason: stopped.to_string(), fault: Fault::Nobody })),
        }
    }
}
