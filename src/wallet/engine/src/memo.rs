//! What the node has told once and will not tell otherwise, so that nobody asks again: each question crosses to another
//! process and back.
//!
//! A wallet process that finds another node starts with an empty memory.

use std::collections::HashMap;
use std::sync::Mutex;

use bitcoin::BlockHash;
use interfaces::{Call, Chain};

use crate::convert;
use crate::wallet::lock;

/// Blocks whose times are kept: two megabytes of them.
const BLOCKS: usize = 1 << 15;

/// Answers of the node.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    times: Mutex<HashMap<BlockHash, i64>>,
    deprecated: Mutex<HashMap<&'static str, bool>>,
}

impl Memo {
    /// When a block was made. A block that the node does not know may come later: that is not remembered.
    pub(crate) fn block_time(&self, block: &BlockHash, chain: &dyn Chain) -> Call<Option<i64>> {
        if let Some(time) = lock(&self.times).get(block) {
            return Ok(Some(*time));
        }
        let Some(found) = chain.find_block(convert::to_hash(block), false)? else { return Ok(None) };
        let mut times = lock(&self.times);
        if times.len() >= BLOCKS {
            times.clear();
        }
        times.insert(*block, found.time);
        Ok(Some(found.time))
    }

    /// Whether the user asked for something that is on its way out (`-deprecatedrpc`).
    pub(crate) fn is_deprecated(&self, what: &'static str, chain: &dyn Chain) -> Call<bool> {
        if let Some(wanted) = lock(&self.deprecated).get(what) {
            return Ok(*wanted);
        }
        let wanted = chain.rpc_enable_deprecated(what)?;
        lock(&self.deprecated).insert(what, wanted);
        Ok(wanted)
    }
}
