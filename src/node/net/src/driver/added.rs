//! Peers that the user named: `-addnode`, `-connect` and the `addnode` RPC. They are called until they are there.

use std::collections::VecDeque;
use std::time::Duration;

use p2p::{ChainAccess, ConnectionKind, Service, TxAccess};

use super::{Driver, dial::Open};
use crate::options::Options;
use crate::target::service;

/// How long until a peer that did not answer is called again.
const RETRY: Duration = Duration::from_mins(1);
/// How long until a peer of `-connect` is called again, at first and at most.
const CONNECT_RETRY: Duration = Duration::from_millis(500);
const CONNECT_RETRY_MOST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) v2: bool,
    next: Duration,
    tries: u32,
}

/// What is to be called, and when. Times are the machine's, not the mock ones.
#[derive(Debug, Default)]
pub(crate) struct Added {
    pub(super) nodes: Vec<Node>,
    connect: Vec<Node>,
    /// Those that are asked for addresses only, once.
    pub(super) fetch: VecDeque<String>,
}

impl Added {
    pub(crate) fn new(options: &Options) -> Self {
        let node = |name: &String| Node { name: name.clone(), v2: options.v2, next: Duration::ZERO, tries: 0 };
        Self {
            nodes: options.added.iter().map(node).collect(),
            connect: options.connect.iter().flatten().map(node).collect(),
            fetch: VecDeque::new(),
        }
    }
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    /// `addnode add`: tells whether it is new. The same address in other words is the same.
    pub(super) fn add_node(&mut self, name: &str, v2: bool) -> bool {
        let resolved = service(name, self.options.default_port);
        let same = |node: &Node| {
            node.name == name || (resolved.is_some() && service(&node.name, self.options.default_port) == resolved)
        };
        if self.added.nodes.iter().any(same) {
            return false;
        }
        self.added.nodes.push(Node { name: name.to_owned(), v2, next: Duration::ZERO, tries: 0 });
        true
    }

    /// `addnode remove`: tells whether it was there.
    pub(super) fn remove_node(&mut self, name: &str) -> bool {
        let before = self.added.nodes.len();
        self.added.nodes.retain(|node| node.name != name);
        self.added.nodes.len() < before
    }

    /// The peer of that name, if it is connected: by its name, or by the address that the name is.
    pub(super) fn find_by_name(&self, name: &str) -> Option<&super::Conn> {
        let resolved: Option<Service> = service(name, self.options.default_port);
        self.conns.values().find(|conn| conn.name == name || Some(conn.address) == resolved)
    }

    /// Calls those that are not there.
    pub(super) fn keep_added(&mut self, now: Duration) {
        if !self.active {
            return;
        }
        let uptime = self.clock.monotonic();
        let open = self.count(|conn| conn.kind == ConnectionKind::Manual)
            + self.dialing(|kind| kind == ConnectionKind::Manual);
        let mut room = self.options.max_added.saturating_sub(open);
        let mut calls = Vec::new();
        for index in 0..self.added.nodes.len() {
            let node = &self.added.nodes[index];
            if room == 0 || uptime < node.next || self.is_dialing(&node.name) || self.find_by_name(&node.name).is_some()
            {
                continue;
            }
            room -= 1;
            let node = &mut self.added.nodes[index];
            node.next = uptime + RETRY;
            calls.push((node.name.clone(), node.v2));
        }
        for index in 0..self.added.connect.len() {
            let node = &self.added.connect[index];
            if uptime < node.next || self.is_dialing(&node.name) || self.find_by_name(&node.name).is_some() {
                continue;
            }
            let node = &mut self.added.connect[index];
            node.tries = node.tries.saturating_add(1);
            node.next = uptime + CONNECT_RETRY.saturating_mul(node.tries).min(CONNECT_RETRY_MOST);
            calls.push((node.name.clone(), node.v2));
        }
        for (name, v2) in calls {
            self.open(Open::by_name(&name, ConnectionKind::Manual, v2), now);
        }
    }

    fn is_dialing(&self, name: &str) -> bool {
        self.dials.values().any(|dial| dial.open.name.as_deref() == Some(name))
    }
}
