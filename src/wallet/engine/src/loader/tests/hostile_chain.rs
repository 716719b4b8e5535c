//! The chain that lies, over one that does not.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fakes::FakeChain;
use interfaces::{
    Amount, Answer, BlockHash, BlockRef, Broadcast, BumpFee, Call, ChainBlocks, ChainBroadcast, ChainEvents, ChainFees,
    ChainHost, ChainMempool, ChainNotifications, ChainTip, Coin, CommonAncestor, Failure, FeeEstimate, FoundBlock,
    Handler, IpcError, Json, Locator, OutPoint, PackageLimits, RawBlock, RawTx, ScanBatch, ScanMatch, ScanRequest,
    ScanSink, ScannedTx, Script, TxAncestry, Txid,
};

use crate::wallet::lock;

/// Where lies come from.
#[derive(Debug)]
pub(super) struct Lies(u64);

impl Lies {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (the generator of Steele, Lea and Flood).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let count = u64::try_from(all.len()).unwrap();
        all[usize::try_from(self.next() % count).unwrap()]
    }

    pub(super) fn yes(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    pub(super) fn int(&mut self) -> i32 {
        self.of(&[i32::MIN, -2, -1, 0, 1, 2, 7, 100, 1_000, i32::MAX - 1, i32::MAX])
    }

    pub(super) fn long(&mut self) -> i64 {
        self.of(&[i64::MIN, -1, 0, 1, 1_000, 250_000, 100_000_000, 2_100_000_000_000_000, i64::MAX - 1, i64::MAX])
    }

    pub(super) fn hash(&mut self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&self.next().to_le_bytes());
        hash
    }

    /// Bytes that are no longer what they were.
    pub(super) fn spoil(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let place = usize::try_from(self.next()).unwrap_or(0) % bytes.len().max(1);
        match self.next() % 3 {
            0 => bytes.truncate(place),
            1 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0x41),
            _ => bytes.splice(place..place, [0xff; 9]).for_each(drop),
        }
        bytes
    }

    fn block(&mut self) -> BlockRef {
        BlockRef { hash: BlockHash(self.hash()), height: self.int() }
    }

    fn found(&mut self) -> Option<FoundBlock> {
        self.yes().then(|| FoundBlock {
            block: self.block(),
            time: self.long(),
            max_time: self.long(),
            median_time: self.long(),
            in_active_chain: self.yes(),
            next: None,
            locator: Locator { hashes: (0..self.next() % 4).map(|_| BlockHash(self.hash())).collect() },
            data: self.yes().then(|| RawBlock::new(&self.hash())),
        })
    }
}

#[derive(Default)]
struct Seen {
    watchers: Vec<Arc<dyn ChainNotifications>>,
    sent: Vec<RawTx>,
    told: String,
}

/// The chain that lies.
pub(super) struct Hostile {
    honest: FakeChain,
    lying: AtomicBool,
    lies: Mutex<Lies>,
    seen: Mutex<Seen>,
}

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hostile")
    }
}

impl Hostile {
    pub(super) fn new(honest: FakeChain, seed: u64) -> Self {
        Self { honest, lying: AtomicBool::new(false), lies: Mutex::new(Lies::new(seed)), seen: Mutex::default() }
    }

    /// Begins to lie, or ends it; says what it did before.
    pub(super) fn lie(&self, lying: bool) -> bool {
        self.lying.swap(lying, Ordering::SeqCst)
    }

    pub(super) fn watchers(&self) -> Vec<Arc<dyn ChainNotifications>> {
        lock(&self.seen).watchers.clone()
    }

    /// Everything that the wallet sent.
    pub(super) fn sent(&self) -> Vec<RawTx> {
        lock(&self.seen).sent.clone()
    }

    /// Everything that the wallet said.
    pub(super) fn told(&self) -> String {
        lock(&self.seen).told.clone()
    }

    fn hear(&self, text: &str) {
        lock(&self.seen).told.push_str(text);
    }

