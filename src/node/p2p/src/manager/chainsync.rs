//! Keeping the few peers that we choose useful: they must keep up with our chain, and when nobody tells anything new we
//! look for somebody who does.

use std::time::Duration;

use super::{Action, PeerManager};
use crate::PeerId;
use crate::eviction::{self, Candidate};
use crate::peer::{ChainSync, ConnectionKind, Peer};
use crate::view::{ChainAccess, TxAccess};

/// How long a peer that we chose may be behind our tip.
const CATCH_UP: Duration = Duration::from_mins(20);
/// How often it is looked whether the tip is stale, and whether there are peers too many.
const STALE_INTERVAL: Duration = Duration::from_mins(10);
const EXTRA_INTERVAL: Duration = Duration::from_secs(45);
/// How long a peer must have been there before it can be found useless.
const MINIMUM_CONNECTED: Duration = Duration::from_secs(30);

/// How many connections there are beyond those that are wanted, and what is done about it.
#[derive(Debug, Default)]
pub(super) struct Extra {
    full_relay: usize,
    block_relay: usize,
    next_look: Option<Duration>,
    next_stale: Duration,
    trying: bool,
    caught_up: bool,
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Tells how many outbound connections there are beyond the wanted number, for everything and for blocks only. The
    /// least useful ones are closed in time.
    pub fn set_extra_peers(&mut self, full_relay: usize, block_relay: usize) {
        self.extra.full_relay = full_relay;
        self.extra.block_relay = block_relay;
    }

    /// Whether nothing has come for so long that others may know more.
    pub fn may_be_stale(&self, now: Duration) -> bool {
        let limit = Duration::from_secs(3 * u64::from(self.options.block_spacing));
        self.in_flight.is_empty() && self.tip_changed.is_some_and(|changed| changed + limit < now)
    }

    /// Looks after the connections that we chose.
    pub(super) fn look_after_chosen(&mut self, now: Duration) {
        self.tip_changed.get_or_insert(now);
        if self.extra.next_look.is_some_and(|next| now < next) {
            return;
        }
        let first = self.extra.next_look.replace(now + EXTRA_INTERVAL).is_none();
        if first {
            return;
        }
        self.drop_extra_block_relay(now);
        self.drop_extra_full_relay(now);
        if now > self.extra.next_stale {
            self.extra.next_stale = now + STALE_INTERVAL;
            if !self.loading && self.may_be_stale(now) {
                let ago = self.tip_changed.map_or(0, |changed| now.saturating_sub(changed).as_secs());
                tracing::info!(
                    "Potential stale tip detected, will try using extra outbound peer (last tip update: {ago} seconds ago)"
                );
                self.try_extra(true);
            } else if self.extra.trying {
                self.try_extra(false);
            }
        }
        if !self.extra.caught_up && self.can_fetch_directly(now) {
            self.extra.caught_up = true;
            self.actions.push(Action::StartExtraBlockRelay);
        }
    }

    pub(super) fn forward_look(&mut self, by: Duration) {
        self.extra.next_look = self.extra.next_look.map(|next| next.saturating_sub(by));
    }

    fn try_extra(&mut self, on: bool) {
        self.extra.trying = on;
        self.actions.push(Action::ExtraOutbound(on));
    }

    /// The youngest peer for blocks only was tried for what it knows: it goes, unless it knew something.
    fn drop_extra_block_relay(&mut self, now: Duration) {
        if self.extra.block_relay == 0 {
            return;
        }
        let all = self.peers.values().filter(|peer| peer.kind == ConnectionKind::BlockRelayOnly && !peer.closing);
        let mut youngest: Vec<_> = all.map(|peer| (peer.id, peer.last_block)).collect();
        youngest.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        let id = match youngest[..] {
            [(_, newest_block), (second, second_block), ..] if newest_block > second_block => second,
            [(first, _), ..] => first,
            [] => return,
        };
        let Some(peer) = self.peers.get(&id) else { return };
        let last = peer.last_block.map_or(0, |last| last.as_secs());
        if now.saturating_sub(peer.connected) >= MINIMUM_CONNECTED && peer.in_flight.is_empty() {
            tracing::debug!(
                target: "net", "disconnecting extra block-relay-only peer={id} (last block received at time {last})"
            );
            self.disconnect(id);
            self.extra.block_relay -= 1;
        } else {
            tracing::debug!(
                target: "net",
                "keeping block-relay-only peer={id} chosen for eviction (connect time: {}, blocks_in_flight: {})",
                peer.connected.as_secs(), peer.in_flight.len()
            );
        }
    }

