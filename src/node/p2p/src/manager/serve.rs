//! Blocks and transactions that peers ask of us.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use primitives::{Block, Tx, WitnessMode};

use super::PeerManager;
use crate::PeerId;
use crate::bloom::{BloomFilter, MAX_ELEMENT};
use crate::compact;
use crate::message::{BlockTxn, GetBlockTxn, Inv, InvKind, Message};
use crate::peer::{NODE_BLOOM, NODE_NETWORK, NODE_NETWORK_LIMITED};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// Compact blocks are made for the newest blocks only.
const MAX_COMPACT_DEPTH: u32 = 5;
/// Missing transactions of a compact block are sent for the newest blocks only; for others the whole block is.
const MAX_BLOCKTXN_DEPTH: u32 = 10;
/// How many blocks a limited node promises to have, and how many more it gives away in the face of a race.
const LIMITED_DEPTH: u32 = 288 + 2;
/// An older block than this counts as history, which is served only up to the upload limit.
const HISTORICAL_AGE: u32 = 7 * 24 * 3600;
/// For so long a block that is not part of the chain any more is served.
const STALE_AGE: u32 = 30 * 24 * 3600;
/// How many requests of a peer for blocks that are not judged yet wait.
const MAX_EARLY: usize = 16;
/// How many requests of a peer wait.
const MAX_WAITING: usize = 100_000;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    pub(super) fn on_getdata(&mut self, id: PeerId, list: Vec<Inv>, now: Duration) {
        tracing::debug!(target: "net", "received getdata ({} invsz) peer={id}", list.len());
        if let Some(first) = list.first() {
            tracing::debug!(target: "net", "received getdata for: {first} peer={id}");
        }
        if self.is_private(id) {
            self.serve_private(id, &list, now);
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.requests.len() + list.len() > MAX_WAITING {
            tracing::debug!(target: "net", "too many open requests, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        peer.requests.extend(list);
        self.serve_requests(id, now);
    }

    /// Whether there is something left to be done for a peer before its next message. The owner calls
    /// [`PeerManager::serve`] once the peer has taken what it got.
    pub fn has_requests(&self, id: PeerId) -> bool {
        let waiting = self.peers.get(&id).is_some_and(|peer| !peer.closing && !peer.requests.is_empty());
        waiting || self.orphans.has_work(id)
    }

    /// Serves requests up to and including one block, and looks at one orphan.
    pub fn serve(&mut self, id: PeerId, now: Duration) {
        self.serve_requests(id, now);
        self.work_on_orphan(id, now);
    }

    fn serve_requests(&mut self, id: PeerId, now: Duration) {
        let mut missing = Vec::new();
        while let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.closing) {
            let Some(inv) = peer.requests.pop_front() else { break };
            if !inv.is_tx() {
                if inv.is_block() {
                    self.serve_block(id, inv, now);
                }
                // What nobody knows is dropped, one at a time.
                break;
            }
            if !self.serve_tx(id, inv) {
                missing.push(inv);
            }
        }
        if !missing.is_empty() {
            self.send(id, Message::NotFound(missing));
        }
    }

    /// A transaction that this peer may see: it was here before the peer was last told of any, or is in the last block.
    /// What has come since is not given, as asking for it would tell when it came.
    fn visible_tx(&self, id: PeerId, inv: Inv) -> Option<Arc<Tx>> {
        let last = self.peers.get(&id)?.relay.as_ref()?.last_sequence;
        let found = match inv.kind {
            InvKind::Wtx => self.pool.by_wtxid(&bitcoin::Wtxid::from_byte_array(inv.hash)),
            _ => self.pool.by_txid(&bitcoin::Txid::from_byte_array(inv.hash)),
        };
        let seen = |tx: &Arc<Tx>| self.pool.sequence_of(&tx.txid()).is_some_and(|sequence| sequence < last);
        let in_last_block = || self.recent.as_ref()?.txs.get(&inv.hash).cloned();
        found.filter(seen).or_else(in_last_block)
    }

    fn serve_tx(&mut self, id: PeerId, inv: Inv) -> bool {
        if self.peers.get(&id).is_none_or(|peer| peer.relay.is_none()) {
            return true;
        }
        let Some(tx) = self.visible_tx(id, inv) else { return false };
        let mode = if inv.kind == InvKind::Tx { WitnessMode::Strip } else { WitnessMode::Include };
        let txid = tx.txid();
        self.send(id, Message::Tx(tx, mode));
        self.pool.mark_broadcast(&txid);
        true
    }

    /// Whether anybody may have a block. Old ones that lost would tell this node apart from others.
    pub(super) fn is_public(&self, info: &BlockInfo) -> bool {
        if info.active {
            return true;
        }
        let best = self.chain.best_header();
        let young = best.time.saturating_sub(info.time) < STALE_AGE;
        // As much work as the best chain does in that time is as good as that time.
        let Some(header) = self.chain.header(&best.hash) else { return false };
        let behind = if best.work > info.work { best.work - info.work } else { info.work - best.work };
        let blocks = STALE_AGE / self.options.block_spacing.max(1);
        let near = behind < times(header.raw().work(), blocks);
        info.checked && !info.invalid && young && near
    }

    fn serve_block(&mut self, id: PeerId, inv: Inv, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (services, permissions) = (peer.our_services, peer.permissions);
        let filtered = inv.kind == InvKind::FilteredBlock;
        if filtered && services & NODE_BLOOM == 0 {
            tracing::debug!(
                target: "net",
                "filtered block request received when NODE_BLOOM service disabled, disconnecting peer={id}"
            );
            self.disconnect(id);
            return;
        }
        // Before the block: if it becomes the tip in between, it is either seen as such or better than this.
        let tip_work = self.chain.tip().work;
        let Some(info) = self.chain.info(&inv.block_hash()) else { return };
        if !self.is_public(&info) {
            if info.work > tip_work && self.defer(id, inv, &info) {
                return;
            }
            tracing::debug!(
                target: "net",
                "ProcessGetBlockData: ignoring request from peer={id} for old block that isn't in the main chain"
            );
            return;
        }
        let historical = self.chain.best_header().time.saturating_sub(info.time) > HISTORICAL_AGE || filtered;
        if self.upload_limits.0 && historical && !permissions.download {
            tracing::debug!(target: "net", "historical block serving limit reached, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        let depth = self.chain.tip().height.saturating_sub(info.height);
        let limited = services & NODE_NETWORK == 0 && services & NODE_NETWORK_LIMITED != 0;
        if limited && !permissions.noban && depth > LIMITED_DEPTH {
            // How deep our chain goes would tell us apart from others.
            tracing::debug!(
                target: "net", "Ignore block request below NODE_NETWORK_LIMITED threshold, disconnecting peer={id}"
            );
            self.disconnect(id);
            return;
        }
        if !info.has_data {
            return;
        }
        let recent = self.recent.as_ref().filter(|recent| recent.hash == info.hash).map(|recent| recent.block.clone());
        if recent.is_none()
            && inv.kind == InvKind::WitnessBlock
            && let Some(payload) = self.chain.block_bytes(&info.hash)
        {
            self.send(id, Message::Other { name: "block".to_owned(), payload });
            self.continue_inventory(id, &info);
            return;
        }
        let Some(block) = recent.or_else(|| self.chain.block(&info.hash)) else {
            tracing::debug!(target: "net", "Block was pruned before it could be read, disconnecting peer={id}");
            self.disconnect(id);
            return;
        };
        let near_tip = depth <= MAX_COMPACT_DEPTH && self.can_fetch_directly(now);
        self.send_block(id, inv.kind, block, near_tip);
        self.continue_inventory(id, &info);
    }

    /// Whether a request for a better block waits, because that is likely to be the tip in a moment: it was announced
    /// before it was on disk, or is there and was not connected yet.
    fn defer(&mut self, id: PeerId, inv: Inv, info: &BlockInfo) -> bool {
        let announced = self.recent.as_ref().is_some_and(|recent| recent.hash == info.hash);
        let comes = (info.has_data || announced) && !info.checked && !info.invalid;
        let waiting = self.early.iter().filter(|(peer, _)| *peer == id).count();
        if !comes || waiting >= MAX_EARLY || self.early.contains(&(id, inv)) {
            return comes;
        }
        self.early.push((id, inv));
        true
    }

    /// Serves what has waited for a judgement. What is not judged yet waits on.
    pub(super) fn serve_early(&mut self, now: Duration) {
        for (id, inv) in std::mem::take(&mut self.early) {
            self.serve_block(id, inv, now);
        }
    }

    fn send_block(&mut self, id: PeerId, kind: InvKind, block: Arc<Block>, near_tip: bool) {
        match kind {
            InvKind::Block => self.send(id, Message::Block(block, WitnessMode::Strip)),
            InvKind::CmpctBlock if near_tip => {
                let hash = block.hash();
                let recent = self.recent.as_ref().filter(|it| it.hash == hash).map(|it| it.compact.clone());
                let compact = recent.unwrap_or_else(|| compact::shorten(&block, self.chance.u64()));
                self.send(id, Message::CmpctBlock(Box::new(compact)));
            }
            InvKind::FilteredBlock => self.send_filtered(id, &block),
            _ => self.send(id, Message::Block(block, WitnessMode::Include)),
        }
    }

    fn send_filtered(&mut self, id: PeerId, block: &Block) {
        let relay = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut());
        let Some(bloom) = relay.and_then(|relay| relay.bloom.as_mut()) else { return };
        let (answer, places) = bloom.merkle_block(block);
        self.send(id, Message::MerkleBlock(answer));
        // The client has the hashes only, and cannot ask for single transactions of a block.
        for tx in places.into_iter().filter_map(|place| block.txs.get(place)) {
            self.send(id, Message::Tx(tx.clone(), WitnessMode::Strip));
        }
    }

    /// A peer that asked for the last of many announced blocks is told the tip, so that it asks on.
    fn continue_inventory(&mut self, id: PeerId, info: &BlockInfo) {
        let tip = self.chain.tip().hash;
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.continue_from == Some(info.hash)
        {
            peer.continue_from = None;
            self.send(id, Message::Inv(vec![Inv::block(tip)]));
        }
    }

    pub(super) fn on_getblocktxn(&mut self, id: PeerId, request: &GetBlockTxn, now: Duration) {
        if request.indexes.is_empty() {
            tracing::debug!(
                target: "net", "getblocktxn received with no transaction indexes, disconnecting peer={id}"
            );
            self.disconnect(id);
            return;
        }
        let recent = self.recent.as_ref().filter(|it| it.hash == request.block).map(|it| it.block.clone());
        if let Some(block) = recent {
            self.send_block_txs(id, &block, request);
            return;
        }
        let Some(info) = self.chain.info(&request.block).filter(|info| info.has_data) else {
            tracing::debug!(target: "net", "Peer {id} sent us a getblocktxn for a block we don't have");
            return;
        };
        if self.chain.tip().height.saturating_sub(info.height) > MAX_BLOCKTXN_DEPTH {
            // Reading old blocks costs more than the question, so whoever asks gets to read as much.
            tracing::debug!(target: "net", "Peer {id} sent us a getblocktxn for a block > {MAX_BLOCKTXN_DEPTH} deep");
            let hash = request.block.to_byte_array();
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.requests.push_back(Inv { kind: InvKind::WitnessBlock, hash });
            }
            self.serve_requests(id, now);
            return;
        }
        if let Some(block) = self.chain.block(&request.block) {
            self.send_block_txs(id, &block, request);
        }
    }

    fn send_block_txs(&mut self, id: PeerId, block: &Block, request: &GetBlockTxn) {
        let txs: Option<Vec<_>> =
            request.indexes.iter().map(|index| block.txs.get(usize::from(*index)).cloned()).collect();
        let Some(txs) = txs else {
            self.misbehaving(id, "getblocktxn with out-of-bounds tx indices");
            return;
        };
        let size: usize = txs.iter().map(|tx| tx.total_size()).sum();
        tracing::debug!(
            target: "cmpctblock",
            "peer={id} sent us a GETBLOCKTXN for block {}, sending a BLOCKTXN with {} txns. ({size} bytes)",
            request.block, txs.len()
        );
        self.send(id, Message::BlockTxn(BlockTxn { block: request.block, txs }));
    }

    pub(super) fn on_bloom(&mut self, id: PeerId, message: Message) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.our_services & NODE_BLOOM == 0 {
            let name = message.name();
            tracing::debug!(
                target: "net", "{name} received despite not offering bloom services, disconnecting peer={id}"
            );
            self.disconnect(id);
            return;
        }
        let Some(relay) = &mut peer.relay else { return };
        let had_wanted = relay.wanted;
        let name = if matches!(message, Message::FilterLoad(_)) { "filterload" } else { "filterclear" };
        match message {
            Message::FilterLoad(load) => match BloomFilter::new(load) {
                Some(filter) => {
                    relay.bloom = Some(filter);
                    relay.wanted = true;
                }
                None => self.misbehaving(id, "too-large bloom filter"),
            },
            Message::FilterAdd(data) => match &mut relay.bloom {
                Some(filter) if data.len() <= MAX_ELEMENT => filter.insert(&data),
                _ => self.misbehaving(id, "bad filteradd message"),
            },
            _ => {
                relay.bloom = None;
                relay.wanted = true;
            }
        }
        let wants_now = self.peers.get(&id).and_then(|peer| peer.relay.as_ref()).is_some_and(|relay| relay.wanted);
        if wants_now && !had_wanted && self.peers.get(&id).is_some_and(crate::peer::Peer::is_inbound) {
            self.actions.push(super::Action::WantsTxs(id, name));
        }
    }
}

/// A work many times, by doubling.
fn times(work: bitcoin::Work, mut count: u32) -> bitcoin::Work {
    let (mut sum, mut power) = (bitcoin::Work::from_be_bytes([0; 32]), work);
    while count > 0 {
        if count & 1 == 1 {
            sum = sum + power;
        }
        power = power + power;
        count >>= 1;
    }
    sum
}
