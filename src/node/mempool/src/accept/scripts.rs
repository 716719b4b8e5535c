//! Running the scripts of a transaction: once under the rules of policy, once under those of the next block, whose
//! result the block that confirms the transaction will find in a cache.

use bitcoin::{BlockHash, hashes::Hash};
use consensus::ScriptCheck;
use script::{Flags, Keep};

use super::{Candidate, ChainView};
use crate::{
    Reason,
    mempool::Inner,
    policy::{self, STANDARD_FLAGS},
};

impl Inner {
    /// Checks the scripts of a transaction.
    pub(super) fn check_scripts(&self, chain: &ChainView<'_>, candidate: &Candidate) -> Result<(), Reason> {
        let Candidate { entry, spent, .. } = candidate;
        let (tx, dialect) = (&entry.tx, chain.rules.dialect());
        let cache = Some((self.scripts.signatures(), Keep::Store));
        if let Err(failure) = ScriptCheck::whole(tx, spent, STANDARD_FLAGS, dialect).run(cache) {
            let stripped = !tx.has_witness() && policy::spends_witness_program(tx, spent);
            return Err(Reason::Script { failure: Box::new(failure), stripped });
        }
        let flags = self.next_flags(chain);
        if self.scripts.executions().contains(tx.wtxid(), flags, false) {
            return Ok(());
        }
        if let Err(failure) = ScriptCheck::whole(tx, spent, flags, dialect).run(cache) {
            tracing::error!("scripts of {} pass under policy and fail under consensus", tx.txid());
            return Err(Reason::ConsensusScript(Box::new(failure)));
        }
        self.scripts.executions().insert(tx.wtxid(), flags);
        Ok(())
    }

    /// The flags of the next block.
    fn next_flags(&self, chain: &ChainView<'_>) -> Flags {
        chain.branch(|branch| chain.rules.script_flags(&BlockHash::all_zeros(), Some(branch), &self.upgrades))
    }
}
