//! Coins that are spent together or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::Script;

use super::{Coin, Filter, Kind};

/// A group takes no more coins than this, so that avoiding partial spends never makes an absurd transaction.
pub const GROUP_MAX: usize = 100;

/// Coins that are spent together or not at all: one coin, or coins of one script.
#[derive(Debug, Clone)]
pub struct Group {
    coins: Vec<Arc<Coin>>,
    from_me: bool,
    depth: i32,
    ancestors: u64,
    cluster: u64,
    value: i64,
    effective_value: i64,
    fee: i64,
    long_term_fee: i64,
    weight: i64,
    subtract_fee: bool,
}

impl Group {
    /// Nothing yet. `subtract_fee` says that the recipients pay the fee, so that coins count in full.
    pub fn new(subtract_fee: bool) -> Self {
        Self {
            coins: Vec::new(),
            from_me: true,
            depth: 999,
            ancestors: 0,
            cluster: 0,
            value: 0,
            effective_value: 0,
            fee: 0,
            long_term_fee: 0,
            weight: 0,
            subtract_fee,
        }
    }

    /// A group of one.
    pub fn of(coin: Arc<Coin>, subtract_fee: bool) -> Self {
        let mut group = Self::new(subtract_fee);
        group.add(coin);
        group
    }

    /// Adds a coin. Ancestors are summed, which overestimates shared ones; of clusters the largest counts.
    pub fn add(&mut self, coin: Arc<Coin>) {
        self.from_me &= coin.from_me;
        self.depth = self.depth.min(coin.depth);
        self.ancestors = self.ancestors.saturating_add(coin.ancestors);
        self.cluster = self.cluster.max(coin.cluster);
        self.value = self.value.saturating_add(coin.value);
        self.effective_value = self.effective_value.saturating_add(coin.effective_value());
        self.fee = self.fee.saturating_add(coin.fee());
        self.long_term_fee = self.long_term_fee.saturating_add(coin.long_term_fee());
        self.weight = self.weight.saturating_add(coin.weight());
        self.coins.push(coin);
    }

    /// The coins.
    pub fn coins(&self) -> &[Arc<Coin>] {
        &self.coins
    }

    /// What it counts for: its value after its fee, or all of it if the recipients pay the fee.
    pub fn amount(&self) -> i64 {
        if self.subtract_fee { self.value } else { self.effective_value }
    }

    /// How much more its inputs cost now than one day without hurry.
    pub fn waste(&self) -> i64 {
        self.fee.saturating_sub(self.long_term_fee)
    }

    /// What its inputs weigh.
    pub fn weight(&self) -> i64 {
        self.weight
    }

    /// Whether the recipients pay the fee.
    pub fn subtract_fee(&self) -> bool {
        self.subtract_fee
    }

    /// Whether it is old and independent enough.
    pub fn passes(&self, filter: &Filter) -> bool {
        let depth = if self.from_me { filter.depth_mine } else { filter.depth_theirs };
        self.depth >= depth && self.ancestors <= filter.max_ancestors && self.cluster <= filter.max_cluster
    }

    /// Whether a chain of unconfirmed transactions it hangs on has reached a limit.
    pub fn is_long_chain(&self, max_ancestors: u64, max_cluster: u64) -> bool {
        self.ancestors >= max_ancestors || self.cluster >= max_cluster
    }
}

/// The groups of one script. All but the last are full.
#[derive(Debug, Clone)]
struct Bundle {
    kind: Kind,
    groups: Vec<Group>,
}

impl Bundle {
    /// The groups that a filter lets through, the one that is not full first.
    fn passing<'g>(&'g self, filter: &'g Filter) -> impl Iterator<Item = &'g Group> {
        let skip_partial = self.groups.len() > 1 && !filter.partial_groups;
        self.groups.iter().rev().skip(usize::from(skip_partial)).filter(|group| group.passes(filter))
    }
}

/// All coins of a spend, in groups.
#[derive(Debug, Clone)]
pub struct Grouped {
    all: Vec<Bundle>,
    /// Groups of coins that are worth more than they cost; `None` if groups are single coins anyway.
    positive: Option<Vec<Bundle>>,
}

/// What the algorithms choose from.
#[derive(Debug, Clone, Default)]
pub struct Pool<'g> {
    /// Groups that are worth more than they cost.
    pub positive: Vec<&'g Group>,
    /// All groups.
    pub mixed: Vec<&'g Group>,
}

/// The pools that a filter makes.
#[derive(Debug, Clone, Default)]
pub struct Pools<'g> {
    /// One for each family of scripts.
    pub by_kind: BTreeMap<Kind, Pool<'g>>,
    /// All of them together.
    pub all: Pool<'g>,
}

impl Grouped {
    /// Groups coins: each by itself, or all of a script together.
    pub fn new(coins: &[Arc<Coin>], by_script: bool, subtract_fee: bool) -> Self {
        if by_script {
            let positive: Vec<_> = coins.iter().filter(|coin| coin.effective_value() > 0).cloned().collect();
            Self { all: bundles(coins, subtract_fee), positive: Some(bundles(&positive, subtract_fee)) }
        } else {
            let single =
                |coin: &Arc<Coin>| Bundle { kind: coin.kind, groups: vec![Group::of(Arc::clone(coin), subtract_fee)] };
            Self { all: coins.iter().map(single).collect(), positive: None }
        }
    }

    /// What a filter lets through.
    pub fn pools<'g>(&'g self, filter: &'g Filter) -> Pools<'g> {
        let mut pools = Pools::default();
        for bundle in &self.all {
            for group in bundle.passing(filter) {
                pools.all.mixed.push(group);
                pools.by_kind.entry(bundle.kind).or_default().mixed.push(group);
            }
        }
        for bundle in self.positive.as_ref().unwrap_or(&self.all) {
            for group in bundle.passing(filter).filter(|group| group.amount() > 0) {
                pools.all.positive.push(group);
                pools.by_kind.entry(bundle.kind).or_default().positive.push(group);
            }
        }
        pools
    }

    /// The groups that none of the filters lets through.
    pub fn discarded<'g>(&'g self, filters: &'g [Filter]) -> impl Iterator<Item = &'g Group> {
        self.all.iter().flat_map(move |bundle| {
            let last = bundle.groups.len().saturating_sub(1);
            bundle.groups.iter().enumerate().filter_map(move |(index, group)| {
                let partial = last > 0 && index == last;
                let kept = filters.iter().any(|filter| (filter.partial_groups || !partial) && group.passes(filter));
                (!kept).then_some(group)
            })
        })
    }
}

/// Puts coins of one script and family together.
fn bundles(coins: &[Arc<Coin>], subtract_fee: bool) -> Vec<Bundle> {
    let mut by_script: BTreeMap<(&Script, Kind), Vec<Group>> = BTreeMap::new();
    for coin in coins {
        let groups = by_script.entry((coin.script.as_script(), coin.kind)).or_default();
        match groups.last_mut() {
            Some(last) if last.coins.len() < GROUP_MAX => last.add(Arc::clone(coin)),
            _ => groups.push(Group::of(Arc::clone(coin), subtract_fee)),
        }
    }
    by_script.into_iter().map(|((_, kind), groups)| Bundle { kind, groups }).collect()
}
