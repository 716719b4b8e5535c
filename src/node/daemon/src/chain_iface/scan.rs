//! Reading many blocks for the transactions that touch some scripts or outputs.
//!
//! A wallet that finds one of its scripts used makes more of them, and they may be used in the same block. So its answer to a
//! batch may name new scripts and a height to go back to. What was read after that height is read again, which is why batches
//! are small at first and after each such answer: they double while nothing new comes.
//!
//! Blocks are read while the wallet is at work on the last batch, so that neither waits for the other, nor for the road between
//! two processes.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use ::rpc::RpcState;
use bitcoin::OutPoint;
use chainstate::{Node, NodeId, Reader};
use indexes::FilterIndex;
use interfaces::{
    Answer, BlockRef, Call, Failure, RawTx, ScanBatch, ScanMatch, ScanReply, ScanRequest, ScanSink, ScannedTx,
};
use primitives::{Block, WitnessMode};

use super::block_ref;
use super::convert::to_outpoint;

/// A batch is handed over after so many blocks, so that progress is seen and a stop is heard,
const BATCH_BLOCKS: i32 = 500;
/// after so many bytes of blocks that were read, which bounds the time on a busy chain,
const BATCH_READ: usize = 32 << 20;
/// or with so many bytes of transactions in it, which bounds the message.
const BATCH_BYTES: usize = 1 << 20;
/// Scripts that one scan looks for at most: a wallet that is out to fill the node's memory ends here.
const MAX_SCRIPTS: usize = 20_000_000;

/// A scan that goes on.
pub(super) struct Scan<'a> {
    reader: &'a Reader,
    state: &'a RpcState,
    filters: Option<&'a FilterIndex>,
    scripts: HashSet<Cow<'a, [u8]>>,
    watched: HashSet<OutPoint>,
    start: u32,
    next: u32,
    stop: Option<u32>,
    /// Blocks with matches that the next batch may have.
    at_once: usize,
}

/// The last block that was looked at.
#[derive(Clone, Copy)]
struct Last {
    id: NodeId,
    shown: BlockRef,
    time: i64,
}

/// Where a scan goes on after a reply.
enum Heeded {
    /// Where it is.
    On,
    /// At another place, and what was gathered is void. The block before that place, if it has to be the parent.
    Anew(Option<Last>),
}

/// What is gathered for the next batch.
#[derive(Default)]
struct Gathered {
    matches: Vec<ScanMatch>,
    blocks: i32,
    read: usize,
    bytes: usize,
}

impl Gathered {
    fn is_full(&self, at_once: usize) -> bool {
        self.blocks >= BATCH_BLOCKS
            || self.read >= BATCH_READ
            || self.bytes >= BATCH_BYTES
            || self.matches.len() >= at_once
    }
}

impl<'a> Scan<'a> {
    /// With `filters`, blocks that touch none of the scripts are not read.
    pub(super) fn new(
        reader: &'a Reader,
        state: &'a RpcState,
        filters: Option<&'a FilterIndex>,
        request: &'a ScanRequest,
    ) -> Self {
        let start = u32::try_from(request.start_height).unwrap_or(0);
        Self {
            reader,
            state,
            filters,
            scripts: request.scripts.iter().map(|script| Cow::Borrowed(script.as_bytes())).collect(),
            watched: request.outpoints.iter().chain(&request.strangers).map(to_outpoint).collect(),
            start,
            next: start,
            stop: u32::try_from(request.stop_height).ok(),
            at_once: 1,
        }
    }

    /// Hands batches to `sink` until it says stop, the end is reached, the chain moves away from under the scan, or the
    /// node stops. Answers the last block that was scanned.
    ///
    /// The next blocks are read while the sink is at work, on a thread of their own: the sink is called on the one that
    /// the scan was asked on, to which its own calls come back.
    pub(super) fn run(self, sink: &dyn ScanSink) -> Call<Answer<Option<BlockRef>>> {
        let (to_sink, batches) = mpsc::sync_channel::<ScanBatch>(1);
        let (to_scan, replies) = mpsc::channel();
        thread::scope(|scope| {
            let reading = thread::Builder::new().name("scan".to_owned());
            let reading = match reading.spawn_scoped(scope, move || self.read(&to_sink, &replies)) {
                Ok(reading) => reading,
                Err(error) => return Ok(Err(Failure::new(format!("No thread to read blocks on: {error}")))),
            };
            // Ends when the reader has nothing more, which it knows from the last reply at the latest.
            for batch in batches {
                let reply = sink.batch(&batch);
                let failed = reply.is_err();
                if to_scan.send(reply).is_err() || failed {
                    break;
                }
            }
            reading.join().unwrap_or_else(|_| Ok(Err(Failure::new("Reading blocks failed"))))
        })
    }

