//! What every implementation of an interface has to do, local, remote or fake.
//!
//! The checks panic with the difference, as tests do. They suppose as little as they can about the implementation: where
//! one needs a block or a wallet, it makes it through the interface or is given a closure that does.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use interfaces::{
    Amount, BlockCheckOptions, BlockCreateOptions, BlockHash, BlockWaitOptions, Broadcast, BulkheadInit, Call, Chain,
    ChainNotifications, ConnectedBlock, Echo, Hello, Json, Locator, Mining, Node, NodeNotifications, OutPoint,
    RawBlock, RawTx, Rpc, ScanBatch, ScanReply, ScanRequest, ScanSink, Script, Secret, Txid, Wait, WalletCreate,
    WalletLoader, Wtxid,
};

/// Takes a result that has to be good.
#[track_caller]
fn good<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the call failed: {error:?}"),
    }
}

#[track_caller]
fn there<T>(option: Option<T>) -> T {
    option.unwrap_or_else(|| panic!("the interface is not offered"))
}

/// Text comes back as it went.
pub fn check_echo(echo: &dyn Echo) {
    for text in ["hallo", "", "haha", "naïve 鏡", &"long ".repeat(10_000)] {
        assert_eq!(good(echo.echo(text)), text);
    }
}

/// Waits end when the tip changes, when time is up and when they are interrupted; answers have both levels. `advance`
/// adds a block.
pub fn check_mining(mining: &dyn Mining, advance: &(dyn Fn() + Sync)) {
    assert!(good(mining.is_test_chain()));
    assert!(!good(mining.is_initial_block_download()));
    let tip = there(good(mining.get_tip()));

    // Not this tip: at once. This tip: only when time is up, and then the same.
    assert_eq!(good(mining.wait_tip_changed(BlockHash::from_bytes([9; 32]), Wait::Forever)), Some(tip));
    assert_eq!(good(mining.wait_tip_changed(tip.hash, Wait::millis(1))), Some(tip));
    let next = thread::scope(|scope| {
        let waiting = scope.spawn(|| good(mining.wait_tip_changed(tip.hash, Wait::Forever)));
        advance();
        good(waiting.join())
    });
    let next = there(next);
    assert_eq!(next.height, tip.height + 1);
    assert_eq!(there(good(mining.get_tip())), next);

    interrupted(&|| good(mining.wait_tip_changed(next.hash, Wait::Forever)).is_none(), &|| good(mining.interrupt()));
    // One that came too late may count for the next wait.
    good(mining.wait_tip_changed(next.hash, Wait::millis(1)));

    let low = BlockCreateOptions { block_reserved_weight: 0, ..BlockCreateOptions::default() };
    let refused = good(mining.create_new_block(&low, false)).err().map(|failure| failure.0);
    let text = "block_reserved_weight (0) is lower than minimum safety value of (2000)";
    assert_eq!(refused.as_deref(), Some(text));
    let template = there(good(good(mining.create_new_block(&BlockCreateOptions::default(), false))));
    assert!(good(template.get_block_header()).as_bytes().len() >= 80);
    assert!(good(template.get_block()).as_bytes().len() > 80);
    assert_eq!(good(template.get_tx_fees()).len(), good(template.get_tx_sigops()).len());
    assert!(good(template.get_coinbase_tx()).version > 0);
    good(template.get_coinbase_merkle_path());
    assert!(!good(good(template.submit_solution(0, 0, 0, &RawTx::default()))).result);

    let soon = BlockWaitOptions { timeout: Wait::millis(1), ..BlockWaitOptions::default() };
    assert!(good(good(template.wait_next(&soon))).is_none());
    let for_ever = BlockWaitOptions::default();
    interrupted(&|| good(good(template.wait_next(&for_ever))).is_none(), &|| good(template.interrupt_wait()));
    assert!(good(good(template.wait_next(&soon))).is_none());
    advance();
    assert!(good(good(template.wait_next(&for_ever))).is_some());

    let cut = RawBlock::new(&[1; 3]);
    let failure = good(mining.submit_block(&cut)).expect_err("a cut block is refused");
    assert!(failure.0.starts_with("SpanReader::read(): end of data:"), "{failure}");
    let unknown = good(mining.get_transactions_by_tx_id(&[Txid::default()]));
    assert_eq!(unknown, [None]);
    assert_eq!(good(mining.get_transactions_by_witness_id(&[Wtxid::default(), Wtxid::default()])).len(), 2);
    good(mining.check_block(&cut, &BlockCheckOptions::default())).expect_err("a cut block cannot be checked");
}

