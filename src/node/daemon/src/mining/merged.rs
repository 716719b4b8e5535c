//! Blocks that wait for the proof of work of another chain's block.
//!
//! Whoever mines that block gets our header's hash and a script for its coinbase, and brings the proof. Until the tip
//! changes, a block for the same script is the same block, unless the pool has changed since and a minute has passed.

use std::collections::HashMap;

use bitcoin::{BlockHash, ScriptBuf, block::Header as RawHeader};
use chainstate::Branch;
use consensus::MergedMining;
use primitives::{Block, Header};

use super::{MineError, Miner, Order};

/// A block is made anew after so many seconds if the pool has changed.
const REFRESH: i64 = 60;

/// A block that waits for a proof.
#[derive(Debug, Clone)]
pub struct MergedBlock {
    /// The block, whose header announces a proof and has none.
    pub block: Block,
    /// Its height.
    pub height: u32,
    /// What the other chain's block needs.
    pub needs: MergedMining,
    /// The block that it must build on, if ours names it.
    pub named: Option<BlockHash>,
}

/// The blocks on the tip that wait for a proof.
#[derive(Debug, Default)]
pub struct MergedWork {
    tip: Option<BlockHash>,
    updates: u64,
    made: i64,
    newest: HashMap<ScriptBuf, BlockHash>,
    blocks: HashMap<BlockHash, MergedBlock>,
    /// Where each wallet, known by the path of its requests, is paid until one of its blocks is handed in.
    payees: HashMap<String, ScriptBuf>,
}

/// What a block depends on that is still to be mined.
#[derive(Debug, Clone, Copy)]
struct State {
    tip: BlockHash,
    updates: u64,
    now: i64,
}

impl MergedWork {
    /// Where a wallet is paid.
    pub fn payee(&self, wallet: &str) -> Option<ScriptBuf> {
        self.payees.get(wallet).cloned()
    }

    /// Remembers where a wallet is paid; `None` after one of its blocks was handed in.
    pub fn set_payee(&mut self, wallet: &str, script: Option<ScriptBuf>) {
        match script {
            Some(script) => self.payees.insert(wallet.to_owned(), script),
            None => self.payees.remove(wallet),
        };
    }

    /// A block that was handed out since the tip changed.
    pub fn find(&self, hash: &BlockHash) -> Option<&Block> {
        self.blocks.get(hash).map(|merged| &merged.block)
    }

    /// The newest block for `script`, if it is still right, and names the block `named` if it names one.
    fn current(&self, script: &ScriptBuf, named: Option<BlockHash>, state: State) -> Option<MergedBlock> {
        let unchanged = self.updates == state.updates || state.now - self.made <= REFRESH;
        let hash = self.newest.get(script).filter(|_| self.tip == Some(state.tip) && unchanged)?;
        self.blocks.get(hash).filter(|merged| merged.needs.name_tag.is_none() || merged.named == named).cloned()
    }
}

impl Miner {
    /// A block that pays `script` and waits for a proof; `None` if this coin is not mined together with others. Where it
    /// must name the block that the other one builds on, that is `previous`.
    pub fn merged_block(
        &self,
        script: ScriptBuf,
        previous: Option<BlockHash>,
    ) -> Result<Option<MergedBlock>, MineError> {
        let updates = self.pool().read().updates();
        let now = self.clock().unix_seconds();
        let tip = self.tip().ok_or(MineError::NoTip)?.hash;
        if let Some(merged) = self.merged().current(&script, previous, State { tip, updates, now }) {
            return Ok(Some(merged));
        }
        let Some(needs) = self.needs(&tip) else { return Ok(None) };
        let named = previous.filter(|_| needs.name_tag.is_some());
        let data = match (needs.name_tag, named) {
            (Some(_), None) => return Err(MineError::Unnamed),
            (Some(tag), Some(named)) => [tag.as_slice(), named.as_ref()].concat(),
            (None, _) => Vec::new(),
        };
        let draft = self.draft(&Order { script: script.clone(), data, ..Order::default() })?;
        if draft.prev != tip {
            // The tip has just changed, and the new one may need something else.
            return self.merged_block(script, previous);
        }
        let mut block = draft.block();
        let version = bitcoin::block::Version::from_consensus(needs.version);
        block.header = Header::new(RawHeader { version, ..*block.header.raw() });
        let merged = MergedBlock { block, height: draft.height, needs, named };
        let mut work = self.merged();
        if work.tip != Some(draft.prev) {
            let payees = std::mem::take(&mut work.payees);
            *work = MergedWork { tip: Some(draft.prev), payees, ..MergedWork::default() };
        }
        (work.updates, work.made) = (updates, now);
        work.newest.insert(script, merged.block.hash());
        work.blocks.insert(merged.block.hash(), merged.clone());
        Ok(Some(merged))
    }

    /// What the block after `tip` needs to be mined together with another.
    fn needs(&self, tip: &BlockHash) -> Option<MergedMining> {
        self.reader().tree(|tree| {
            let branch = Branch::new(tree, tree.find(tip)?);
            let deployments = self.rules().params().deployments();
            let signalled = consensus::block_version(deployments, Some(&branch), self.reader().versionbits());
            self.rules().merged_mining(signalled, &branch)
        })
    }
}
