//! A template that a client holds: a draft, and what the client filled in.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bitcoin::{BlockHash, block::Header as RawHeader};
use interfaces::{
    Answer, BlockCheck, BlockTemplate, BlockWaitOptions, Bytes, Call, CoinbaseTx, MerkleHash, RawBlock,
    RawHeader as HeaderBytes, RawTx,
};
use primitives::{Block, Header, Reader, Tx, WitnessMode, encode_output};

use super::{
    Draft, Interrupt, MineError, Miner, Order, Waited,
    held::HeldDraft,
    object::{judged, refusal, unreadable},
};

/// How often the fees of the next block are looked at.
const TICK: Duration = Duration::from_secs(1);
/// On chains that allow it, a block of the least difficulty may follow a tip that is so old, in seconds.
const EASY_AFTER: i64 = 20 * 60;

/// What a template has to be better than.
struct Wanted {
    order: Order,
    prev: BlockHash,
    fees: i64,
}

impl Wanted {
    fn of(draft: &Draft) -> Self {
        Self { order: draft.order.clone(), prev: draft.prev, fees: draft.fees }
    }
}

/// What a client calls.
#[derive(Debug)]
pub struct TemplateObject {
    miner: Arc<Miner>,
    draft: Arc<HeldDraft>,
    filled: Mutex<(Header, Arc<Tx>)>,
    interrupt: Interrupt,
}

impl TemplateObject {
    /// A template of this draft.
    pub fn new(miner: Arc<Miner>, draft: Arc<Draft>) -> Self {
        let filled = Mutex::new((draft.header.clone(), Arc::clone(&draft.coinbase)));
        let draft = miner.hold(draft);
        Self { miner, draft, filled, interrupt: Interrupt::default() }
    }

    /// What the template was made of.
    pub(super) fn draft(&self) -> Call<Arc<Draft>> {
        self.draft.get()
    }

    /// Waits for a better template; `None` if there is none in time.
    pub(super) fn next_template(&self, options: &BlockWaitOptions) -> Call<Answer<Option<Self>>> {
        // Only this is kept while it waits, not the draft.
        let old = Wanted::of(&*self.draft()?);
        Ok(match self.next(&old, options) {
            Ok(draft) => Ok(draft.map(|draft| Self::new(Arc::clone(&self.miner), draft))),
            Err(error) => refusal(error),
        })
    }

    fn filled(&self) -> MutexGuard<'_, (Header, Arc<Tx>)> {
        // It is replaced as a whole.
        self.filled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn block(&self) -> Call<Block> {
        let (header, coinbase) = self.filled().clone();
        Ok(self.draft()?.block_with(header, coinbase))
    }

    fn next(&self, old: &Wanted, options: &BlockWaitOptions) -> Result<Option<Arc<Draft>>, MineError> {
        let Some(waiter) = self.interrupt.begin() else { return Ok(None) };
        let (miner, limit) = (&self.miner, options.timeout.bound());
        let start = miner.clock().monotonic();
        let wants_fees = options.fee_threshold < BlockWaitOptions::default().fee_threshold;
        let enough = old.fees.saturating_add(options.fee_threshold);
        // The pool as it was when it was not worth enough.
        let mut too_poor = None;
        loop {
            let left = limit.map(|limit| limit.saturating_sub(miner.clock().monotonic().saturating_sub(start)));
            let step = left.map_or(TICK, |left| left.min(TICK));
            let other = || miner.tip_other_than(&old.prev);
            match miner.signal().wait(Some(step), || waiter.is_over(), other) {
                Waited::Done(_) => return miner.draft(&old.order).map(Some),
                Waited::Ended => return Ok(None),
                Waited::TimeOut => {}
            }
            if self.is_easy_now() {
                return miner.draft(&old.order).map(Some);
            }
            let updates = miner.pool().read().updates();
            if wants_fees && too_poor != Some(updates) {
                let draft = miner.draft(&old.order)?;
                if draft.prev != old.prev || draft.fees >= enough {
                    return Ok(Some(draft));
                }
                too_poor = Some(updates);
            }
            if left.is_some_and(|left| left <= TICK) {
                return Ok(None);
            }
        }
    }