/// Runs a wait and interrupts it until it ends. An interruption that comes before the wait begins does not count.
fn interrupted(wait: &(dyn Fn() -> bool + Sync), interrupt: &dyn Fn()) {
    thread::scope(|scope| {
        let waiting = scope.spawn(wait);
        while !waiting.is_finished() {
            interrupt();
            thread::yield_now();
        }
        assert!(good(waiting.join()), "an interrupted wait answers nothing");
    });
}

/// JSON in, JSON out, and what is not JSON is refused.
pub fn check_rpc(rpc: &dyn Rpc) {
    let request = Json::new(r#"{"jsonrpc":"2.0","id":1,"method":"getblockcount"}"#);
    let answer = good(good(rpc.execute_rpc(&request, "/", "user")));
    assert!(answer.as_str().starts_with('{'), "{}", answer.as_str());
    let failure = good(rpc.execute_rpc(&Json::new("nonsense"), "/", "user")).expect_err("that was not JSON");
    assert!(failure.0.contains("invalid JSON received over IPC"), "{failure}");
}

/// Writes down what it is told, and on which thread.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<(ThreadId, String)>>, Condvar);

impl Diary {
    #[expect(clippy::unnecessary_wraps, reason = "the tail of every method here")]
    fn write(&self, line: String) -> Call<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((thread::current().id(), line));
        self.1.notify_all();
        Ok(())
    }

    fn read(&self) -> Vec<(ThreadId, String)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Diary {
    /// Waits for a line, because who tells need not wait until it was heard. False if there is none.
    fn waits_for(&self, is: impl Fn(&str) -> bool) -> bool {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |lines: &mut Vec<(ThreadId, String)>| !lines.iter().any(|(_, line)| is(line));
        let (_lines, time) =
            self.1.wait_timeout_while(lines, Duration::from_mins(1), missing).unwrap_or_else(PoisonError::into_inner);
        !time.timed_out()
    }
}

impl ChainNotifications for Diary {
    fn transaction_added_to_mempool(&self, tx: &RawTx) -> Call<()> {
        self.write(format!("added {tx:?}"))
    }

    fn transaction_removed_from_mempool(&self, tx: &RawTx, reason: &str) -> Call<()> {
        self.write(format!("removed {tx:?} {reason}"))
    }

    fn block_connected(&self, block: &ConnectedBlock, background: bool) -> Call<()> {
        self.write(format!("connected {} {background}", block.block.height))
    }

    fn block_disconnected(&self, block: &ConnectedBlock) -> Call<()> {
        self.write(format!("disconnected {}", block.block.height))
    }

    fn updated_block_tip(&self) -> Call<()> {
        self.write("tip".to_owned())
    }

    fn chain_state_flushed(&self, _locator: &Locator) -> Call<()> {
        self.write("flushed".to_owned())
    }
}

impl ScanSink for Diary {
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply> {
        self.write(format!("batch {} {}", batch.scanned.height, batch.matches.len()))?;
        Ok(ScanReply { go_on: batch.matches.is_empty(), ..ScanReply::next() })
    }
}

/// Sends a scan back to its start for a script, again and again.
#[derive(Default)]
struct Returning(Mutex<Vec<i32>>);

impl ScanSink for Returning {
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch.scanned.height);
        Ok(ScanReply { go_on: true, scripts: vec![Script::new(&[0x6a, 0x01, 0x55])], again: 0 })
    }
}

impl NodeNotifications for Diary {
    fn init_message(&self, message: &str) -> Call<()> {
        self.write(message.to_owned())
    }

    fn show_progress(&self, title: &str, progress: i32) -> Call<()> {
        self.write(format!("{title} {progress}"))
    }

    fn message_box(&self, message: &str, style: &str) -> Call<()> {
        self.write(format!("{style}: {message}"))
    }

    fn block_tip(&self, tip: interfaces::BlockRef, _time: i64, _progress: f64) -> Call<()> {
        self.write(format!("tip {}", tip.height))
    }

    fn header_tip(&self, tip: interfaces::BlockRef, _time: i64) -> Call<()> {
        self.write(format!("header {}", tip.height))
    }

    fn network_changed(&self, _connections: u32, active: bool) -> Call<()> {
        self.write(format!("network {active}"))
    }

    fn alerts_changed(&self, warnings: &str) -> Call<()> {
        self.write(warnings.to_owned())
    }
}

