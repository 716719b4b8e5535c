//! After a reorganisation clusters may have grown together beyond their limits. What is worst in them leaves.
//!
//! The chunks of the old clusters are merged as if they were mined: of what is ready, the best chunk rate goes next. A
//! transaction is ready once its parents are in, and the one before it in its old cluster. One that would make the
//! cluster around it too large stays out, and everything that waits for it with it.

use std::collections::{BTreeSet, HashMap};

use crate::{FeeRate, Pool, RemovalReason, entry::EntryId};

/// A transaction on its way into a merged cluster.
struct Waiting {
    id: EntryId,
    rate: FeeRate,
    weight: i64,
    /// What must be in before it, as positions in the list.
    needs: Vec<usize>,
}

/// Clusters as they grow together.
struct Growing {
    root: Vec<usize>,
    count: Vec<usize>,
    weight: Vec<i64>,
}

impl Growing {
    fn root(&mut self, mut n: usize) -> usize {
        while self.root[n] != n {
            self.root[n] = self.root[self.root[n]];
            n = self.root[n];
        }
        n
    }
}

impl Pool {
    /// Makes these clusters, whose transactions were linked to one another, obey the limits.
    pub(crate) fn trim_clusters(&mut self, clusters: BTreeSet<u32>) {
        let waiting = self.waiting(&clusters);
        let (max_count, max_weight) = (self.options.limits.cluster_count, self.options.cluster_weight());
        let mut grown = Growing {
            root: (0..waiting.len()).collect(),
            count: vec![1; waiting.len()],
            weight: waiting.iter().map(|tx| tx.weight).collect(),
        };
        let mut inside = vec![false; waiting.len()];
        let mut refused = vec![false; waiting.len()];
        loop {
            let ready = (0..waiting.len())
                .filter(|n| !inside[*n] && !refused[*n] && waiting[*n].needs.iter().all(|need| inside[*need]));
            let best = ready.min_by(|a, b| {
                let (a, b) = (waiting[*a].rate, waiting[*b].rate);
                b.cmp_rate(&a).then(a.size.cmp(&b.size))
            });
            let Some(n) = best else { break };
            let around: BTreeSet<usize> = waiting[n].needs.iter().map(|need| grown.root(*need)).collect();
            let count = 1 + around.iter().map(|root| grown.count[*root]).sum::<usize>();
            let weight = around.iter().fold(waiting[n].weight, |sum, root| sum.saturating_add(grown.weight[*root]));
            if count > max_count || weight > max_weight {
                refused[n] = true;
                continue;
            }
            for root in around {
                grown.root[root] = n;
            }
            (grown.count[n], grown.weight[n]) = (count, weight);
            inside[n] = true;
        }
        for (tx, _) in waiting.iter().zip(inside).filter(|(_, inside)| !inside) {
            self.take_out(tx.id, RemovalReason::SizeLimit);
        }
        self.merge(clusters);
    }

    fn waiting(&self, clusters: &BTreeSet<u32>) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        for cluster in clusters {
            let mut before = None;
            for chunk in self.clusters.get(*cluster) {
                for id in &chunk.txs {
                    let Some(entry) = self.get(*id) else { continue };
                    let needs = before.into_iter().collect();
                    before = Some(waiting.len());
                    waiting.push(Waiting { id: *id, rate: chunk.place.rate, weight: entry.weight, needs });
                }
            }
        }
        let place: HashMap<EntryId, usize> = waiting.iter().enumerate().map(|(n, tx)| (tx.id, n)).collect();
        for tx in &mut waiting {
            let parents = self.get(tx.id).map(crate::Entry::parents).unwrap_or_default();
            tx.needs.extend(parents.iter().filter_map(|parent| place.get(parent).copied()));
        }
        waiting
    }
}
