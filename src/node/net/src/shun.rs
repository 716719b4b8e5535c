//! With whom we want nothing to do: the user's bans, and addresses that have misbehaved.
//!
//! The driver changes it, and the peer logic asks before it passes an address on; both hold it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p::{AddrPolicy, BanList, NetAddr, Network};
use platform::Clock;

use crate::discouraged::Discouraged;

#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) bans: BanList,
    pub(crate) discouraged: Discouraged,
    /// The networks that can be reached. Tor may be found later.
    pub(crate) reachable: BTreeSet<Network>,
}

/// The lists, for all who ask.
#[derive(Debug, Clone)]
pub(crate) struct Shun {
    lists: Arc<Mutex<Lists>>,
    clock: Arc<dyn Clock>,
}

impl Shun {
    pub(crate) fn new(bans: BanList, reachable: BTreeSet<Network>, clock: Arc<dyn Clock>) -> Self {
        let lists = Lists { bans, discouraged: Discouraged::default(), reachable };
        Self { lists: Arc::new(Mutex::new(lists)), clock }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Lists> {
        // Every change leaves the lists whole, so a panic elsewhere did not damage them.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_banned(&self, addr: &NetAddr) -> bool {
        self.lock().bans.is_banned(addr, self.clock.unix_seconds())
    }

    pub(crate) fn is_discouraged(&self, addr: &NetAddr) -> bool {
        self.lock().discouraged.contains(addr)
    }
}

/// What the peer logic asks.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) shun: Shun,
}

impl AddrPolicy for Policy {
    fn is_reachable(&self, network: Network) -> bool {
        self.shun.lock().reachable.contains(&network)
    }

    fn is_shunned(&self, addr: &NetAddr) -> bool {
        self.shun.is_banned(addr) || self.shun.is_discouraged(addr)
    }
}
