//! Looking the last blocks over, at start and on demand (`-checkblocks`, `-checklevel`, `verifychain`).

use std::sync::Arc;

use consensus::{BlockChecks, Scope};

use crate::{Engine, Fatal, coins::Changes, shared::read};

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// Blocks that were read and checked.
    pub blocks: u32,
    /// It ended early because the program is stopping.
    pub interrupted: bool,
    /// Blocks that pruning has removed kept it from going further back.
    pub skipped_pruned: bool,
    /// The coins cache was too small for undoing more blocks.
    pub skipped_memory: bool,
}

/// A block that is not as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Verification error: {what} at {height}, hash={hash}{detail}")]
pub struct VerifyProblem {
    /// What failed.
    pub what: &'static str,
    /// The block's height.
    pub height: u32,
    /// Its hash.
    pub hash: bitcoin::BlockHash,
    /// More about it, with a space in front.
    pub detail: String,
}

impl Engine {
    /// Checks the last `depth` blocks (0: all) as thoroughly as `level` says: 0 they can be read, 1 they are right in
    /// themselves, 2 so are their undo data, 3 they can be undone, 4 and put back.
    pub fn verify(&self, level: u32, depth: u32) -> Result<Result<Verification, VerifyProblem>, Fatal> {
        let mut done = Verification::default();
        let Some(tip) = self.active_tip else { return Ok(Ok(done)) };
        let height = self.node(tip).height;
        let depth = if depth == 0 || depth > height { height } else { depth };
        let level = level.min(4);
        tracing::info!("Verifying last {depth} blocks at level {level}");
        let mut undone = Changes::default();
        let mut lowest_undone = None;
        let mut at = Some(tip);
        while let Some(id) = at {
            let node = self.node(id);
            if node.height + depth <= height || node.height == 0 {
                break;
            }
            let problem = |what, detail: String| VerifyProblem { what, height: node.height, hash: node.hash, detail };
            let Some(pos) = node.block_pos() else {
                tracing::info!(
                    "Block verification stopping at height {} (no data). This could be due to pruning or use of an \
                     assumeutxo snapshot.",
                    node.height
                );
                done.skipped_pruned = true;
                break;
            };
            let block = match self.shared.read_block(pos) {
                Ok(block) => Arc::new(block),
                Err(e) => return Ok(Err(problem("ReadBlock failed", format!(" ({e})")))),
            };
            if level >= 1
                && let Err(e) = self.rules.check_block(&block, Scope::FULL, &mut BlockChecks::default())
            {
                return Ok(Err(problem("found bad block", format!(" ({})", e.full()))));
            }
            let undo = match node.undo_pos().map(|pos| self.shared.read_undo(pos, &node.header.prev_blockhash)) {
                Some(Ok(undo)) => Some(undo),
                Some(Err(e)) if level >= 2 => return Ok(Err(problem("found bad undo data", format!(" ({e})")))),
                _ => None,
            };
            if level >= 3 && !done.skipped_memory {
                let Some(undo) = undo else { return Ok(Err(problem("found bad undo data", String::new()))) };
                match self.undo_changes(&block, &undo, node.height, &undone) {
                    Ok(changes) => undone.extend(changes),
                    Err(e) => {
                        return Ok(Err(problem("irrecoverable inconsistency in block data", format!(" ({e})"))));
                    }
                }
                lowest_undone = Some(id);
                // What was undone lives in memory beside the cache.
                let memory = read(&self.shared.state).cache.memory() + undone.len() * 120;
                done.skipped_memory = memory > self.options.cache_bytes;
            }
            done.blocks += 1;
            if self.interrupted() {
                done.interrupted = true;
                return Ok(Ok(done));
            }
            at = node.parent();
        }
        if level >= 4
            && let Some(lowest) = lowest_undone
        {
            let first = self.node(lowest).height;
            for height in first..=height {
                let id = read(&self.shared.tree).ancestor(tip, height).expect("below the tip");
                let node = self.node(id);
                let pos = node.block_pos().expect("it was read above");
                let block = Arc::new(self.shared.read_block(pos)?);
                match self.connect_block(&block, &node, &undone)? {
                    Ok(connected) => undone.extend(connected.changes),
                    Err(e) => {
                        let detail = format!(" ({})", e.full());
                        let problem =
                            VerifyProblem { what: "found unconnectable block", height, hash: node.hash, detail };
                        return Ok(Err(problem));
                    }
                }
                if self.interrupted() {
                    done.interrupted = true;
                    return Ok(Ok(done));
                }
            }
        }
        tracing::info!("Verification: No coin database inconsistencies in last {} blocks", done.blocks);
        Ok(Ok(done))
    }
}
