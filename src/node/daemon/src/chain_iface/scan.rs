//! Reading many blocks for the transactions that touch some scripts or outputs.

use std::collections::HashSet;

use ::rpc::RpcState;
use bitcoin::OutPoint;
use chainstate::{Node, NodeId, Reader};
use indexes::FilterIndex;
use interfaces::{Answer, BlockRef, Call, Failure, RawTx, ScanBatch, ScanMatch, ScanRequest, ScanSink, ScannedTx};
use primitives::{Block, WitnessMode};

use super::convert::to_outpoint;
use super::{block_ref, height_of};

/// A batch is handed over after so many blocks, so that progress is seen and a stop is heard,
const BATCH_BLOCKS: i32 = 500;
/// after so many bytes of blocks that were read, which bounds the time on a busy chain,
const BATCH_READ: usize = 32 << 20;
/// or with so many bytes of transactions in it, which bounds the message.
const BATCH_BYTES: usize = 1 << 20;

/// A scan that goes on.
pub(super) struct Scan<'a> {
    reader: &'a Reader,
    state: &'a RpcState,
    filters: Option<&'a FilterIndex>,
    scripts: HashSet<&'a [u8]>,
    watched: HashSet<OutPoint>,
    next: u32,
    stop: Option<u32>,
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
    fn is_full(&self) -> bool {
        self.blocks >= BATCH_BLOCKS || self.read >= BATCH_READ || self.bytes >= BATCH_BYTES
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
        Self {
            reader,
            state,
            // A filter knows scripts, those of spent outputs too, but no output by its place.
            filters: filters.filter(|_| request.outpoints.is_empty()),
            scripts: request.scripts.iter().map(interfaces::Script::as_bytes).collect(),
            watched: request.outpoints.iter().map(to_outpoint).collect(),
            next: u32::try_from(request.start_height).unwrap_or(0),
            stop: u32::try_from(request.stop_height).ok(),
        }
    }

    /// Hands batches to `sink` until it says stop, the end is reached, the chain moves away from under the scan, or the
    /// node stops. Answers the last block that was scanned.
    pub(super) fn run(mut self, sink: &dyn ScanSink) -> Call<Answer<Option<BlockRef>>> {
        let mut last: Option<(NodeId, BlockRef, i64)> = None;
        let mut gathered = Gathered::default();
        while self.stop.is_none_or(|stop| self.next <= stop) && self.state.is_running() {
            let Some(id) = self.reader.at_height(self.next) else { break };
            let (node, shown) = self.reader.tree(|tree| (tree[id].clone(), block_ref(tree, id)));
            if last.as_ref().is_some_and(|(before, ..)| node.parent() != Some(*before)) {
                break;
            }
            let time = i64::from(node.header.time);
            last = Some((id, shown, time));
            if self.rules_out(&node) {
                self.next += 1;
                gathered.blocks += 1;
                if gathered.is_full() && !hand_over(sink, shown, time, &mut gathered)? {
                    return Ok(Ok(Some(shown)));
                }
                continue;
            }
            let block = match self.reader.block(&node) {
                Some(Ok(block)) => block,
                Some(Err(error)) => {
                    return Ok(Err(Failure::new(format!("Failed to read block {}: {error}", node.hash))));
                }
                None => return Ok(Err(Failure::new(format!("Block {} is not on disk", node.hash)))),
            };
            self.look_through(&block, shown, time, &mut gathered);
            self.next += 1;
            if gathered.is_full() && !hand_over(sink, shown, time, &mut gathered)? {
                return Ok(Ok(Some(shown)));
            }
        }
        let Some((_, shown, time)) = last else { return Ok(Ok(None)) };
        if gathered.blocks > 0 {
            hand_over(sink, shown, time, &mut gathered)?;
        }
        Ok(Ok(Some(shown)))
    }

    /// Whether the filter of a block says that it touches none of the scripts. Without a filter nobody can say.
    fn rules_out(&self, node: &Node) -> bool {
        let Some(filters) = self.filters else { return false };
        let matches = match filters.find(node.height, &node.hash) {
            Ok(Some(record)) => Some(record.filter.matches_any(self.scripts.iter().copied())),
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
        gathered.blocks += 1;
        gathered.read += block.size(WitnessMode::Include);
    }
}

fn hand_over(sink: &dyn ScanSink, scanned: BlockRef, time: i64, gathered: &mut Gathered) -> Call<bool> {
    debug_assert!(scanned.height >= height_of(0), "a scanned block has a height");
    let Gathered { matches, .. } = std::mem::take(gathered);
    sink.batch(&ScanBatch { scanned, time, matches })
}
