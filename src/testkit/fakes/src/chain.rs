//! A chain of empty blocks with a mempool that accepts everything.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::{FakeHandler, hash_at, lock};
use interfaces::{
    Amount, Answer, BlockHash, BlockRef, Broadcast, BumpFee, Call, ChainBlocks, ChainBroadcast, ChainEvents, ChainFees,
    ChainHost, ChainMempool, ChainNotifications, ChainTip, Coin, CommonAncestor, ConnectedBlock, Failure, FeeEstimate,
    FoundBlock, Handler, Json, Locator, OutPoint, PackageLimits, RawBlock, RawTx, ScanBatch, ScanMatch, ScanRequest,
    ScanSink, ScannedTx, Script, TxAncestry, Txid,
};

/// Blocks in a batch of a scan.
const BATCH: i32 = 10;

#[derive(Default)]
struct State {
    height: i32,
    mempool: Vec<RawTx>,
    watchers: Vec<(u64, Arc<dyn ChainNotifications>)>,
    waits: u32,
    subscriptions: u64,
    settings: BTreeMap<String, Json>,
    messages: Vec<String>,
}

/// The fake. Heights from 0; a block at a height that ends in 7 pays the script `[height]`.
#[derive(Clone, Default)]
pub struct FakeChain(Arc<Mutex<State>>);

impl fmt::Debug for FakeChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeChain").field("height", &lock(&self.0).height).finish_non_exhaustive()
    }
}

impl FakeChain {
    /// How often somebody asked whether there is news.
    pub fn waits(&self) -> u32 {
        lock(&self.0).waits
    }

    /// Adds blocks, and tells whoever watches.
    pub fn advance(&self, blocks: i32) {
        for _ in 0..blocks {
            let height = {
                let mut state = lock(&self.0);
                state.height += 1;
                state.height
            };
            let block = ConnectedBlock {
                block: Self::at(height),
                prev: hash_at(height - 1),
                max_time: i64::from(height),
                data: RawBlock::new(&[1; 80]),
            };
            self.tell(|watcher| watcher.block_connected(&block, false).and_then(|()| watcher.updated_block_tip()));
        }
    }

    /// How many watch.
    pub fn watchers(&self) -> usize {
        lock(&self.0).watchers.len()
    }

    /// What a wallet said at start-up.
    pub fn messages(&self) -> Vec<String> {
        lock(&self.0).messages.clone()
    }

    fn at(height: i32) -> BlockRef {
        BlockRef { hash: hash_at(height), height }
    }

    fn height_of(&self, hash: BlockHash) -> Option<i32> {
        let tip = lock(&self.0).height;
        (0..=tip).find(|height| hash_at(*height) == hash)
    }

    fn found(&self, height: i32, data: bool) -> Option<FoundBlock> {
        let tip = lock(&self.0).height;
        (0..=tip).contains(&height).then(|| FoundBlock {
            block: Self::at(height),
            time: i64::from(height),
            max_time: i64::from(height),
            median_time: i64::from(height) - 5,
            in_active_chain: true,
            next: (height < tip).then(|| Self::at(height + 1)),
            locator: Locator { hashes: vec![hash_at(height), hash_at(0)] },
            data: data.then(|| RawBlock::new(&[1; 80])),
        })
    }

    fn tell(&self, tell: impl Fn(&dyn ChainNotifications) -> Call<()>) {
        let watchers = lock(&self.0).watchers.clone();
        for (_, watcher) in watchers {
            // A watcher that is gone is taken off when its handler ends.
            tell(&*watcher).ok();
        }
    }
}

impl ChainTip for FakeChain {
    fn tip(&self) -> Call<Option<BlockRef>> {
        Ok(Some(Self::at(lock(&self.0).height)))
    }

    fn block_hash(&self, height: i32) -> Call<Answer<BlockHash>> {
        let tip = lock(&self.0).height;
        Ok(if (0..=tip).contains(&height) {
            Ok(hash_at(height))
        } else {
            Err(Failure::new("Block height out of range"))
        })
    }

    fn is_initial_block_download(&self) -> Call<bool> {
        Ok(false)
    }

    fn is_ready_to_broadcast(&self) -> Call<bool> {
        Ok(true)
    }

    fn verification_progress(&self, block: BlockHash) -> Call<f64> {
        Ok(if self.height_of(block).is_some() { 1.0 } else { 0.0 })
    }

    fn have_pruned(&self) -> Call<bool> {
        Ok(false)
    }

    fn prune_height(&self) -> Call<Option<i32>> {
        Ok(None)
    }

    fn has_assumed_valid_chain(&self) -> Call<bool> {
        Ok(false)
    }
}

impl ChainBlocks for FakeChain {
    fn find_block(&self, hash: BlockHash, data: bool) -> Call<Option<FoundBlock>> {
        Ok(self.height_of(hash).and_then(|height| self.found(height, data)))
    }

