//! Mining many blocks where that is easy.
//!
//! Each visit to the validation thread costs two changes of thread, more than a block of a test chain. So a visit makes
//! several blocks, as long as a nonce is found at once; one that needs real work goes back to whoever wanted it.

use std::sync::Arc;

use bitcoin::BlockHash;
use primitives::Block;

use super::{Draft, MineError, Miner, Order, Submission, solve};

/// Blocks of one visit: others want the thread too.
const BLOCKS: usize = 16;
/// Nonces that are tried there.
const EASY_TRIES: u64 = 256;

/// What came of a visit.
struct Burst {
    hashes: Vec<BlockHash>,
    /// Nonces that were tried.
    tried: u64,
    /// A block that needs more work.
    hard: Option<Block>,
}

impl Miner {
    /// Mines up to `count` blocks on the tip, as long as there are `tries` left and `go_on` says so.
    pub fn generate(
        &self,
        order: &Order,
        count: usize,
        tries: &mut u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Vec<BlockHash>, MineError> {
        let mut hashes = Vec::new();
        while hashes.len() < count && *tries > 0 && go_on() {
            let burst = self.burst(order, BLOCKS.min(count - hashes.len()), *tries)?;
            *tries = tries.saturating_sub(burst.tried);
            hashes.extend(burst.hashes);
            let Some(mut block) = burst.hard else { continue };
            let Some(hash) = solve(&mut block, self.rules(), tries, &go_on) else { break };
            if !self.submit(block)?.taken {
                return Err(MineError::Refused);
            }
            hashes.push(hash);
        }
        Ok(hashes)
    }

    fn burst(&self, order: &Order, count: usize, tries: u64) -> Result<Burst, MineError> {
        let (rules, pool, clock) = (self.shared_rules(), self.pool().clone(), self.shared_clock());
        let (settings, order, shutdown) = (self.settings().clone(), order.clone(), self.shutdown().clone());
        let (burst, last) = self.run(move |engine| {
            let mut burst = Burst { hashes: Vec::new(), tried: 0, hard: None };
            let mut last = None;
            while burst.hashes.len() < count && !shutdown.is_requested() {
                let draft = match Draft::make(engine, &rules, &pool, &settings, &order, clock.unix_seconds())? {
                    Ok(draft) => draft,
                    Err(error) => return Ok((Err(error), last)),
                };
                last = Some((draft.weight, draft.txs.len()));
                let mut block = draft.block();
                let few = EASY_TRIES.min(tries.saturating_sub(burst.tried));
                let mut left = few;
                let solved = solve(&mut block, &*rules, &mut left, || true);
                burst.tried += few - left;
                let Some(hash) = solved else {
                    burst.hard = Some(block);
                    break;
                };
                if !Submission::of(engine, &Arc::new(block))?.taken {
                    return Ok((Err(MineError::Refused), last));
                }
                burst.hashes.push(hash);
            }
            Ok((Ok(burst), last))
        })?;
        self.drafted(last);
        burst
    }
}
