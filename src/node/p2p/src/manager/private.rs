//! Connections that are made to send one transaction of our own, and what is said on them: nothing about us.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use primitives::{Tx, WitnessMode};

use super::PeerManager;
use crate::PeerId;
use crate::message::{Inv, InvKind, Message};
use crate::peer::ConnectionKind;
use crate::private::{PEERS_PER_TX, PrivateAdded, PrivateQueue, PrivateTx};
use crate::view::{ChainAccess, TxAccess};

/// What every node says that does not want to be known.
pub(super) const USER_AGENT: &str = "/pynode:0.0.1/";
/// How long a connection may take for all of it.
const LIFETIME: Duration = Duration::from_mins(3);
/// When the list is looked at again: not before this, and at most half as much later.
const LOOK_INTERVAL: Duration = Duration::from_mins(2);

/// The transactions that are on their way, and how many connections are wanted for them.
#[derive(Debug, Default)]
pub(super) struct Private {
    queue: PrivateQueue,
    to_open: usize,
    next_look: Option<Duration>,
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Sends a transaction to few peers, over connections of its own.
    pub fn broadcast_privately(&mut self, tx: Arc<Tx>, now: Duration) -> PrivateAdded {
        let shown = format!("txid={}, wtxid={}", tx.txid(), tx.wtxid());
        let added = self.private.queue.add(tx, now);
        match added {
            PrivateAdded::Added => {
                tracing::debug!(
                    target: "privatebroadcast", "Requesting {PEERS_PER_TX} new connections due to {shown}"
                );
                self.private.to_open += PEERS_PER_TX;
            }
            PrivateAdded::Known => tracing::debug!(
                target: "privatebroadcast",
                "Ignoring unnecessary request to schedule an already scheduled transaction: {shown}"
            ),
            PrivateAdded::Full => {
                tracing::debug!(target: "privatebroadcast", "Rejecting private broadcast, queue full: {shown}");
            }
        }
        added
    }

    /// The transactions that are sent that way.
    pub fn private_txs(&self) -> Vec<PrivateTx> {
        self.private.queue.list()
    }

    /// Stops sending what has that txid or wtxid.
    pub fn abort_private(&mut self, id: &[u8; 32]) -> Vec<Arc<Tx>> {
        let removed = self.private.queue.abort(id);
        for (_, confirmed) in &removed {
            self.want_fewer(*confirmed);
        }
        removed.into_iter().map(|(tx, _)| tx).collect()
    }

    /// How many connections of [`ConnectionKind::PrivateBroadcast`] are wanted beside those that there are.
    pub fn private_to_open(&self) -> usize {
        self.private.to_open
    }

    /// One of them was made. Tells how many are still wanted.
    pub fn private_opened(&mut self) -> usize {
        self.private.to_open = self.private.to_open.saturating_sub(1);
        self.private.to_open
    }

    /// A transaction has left the list with that many confirmations: the rest of its connections is not needed.
    fn want_fewer(&mut self, confirmed: usize) {
        self.private.to_open = self.private.to_open.saturating_sub(PEERS_PER_TX.saturating_sub(confirmed));
    }

    pub(super) fn is_private(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(|peer| peer.kind == ConnectionKind::PrivateBroadcast)
    }

    /// The peer's version has come.
    pub(super) fn on_private_version(&mut self, id: PeerId, relays: bool) {
        if relays {
            self.send(id, Message::Verack);
        } else {
            self.end_private(id, "does not support transaction relay (connected in vain)");
        }
    }

    /// The handshake is over. The peer may say later that it wants no cheap transactions; that is not waited for, as it
    /// is enough if some peers take it.
    pub(super) fn announce_private(&mut self, id: PeerId, now: Duration) {
        let Some(address) = self.peers.get(&id).map(|peer| peer.address) else { return };
        let Some(tx) = self.private.queue.pick(id, address, now) else {
            self.end_private(id, "no more transactions for private broadcast (connected in vain)");
            return;
        };
        let wtxid = if tx.has_witness() { format!(", wtxid={}", tx.wtxid()) } else { String::new() };
        tracing::debug!(
            target: "privatebroadcast",
            "P2P handshake completed, sending INV for txid={}{wtxid}, peer={id}", tx.txid()
        );
        self.send(id, Message::Inv(vec![Inv::tx(tx.txid())]));
    }