    fn find_first_block_with_time_and_height(&self, min_time: i64, min_height: i32) -> Call<Option<FoundBlock>> {
        let height = i32::try_from(min_time.max(0)).unwrap_or(i32::MAX).max(min_height);
        Ok(self.found(height, false))
    }

    fn find_ancestor_by_height(&self, hash: BlockHash, height: i32) -> Call<Option<FoundBlock>> {
        Ok(self.height_of(hash).filter(|own| height <= *own).and_then(|_| self.found(height, false)))
    }

    fn find_ancestor_by_hash(&self, hash: BlockHash, ancestor: BlockHash) -> Call<Option<FoundBlock>> {
        let (own, old) = (self.height_of(hash), self.height_of(ancestor));
        Ok(old.filter(|old| own.is_some_and(|own| *old <= own)).and_then(|old| self.found(old, false)))
    }

    fn find_common_ancestor(&self, first: BlockHash, second: BlockHash) -> Call<CommonAncestor> {
        let (Some(first), Some(second)) = (self.height_of(first), self.height_of(second)) else {
            return Ok(CommonAncestor::default());
        };
        Ok(CommonAncestor {
            ancestor: Some(Self::at(first.min(second))),
            first: Some(Self::at(first)),
            second: Some(Self::at(second)),
        })
    }

    fn find_locator_fork(&self, locator: &Locator) -> Call<Option<i32>> {
        Ok(locator.hashes.iter().find_map(|hash| self.height_of(*hash)))
    }

    fn have_block_on_disk(&self, height: i32) -> Call<bool> {
        Ok(self.found(height, false).is_some())
    }

    fn has_blocks(&self, hash: BlockHash, _min_height: i32, _max_height: i32) -> Call<bool> {
        Ok(self.height_of(hash).is_some())
    }

    fn has_block_filter_index(&self) -> Call<bool> {
        Ok(false)
    }

    fn scan_blocks(&self, request: &ScanRequest, sink: Arc<dyn ScanSink>) -> Call<Answer<Option<BlockRef>>> {
        let tip = lock(&self.0).height;
        let stop = if request.stop_height < 0 { tip } else { request.stop_height.min(tip) };
        let mut scanned = None;
        let mut next = request.start_height;
        let mut scripts: HashSet<Script> = request.scripts.iter().cloned().collect();
        while next <= stop {
            let last = (next + BATCH - 1).min(stop);
            let mut matches = Vec::new();
            for height in next..=last {
                let script = Script::new(&height.to_le_bytes());
                if height % 10 == 7 && scripts.contains(&script) {
                    let tx = ScannedTx { index: 0, tx: RawTx::new(script.as_bytes()) };
                    matches.push(ScanMatch { block: Self::at(height), time: i64::from(height), txs: vec![tx] });
                }
            }
            scanned = Some(Self::at(last));
            let batch = ScanBatch { scanned: Self::at(last), time: i64::from(last), matches };
            let reply = sink.batch(&batch)?;
            if !reply.go_on {
                break;
            }
            let before = scripts.len();
            scripts.extend(reply.scripts);
            let goes_back = scripts.len() > before && reply.again <= last;
            next = if goes_back { reply.again.max(request.start_height) } else { last + 1 };
        }
        Ok(Ok(scanned))
    }
}

impl ChainMempool for FakeChain {
    fn find_coins(&self, outpoints: &[OutPoint]) -> Call<Vec<Option<Coin>>> {
        let find = |outpoint: &OutPoint| {
            let coin = Coin { value: 50, script: Script::new(&[0x51]), height: outpoint.index, coinbase: true };
            (outpoint.txid != Txid::default()).then_some(coin)
        };
        Ok(outpoints.iter().map(find).collect())
    }

    fn is_in_mempool(&self, txid: Txid) -> Call<bool> {
        Ok(lock(&self.0).mempool.iter().any(|tx| tx.as_bytes().starts_with(txid.as_bytes())))
    }

    fn has_descendants_in_mempool(&self, _txid: Txid) -> Call<bool> {
        Ok(false)
    }

    fn transaction_ancestries(&self, txids: &[Txid]) -> Call<Vec<TxAncestry>> {
        let alone = TxAncestry { ancestors: 1, cluster: 1, ancestor_size: 100, ancestor_fees: 1000 };
        let of = |txid: &Txid| Ok(if self.is_in_mempool(*txid)? { alone } else { TxAncestry::default() });
        txids.iter().map(of).collect()
    }

    fn individual_bump_fees(&self, outpoints: &[OutPoint], fee_rate: Amount) -> Call<Vec<BumpFee>> {
        Ok(outpoints.iter().map(|outpoint| BumpFee { outpoint: *outpoint, fee: fee_rate }).collect())
    }

