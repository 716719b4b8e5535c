//! Reading many blocks for the transactions that touch some scripts or outputs.
//!
//! A wallet that finds one of its scripts used makes more of them, and they may be used in the same block. So its answer to a
//! batch may name new scripts and a height to go back to. What was read after that height is read again, which is why batches
//! are small at first and after each such answer: they double while nothing new comes.

use std::borrow::Cow;
use std::collections::HashSet;

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
    pub(super) fn run(mut self, sink: &dyn ScanSink) -> Call<Answer<Option<BlockRef>>> {
        let mut last: Option<Last> = None;
        let mut gathered = Gathered::default();
        loop {
            let found = match self.look_at_next(&mut last, &mut gathered) {
                Ok(found) => found,
                // What lies before it is handed over first; then it is tried once more.
                Err(_) if gathered.blocks > 0 => false,
                Err(failure) => return Ok(Err(failure)),
            };
            if found && !gathered.is_full(self.at_once) {
                continue;
            }
            // What was gathered at the end may bring new scripts, and with them the scan back.
            let Some(done) = last.filter(|_| gathered.blocks > 0) else { break };
            let reply = sink.batch(&ScanBatch {
                scanned: done.shown,
                time: done.time,
                matches: std::mem::take(&mut gathered).matches,
            })?;
            if !reply.go_on {
                break;
            }
            match self.heed(reply, done) {
                Ok(true) => last = None,
                Ok(false) => {}
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
        let block = if self.rules_out(&node) { None } else { Some(self.read(&node)?) };
        let time = i64::from(node.header.time);
        *last = Some(Last { id, shown, time });
        gathered.blocks += 1;
        self.next += 1;
        if let Some(block) = block {
            self.look_through(&block, shown, time, gathered);
        }
        Ok(true)
    }

    fn read(&self, node: &Node) -> Result<Block, Failure> {
        match self.reader.block(node) {
            Some(Ok(block)) => Ok(block),
            Some(Err(error)) => Err(Failure::new(format!("Failed to read block {}: {error}", node.hash))),
            None => Err(Failure::new(format!("Block {} is not on disk", node.hash))),
        }
    }

    /// Takes in new scripts. Says whether the scan goes back for them.
    fn heed(&mut self, reply: ScanReply, done: Last) -> Result<bool, Failure> {
        let before = self.scripts.len();
        self.scripts.extend(reply.scripts.into_iter().map(|script| Cow::Owned(script.as_bytes().to_vec())));
        if self.scripts.len() > MAX_SCRIPTS {
            return Err(Failure::new("Too many scripts for one scan"));
        }
        // Nothing new means nothing to go back for: a sink cannot keep the scan at one place for ever.
        if self.scripts.len() == before || reply.again > done.shown.height {
            self.at_once = self.at_once.saturating_mul(2);
            return Ok(false);
        }
        self.at_once = 1;
        self.next = u32::try_from(reply.again).unwrap_or(0).max(self.start);
        Ok(true)
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
