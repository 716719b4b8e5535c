//! The node as a miner at the other end of a socket sees it.

use std::{sync::Arc, time::Duration};

use bitcoin::hashes::Hash;
use consensus::Scope;
use interfaces::{
    Answer, BlockCheck, BlockCheckOptions, BlockCreateOptions, BlockHash, BlockRef, BlockTemplate, Call, Failure,
    Mining, RawBlock, RawTx, Txid, Wait, Wtxid,
};
use primitives::{Block, DecodeError, Reader, Tx, WitnessMode};

use super::{Interrupt, MineError, Miner, Order, Submission, TemplateObject, Waited, signal::Waiter};

/// How often initial download is looked at.
const TICK: Duration = Duration::from_secs(1);
/// A caught-up node waits at least and at most so many seconds for a block whose header it has.
const COOLDOWN: (u32, u32) = (3, 20);

/// What a client calls. Each client has its own, so that an interruption ends only its own waits.
#[derive(Debug)]
pub struct MiningObject {
    miner: Arc<Miner>,
    interrupt: Interrupt,
}

/// What the daemon says of bytes that are no block or transaction.
pub(super) fn unreadable(error: DecodeError) -> Failure {
    Failure(match error {
        DecodeError::EndOfData => "SpanReader::read(): end of data: iostream error".to_owned(),
        other => format!("{other}: iostream error"),
    })
}

/// What a client is told when no template could be made; `None` if the node stops.
pub(super) fn refusal<T>(error: MineError) -> Answer<Option<T>> {
    match error {
        MineError::Stopped => Ok(None),
        other => Err(Failure(other.to_string())),
    }
}

/// What a client is told of a block.
pub(super) fn judged(done: Result<Submission, MineError>) -> Answer<BlockCheck> {
    let done = done.map_err(|e| Failure(e.to_string()))?;
    Ok(BlockCheck { result: done.is_good(), reason: done.reason, debug: done.debug })
}

impl MiningObject {
    /// An object for one client.
    pub fn new(miner: Arc<Miner>) -> Self {
        Self { miner, interrupt: Interrupt::default() }
    }

    fn tip(&self) -> Option<BlockRef> {
        let tip = self.miner.tip()?;
        let height = i32::try_from(tip.height).unwrap_or(i32::MAX);
        Some(BlockRef { hash: BlockHash(tip.hash.to_byte_array()), height })
    }

    /// Bytes may follow: the daemon does not look at them.
    fn block(&self, bytes: &RawBlock) -> Answer<Block> {
        let codec = self.miner.reader().codec();
        codec.read_block(&mut Reader::new(bytes.as_bytes()), WitnessMode::Include).map_err(unreadable)
    }

    /// Waits for a tip other than `hash`. Answers whether the caller should go on.
    fn other_tip(&self, waiter: &Waiter<'_>, hash: &bitcoin::BlockHash, limit: Option<Duration>) -> bool {
        let signal = self.miner.signal();
        // Before there is a tip nothing can be said, however short the caller's patience.
        let first = signal.wait(None, || waiter.is_over(), || self.miner.tip());
        if first == Waited::Ended {
            return false;
        }
        signal.wait(limit, || waiter.is_over(), || self.miner.tip_other_than(hash)) != Waited::Ended
    }

    /// Makes a template; `None` if the node stops or the wait for a good moment is interrupted.
    pub(super) fn template(&self, options: &BlockCreateOptions, cooldown: bool) -> Answer<Option<TemplateObject>> {
        let Some(waiter) = self.interrupt.begin() else { return Ok(None) };
        if !self.settle(&waiter, cooldown) {
            return Ok(None);
        }
        let order = Order {
            use_mempool: options.use_mempool,
            reserved_weight: Some(options.block_reserved_weight),
            coinbase_sigops: options.coinbase_output_max_additional_sigops,
            ..Order::default()
        };
        match self.miner.draft(&order) {
            Ok(draft) => Ok(Some(TemplateObject::new(Arc::clone(&self.miner), draft))),
            Err(error) => refusal(error),
        }
    }