    /// An honest answer, a lie, or none at all.
    fn answer<T>(&self, honest: impl FnOnce(&FakeChain) -> Call<T>, lie: impl FnOnce(&mut Lies) -> T) -> Call<T> {
        if !self.lying.load(Ordering::SeqCst) {
            return honest(&self.honest);
        }
        let roll = lock(&self.lies).next() % 16;
        match roll {
            0 => Err(IpcError::Remote("no".to_owned())),
            // Without the lock: the honest chain may call back.
            1..=6 => honest(&self.honest),
            _ => Ok(lie(&mut lock(&self.lies))),
        }
    }

    fn domain<T>(
        &self,
        honest: impl FnOnce(&FakeChain) -> Call<Answer<T>>,
        lie: impl FnOnce(&mut Lies) -> T,
    ) -> Call<Answer<T>> {
        self.answer(honest, |lies| if lies.yes() { Ok(lie(lies)) } else { Err(Failure::new("%s%n\u{0}")) })
    }
}

impl ChainTip for Hostile {
    fn tip(&self) -> Call<Option<BlockRef>> {
        self.answer(FakeChain::tip, |lies| lies.yes().then(|| lies.block()))
    }

    fn block_hash(&self, height: i32) -> Call<Answer<BlockHash>> {
        self.domain(|chain| chain.block_hash(height), |lies| BlockHash(lies.hash()))
    }

    fn is_initial_block_download(&self) -> Call<bool> {
        self.answer(FakeChain::is_initial_block_download, Lies::yes)
    }

    fn is_ready_to_broadcast(&self) -> Call<bool> {
        self.answer(FakeChain::is_ready_to_broadcast, Lies::yes)
    }

    fn verification_progress(&self, block: BlockHash) -> Call<f64> {
        self.answer(
            |chain| chain.verification_progress(block),
            |lies| lies.of(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300]),
        )
    }

    fn have_pruned(&self) -> Call<bool> {
        self.answer(FakeChain::have_pruned, Lies::yes)
    }

    fn prune_height(&self) -> Call<Option<i32>> {
        self.answer(FakeChain::prune_height, |lies| lies.yes().then(|| lies.int()))
    }

    fn has_assumed_valid_chain(&self) -> Call<bool> {
        self.answer(FakeChain::has_assumed_valid_chain, Lies::yes)
    }
}

impl ChainBlocks for Hostile {
    fn find_block(&self, hash: BlockHash, data: bool) -> Call<Option<FoundBlock>> {
        self.answer(|chain| chain.find_block(hash, data), Lies::found)
    }

    fn find_first_block_with_time_and_height(&self, min_time: i64, min_height: i32) -> Call<Option<FoundBlock>> {
        self.answer(|chain| chain.find_first_block_with_time_and_height(min_time, min_height), Lies::found)
    }

    fn find_ancestor_by_height(&self, hash: BlockHash, height: i32) -> Call<Option<FoundBlock>> {
        self.answer(|chain| chain.find_ancestor_by_height(hash, height), Lies::found)
    }

    fn find_ancestor_by_hash(&self, hash: BlockHash, ancestor: BlockHash) -> Call<Option<FoundBlock>> {
        self.answer(|chain| chain.find_ancestor_by_hash(hash, ancestor), Lies::found)
    }

    fn find_common_ancestor(&self, first: BlockHash, second: BlockHash) -> Call<CommonAncestor> {
        let lie = |lies: &mut Lies| CommonAncestor {
            ancestor: Some(lies.block()),
            first: lies.yes().then(|| BlockRef { height: 3, ..lies.block() }),
            second: None,
        };
        self.answer(|chain| chain.find_common_ancestor(first, second), lie)
    }

    fn find_locator_fork(&self, locator: &Locator) -> Call<Option<i32>> {
        self.answer(|chain| chain.find_locator_fork(locator), |lies| lies.yes().then(|| lies.int()))
    }

