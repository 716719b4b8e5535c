//! A change to the pool that is thought through before it is made: which clusters it touches, and what they become.

use std::collections::{BTreeSet, HashMap};

use bitcoin::Txid;

use crate::{
    FeeRate, Pool,
    entry::{Entry, EntryId},
    linearize::{Chunk, Graph, linearize},
};

/// A transaction of a planned cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Planned {
    /// It is in the pool.
    Old(EntryId),
    /// It is the one of this number that comes in.
    New(usize),
}

/// A cluster as it will be.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) members: Vec<Planned>,
    pub(crate) ids: Vec<Txid>,
    pub(crate) chunks: Vec<Chunk>,
}

/// A change to the pool.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Clusters that will be no more.
    pub(crate) old: BTreeSet<u32>,
    /// Transactions that will leave.
    pub(crate) leaving: BTreeSet<EntryId>,
    /// What takes their place.
    pub(crate) groups: Vec<Group>,
}

/// The change would make a cluster larger than allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLarge;

/// Sets of numbers that grow together.
struct Joined(Vec<usize>);

impl Joined {
    fn root(&mut self, mut n: usize) -> usize {
        while self.0[n] != n {
            self.0[n] = self.0[self.0[n]];
            n = self.0[n];
        }
        n
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a] = b;
    }
}

impl Pool {
    /// Thinks through that some entries leave and others come, parents before children.
    pub(crate) fn plan(&self, leaving: BTreeSet<EntryId>, coming: &[&Entry]) -> Result<Plan, TooLarge> {
        let inside: HashMap<Txid, usize> = coming.iter().enumerate().map(|(n, e)| (e.tx.txid(), n)).collect();
        let parents_of = |entry: &Entry| -> Vec<Planned> {
            let txids: BTreeSet<Txid> = entry.tx.inputs().iter().map(|input| input.previous_output.txid).collect();
            let found = txids.iter().filter_map(|txid| {
                let old = self.id_of(txid).filter(|id| !leaving.contains(id)).map(Planned::Old);
                old.or_else(|| inside.get(txid).copied().map(Planned::New))
            });
            found.collect()
        };
        let new_parents: Vec<Vec<Planned>> = coming.iter().map(|entry| parents_of(entry)).collect();
        let mut old: BTreeSet<u32> = leaving.iter().filter_map(|id| Some(self.get(*id)?.cluster)).collect();
        old.extend(new_parents.iter().flatten().filter_map(|parent| match parent {
            Planned::Old(id) => Some(self.get(*id)?.cluster),
            Planned::New(_) => None,
        }));
        let groups = self.group(&old, &leaving, coming, &new_parents)?;
        Ok(Plan { old, leaving, groups })
    }

    /// The clusters that remain of `old`, some of whose transactions may have left already.
    pub(crate) fn replan(&self, old: BTreeSet<u32>) -> Result<Plan, TooLarge> {
        let groups = self.group(&old, &BTreeSet::new(), &[], &[])?;
        Ok(Plan { old, leaving: BTreeSet::new(), groups })
    }

    fn group(
        &self,
        old: &BTreeSet<u32>,
        leaving: &BTreeSet<EntryId>,
        coming: &[&Entry],
        new_parents: &[Vec<Planned>],
    ) -> Result<Vec<Group>, TooLarge> {
        let staying = old.iter().flat_map(|cluster| {
            // An id of something that has left may have been given away again.
            let here = |id: &EntryId| self.get(*id).is_some_and(|e| e.cluster == *cluster) && !leaving.contains(id);
            self.clusters.txs(*cluster).filter(here)
        });
        let mut members: Vec<(Planned, &Entry)> =
            staying.filter_map(|id| Some((Planned::Old(id), self.get(id)?))).collect();
        let place: HashMap<EntryId, usize> = members
            .iter()
            .enumerate()
            .filter_map(|(n, (m, _))| if let Planned::Old(id) = m { Some((*id, n)) } else { None })
            .collect();
        let first_new = members.len();
        members.extend(coming.iter().enumerate().map(|(n, entry)| (Planned::New(n), *entry)));
        let locate = |planned: &Planned| match planned {
            Planned::Old(id) => place.get(id).copied(),
            Planned::New(n) => Some(first_new + n),
        };
        let parents: Vec<Vec<usize>> = members
            .iter()
            .map(|(planned, entry)| match planned {
                Planned::Old(_) => entry.parents.iter().filter_map(|id| place.get(id).copied()).collect(),
                Planned::New(n) => new_parents[*n].iter().filter_map(locate).collect(),
            })
            .collect();
        let mut joined = Joined((0..members.len()).collect());
        for (child, parents) in parents.iter().enumerate() {
            for parent in parents {
                joined.join(child, *parent);
            }
        }
        let mut components: HashMap<usize, Vec<usize>> = HashMap::new();
        for n in 0..members.len() {
            components.entry(joined.root(n)).or_default().push(n);
        }
        let mut components: Vec<Vec<usize>> = components.into_values().collect();
        components.sort_unstable();
        components.iter().map(|component| self.linearized(component, &members, &parents)).collect()
    }

    fn linearized(
        &self,
        component: &[usize],
        members: &[(Planned, &Entry)],
        parents: &[Vec<usize>],
    ) -> Result<Group, TooLarge> {
        let weight = component.iter().fold(0i64, |sum, n| sum.saturating_add(members[*n].1.weight));
        if component.len() > self.options.limits.cluster_count || weight > self.options.cluster_weight() {
            return Err(TooLarge);
        }
        let mask = |n: &usize| {
            let inside = parents[*n].iter().filter_map(|parent| component.binary_search(parent).ok());
            inside.fold(0u64, |mask, at| mask | 1 << at)
        };
        let graph = Graph {
            rates: component.iter().map(|n| members[*n].1.rate()).collect(),
            parents: component.iter().map(mask).collect(),
            ids: component.iter().map(|n| members[*n].1.tx.txid()).collect(),
        };
        let chunks = linearize(&graph);
        Ok(Group { members: component.iter().map(|n| members[*n].0).collect(), ids: graph.ids, chunks })
    }

    /// The diagrams of what a plan touches, before and after.
    pub(crate) fn diagrams(&self, plan: &Plan) -> [Vec<FeeRate>; 2] {
        let old = plan.old.iter().flat_map(|cluster| self.clusters.get(*cluster)).map(|chunk| chunk.place.rate);
        let new = plan.groups.iter().flat_map(|group| &group.chunks).map(|chunk| chunk.rate);
        let mut diagrams = [old.collect::<Vec<_>>(), new.collect()];
        for diagram in &mut diagrams {
            diagram.sort_by(|a, b| b.cmp_rate(a));
        }
        diagrams
    }
}