    /// Reads blocks and sends batches of them. At most one batch is with the sink, and at most one more is gathered.
    fn read(
        mut self,
        to_sink: &SyncSender<ScanBatch>,
        replies: &Receiver<Call<ScanReply>>,
    ) -> Call<Answer<Option<BlockRef>>> {
        let mut last: Option<Last> = None;
        let mut gathered = Gathered::default();
        let mut with_sink: Option<Last> = None;
        let mut at_end = false;
        loop {
            let is_full = at_end || gathered.is_full(self.at_once);
            if let Some(done) = with_sink {
                // What it says is heard at once: new scripts make reading on in vain.
                let reply = if is_full { replies.recv().ok() } else { replies.try_recv().ok() };
                if let Some(reply) = reply {
                    let reply = reply?;
                    with_sink = None;
                    if !reply.go_on {
                        return Ok(Ok(Some(done.shown)));
                    }
                    match self.heed(reply, done) {
                        Ok(Heeded::On) => at_end = false,
                        Ok(Heeded::Anew(behind)) => {
                            (last, gathered, at_end) = (behind, Gathered::default(), false);
                        }
                        Err(failure) => return Ok(Err(failure)),
                    }
                    continue;
                }
                if is_full {
                    // Nobody is there to reply.
                    return Ok(Ok(Some(done.shown)));
                }
            } else if is_full {
                let Some(done) = last.filter(|_| gathered.blocks > 0) else { break };
                let matches = std::mem::take(&mut gathered).matches;
                if to_sink.send(ScanBatch { scanned: done.shown, time: done.time, matches }).is_err() {
                    break;
                }
                with_sink = Some(done);
                continue;
            }
            match self.look_at_next(&mut last, &mut gathered) {
                Ok(found) => at_end = !found,
                // What lies before it is handed over first; then it is tried once more.
                Err(_) if gathered.blocks > 0 || with_sink.is_some() => at_end = true,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(last.map(|last| last.shown)))
    }

    /// Looks at one more block. False if there is none.
    fn look_at_next(&mut self, last: &mut Option<Last>, gathered: &mut Gathered) -> Result<bool, Failure> {
        if self.stop.is_some_and(|stop| self.next > stop) || !self.state.is_running() {
            return Ok(false);
        }
        let Some(id) = self.reader.at_height(self.next) else { return Ok(false) };
        let (node, shown) = self.reader.tree(|tree| (tree[id].clone(), block_ref(tree, id)));
        if last.is_some_and(|before| node.parent() != Some(before.id)) {
            return Ok(false);
        }
        let block = if self.rules_out(&node) { None } else { Some(self.block(&node)?) };
        let time = i64::from(node.header.time);
        *last = Some(Last { id, shown, time });
        gathered.blocks += 1;
        self.next += 1;
        if let Some(block) = block {
            self.look_through(&block, shown, time, gathered);
        }
        Ok(true)
    }

    fn block(&self, node: &Node) -> Result<Block, Failure> {
        match self.reader.block(node) {
            Some(Ok(block)) => Ok(block),
            Some(Err(error)) => Err(Failure::new(format!("Failed to read block {}: {error}", node.hash))),
            None => Err(Failure::new(format!("Block {} is not on disk", node.hash))),
        }
    }

    /// Takes in new scripts, and says where to go on for them.
    fn heed(&mut self, reply: ScanReply, done: Last) -> Result<Heeded, Failure> {
        let before = self.scripts.len();
        self.scripts.extend(reply.scripts.into_iter().map(|script| Cow::Owned(script.as_bytes().to_vec())));
        if self.scripts.len() > MAX_SCRIPTS {
            return Err(Failure::new("Too many scripts for one scan"));
        }
        let height = u32::try_from(done.shown.height).unwrap_or(0);
        // Nothing new means nothing to go back for: a sink cannot keep the scan at one place for ever.
        let is_new = self.scripts.len() > before;
        if is_new && reply.again <= done.shown.height {
            self.at_once = 1;
            self.next = u32::try_from(reply.again).unwrap_or(0).max(self.start);
            return Ok(Heeded::Anew(None));
        }
        self.at_once = self.at_once.saturating_mul(2);
        if is_new && self.next > height.saturating_add(1) {
            // What was read since did not know them.
            self.next = height.saturating_add(1);
            return Ok(Heeded::Anew(Some(done)));
        }
        Ok(Heeded::On)
    }

    /// Whether the filter of a block says that it touches none of the scripts. Without a filter nobody can say.
    fn rules_out(&self, node: &Node) -> bool {
        let Some(filters) = self.filters else { return false };
        let matches = match filters.find(node.height, &node.hash) {
            Ok(Some(record)) => Some(record.filter.matches_any(self.scripts.iter().map(|script| &**script))),
            _ => None,
        };
        // Tools wait for these words.
        let why = match matches {
            Some(true) => "(filter matched)",
            Some(false) => return true,
            None => "(WARNING: block filter not found!)",
        };
        tracing::debug!(target: "scan", "Fast rescan: inspect block {} [{}] {why}", node.height, node.hash);
        false
    }

    fn look_through(&mut self, block: &Block, shown: BlockRef, time: i64, gathered: &mut Gathered) {
        let mut txs = Vec::new();
        for (index, tx) in (0_u32..).zip(&block.txs) {
            let spends = tx.inputs().iter().any(|input| self.watched.contains(&input.previous_output));
            let mut pays = false;
            for (vout, output) in (0_u32..).zip(tx.outputs()) {
                if self.scripts.contains(output.script_pubkey.as_bytes()) {
                    pays = true;
                    self.watched.insert(OutPoint { txid: tx.txid(), vout });
                }
            }
            if spends || pays {
                let raw = RawTx::from(tx.to_bytes(WitnessMode::Include));
                gathered.bytes += raw.as_bytes().len();
                txs.push(ScannedTx { index, tx: raw });
            }
        }
        if !txs.is_empty() {
            gathered.matches.push(ScanMatch { block: shown, time, txs });
        }
        gathered.read += block.size(WitnessMode::Include);
    }
}