    fn have_block_on_disk(&self, height: i32) -> Call<bool> {
        self.answer(|chain| chain.have_block_on_disk(height), Lies::yes)
    }

    fn has_blocks(&self, hash: BlockHash, min_height: i32, max_height: i32) -> Call<bool> {
        self.answer(|chain| chain.has_blocks(hash, min_height, max_height), Lies::yes)
    }

    fn has_block_filter_index(&self) -> Call<bool> {
        self.answer(FakeChain::has_block_filter_index, Lies::yes)
    }

    fn scan_blocks(&self, request: &ScanRequest, sink: Arc<dyn ScanSink>) -> Call<Answer<Option<BlockRef>>> {
        if self.lying.load(Ordering::SeqCst) {
            let batch = {
                let mut lies = lock(&self.lies);
                let bytes = lies.hash();
                let txs = vec![ScannedTx { index: u32::MAX, tx: RawTx::new(&bytes) }];
                let matches = vec![ScanMatch { block: lies.block(), time: lies.long(), txs }];
                ScanBatch { scanned: lies.block(), time: lies.long(), matches }
            };
            sink.batch(&batch)?;
        }
        self.domain(|chain| chain.scan_blocks(request, sink), |lies| lies.yes().then(|| lies.block()))
    }
}

impl ChainMempool for Hostile {
    fn find_coins(&self, outpoints: &[OutPoint]) -> Call<Vec<Option<Coin>>> {
        let lie = |lies: &mut Lies| {
            let coin = |lies: &mut Lies| {
                let (value, height) = (lies.long(), 0);
                lies.yes().then(|| Coin { value, script: Script::new(&[0x51]), height, coinbase: true })
            };
            (0..lies.next() % 4).map(|_| coin(lies)).collect()
        };
        self.answer(|chain| chain.find_coins(outpoints), lie)
    }

    fn is_in_mempool(&self, txid: Txid) -> Call<bool> {
        self.answer(|chain| chain.is_in_mempool(txid), Lies::yes)
    }

    fn has_descendants_in_mempool(&self, txid: Txid) -> Call<bool> {
        self.answer(|chain| chain.has_descendants_in_mempool(txid), Lies::yes)
    }

    fn transaction_ancestries(&self, txids: &[Txid]) -> Call<Vec<TxAncestry>> {
        let lie = |lies: &mut Lies| {
            let of = |lies: &mut Lies| TxAncestry {
                ancestors: lies.of(&[0, 1, u64::MAX]),
                cluster: lies.of(&[0, 1, u64::MAX]),
                ancestor_size: u64::MAX,
                ancestor_fees: lies.long(),
            };
            (0..lies.next() % 4).map(|_| of(lies)).collect()
        };
        self.answer(|chain| chain.transaction_ancestries(txids), lie)
    }

    fn individual_bump_fees(&self, outpoints: &[OutPoint], fee_rate: Amount) -> Call<Vec<BumpFee>> {
        let lie = |lies: &mut Lies| {
            let asked = outpoints.iter().copied().chain([OutPoint::default()]);
            asked.map(|outpoint| BumpFee { outpoint, fee: lies.long() }).collect()
        };
        self.answer(|chain| chain.individual_bump_fees(outpoints, fee_rate), lie)
    }

    fn combined_bump_fee(&self, outpoints: &[OutPoint], fee_rate: Amount) -> Call<Option<Amount>> {
        self.answer(|chain| chain.combined_bump_fee(outpoints, fee_rate), |lies| Some(lies.long()))
    }

    fn package_limits(&self) -> Call<PackageLimits> {
        let lie = |lies: &mut Lies| {
            let limit = lies.of(&[0, 1, u32::MAX]);
            PackageLimits { ancestors: limit, descendants: limit }
        };
        self.answer(FakeChain::package_limits, lie)
    }

    fn check_chain_limits(&self, tx: &RawTx) -> Call<Answer<()>> {
        self.domain(|chain| chain.check_chain_limits(tx), |_| ())
    }
}