    /// Whether a block of the least difficulty may be made by now.
    fn is_easy_now(&self) -> bool {
        let allowed = self.miner.rules().params().pow().allow_min_difficulty;
        let tip_time = self.miner.tip().map_or(i64::MAX, |tip| i64::from(tip.time));
        allowed && self.miner.clock().unix_seconds() > tip_time.saturating_add(EASY_AFTER)
    }
}

impl BlockTemplate for TemplateObject {
    fn get_block_header(&self) -> Call<HeaderBytes> {
        let mut bytes = Vec::new();
        self.filled().0.encode(&mut bytes, WitnessMode::Include);
        Ok(bytes.into())
    }

    fn get_block(&self) -> Call<RawBlock> {
        Ok(self.block()?.to_bytes(WitnessMode::Include).into())
    }

    fn get_tx_fees(&self) -> Call<Vec<interfaces::Amount>> {
        Ok(self.draft()?.txs.iter().map(|tx| tx.fee).collect())
    }

    fn get_tx_sigops(&self) -> Call<Vec<i64>> {
        Ok(self.draft()?.txs.iter().map(|tx| i64::try_from(tx.sigops).unwrap_or(i64::MAX)).collect())
    }

    fn get_coinbase_tx(&self) -> Call<CoinbaseTx> {
        let draft = self.draft()?;
        let plan = &draft.plan;
        let output = |output| {
            let mut bytes = Vec::new();
            encode_output(output, &mut bytes);
            bytes.into()
        };
        Ok(CoinbaseTx {
            version: plan.version,
            sequence: plan.sequence,
            script_sig_prefix: Bytes::new(&plan.script_sig_prefix),
            witness: plan.witness.as_ref().map(|item| Bytes::new(item)),
            block_reward_remaining: plan.reward,
            required_outputs: plan.first.iter().chain(&plan.required).map(output).collect(),
            lock_time: plan.lock_time,
        })
    }

    fn get_coinbase_merkle_path(&self) -> Call<Vec<MerkleHash>> {
        Ok(self.block()?.merkle_branch(0).into_iter().map(MerkleHash).collect())
    }

    fn submit_solution(&self, version: u32, timestamp: u32, nonce: u32, coinbase: &RawTx) -> Call<Answer<BlockCheck>> {
        if coinbase.as_bytes().is_empty() {
            return Ok(Ok(BlockCheck::default()));
        }
        let (draft, codec) = (self.draft()?, self.miner.reader().codec());
        let coinbase = match codec.read_tx(&mut Reader::new(coinbase.as_bytes()), WitnessMode::Include) {
            Ok(coinbase) => Arc::new(coinbase),
            Err(error) => return Ok(Err(unreadable(error))),
        };
        let mut block = draft.block_with(draft.header.clone(), coinbase);
        let raw = RawHeader {
            version: bitcoin::block::Version::from_consensus(version.cast_signed()),
            time: timestamp,
            nonce,
            merkle_root: block.merkle_root().0,
            ..*draft.header.raw()
        };
        block.header = Header::with_aux(raw, draft.header.aux().cloned());
        *self.filled() = (block.header.clone(), Arc::clone(&block.txs[0]));
        Ok(judged(self.miner.submit(block)))
    }

    fn wait_next(&self, options: &BlockWaitOptions) -> Call<Answer<Option<Arc<dyn BlockTemplate>>>> {
        let next = self.next_template(options)?;
        Ok(next.map(|template| template.map(|template| -> Arc<dyn BlockTemplate> { Arc::new(template) })))
    }

    fn interrupt_wait(&self) -> Call<()> {
        self.interrupt.raise();
        self.miner.signal().ring();
        Ok(())
    }
}
