//! Somebody calls: whether the connection is kept.

use std::time::Duration;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use p2p::{ChainAccess, ConnectionKind, NewPeer, Transport, TxAccess};

use super::{Conn, Driver};
use crate::io::Command;
use crate::link::Link;
use crate::permissions::{Grant, granted};
use crate::sockets::Connected;
use crate::target::as_cjdns;

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn accepted(&mut self, listener: Option<usize>, connected: Connected, now: Duration) {
        let Some(remote) = connected.remote else { return };
        let address = as_cjdns(remote, self.options.cjdns);
        let bind = listener.and_then(|listener| self.bound.get(listener)).copied();
        let onion = bind.is_some_and(|bind| bind.onion);
        // Who comes through Tor shows the address of Tor, which says nothing of him.
        let by_range = if onion {
            Grant::default()
        } else {
            granted(self.options.whitelist.iter().filter(|range| range.incoming), &address.addr)
        };
        let grant = by_range.and(bind.map(|bind| bind.grant).unwrap_or_default());
        let permissions = grant.resolve(self.options.implicit);
        if !self.active {
            tracing::debug!(target: "net", "connection from {address} dropped: not accepting new connections");
            return;
        }
        if !permissions.noban && self.shun.is_banned(&address.addr) {
            tracing::debug!(target: "net", "connection from {address} dropped (banned)");
            return;
        }
        let inbound = self.count(|conn| conn.kind == ConnectionKind::Inbound);
        let most = self.options.max_inbound();
        let discouraged = self.shun.is_discouraged(&address.addr);
        if !permissions.noban && inbound + 1 >= most && discouraged {
            tracing::debug!(target: "net", "connection from {address} dropped (discouraged)");
            return;
        }
        if inbound >= most && !self.evict(now) {
            tracing::debug!(target: "net", "failed to find an eviction candidate - connection dropped (full)");
            return;
        }
        let transport = if self.options.v2 {
            Transport::v2(self.options.magic, false, &mut self.chance)
        } else {
            Transport::v1(self.options.magic)
        };
        let conn = Conn {
            link: self.new_link(),
            kind: ConnectionKind::Inbound,
            address,
            name: address.to_string(),
            by_name: false,
            local: connected.local,
            inbound_onion: onion,
            permissions,
            connected: now,
            v2: self.options.v2,
            proxy: None,
            transport_told: false,
        };
        self.start(conn, transport, connected, now);
        tracing::debug!(target: "net", "connection from {address} accepted");
    }

    pub(super) fn new_link(&mut self) -> std::sync::Arc<Link> {
        let id = self.next_id;
        self.next_id += 1;
        Link::new(id, self.options.max_receive_buffer, self.options.max_send_buffer, self.waker.clone())
    }

    /// A connection is there: its bytes start to move, and the peer logic hears of it.
    pub(super) fn start(&mut self, conn: Conn, transport: Transport, connected: Connected, now: Duration) {
        let id = conn.link.id;
        if self.options.log_ips {
            tracing::debug!(target: "net", "Added connection to {} peer={id}", conn.name);
        } else {
            tracing::debug!(target: "net", "Added connection peer={id}");
        }
        let new = NewPeer {
            inbound_onion: conn.inbound_onion,
            network_key: self.network_key(&conn),
            ..NewPeer::new(id, conn.address, conn.kind, conn.permissions)
        };
        let link = std::sync::Arc::clone(&conn.link);
        self.conns.insert(id, conn);
        // If the thread of the sockets is gone, the node is stopping.
        let _ = self.io.send(Command::Run(link, transport, connected.stream));
        self.peers.connected(new, now);
    }

    /// A number of the network and of our own address that a connection came through, which nobody else can compute.
    fn network_key(&self, conn: &Conn) -> u64 {
        let mut engine = sha256::Hash::engine();
        engine.input(&self.salt);
        engine.input(conn.network().map_or("", p2p::Network::name).as_bytes());
        if let Some(local) = conn.local {
            engine.input(&local.addr.bytes());
            // The port of a connection that we made was chosen by the system and means nothing.
            let port = if conn.kind == ConnectionKind::Inbound { local.port } else { 0 };
            engine.input(&port.to_be_bytes());
        }
        let hash = sha256::Hash::from_engine(engine).to_byte_array();
        u64::from_le_bytes(*hash.first_chunk().expect("a hash has 32 bytes"))
    }

    /// Makes room for another peer that called, if one of those that are here can go.
    fn evict(&mut self, now: Duration) -> bool {
        let Some(id) = self.choose_eviction(false, None, now) else { return false };
        let kind = ConnectionKind::Inbound.name();
        tracing::debug!(target: "net", "selected {kind} connection for eviction, disconnecting {}", self.shown(id));
        self.drop_conn(id, now);
        true
    }
}