    /// Waits until there is a tip and the node is not catching up. Answers whether to go on.
    fn settle(&self, waiter: &Waiter<'_>, cooldown: bool) -> bool {
        if !self.other_tip(waiter, &bitcoin::BlockHash::all_zeros(), None) {
            return false;
        }
        let Some(mut last) = self.miner.tip().map(|tip| tip.hash) else { return false };
        while cooldown && self.miner.reader().initial_download() {
            if !self.other_tip(waiter, &last, Some(TICK)) {
                return false;
            }
            last = self.miner.tip().map_or(last, |tip| tip.hash);
        }
        while cooldown && let Some(ahead) = self.miner.blocks_ahead() {
            let limit = Duration::from_secs(ahead.clamp(COOLDOWN.0, COOLDOWN.1).into());
            let other = || self.miner.tip_other_than(&last);
            match self.miner.signal().wait(Some(limit), || waiter.is_over(), other) {
                Waited::Done(tip) => last = tip,
                Waited::TimeOut => break,
                Waited::Ended => return false,
            }
        }
        true
    }
}

impl Mining for MiningObject {
    fn is_test_chain(&self) -> Call<bool> {
        Ok(self.miner.rules().params().is_test_chain())
    }

    fn is_initial_block_download(&self) -> Call<bool> {
        Ok(self.miner.reader().initial_download())
    }

    fn get_tip(&self) -> Call<Option<BlockRef>> {
        Ok(self.tip())
    }

    fn wait_tip_changed(&self, current_tip: BlockHash, timeout: Wait) -> Call<Option<BlockRef>> {
        let Some(waiter) = self.interrupt.begin() else { return Ok(None) };
        let current = bitcoin::BlockHash::from_byte_array(*current_tip.as_bytes());
        let go_on = self.other_tip(&waiter, &current, timeout.bound());
        Ok(if go_on { self.tip() } else { None })
    }

    fn create_new_block(
        &self,
        options: &BlockCreateOptions,
        cooldown: bool,
    ) -> Call<Answer<Option<Arc<dyn BlockTemplate>>>> {
        let made = self.template(options, cooldown);
        Ok(made.map(|template| template.map(|template| -> Arc<dyn BlockTemplate> { Arc::new(template) })))
    }

    fn check_block(&self, block: &RawBlock, options: &BlockCheckOptions) -> Call<Answer<BlockCheck>> {
        let scope = Scope { pow: options.check_pow, merkle_root: options.check_merkle_root };
        let verdict = self.block(block).map(|block| self.miner.check(block, scope));
        Ok(verdict.and_then(|verdict| match verdict {
            Ok(Ok(())) => Ok(BlockCheck { result: true, ..BlockCheck::default() }),
            Ok(Err(unfit)) => Ok(BlockCheck { result: false, reason: unfit.to_string(), debug: unfit.debug_message() }),
            Err(error) => Err(Failure(error.to_string())),
        }))
    }

    fn interrupt(&self) -> Call<()> {
        self.interrupt.raise();
        self.miner.signal().ring();
        Ok(())
    }

    fn submit_block(&self, block: &RawBlock) -> Call<Answer<BlockCheck>> {
        Ok(self.block(block).and_then(|block| judged(self.miner.submit(block))))
    }

    fn get_transactions_by_tx_id(&self, txids: &[Txid]) -> Call<Vec<Option<RawTx>>> {
        let pool = self.miner.pool().read();
        let find = |id: &Txid| pool.tx(&bitcoin::Txid::from_byte_array(*id.as_bytes())).map(|tx| raw(&tx));
        Ok(txids.iter().map(find).collect())
    }

    fn get_transactions_by_witness_id(&self, wtxids: &[Wtxid]) -> Call<Vec<Option<RawTx>>> {
        let pool = self.miner.pool().read();
        let find = |id: &Wtxid| {
            let entry = pool.entry_by_wtxid(&bitcoin::Wtxid::from_byte_array(*id.as_bytes()))?;
            Some(raw(&entry.tx))
        };
        Ok(wtxids.iter().map(find).collect())
    }
}

fn raw(tx: &Tx) -> RawTx {
    tx.to_bytes(WitnessMode::Include).into()
}