impl ChainFees for Hostile {
    fn estimate_fee_rate(&self, blocks: u32, conservative: bool) -> Call<Answer<FeeEstimate>> {
        let lie = |lies: &mut Lies| FeeEstimate { fee_rate: lies.long(), target: lies.of(&[0, 1, u32::MAX]) };
        self.domain(|chain| chain.estimate_fee_rate(blocks, conservative), lie)
    }

    fn max_fee_target(&self) -> Call<u32> {
        self.answer(FakeChain::max_fee_target, |lies| lies.of(&[0, 1, u32::MAX]))
    }

    fn mempool_min_fee(&self) -> Call<Amount> {
        self.answer(FakeChain::mempool_min_fee, Lies::long)
    }

    fn relay_min_fee(&self) -> Call<Amount> {
        self.answer(FakeChain::relay_min_fee, Lies::long)
    }

    fn relay_incremental_fee(&self) -> Call<Amount> {
        self.answer(FakeChain::relay_incremental_fee, Lies::long)
    }

    fn relay_dust_fee(&self) -> Call<Amount> {
        self.answer(FakeChain::relay_dust_fee, Lies::long)
    }
}

impl ChainBroadcast for Hostile {
    fn broadcast_transaction(&self, tx: &RawTx, max_fee: Amount, how: Broadcast) -> Call<Answer<()>> {
        lock(&self.seen).sent.push(tx.clone());
        self.domain(|chain| chain.broadcast_transaction(tx, max_fee, how), |_| ())
    }
}

impl ChainEvents for Hostile {
    fn handle_notifications(&self, notifications: Arc<dyn ChainNotifications>) -> Call<Arc<dyn Handler>> {
        lock(&self.seen).watchers.push(Arc::clone(&notifications));
        self.honest.handle_notifications(notifications)
    }

    fn wait_for_notifications(&self) -> Call<()> {
        self.answer(FakeChain::wait_for_notifications, |_| ())
    }

    fn wait_for_notifications_if_tip_changed(&self, old_tip: BlockHash) -> Call<()> {
        self.answer(|chain| chain.wait_for_notifications_if_tip_changed(old_tip), |_| ())
    }

    fn request_mempool_transactions(&self, notifications: Arc<dyn ChainNotifications>) -> Call<()> {
        self.honest.request_mempool_transactions(notifications)
    }
}

impl ChainHost for Hostile {
    fn shutdown_requested(&self) -> Call<bool> {
        self.answer(FakeChain::shutdown_requested, Lies::yes)
    }

    fn init_message(&self, message: &str) -> Call<()> {
        self.hear(message);
        Ok(())
    }

    fn init_warning(&self, message: &str) -> Call<()> {
        self.init_message(message)
    }

    fn init_error(&self, message: &str) -> Call<()> {
        self.init_message(message)
    }

    fn show_progress(&self, title: &str, _progress: i32, _resume_possible: bool) -> Call<()> {
        self.init_message(title)
    }

    fn rpc_enable_deprecated(&self, method: &str) -> Call<bool> {
        self.answer(|chain| chain.rpc_enable_deprecated(method), Lies::yes)
    }

    fn get_setting(&self, name: &str) -> Call<Json> {
        self.answer(|chain| chain.get_setting(name), |_| Json::new("{\"a\":[}"))
    }

    fn get_settings_list(&self, name: &str) -> Call<Vec<Json>> {
        self.answer(|chain| chain.get_settings_list(name), |_| vec![Json::new("}"), Json::new("7")])
    }

    fn get_rw_setting(&self, name: &str) -> Call<Json> {
        self.answer(|chain| chain.get_rw_setting(name), |_| Json::new("[\"w\", 7, null]"))
    }

    fn update_rw_setting(&self, name: &str, expected: &Json, value: &Json, write: bool) -> Call<Answer<()>> {
        self.hear(value.as_str());
        self.domain(|chain| chain.update_rw_setting(name, expected, value, write), |_| ())
    }
}
