//! How far along the chain is, as a person wants to know it.

use coin::Chain;

use crate::{Engine, Node, Reader, Tree, shared::read};

/// A block as old as this at most is recent: whoever has it is as good as done.
const RECENT: i64 = 2 * 60 * 60;

/// The part of all transactions up to `now` that the chain up to this block has. How many there are is guessed from how
/// many came each second when the program was made.
#[expect(clippy::cast_precision_loss, reason = "a guess, shown to six decimals")]
fn progress(node: &Node, best_height: u32, now: i64, chain: &Chain) -> f64 {
    if node.chain_tx_count == 0 {
        return 0.0;
    }
    let known = &chain.tx_data;
    let time = i64::from(node.header.time);
    let missing_blocks = best_height.checked_sub(node.height);
    // Miners set the times of blocks as they like, so that only the headers tell what a recent block lacks.
    let behind = match missing_blocks {
        Some(blocks) if (now - time).abs() <= RECENT => i64::from(blocks) * i64::from(chain.pow_target_spacing),
        _ => now - time,
    };
    let total = if node.chain_tx_count <= known.tx_count {
        known.tx_count as f64 + (now - i64::from(known.time)) as f64 * known.tx_rate
    } else {
        node.chain_tx_count as f64 + behind as f64 * known.tx_rate
    };
    (node.chain_tx_count as f64 / total).clamp(0.0, 1.0)
}

impl Engine {
    pub(crate) fn progress_of(&self, tree: &Tree, node: &Node) -> f64 {
        let best_height = read(&self.shared.best_header).map_or(0, |best| tree[best].height);
        progress(node, best_height, self.clock.unix_seconds(), self.shared.params.chain())
    }
}

impl Reader {
    /// The part of all transactions up to `now` that the chain up to this block has: 1 when there is nothing left to do.
    pub fn progress(&self, node: &Node, now: i64) -> f64 {
        let best_height = self.best_header().map_or(0, |best| self.node(best).height);
        progress(node, best_height, now, self.shared.params.chain())
    }
}
