//! Doing what the peer logic says.

use std::time::Duration;

use p2p::{Action, ChainAccess, Message, PeerId, TxAccess};

use super::{Driver, seconds};

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn act(&mut self, now: Duration) {
        loop {
            let actions = self.peers.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.act_one(action, now);
            }
        }
    }

    fn act_one(&mut self, action: Action, now: Duration) {
        match action {
            Action::Send(id, message) => self.send(id, &message, now),
            Action::Disconnect(id) => self.drop_conn(id, now),
            Action::Discourage(addr) => self.shun.lock().discouraged.insert(addr),
            Action::Offers(service, services) => self.addrman.set_services(&service, services),
            Action::Good(service, services) => {
                self.addrman.set_services(&service, services);
                self.addrman.good(&service, seconds(now));
            }
            Action::SeenLocal(_, service) => self.seen_local(&service),
            Action::Addresses { from, list } => self.heard_addresses(from, &list, now),
            Action::WantsAddresses(id) => self.tell_addresses(id, now),
            Action::WantsOwnAddress(id) => self.tell_own_address(id, now),
            Action::ExtraOutbound(wanted) => {
                self.extra_outbound = wanted;
                tracing::debug!(target: "net", "setting try another outbound peer={wanted}");
            }
            Action::StartExtraBlockRelay => {
                self.extra_block_relay = true;
                tracing::debug!(target: "net", "enabling extra block-relay-only peers");
            }
            Action::WantsTxs(id, after) => self.bound_tx_peers(id, after, now),
        }
    }

    fn send(&mut self, id: PeerId, message: &Message, now: Duration) {
        if *message == Message::Verack {
            self.private_note_verack(id);
        }
        self.send_raw_message(id, message.name().to_owned(), message.payload(), now);
    }

    /// Puts a message on its way; tells whether there is such a peer.
    pub(super) fn send_raw_message(&mut self, id: PeerId, name: String, payload: Vec<u8>, now: Duration) -> bool {
        let Some(conn) = self.conns.get(&id) else { return false };
        tracing::debug!(target: "net", "sending {} ({} bytes) peer={id}", p2p::sanitize(name.as_bytes()), payload.len());
        self.capture.record(id, conn, &name, &payload, false, now);
        conn.link.send(name, payload);
        true
    }
}
