//! A chain that grows when a test says so, as a miner sees it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::{hash_at, lock};
use interfaces::{
    Amount, Answer, BlockCheck, BlockCheckOptions, BlockCreateOptions, BlockHash, BlockRef, BlockTemplate,
    BlockWaitOptions, Bytes, Call, CoinbaseTx, Failure, MerkleHash, Mining, RawBlock, RawHeader, RawTx, Txid, Wait,
    Wtxid,
};

/// A wait that has no end still ends a test.
const LONGEST: Duration = Duration::from_mins(10);

#[derive(Debug, Default)]
struct State {
    height: i32,
    /// Counts interruptions.
    interrupts: u64,
    templates: i64,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    /// Waits until the height is another, or the wait is interrupted. Returns the height, or `None` if interrupted.
    fn wait(&self, height: i32, wait: Wait) -> Option<i32> {
        let state = lock(&self.state);
        let interrupts = state.interrupts;
        let limit = wait.bound().unwrap_or(LONGEST).min(LONGEST);
        let (state, _) = self
            .wake
            .wait_timeout_while(state, limit, |state| state.height == height && state.interrupts == interrupts)
            .unwrap_or_else(PoisonError::into_inner);
        if state.interrupts == interrupts { Some(state.height) } else { None }
    }

    fn interrupt(&self) {
        lock(&self.state).interrupts += 1;
        self.wake.notify_all();
    }
}

/// The fake.
#[derive(Debug, Clone, Default)]
pub struct FakeMining(Arc<Shared>);

impl FakeMining {
    /// Adds a block.
    pub fn advance(&self) {
        lock(&self.0.state).height += 1;
        self.0.wake.notify_all();
    }

    /// Templates that somebody still holds.
    pub fn templates(&self) -> i64 {
        lock(&self.0.state).templates
    }

    /// How often a wait was interrupted.
    pub fn interrupts(&self) -> u64 {
        lock(&self.0.state).interrupts
    }

    fn tip(&self) -> BlockRef {
        let height = lock(&self.0.state).height;
        BlockRef { hash: hash_at(height), height }
    }

    fn check(block: &RawBlock) -> Answer<BlockCheck> {
        if block.as_bytes().len() < 80 {
            return Err(Failure::new("SpanReader::read(): end of data: unspecified iostream_category error"));
        }
        if block.as_bytes()[0] == 0 {
            return Ok(BlockCheck {
                result: false,
                reason: "bad-version(0x00000000)".into(),
                debug: "rejected nVersion=0x00000000 block".into(),
            });
        }
        Ok(BlockCheck { result: true, ..BlockCheck::default() })
    }
}

impl Mining for FakeMining {
    fn is_test_chain(&self) -> Call<bool> {
        Ok(true)
    }

    fn is_initial_block_download(&self) -> Call<bool> {
        Ok(false)
    }

    fn get_tip(&self) -> Call<Option<BlockRef>> {
        Ok(Some(self.tip()))
    }

    fn wait_tip_changed(&self, current_tip: BlockHash, timeout: Wait) -> Call<Option<BlockRef>> {
        let tip = self.tip();
        if tip.hash != current_tip {
            return Ok(Some(tip));
        }
        Ok(self.0.wait(tip.height, timeout).map(|height| BlockRef { hash: hash_at(height), height }))
    }

    fn create_new_block(
        &self,
        options: &BlockCreateOptions,
        _cooldown: bool,
    ) -> Call<Answer<Option<Arc<dyn BlockTemplate>>>> {
        if options.block_reserved_weight < 2000 {
            return Ok(Err(Failure(format!(
                "block_reserved_weight ({}) is lower than minimum safety value of (2000)",
                options.block_reserved_weight
            ))));
        }
        Ok(Ok(Some(Arc::new(FakeTemplate::new(self)))))
    }

