//! Lock times that make it pointless to mine a block again for the fees in it.
//!
//! A transaction that only the next block may hold is no reward for somebody who mines the last block again. So the
//! wallet locks its transactions to the height of the tip.

use super::{SpendError, Spender};
use crate::convert::to_hash;

/// A tip older than this says nothing about the height of the chain, in seconds.
const MAX_TIP_AGE: i64 = 8 * 60 * 60;

impl Spender<'_> {
    /// The lock time of a transaction that may have any: the height of the tip, now and then a little less, as that of
    /// transactions that took long to sign; or zero while the wallet does not know the tip.
    pub fn lock_time_against_sniping(&mut self) -> Result<u32, SpendError> {
        if !self.tip_is_current()? {
            return Ok(0);
        }
        let height = u32::try_from(self.ledger.tip().height).unwrap_or(0);
        let back = if self.dice.below(10) == 0 { self.dice.below(100) } else { 0 };
        Ok(height.saturating_sub(u32::try_from(back).unwrap_or(0)))
    }

    fn tip_is_current(&self) -> Result<bool, SpendError> {
        if self.tip.is_initial_block_download()? {
            return Ok(false);
        }
        let found = self.blocks.find_block(to_hash(&self.ledger.tip().hash), false)?;
        Ok(found.is_some_and(|found| found.time >= self.now.saturating_sub(MAX_TIP_AGE)))
    }
}