/// The readers agree with one another, a scan comes in batches and on the thread that asked, events come in order and
/// end. `advance` adds blocks; there have to be at least 30. `spend` makes a transaction that the chain would take.
pub fn check_chain(chain: &dyn Chain, advance: &(dyn Fn(i32) + Sync), spend: &dyn Fn() -> RawTx) {
    let tip = there(good(chain.tip()));
    assert!(tip.height >= 30, "the check needs a chain of 30 blocks");
    assert_eq!(good(good(chain.block_hash(tip.height))), tip.hash);
    good(chain.block_hash(tip.height + 1)).expect_err("that height does not exist");
    let found = there(good(chain.find_block(tip.hash, true)));
    assert_eq!((found.block, found.next, found.in_active_chain), (tip, None, true));
    assert!(found.data.is_some() && good(chain.have_block_on_disk(tip.height)));
    assert!(there(good(chain.find_block(tip.hash, false))).data.is_none());
    assert_eq!(good(chain.find_block(BlockHash::from_bytes([9; 32]), true)), None);
    let parent = there(good(chain.find_ancestor_by_height(tip.hash, tip.height - 1)));
    assert_eq!(parent.next, Some(tip));
    assert_eq!(good(chain.find_ancestor_by_hash(tip.hash, parent.block.hash)), Some(parent.clone()));
    assert_eq!(good(chain.find_common_ancestor(tip.hash, parent.block.hash)).ancestor, Some(parent.block));
    assert_eq!(good(chain.find_locator_fork(&found.locator)), Some(tip.height));
    assert_eq!(good(chain.find_locator_fork(&Locator::default())), None);
    assert!(good(chain.has_blocks(tip.hash, 0, -1)));

    let diary = Arc::new(Diary::default());
    let request = ScanRequest { stop_height: -1, ..ScanRequest::default() };
    assert_eq!(good(good(chain.scan_blocks(&request, diary.clone()))).map(|block| block.height), Some(tip.height));
    let pages = diary.read();
    assert!(!pages.is_empty());
    assert!(pages.iter().all(|(page, _)| *page == thread::current().id()), "callbacks run on the thread that asked");
    let returning = Arc::new(Returning::default());
    assert_eq!(good(good(chain.scan_blocks(&request, returning.clone()))).map(|block| block.height), Some(tip.height));
    let heights = returning.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let went_back = heights.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    assert_eq!((went_back, heights.last()), (1, Some(&tip.height)), "a new script sends it back, once: {heights:?}");

    let missing = OutPoint { txid: Txid::default(), index: 1 };
    assert_eq!(good(chain.find_coins(&[missing, missing])), [None, None]);
    assert!(!good(chain.is_in_mempool(Txid::from_bytes([9; 32]))));
    let fee: Amount = good(chain.relay_min_fee());
    assert!(fee >= 0 && good(chain.max_fee_target()) > 0);
    good(chain.estimate_fee_rate(u32::MAX, true)).expect_err("that is too far ahead");

    let handler = good(chain.handle_notifications(diary.clone()));
    advance(2);
    good(chain.wait_for_notifications());
    let lines: Vec<String> = diary.read().into_iter().map(|(_, line)| line).collect();
    let expected = |height| [format!("connected {height} false"), "tip".to_owned()];
    assert_eq!(lines, [expected(tip.height + 1), expected(tip.height + 2)].concat());
    let tx = spend();
    good(chain.broadcast_transaction(&tx, 0, Broadcast::default())).expect_err("no fee is allowed");
    good(good(chain.broadcast_transaction(&tx, 100_000, Broadcast::MempoolAndBroadcastToAll)));
    good(chain.wait_for_notifications());
    assert_eq!(diary.read().len(), 1);
    good(handler.disconnect());
    good(chain.request_mempool_transactions(diary.clone()));
    assert!(diary.read().iter().any(|(_, line)| *line == format!("added {tx:?}")));
    advance(1);
    good(chain.wait_for_notifications());
    assert_eq!(diary.read(), []);

    let (null, one) = (Json::new("null"), Json::new("1"));
    assert_eq!(good(chain.get_rw_setting("contract")), null);
    good(good(chain.update_rw_setting("contract", &null, &one, true)));
    good(chain.update_rw_setting("contract", &null, &one, true)).expect_err("it is 1 by now");
    assert_eq!(good(chain.get_rw_setting("contract")), one);
    good(good(chain.update_rw_setting("contract", &Json::default(), &null, true)));
}