    fn check_block(&self, block: &RawBlock, _options: &BlockCheckOptions) -> Call<Answer<BlockCheck>> {
        Ok(Self::check(block))
    }

    fn interrupt(&self) -> Call<()> {
        self.0.interrupt();
        Ok(())
    }

    fn submit_block(&self, block: &RawBlock) -> Call<Answer<BlockCheck>> {
        let check = Self::check(block);
        if check.as_ref().is_ok_and(|check| check.result) {
            self.advance();
        }
        Ok(check)
    }

    fn get_transactions_by_tx_id(&self, txids: &[Txid]) -> Call<Vec<Option<RawTx>>> {
        // A transaction for every id but zero, so that both cases are there.
        let find = |id: &Txid| (*id != Txid::default()).then(|| RawTx::new(id.as_bytes()));
        Ok(txids.iter().map(find).collect())
    }

    fn get_transactions_by_witness_id(&self, wtxids: &[Wtxid]) -> Call<Vec<Option<RawTx>>> {
        let find = |id: &Wtxid| (*id != Wtxid::default()).then(|| RawTx::new(id.as_bytes()));
        Ok(wtxids.iter().map(find).collect())
    }
}

/// A template of the fake.
#[derive(Debug)]
pub struct FakeTemplate {
    mining: FakeMining,
    waits: Arc<Shared>,
    height: i32,
}

impl FakeTemplate {
    fn new(mining: &FakeMining) -> Self {
        let height = {
            let mut state = lock(&mining.0.state);
            state.templates += 1;
            state.height
        };
        Self { mining: mining.clone(), waits: mining.0.clone(), height }
    }
}

impl Drop for FakeTemplate {
    fn drop(&mut self) {
        lock(&self.mining.0.state).templates -= 1;
    }
}

impl BlockTemplate for FakeTemplate {
    fn get_block_header(&self) -> Call<RawHeader> {
        Ok(RawHeader::new(&[1; 80]))
    }

    fn get_block(&self) -> Call<RawBlock> {
        Ok(RawBlock::new(&[1; 100]))
    }

    fn get_tx_fees(&self) -> Call<Vec<Amount>> {
        Ok(vec![1000, 2000])
    }

    fn get_tx_sigops(&self) -> Call<Vec<i64>> {
        Ok(vec![4, 8])
    }

    fn get_coinbase_tx(&self) -> Call<CoinbaseTx> {
        Ok(CoinbaseTx {
            version: 2,
            sequence: 0xffff_fffe,
            script_sig_prefix: Bytes::new(&[0x51]),
            witness: Some(Bytes::new(&[0; 32])),
            block_reward_remaining: 5_000_000_000,
            required_outputs: vec![Bytes::new(&[0; 47])],
            lock_time: 0,
        })
    }

    fn get_coinbase_merkle_path(&self) -> Call<Vec<MerkleHash>> {
        Ok(vec![MerkleHash::from_bytes([7; 32])])
    }

    fn submit_solution(
        &self,
        version: u32,
        _timestamp: u32,
        _nonce: u32,
        coinbase: &RawTx,
    ) -> Call<Answer<BlockCheck>> {
        if coinbase.as_bytes().is_empty() {
            return Ok(Ok(BlockCheck::default()));
        }
        let mut block = vec![1; 80];
        block[0] = u8::try_from(version.min(255)).unwrap_or(u8::MAX);
        self.mining.submit_block(&block.into())
    }

    fn wait_next(&self, options: &BlockWaitOptions) -> Call<Answer<Option<Arc<dyn BlockTemplate>>>> {
        let next = self.waits.wait(self.height, options.timeout).filter(|height| *height != self.height);
        let Some(_) = next else { return Ok(Ok(None)) };
        Ok(Ok(Some(Arc::new(FakeTemplate::new(&self.mining)))))
    }

    fn interrupt_wait(&self) -> Call<()> {
        self.waits.interrupt();
        Ok(())
    }
}