    /// Of too many peers the one goes that has told of a new block least lately.
    fn drop_extra_full_relay(&mut self, now: Duration) {
        if self.extra.full_relay == 0 {
            return;
        }
        let counts = |peer: &&Peer| {
            matches!(peer.kind, ConnectionKind::OutboundFullRelay | ConnectionKind::Manual) && !peer.closing
        };
        let network = |peer: &Peer| peer.address.addr.network();
        let only_one =
            |peer: &Peer| self.peers.values().filter(counts).filter(|it| network(it) == network(peer)).count() < 2;
        let may_go = |peer: &&Peer| {
            peer.kind == ConnectionKind::OutboundFullRelay
                && !peer.closing
                && !peer.chain_sync.protected
                && !only_one(peer)
        };
        let worst =
            self.peers.values().filter(may_go).min_by_key(|it| (it.last_announcement, std::cmp::Reverse(it.id)));
        let Some(peer) = worst else { return };
        let (id, last) = (peer.id, peer.last_announcement.map_or(0, |last| last.as_secs()));
        if now.saturating_sub(peer.connected) > MINIMUM_CONNECTED && peer.in_flight.is_empty() {
            tracing::debug!(
                target: "net",
                "disconnecting extra outbound peer={id} (last block announcement received at time {last})"
            );
            self.disconnect(id);
            self.extra.full_relay -= 1;
            // Somebody new was found, so there is no need to look for more before the tip is stale again.
            self.try_extra(false);
        } else {
            tracing::debug!(
                target: "net",
                "keeping outbound peer={id} chosen for eviction (connect time: {}, blocks_in_flight: {})",
                peer.connected.as_secs(), peer.in_flight.len()
            );
        }
    }

    /// A peer that we chose must show a chain as good as ours in time.
    pub(super) fn check_chain_sync(&mut self, id: PeerId, now: Duration) {
        let tip = self.chain.tip();
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.chain_sync.protected || !peer.is_chosen() || !peer.sync_started {
            return;
        }
        let mut sync = peer.chain_sync;
        let best = peer.best_known.and_then(|hash| self.chain.info(&hash));
        let shown = |work| best.is_some_and(|best| best.work >= work);
        let benchmark = sync.benchmark.and_then(|hash| self.chain.info(&hash));
        if shown(tip.work) {
            sync = ChainSync::default();
        } else if sync.deadline.is_none() || benchmark.is_some_and(|mark| shown(mark.work)) {
            // It is behind for the first time, or has come to where we were, while we have gone on.
            sync = ChainSync { deadline: Some(now + CATCH_UP), benchmark: Some(tip.hash), ..ChainSync::default() };
        } else if sync.deadline.is_some_and(|deadline| now > deadline) {
            let known = best.map_or_else(|| "<none>".to_owned(), |best| best.hash.to_string());
            if sync.asked {
                tracing::info!("Outbound peer has old chain, best known block = {known}, disconnecting peer={id}");
                self.disconnect(id);
                return;
            }
            // It gets one chance more to tell.
            if let Some(mark) = benchmark {
                let prev = mark.height.checked_sub(1).and_then(|height| self.chain.ancestor(&mark.hash, height));
                self.ask_headers(id, prev.unwrap_or(mark.hash), now);
                tracing::debug!(
                    target: "net",
                    "sending getheaders to outbound peer={id} to verify chain work (current best known block:{known}, \
                     benchmark blockhash: {})",
                    mark.hash
                );
            }
            sync.asked = true;
            sync.deadline = Some(now + super::headers::RESPONSE_TIME);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.chain_sync = sync;
        }
    }

    /// The caller that has to go if another one wants its place; `group` salts a peer's network group, `prefer` tells whose
    /// address has misbehaved. With `relaying` only those are looked at that want transactions.
    pub fn choose_eviction(
        &self,
        relaying: bool,
        spare: Option<PeerId>,
        now: Duration,
        group: impl Fn(&crate::NetAddr) -> u64,
        prefer: impl Fn(&crate::NetAddr) -> bool,
    ) -> Option<PeerId> {
        let all = self.peers.values().filter(|peer| peer.is_inbound() && !peer.closing && spare != Some(peer.id));
        let list = all.map(|peer| {
            let relay = peer.relay.as_ref();
            let desired = self.desired_services(peer.services(), now);
            let network = if peer.inbound_onion { crate::Network::Onion } else { peer.address.addr.network() };
            Candidate {
                id: peer.id,
                connected: peer.connected,
                min_ping: peer.min_ping_time,
                last_block: peer.last_block,
                last_tx: peer.last_tx,
                useful: peer.version.is_some() && peer.services() & desired == desired,
                relays_txs: relay.is_some_and(|relay| relay.wanted),
                has_bloom: relay.is_some_and(|relay| relay.bloom.is_some()),
                group: group(&peer.address.addr),
                prefer: prefer(&peer.address.addr),
                is_local: peer.address.addr.is_local() && !peer.inbound_onion,
                network,
                noban: peer.permissions.noban,
            }
        });
        eviction::choose(list.filter(|candidate| !relaying || candidate.relays_txs).collect())
    }
}
