//! What happens to blocks that peers send.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::BlockHash;
use primitives::{Block, Tx};

use super::PeerManager;
use crate::PeerId;
use crate::view::{BlockVerdict, ChainAccess, Fault, Refusal, TxAccess};

/// So many blocks are taken in, of all peers together, before the first of them is judged, and no more when they have so
/// many bytes.
const MOST_AHEAD: usize = 16;
const MOST_BYTES_AHEAD: usize = 4 << 20;

/// Who sent a block that is being checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) peer: PeerId,
    /// Whether it has to stand for what is in the block. Who passes on a compact block need not have checked it.
    pub(super) vouches: bool,
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    pub(super) fn on_block(&mut self, id: PeerId, block: &Arc<Block>, now: Duration) {
        let hash = block.hash();
        tracing::debug!(target: "net", "received block {hash} peer={id}");
        let prev = self.chain.info(&block.header.prev());
        if prev.is_some() && self.chain.is_mutated(block) {
            tracing::debug!(target: "validation", "Block mutated: {}", self.why_mutated(block));
            tracing::debug!(target: "net", "Received mutated block from peer={id}");
            self.misbehaving(id, "mutated block");
            self.unmark(&hash, Some(id), now);
            return;
        }
        // What was asked of anybody is taken from everybody.
        let requested = self.in_flight.contains_key(&hash);
        self.unmark(&hash, Some(id), now);
        self.sources.entry(hash).or_insert(Source { peer: id, vouches: true });
        let worthy = prev.is_some_and(|prev| prev.work + block.header.raw().work() >= self.work_threshold());
        if !worthy && self.chain.info(&hash).is_none() {
            let (reason, fault) = match (prev, self.chain.has_valid_proof(&block.header)) {
                (_, false) => ("high-hash", Fault::Header),
                (None, _) => ("prev-blk-not-found", Fault::Header),
                (Some(prev), _) if prev.invalid => ("bad-prevblk", Fault::Header),
                _ => ("too-little-chainwork", Fault::Nobody),
            };
            if fault == Fault::Nobody {
                tracing::debug!(
                    target: "validation",
                    "AcceptBlockHeader: not adding new block header {hash}, missing anti-dos proof-of-work validation"
                );
            }
            tracing::error!("ProcessNewBlock: AcceptBlock FAILED ({reason})");
            self.block_judged(hash, Err(Refusal { reason: reason.to_owned(), fault }), now);
            return;
        }
        self.submit(id, block, requested, now);
    }

    /// What is wrong with a block that is not the one that its header promises.
    fn why_mutated(&self, block: &Block) -> &'static str {
        let (root, repeats) = block.merkle_root();
        let height = self.chain.info(&block.header.prev()).map_or(0, |prev| prev.height + 1);
        let commits = block.txs.first().is_some_and(|coinbase| coinbase.outputs().iter().any(is_commitment));
        if root != block.header.merkle_root() {
            "bad-txnmrklroot, hashMerkleRoot mismatch"
        } else if repeats {
            "bad-txns-duplicate, duplicate transaction"
        } else if !commits || !self.chain.commits_to_witnesses(height) {
            "unexpected-witness, CheckWitnessMalleation : unexpected witness data found"
        } else if !block.txs.first().is_some_and(|coinbase| has_reserved_value(coinbase)) {
            "bad-witness-nonce-size, CheckWitnessMalleation : invalid witness reserved value size"
        } else {
            "bad-witness-merkle-match, CheckWitnessMalleation : witness merkle commitment mismatch"
        }
    }

    /// Gives a block to the chain. Its source is already noted.
    pub(super) fn submit(&mut self, id: PeerId, block: &Arc<Block>, requested: bool, now: Duration) {
        let hash = block.hash();
        if let Some(verdict) = self.chain.submit_block(block.clone(), requested) {
            self.block_judged(hash, verdict, now);
            self.notice_tip(now);
        } else {
            self.judging.insert(hash, block.total_size());
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.judging.push(hash);
            }
        }
    }

    /// Whether a peer of which a block is being judged may be heard all the same, if the next that it says is a block.
    /// While we catch up that block can be made ready for its turn. Anything else waits: whoever sends a block and a ping
    /// may take the answer as a sign that the block was judged.
    pub fn takes_block_ahead(&self, id: PeerId) -> bool {
        self.judging.len() < MOST_AHEAD
            && self.judging.values().sum::<usize>() < MOST_BYTES_AHEAD
            && self.chain.is_initial_download()
            && !self.has_requests(id)
    }

    /// A block that a peer sent was judged. The owner calls this if
    /// [`ChainAccess::submit_block`] gave no answer; the peer's next message may come then.
    pub fn block_judged(&mut self, hash: BlockHash, verdict: BlockVerdict, now: Duration) {
        self.judging.remove(&hash);
        for peer in self.peers.values_mut() {
            peer.judging.retain(|judged| *judged != hash);
        }
        match verdict {
            Ok(true) => {
                if let Some(source) = self.sources.get(&hash)
                    && let Some(peer) = self.peers.get_mut(&source.peer)
                {
                    peer.last_block = Some(now);
                }
                // It may have come from another peer than the one that was asked.
                self.unmark(&hash, None, now);
                if self.chain.info(&hash).is_some_and(|info| info.active) {
                    self.block_checked(hash, &Ok(()));
                }
            }
            Ok(false) => {
                self.sources.remove(&hash);
            }
            Err(refusal) => self.block_checked(hash, &Err(refusal)),
        }
    }

    /// All rules of a block were checked, now or later than it came. Whoever sent it answers for it.
    pub fn block_checked(&mut self, hash: BlockHash, result: &Result<(), Refusal>) {
        let Some(source) = self.sources.remove(&hash) else { return };
        if let Err(refusal) = result {
            self.punish(source.peer, refusal, !source.vouches, "");
            return;
        }
        // Only a block at the tip tells who is quick: while others are on their way we are catching up.
        let others = self.in_flight.keys().any(|asked| *asked != hash);
        if !others && !self.chain.is_initial_download() {
            self.ask_compact_announcements(source.peer);
        }
    }

    /// Punishes a peer for a header or a block if it could have known better.
    pub(super) fn punish(&mut self, id: PeerId, refusal: &Refusal, via_compact: bool, what: &str) {
        let inbound = self.peers.get(&id).is_some_and(crate::peer::Peer::is_inbound);
        let guilty = match refusal.fault {
            Fault::Nobody => false,
            Fault::Block => !via_compact,
            Fault::KnownInvalid => !via_compact && !inbound,
            Fault::Header => true,
        };
        if guilty {
            self.misbehaving(id, what);
        } else if !what.is_empty() {
            tracing::debug!(target: "net", "peer={id}: {what}");
        }
    }

    /// A block was put on the tip: its transactions are wanted from nobody any more, and others will ask for it.
    pub fn block_connected(&mut self, block: &Arc<Block>, now: Duration) {
        self.tip_changed = Some(now);
        if !self.chain.is_initial_download() {
            self.block_confirmed(block);
            self.remember_recent(block);
        }
        self.serve_early(now);
    }

    /// A block was taken from the tip: its transactions may be wanted again.
    pub fn block_disconnected(&mut self) {
        self.confirmed.clear();
    }
}

/// Whether an output of a coinbase commits to witnesses.
fn is_commitment(output: &bitcoin::TxOut) -> bool {
    output.script_pubkey.len() >= 38
        && output.script_pubkey.as_bytes().starts_with(&[0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed])
}

/// Whether a coinbase has the one value of 32 bytes as its witness that a commitment is salted with.
fn has_reserved_value(coinbase: &Tx) -> bool {
    coinbase.inputs().first().is_some_and(|input| input.witness.len() == 1 && input.witness[0].len() == 32)
}
