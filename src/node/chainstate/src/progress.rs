//! How far along the chain is, as a person wants to know it.

use crate::{Engine, Node, Reader, Tree, shared::read};

/// Transactions that a busy chain gets each second, and a quiet one: enough to guess how many are still to come.
const BUSY_RATE: f64 = 5.0;
const QUIET_RATE: f64 = 0.001;

/// The part of all transactions up to `now` that the chain up to this block has.
#[expect(clippy::cast_precision_loss, reason = "a guess, shown to six decimals")]
fn progress(node: &Node, best_time: i64, now: i64, test_chain: bool) -> f64 {
    if node.chain_tx_count == 0 {
        return 0.0;
    }
    let rate = if test_chain { QUIET_RATE } else { BUSY_RATE };
    let have = node.chain_tx_count as f64;
    // A chain that has stopped long ago is complete when its last header is reached.
    let end = now.min(best_time.max(i64::from(node.header.time)) + 2 * 60 * 60);
    let missing = (end - i64::from(node.header.time)).max(0) as f64 * rate;
    (have / (have + missing)).min(1.0)
}

impl Engine {
    pub(crate) fn progress_of(&self, tree: &Tree, node: &Node) -> f64 {
        let best_time = read(&self.shared.best_header).map_or(0, |b| i64::from(tree[b].header.time));
        progress(node, best_time, self.clock.unix_seconds(), self.shared.params.is_test_chain())
    }
}

impl Reader {
    /// The part of all transactions up to `now` that the chain up to this block has: 1 when there is nothing left to do.
    pub fn progress(&self, node: &Node, now: i64) -> f64 {
        let best_time = self.best_header().map_or(0, |b| i64::from(self.node(b).header.time));
        progress(node, best_time, now, self.shared.params.is_test_chain())
    }
}