/// Wallets are made, found, locked and closed.
pub fn check_wallets(wallets: &dyn WalletLoader) {
    assert!(!good(wallets.rpc_commands()).is_empty());
    let options = WalletCreate { name: "contract".into(), load_on_startup: Some(true), ..WalletCreate::default() };
    assert_eq!(good(good(wallets.create_wallet(&options))).name, "contract");
    good(wallets.create_wallet(&options)).expect_err("it exists");
    good(wallets.load_wallet("no such wallet")).expect_err("it does not exist");
    assert!(good(wallets.list_wallets()).contains(&"contract".to_owned()));
    assert!(good(wallets.get_wallet("no such wallet")).is_none());
    let wallet = there(good(wallets.get_wallet("contract")));
    assert_eq!(good(wallet.name()), "contract");
    let (old, new) = (Secret::new("old"), Secret::new("new"));
    assert!(!good(wallet.is_crypted()));
    good(good(wallet.encrypt(&old)));
    good(wallet.encrypt(&old)).expect_err("it is encrypted");
    assert!(good(wallet.is_crypted()) && good(wallet.is_locked()));
    good(wallet.unlock(&new)).expect_err("that is not it");
    good(good(wallet.change_passphrase(&old, &new)));
    good(good(wallet.unlock(&new)));
    assert!(!good(wallet.is_locked()));
    good(good(wallet.lock()));
    assert!(good(wallet.is_locked()));
    let request = Json::new(r#"{"method":"getwalletinfo"}"#);
    assert!(good(good(wallet.execute_rpc(&request, "user"))).as_str().starts_with('{'));
    let answer = good(good(wallets.execute_rpc(&request, "/wallet/contract", "user", BlockHash::default())));
    assert!(answer.as_str().starts_with('{'));
    good(wallets.stop());
    assert_eq!(good(wallets.list_wallets()), Vec::<String>::new());
    assert_eq!(good(good(wallets.load_wallet("contract"))).name, "contract");
}

/// A node shows itself and tells what changes.
pub fn check_node(node: &dyn Node) {
    let before = good(node.status());
    assert!(good(node.list_rpc_commands()).contains(&"help".to_owned()));
    let diary = Arc::new(Diary::default());
    let handler = good(node.handle_notifications(diary.clone()));
    good(node.set_network_active(!before.network_active));
    assert_eq!(good(node.status()).network_active, !before.network_active);
    assert!(diary.waits_for(|line| line.starts_with("network ")), "{:?}", diary.read());
    diary.read();
    good(handler.disconnect());
    good(node.set_network_active(before.network_active));
    assert_eq!(diary.read(), []);
}

/// Who it is, and that it offers what it should. `hello` is one that fits.
pub fn check_init(init: &dyn BulkheadInit, hello: &Hello) {
    let theirs = good(good(init.handshake(hello)));
    assert_eq!((theirs.coin.as_str(), theirs.chain.as_str()), (hello.coin.as_str(), hello.chain.as_str()));
    let other = Hello { chain: "another".into(), ..hello.clone() };
    let failure = good(init.handshake(&other)).expect_err("that is another chain");
    assert!(failure.0.contains("another"), "{failure}");
    check_echo(&*there(good(init.make_echo())));
    check_rpc(&*there(good(init.make_rpc())));
}

/// Wallets are attached once.
pub fn check_attaching(init: &dyn BulkheadInit, wallets: &Arc<dyn WalletLoader>) {
    good(good(init.attach_wallets(Arc::clone(wallets))));
    good(init.attach_wallets(Arc::clone(wallets))).expect_err("there are wallets already");
}

#[cfg(test)]
mod tests {
    use crate::{FakeChain, FakeEcho, FakeInit, FakeMining, FakeRpc, FakeWalletLoader};
    use interfaces::{BulkheadInit, Hello, RawTx};

    #[test]
    fn the_fakes_keep_their_contracts() {
        super::check_echo(&FakeEcho);
        super::check_rpc(&FakeRpc);
        super::check_wallets(&FakeWalletLoader::default());
        let mining = FakeMining::default();
        super::check_mining(&mining, &|| mining.advance());
        let chain = FakeChain::default();
        chain.advance(30);
        super::check_chain(&chain, &|blocks| chain.advance(blocks), &|| RawTx::new(&[5; 40]));
        let hello = Hello { coin: "bitcoin".into(), chain: "regtest".into(), ..Hello::default() };
        let init = FakeInit { hello: hello.clone(), ..FakeInit::default() };
        super::check_init(&init, &hello);
        super::check_node(&*init.make_node().unwrap().unwrap());
    }
}
