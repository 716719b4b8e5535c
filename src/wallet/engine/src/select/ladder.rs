//! How far the wallet goes to find coins: filters, from the most trustworthy coins to the least.

/// What a group has to be like to be chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Confirmations of coins that the wallet sent to itself.
    pub depth_mine: i32,
    /// Confirmations of other coins.
    pub depth_theirs: i32,
    /// The most unconfirmed ancestors.
    pub max_ancestors: u64,
    /// The largest cluster in the mempool.
    pub max_cluster: u64,
    /// Whether a script's last group, which may not be full, is chosen from while there are full ones.
    pub partial_groups: bool,
}

impl Filter {
    /// The same limit for ancestors and clusters, and no partial groups.
    pub const fn new(depth_mine: i32, depth_theirs: i32, limit: u64) -> Self {
        Self { depth_mine, depth_theirs, max_ancestors: limit, max_cluster: limit, partial_groups: false }
    }
}

/// How far the wallet goes to find coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many ancestors the mempool lets a transaction have.
    pub ancestors: u64,
    /// How many descendants it lets one have.
    pub descendants: u64,
    /// `-spendzeroconfchange`.
    pub spend_zero_conf_change: bool,
    /// `-walletrejectlongchains`.
    pub reject_long_chains: bool,
}

impl Limits {
    /// The pools to try, each larger than the one before, and whether families of scripts may be mixed.
    pub(super) fn ladder(&self, include_unsafe: bool) -> Vec<(Filter, bool)> {
        let ancestors = self.ancestors.max(1);
        let cluster = self.descendants.max(1);
        let mut ladder = vec![(Filter::new(1, 6, 0), false), (Filter::new(1, 1, 0), true)];
        if !self.spend_zero_conf_change {
            return ladder;
        }
        let unconfirmed = |max_ancestors, max_cluster| Filter { max_ancestors, max_cluster, ..Filter::new(0, 1, 0) };
        let widest = Filter { partial_groups: true, ..unconfirmed(ancestors - 1, cluster - 1) };
        ladder.extend([
            (unconfirmed(2, 2), true),
            (unconfirmed((ancestors / 3).min(4), (cluster / 3).min(4)), true),
            (unconfirmed(ancestors / 2, cluster / 2), true),
            (widest, true),
        ]);
        if include_unsafe {
            ladder.push((Filter { depth_theirs: 0, ..widest }, true));
        }
        if !self.reject_long_chains {
            ladder.push((Filter { max_ancestors: u64::MAX, max_cluster: u64::MAX, ..widest }, true));
        }
        ladder
    }
}