    fn combined_bump_fee(&self, outpoints: &[OutPoint], fee_rate: Amount) -> Call<Option<Amount>> {
        Ok(if outpoints.is_empty() { None } else { Some(fee_rate) })
    }

    fn package_limits(&self) -> Call<PackageLimits> {
        Ok(PackageLimits { ancestors: 25, descendants: 25 })
    }

    fn check_chain_limits(&self, tx: &RawTx) -> Call<Answer<()>> {
        Ok(if tx.as_bytes().is_empty() { Err(Failure::new("too many unconfirmed parents")) } else { Ok(()) })
    }
}

impl ChainFees for FakeChain {
    fn estimate_fee_rate(&self, blocks: u32, _conservative: bool) -> Call<Answer<FeeEstimate>> {
        Ok(if blocks > 1008 {
            Err(Failure::new("Insufficient data or no feerate found"))
        } else {
            Ok(FeeEstimate { fee_rate: 2000, target: blocks.max(2) })
        })
    }

    fn max_fee_target(&self) -> Call<u32> {
        Ok(1008)
    }

    fn mempool_min_fee(&self) -> Call<Amount> {
        Ok(1000)
    }

    fn relay_min_fee(&self) -> Call<Amount> {
        Ok(100)
    }

    fn relay_incremental_fee(&self) -> Call<Amount> {
        Ok(100)
    }

    fn relay_dust_fee(&self) -> Call<Amount> {
        Ok(3000)
    }
}

impl ChainBroadcast for FakeChain {
    fn broadcast_transaction(&self, tx: &RawTx, max_fee: Amount, how: Broadcast) -> Call<Answer<()>> {
        if max_fee == 0 {
            return Ok(Err(Failure::new("Fee exceeds maximum configured by user (maxtxfee)")));
        }
        if how != Broadcast::NoMempoolPrivateBroadcast {
            lock(&self.0).mempool.push(tx.clone());
            self.tell(|watcher| watcher.transaction_added_to_mempool(tx));
        }
        Ok(Ok(()))
    }
}

impl ChainEvents for FakeChain {
    fn handle_notifications(&self, notifications: Arc<dyn ChainNotifications>) -> Call<Arc<dyn Handler>> {
        let number = {
            let mut state = lock(&self.0);
            state.subscriptions += 1;
            let number = state.subscriptions;
            state.watchers.push((number, notifications));
            number
        };
        let chain = self.clone();
        Ok(Arc::new(FakeHandler::new(move || {
            let mut state = lock(&chain.0);
            let (gone, left): (Vec<_>, Vec<_>) = state.watchers.drain(..).partition(|(other, _)| *other == number);
            state.watchers = left;
            drop(state);
            drop(gone);
        })))
    }

    fn wait_for_notifications(&self) -> Call<()> {
        Ok(())
    }

    fn wait_for_notifications_if_tip_changed(&self, _old_tip: BlockHash) -> Call<()> {
        lock(&self.0).waits += 1;
        Ok(())
    }

    fn request_mempool_transactions(&self, notifications: Arc<dyn ChainNotifications>) -> Call<()> {
        let mempool = lock(&self.0).mempool.clone();
        mempool.iter().try_for_each(|tx| notifications.transaction_added_to_mempool(tx))
    }
}

impl ChainHost for FakeChain {
    fn shutdown_requested(&self) -> Call<bool> {
        Ok(false)
    }

    fn init_message(&self, message: &str) -> Call<()> {
        lock(&self.0).messages.push(message.to_owned());
        Ok(())
    }

    fn init_warning(&self, message: &str) -> Call<()> {
        self.init_message(message)
    }

    fn init_error(&self, message: &str) -> Call<()> {
        self.init_message(message)
    }

    fn show_progress(&self, title: &str, progress: i32, _resume_possible: bool) -> Call<()> {
        self.init_message(&format!("{title} {progress}"))
    }

    fn rpc_enable_deprecated(&self, _method: &str) -> Call<bool> {
        Ok(false)
    }

    fn get_setting(&self, name: &str) -> Call<Json> {
        self.get_rw_setting(name)
    }

    fn get_settings_list(&self, name: &str) -> Call<Vec<Json>> {
        Ok(vec![self.get_rw_setting(name)?])
    }

    fn get_rw_setting(&self, name: &str) -> Call<Json> {
        Ok(lock(&self.0).settings.get(name).cloned().unwrap_or_else(|| Json::new("null")))
    }

    fn update_rw_setting(&self, name: &str, expected: &Json, value: &Json, _write: bool) -> Call<Answer<()>> {
        let current = self.get_rw_setting(name)?;
        if !expected.as_str().is_empty() && *expected != current {
            return Ok(Err(Failure::new("the setting was changed meanwhile")));
        }
        let mut state = lock(&self.0);
        if value.as_str() == "null" {
            state.settings.remove(name);
        } else {
            state.settings.insert(name.to_owned(), value.clone());
        }
        Ok(Ok(()))
    }
}
