//! Addresses that have misbehaved: others are preferred to them, until the node restarts or they are forgotten.

use std::collections::{HashSet, VecDeque};

use p2p::NetAddr;

/// How many are remembered.
const MOST: usize = 50_000;

/// The last addresses that have misbehaved.
#[derive(Debug, Default)]
pub(crate) struct Discouraged {
    set: HashSet<NetAddr>,
    order: VecDeque<NetAddr>,
}

impl Discouraged {
    pub(crate) fn insert(&mut self, addr: NetAddr) {
        if !self.set.insert(addr) {
            return;
        }
        self.order.push_back(addr);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
    }

    pub(crate) fn contains(&self, addr: &NetAddr) -> bool {
        self.set.contains(addr)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let addr = |n: u32| NetAddr::ip(Ipv4Addr::from(n).into());
        let mut list = Discouraged::default();
        for n in 0..u32::try_from(MOST).unwrap() {
            list.insert(addr(n));
        }
        list.insert(addr(5));
        assert!(list.contains(&addr(0)), "one that is known takes no place");
        list.insert(addr(1_000_000));
        assert!(!list.contains(&addr(0)) && list.contains(&addr(1)) && list.contains(&addr(1_000_000)));
    }
}
