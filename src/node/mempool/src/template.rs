//! What goes into the next block: chunks in the order of the pool, as long as they fit.

use std::{collections::HashSet, sync::Arc};

use consensus::Rules;
use primitives::Tx;

use crate::{FeeRate, Pool};

/// What a miner wants.
#[derive(Clone, Copy, Debug)]
pub struct TemplateOptions {
    /// `-blockmaxweight`.
    pub max_weight: u64,
    /// `-blockreservedweight`: kept free for header, counts and coinbase.
    pub reserved_weight: u64,
    /// Signature operations kept free for the outputs of the coinbase.
    pub reserved_sigops: u64,
    /// `-blockmintxfee`.
    pub min_fee: FeeRate,
    /// Whether to take anything from the pool.
    pub use_mempool: bool,
}

impl Default for TemplateOptions {
    fn default() -> Self {
        Self {
            max_weight: 4_000_000,
            reserved_weight: 8000,
            reserved_sigops: 400,
            min_fee: FeeRate::per_kvb(1),
            use_mempool: true,
        }
    }
}

/// A transaction of a template.
#[derive(Clone, Debug)]
pub struct TemplateTx {
    /// The transaction; shared with the pool and with other templates.
    pub tx: Arc<Tx>,
    /// What it pays.
    pub fee: i64,
    /// Its signature operations, weighted.
    pub sigops: u64,
    /// What it pays for its virtual size, as the operator sees it.
    pub rate: FeeRate,
}

/// The transactions of a block, without its coinbase.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// In an order in which they can be in a block.
    pub txs: Vec<TemplateTx>,
    /// What they pay together.
    pub fees: i64,
    /// The weight of the block, with what is reserved.
    pub weight: u64,
    /// Its signature operations, with what is reserved.
    pub sigops: u64,
    /// The rates of the chunks that were taken, by virtual size.
    pub chunk_rates: Vec<FeeRate>,
}

/// After so many chunks in a row that do not fit, a block that is nearly full is full enough.
const MAX_FAILURES: u32 = 1000;
const NEARLY_FULL: u64 = 4000;

impl Pool {
    /// Chooses transactions for the block at `height`, to which `median_time` is the time that locks are compared with.
    pub fn template(&self, options: &TemplateOptions, rules: &dyn Rules, height: u32, median_time: i64) -> Template {
        let mut template =
            Template { weight: options.reserved_weight, sigops: options.reserved_sigops, ..Template::default() };
        if !options.use_mempool {
            return template;
        }
        let max_sigops = rules.params().max_block_sigops_cost();
        let mut skipped = HashSet::new();
        let mut failures = 0;
        for chunk in self.clusters.in_order() {
            if skipped.contains(&chunk.place.cluster) {
                continue;
            }
            let by_vsize = chunk.place.rate.by_vsize();
            if by_vsize.cmp_rate(&options.min_fee).is_lt() {
                break;
            }
            let entries: Vec<_> = chunk.txs.iter().filter_map(|id| self.get(*id)).collect();
            let sigops: u64 = entries.iter().map(|entry| entry.sigops).sum();
            let weight = u64::try_from(chunk.place.rate.size).unwrap_or(u64::MAX);
            let fits = template.weight.saturating_add(weight) < options.max_weight
                && template.sigops.saturating_add(sigops) < max_sigops;
            if !fits || !entries.iter().all(|entry| rules.is_final(&entry.tx, height, median_time)) {
                skipped.insert(chunk.place.cluster);
                failures += 1;
                if failures > MAX_FAILURES && template.weight + NEARLY_FULL > options.max_weight {
                    break;
                }
                continue;
            }
            failures = 0;
            for entry in entries {
                template.weight += entry.tx.weight();
                template.sigops += entry.sigops;
                template.fees = template.fees.saturating_add(rules.fee_in_block(&entry.tx, entry.fee, height));
                let (tx, rate) = (Arc::clone(&entry.tx), entry.fee_rate());
                template.txs.push(TemplateTx { tx, fee: entry.fee, sigops: entry.sigops, rate });
            }
            template.chunk_rates.push(by_vsize);
        }
        template
    }
}

#[cfg(test)]
mod tests;