    /// The peer asks for what it was told of. The ping behind it shows that it has arrived.
    pub(super) fn serve_private(&mut self, id: PeerId, list: &[Inv], now: Duration) {
        let Some(tx) = self.private.queue.picked_for(id) else {
            self.end_private(id, "got GETDATA without sending an INV");
            return;
        };
        match list {
            [inv] if inv.kind == InvKind::Tx && inv.hash == tx.txid().to_byte_array() => {
                self.send(id, Message::Tx(tx, WitnessMode::Include));
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.ping_wanted = true;
                }
                self.check_ping(id, now);
            }
            _ => self.end_private(id, "got an unexpected GETDATA message"),
        }
    }

    /// The peer has answered the ping.
    pub(super) fn private_arrived(&mut self, id: PeerId, now: Duration) {
        self.private.queue.confirm(id, now);
        tracing::debug!(
            target: "privatebroadcast",
            "Got a PONG (the transaction will probably reach the network), marking for disconnect, peer={id}"
        );
        self.disconnect(id);
    }

    fn end_private(&mut self, id: PeerId, why: &str) {
        tracing::debug!(target: "privatebroadcast", "Disconnecting: {why}, peer={id}");
        self.disconnect(id);
    }

    /// A peer has sent a transaction: if it is one of ours, the network has it.
    pub(super) fn private_returned(&mut self, id: PeerId, tx: &Tx) {
        if let Some(confirmed) = self.private.queue.remove(&tx.wtxid()) {
            tracing::debug!(
                target: "privatebroadcast",
                "Received our privately broadcast transaction (txid={}) from the network from peer={id}; stopping private \
                 broadcast attempts",
                tx.txid()
            );
            self.want_fewer(confirmed);
        }
    }

    /// Such a connection has ended. If it was for nothing, another one takes its place.
    pub(super) fn private_gone(&mut self, id: PeerId) {
        if !self.private.queue.gone(id) && self.private.queue.has_pending() {
            self.private.to_open += 1;
        }
    }

    /// Ends a connection that takes too long. Nothing else happens on it by the clock.
    pub(super) fn check_private(&mut self, id: PeerId, now: Duration) {
        if self.peers.get(&id).is_some_and(|peer| peer.connected + LIFETIME < now) {
            let seconds = LIFETIME.as_secs();
            self.end_private(id, &format!("did not complete the transaction send within {seconds} seconds"));
        }
    }

    /// Sends again what has not come back, unless it cannot enter the pool any more: then others have refused it too.
    pub(super) fn look_after_private(&mut self, now: Duration) {
        let due = self.private.next_look.is_some_and(|next| now >= next);
        if self.private.next_look.is_none() || due {
            self.private.next_look = Some(now + LOOK_INTERVAL + self.chance.span(LOOK_INTERVAL / 2));
        }
        if !due {
            return;
        }
        for tx in self.private.queue.stale(now) {
            let shown = format!("txid={} wtxid={}", tx.txid(), tx.wtxid());
            match self.pool.would_accept(&tx) {
                Ok(()) => {
                    tracing::debug!(target: "privatebroadcast", "Reattempting broadcast of stale {shown}");
                    self.private.to_open += 1;
                }
                Err(why) => {
                    tracing::debug!(target: "privatebroadcast", "Giving up broadcast attempts for {shown}: {why}");
                    self.private.queue.remove(&tx.wtxid());
                }
            }
        }
    }

    pub(super) fn forward_private(&mut self, by: Duration) {
        self.private.next_look = self.private.next_look.map(|next| next.saturating_sub(by));
    }
}

/// Whether a message may be sent on such a connection. Any other would tell more than is needed.
pub(super) fn may_say(message: &Message) -> bool {
    matches!(message, Message::Version(_) | Message::Verack | Message::Inv(_) | Message::Tx(..) | Message::Ping(_))
}

/// Whether a message is of interest there once the handshake is over.
pub(super) fn may_hear(message: &Message) -> bool {
    matches!(message, Message::Pong(_) | Message::GetData(_))
}
