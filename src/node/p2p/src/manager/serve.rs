//! What peers ask of us.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use primitives::WitnessMode;

use super::{Action, PeerManager};
use crate::PeerId;
use crate::compact;
use crate::message::{BlockTxn, GetBlockTxn, Inv, InvKind, Locator, MAX_HEADERS, Message};
use crate::peer::{ConnectionKind, NODE_BLOOM, NODE_NETWORK};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How many blocks are announced for one `getblocks`.
const MAX_GETBLOCKS: u32 = 500;
/// Compact blocks are made for the newest blocks only.
const MAX_COMPACT_DEPTH: u32 = 5;
/// Missing transactions of a compact block are sent for the newest blocks only; for others the whole block is.
const MAX_BLOCKTXN_DEPTH: u32 = 10;
/// How many blocks a limited node promises to have, and how many more it gives away in the face of a race.
const LIMITED_DEPTH: u32 = 288 + 2;
/// How many requests of a peer wait.
const MAX_WAITING: usize = 100_000;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// The last block of the active chain that a peer has, by its locator.
    fn fork_with(&self, have: &[BlockHash]) -> Option<BlockInfo> {
        let known = have.iter().filter_map(|hash| self.chain.info(hash)).find(|info| info.active);
        known.or_else(|| self.chain.info(&self.chain.ancestor(&self.chain.tip().hash, 0)?))
    }

    pub(super) fn on_getheaders(&mut self, id: PeerId, locator: &Locator) {
        let allowed = self.peers.get(&id).is_some_and(|peer| peer.permissions.download);
        let tip = self.chain.tip();
        if tip.work < self.chain.minimum_work() && !allowed {
            tracing::debug!(
                target: "net",
                "Ignoring getheaders from peer={id} because active chain has too little work; sending empty response"
            );
            self.send(id, Message::Headers(Vec::new()));
            return;
        }
        let list = if locator.have.is_empty() {
            let Some(header) = self.chain.header(&locator.stop) else { return };
            vec![header]
        } else {
            let start = self.fork_with(&locator.have).map_or(0, |fork| fork.height + 1);
            let mut list = Vec::new();
            for height in start..=tip.height {
                let Some(hash) = self.chain.ancestor(&tip.hash, height) else { break };
                let Some(header) = self.chain.header(&hash) else { break };
                list.push(header);
                if hash == locator.stop || list.len() == MAX_HEADERS {
                    break;
                }
            }
            list
        };
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.best_sent = Some(list.last().map_or(tip.hash, primitives::Header::hash));
        }
        self.send(id, Message::Headers(list));
    }

    pub(super) fn on_getblocks(&mut self, id: PeerId, locator: &Locator) {
        let tip = self.chain.tip();
        let start = self.fork_with(&locator.have).map_or(0, |fork| fork.height + 1);
        let end = tip.height.min(start.saturating_add(MAX_GETBLOCKS - 1));
        let mut list = Vec::new();
        for height in start..=end {
            let Some(hash) = self.chain.ancestor(&tip.hash, height) else { break };
            if hash == locator.stop {
                break;
            }
            list.push(Inv::block(hash));
        }
        let full = u32::try_from(list.len()).is_ok_and(|len| len == MAX_GETBLOCKS);
        if let Some(peer) = self.peers.get_mut(&id) {
            // When the peer asks for the last of these, it is told where to go on.
            peer.continue_from = list.last().filter(|_| full).map(Inv::block_hash);
        }
        if !list.is_empty() {
            self.send(id, Message::Inv(list));
        }
    }

    pub(super) fn on_getdata(&mut self, id: PeerId, list: Vec<Inv>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.requests.len() + list.len() > MAX_WAITING {
            tracing::debug!(target: "net", "too many open requests, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        peer.requests.extend(list);
        self.serve(id);
    }

    /// Whether there is something left to be served to a peer. The owner calls [`PeerManager::serve`] again once the
    /// peer has taken what it got.
    pub fn has_requests(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(|peer| !peer.requests.is_empty())
    }

    /// Serves requests up to and including one block.
    pub fn serve(&mut self, id: PeerId) {
        let mut missing = Vec::new();
        while let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.closing) {
            let Some(inv) = peer.requests.pop_front() else { break };
            if inv.is_block() {
                self.serve_block(id, inv);
                break;
            }
            if inv.is_tx() && !self.serve_tx(id, inv) {
                missing.push(inv);
            }
        }
        if !missing.is_empty() {
            self.send(id, Message::NotFound(missing));
        }
    }

    fn serve_tx(&mut self, id: PeerId, inv: Inv) -> bool {
        if self.peers.get(&id).is_none_or(|peer| peer.relay.is_none()) {
            return true;
        }
        let found = match inv.kind {
            InvKind::Wtx => self.pool.by_wtxid(&bitcoin::Wtxid::from_byte_array(inv.hash)),
            _ => self.pool.by_txid(&bitcoin::Txid::from_byte_array(inv.hash)),
        };
        let Some(tx) = found else { return false };
        let mode = if inv.kind == InvKind::Tx { WitnessMode::Strip } else { WitnessMode::Include };
        self.send(id, Message::Tx(tx, mode));
        true
    }

    fn serve_block(&mut self, id: PeerId, inv: Inv) {
        let hash = inv.block_hash();
        let Some(info) = self.chain.info(&hash).filter(|info| info.has_data && !info.invalid) else { return };
        let tip = self.chain.tip();
        let depth = tip.height.saturating_sub(info.height);
        let noban = self.peers.get(&id).is_some_and(|peer| peer.permissions.noban);
        if self.options.services & NODE_NETWORK == 0 && !noban && depth > LIMITED_DEPTH {
            // How deep our chain goes would tell us apart from others.
            tracing::debug!(
                target: "net", "Ignore block request below NODE_NETWORK_LIMITED threshold, disconnecting peer={id}"
            );
            self.disconnect(id);
            return;
        }
        let Some(block) = self.chain.block(&hash) else { return };
        match inv.kind {
            InvKind::Block => self.send(id, Message::Block(block, WitnessMode::Strip)),
            InvKind::CmpctBlock if depth <= MAX_COMPACT_DEPTH => {
                let nonce = self.chance.u64();
                self.send(id, Message::CmpctBlock(Box::new(compact::shorten(&block, nonce))));
            }
            // Without bloom filters there is nothing to filter by.
            InvKind::FilteredBlock => {}
            _ => self.send(id, Message::Block(block, WitnessMode::Include)),
        }
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.continue_from == Some(hash)
        {
            peer.continue_from = None;
            self.send(id, Message::Inv(vec![Inv::block(tip.hash)]));
        }
    }

    pub(super) fn on_getblocktxn(&mut self, id: PeerId, request: &GetBlockTxn) {
        let Some(info) = self.chain.info(&request.block).filter(|info| info.has_data) else {
            tracing::debug!(target: "net", "Peer {id} sent us a getblocktxn for a block we don't have");
            return;
        };
        if self.chain.tip().height.saturating_sub(info.height) > MAX_BLOCKTXN_DEPTH {
            tracing::debug!(target: "net", "Peer {id} sent us a getblocktxn for a block > {MAX_BLOCKTXN_DEPTH} deep");
            let hash = request.block.to_byte_array();
            self.on_getdata(id, vec![Inv { kind: InvKind::WitnessBlock, hash }]);
            return;
        }
        let Some(block) = self.chain.block(&request.block) else { return };
        let mut txs = Vec::with_capacity(request.indexes.len());
        for index in &request.indexes {
            let Some(tx) = block.txs.get(usize::from(*index)) else {
                self.misbehaving(id, "getblocktxn with out-of-bounds tx indices");
                return;
            };
            txs.push(tx.clone());
        }
        self.send(id, Message::BlockTxn(BlockTxn { block: request.block, txs }));
    }

    pub(super) fn on_getaddr(&mut self, id: PeerId) {
        // Only who calls us is told addresses: otherwise others could learn whom we call.
        if self.peers.get(&id).is_some_and(|peer| peer.kind == ConnectionKind::Inbound) {
            self.actions.push(Action::WantsAddresses(id));
        }
    }

    pub(super) fn refuse_bloom(&mut self, id: PeerId, message: &Message) {
        if self.options.services & NODE_BLOOM == 0 {
            tracing::debug!(
                target: "net",
                "{} received despite not offering bloom services, disconnecting peer={id}",
                message.name()
            );
            self.disconnect(id);
        }
    }
}
