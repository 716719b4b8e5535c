//! The contract of the chain, here and over a socket, and what the contract cannot know.

use std::sync::{Arc, Mutex};

use fakes::contract;
use interfaces::{
    Broadcast, Call, Chain, ChainBlocks, ChainEvents, ChainMempool, ChainNotifications, ChainTip, ConnectedBlock,
    Locator, RawTx, ScanBatch, ScanReply, ScanRequest, ScanSink, Script,
};
use ipc::{Connect, Ipc, Options, Peer};
use primitives::WitnessMode;

use super::NodeChain;
use crate::WalletSource;
use crate::testing::RunningNode;

/// A transaction that spends the coinbase at a height.
fn spend(node: &RunningNode, height: u32) -> RawTx {
    let reader = node.context().reader();
    let found = reader.node(reader.at_height(height).unwrap());
    let block = reader.block(&found).unwrap().unwrap();
    let coin = lab::out(&block.txs[0], 0);
    let value = block.txs[0].outputs()[0].value.to_sat() - 10_000;
    RawTx::from(lab::spend(&[coin], &[value]).to_bytes(WitnessMode::Include))
}

fn attach(node: &RunningNode) -> (Ipc, Peer) {
    let ipc = Ipc::new(Options::new("bitcoin-wallet"));
    let mut hello = crate::ipc_server::hello(node.context());
    hello.role = "wallet".to_owned();
    let to = Connect::parse("unix").unwrap();
    let peer = ipc.connect(&to, node.context().config.net_dir(), "node", Some(&hello)).unwrap().unwrap();
    (ipc, peer)
}

fn keeps_its_contract(node: &RunningNode, chain: &dyn Chain) {
    node.mine(110);
    contract::check_chain(chain, &|blocks| node.mine(blocks), &|| spend(node, 1));
}

#[test]
fn the_chain_keeps_its_contract_here() {
    let node = RunningNode::start(&[], WalletSource::None);
    keeps_its_contract(&node, &NodeChain::new(Arc::clone(node.context())));
}

#[test]
fn the_chain_keeps_its_contract_over_a_socket() {
    let node = RunningNode::start(&["-ipcbind=unix"], WalletSource::None);
    let (_ipc, peer) = attach(&node);
    keeps_its_contract(&node, &*peer.init().make_chain().unwrap().unwrap());
    contract::check_node(&*peer.init().make_node().unwrap().unwrap());
    contract::check_echo(&*peer.init().make_echo().unwrap().unwrap());
    let hello = peer.hello().unwrap().clone();
    contract::check_init(&**peer.init(), &hello);
    drop(peer);
}

/// Writes down heights.
#[derive(Default)]
struct Heights(Mutex<Vec<(char, i32)>>);

impl Heights {
    #[expect(clippy::unnecessary_wraps, reason = "the tail of every method here")]
    fn write(&self, what: char, height: i32) -> Call<()> {
        self.0.lock().unwrap().push((what, height));
        Ok(())
    }

    fn read(&self) -> Vec<(char, i32)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl ChainNotifications for Heights {
    fn transaction_added_to_mempool(&self, _: &RawTx) -> Call<()> {
        self.write('a', 0)
    }

    fn transaction_removed_from_mempool(&self, _: &RawTx, _: &str) -> Call<()> {
        self.write('r', 0)
    }

    fn block_connected(&self, block: &ConnectedBlock, _: bool) -> Call<()> {
        self.write('+', block.block.height)
    }

    fn block_disconnected(&self, block: &ConnectedBlock) -> Call<()> {
        self.write('-', block.block.height)
    }

    fn updated_block_tip(&self) -> Call<()> {
        self.write('t', 0)
    }

    fn chain_state_flushed(&self, _: &Locator) -> Call<()> {
        Ok(())
    }
}

impl ScanSink for Heights {
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply> {
        for found in &batch.matches {
            for tx in &found.txs {
                self.write(if tx.index == 0 { 'c' } else { 's' }, found.block.height)?;
            }
        }
        Ok(ScanReply::next())
    }
}

/// Whoever learns of one script by finding another.
struct Learner {
    heights: Arc<Heights>,
    more: Script,
}

impl ScanSink for Learner {
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply> {
        let reply = self.heights.batch(batch)?;
        let first = batch.matches.first().map(|found| found.block.height);
        Ok(first.map_or(reply, |again| ScanReply { go_on: true, scripts: vec![self.more.clone()], again }))
    }
}

#[test]
fn events_of_chain_and_pool_come_in_one_order() {
    let node = RunningNode::start(&[], WalletSource::None);
    let chain = NodeChain::new(Arc::clone(node.context()));
    node.mine(102);
    let heights = Arc::new(Heights::default());
    let handler = chain.handle_notifications(Arc::clone(&heights) as _).unwrap();
    // A block with a transaction that had been in the pool; then it is taken back, and comes again.
    interfaces::ChainBroadcast::broadcast_transaction(&chain, &spend(&node, 1), 20_000, Broadcast::default())
        .unwrap()
        .unwrap();
    node.mine(1);
    let tip = chain.tip().unwrap().unwrap().hash.to_string();
    node.ask("invalidateblock", &format!(r#"["{tip}"]"#)).unwrap();
    node.ask("reconsiderblock", &format!(r#"["{tip}"]"#)).unwrap();
    chain.wait_for_notifications().unwrap();
    let seen: String = heights.read().into_iter().map(|(what, _)| what).filter(|what| *what != 't').collect();
    assert_eq!(seen, "a+-a+");
    // The queue's own test: whoever asks through RPC waits for all subscribers.
    node.mine(3);
    node.ask("syncwithvalidationinterfacequeue", "[]").unwrap();
    assert_eq!(heights.read().iter().filter(|(what, _)| *what == '+').count(), 3);
    handler.disconnect().unwrap();
}

#[test]
fn a_scan_finds_what_pays_and_what_spends() {
    scans(&[]);
}

#[test]
fn a_scan_with_filters_finds_the_same() {
    scans(&["-blockfilterindex=1"]);
}

fn scans(options: &[&str]) {
    let node = RunningNode::start(options, WalletSource::None);
    let chain = NodeChain::new(Arc::clone(node.context()));
    node.mine(101);
    interfaces::ChainBroadcast::broadcast_transaction(&chain, &spend(&node, 1), 20_000, Broadcast::default())
        .unwrap()
        .unwrap();
    node.mine(1);
    let scripts = vec![Script::new(lab::anyone().as_bytes())];
    let request = ScanRequest { start_height: 100, stop_height: -1, scripts, ..ScanRequest::default() };
    let found = Arc::new(Heights::default());
    let last = chain.scan_blocks(&request, Arc::clone(&found) as _).unwrap().unwrap();
    assert_eq!(last.map(|block| block.height), Some(102));
    assert_eq!(found.read(), [('c', 100), ('c', 101), ('c', 102), ('s', 102)]);
    // Nothing but the coin that is spent there is known, and not even whose it was.
    let coin = interfaces::OutPoint { txid: coinbase_of(&node, 1), index: 0 };
    let unspent = interfaces::OutPoint { txid: coinbase_of(&node, 2), index: 0 };
    for strangers in [vec![coin], vec![unspent, coin], vec![coin, unspent]] {
        let request = ScanRequest { start_height: 2, stop_height: 102, strangers, ..ScanRequest::default() };
        chain.scan_blocks(&request, Arc::clone(&found) as _).unwrap().unwrap();
        assert_eq!(found.read(), [('s', 102)]);
    }
    // A coin of one's own, with its script.
    let scripts = vec![Script::new(lab::anyone().as_bytes())];
    let request =
        ScanRequest { start_height: 102, stop_height: -1, scripts, outpoints: vec![coin], ..ScanRequest::default() };
    chain.scan_blocks(&request, Arc::clone(&found) as _).unwrap().unwrap();
    assert_eq!(found.read(), [('c', 102), ('s', 102)]);
    // Scripts that are learned on the way are looked for where they were learned, and after it.
    let request = ScanRequest { start_height: 50, stop_height: -1, strangers: vec![coin], ..ScanRequest::default() };
    let learner = Learner { heights: Arc::clone(&found), more: Script::new(lab::anyone().as_bytes()) };
    let last = chain.scan_blocks(&request, Arc::new(learner)).unwrap().unwrap();
    assert_eq!(last.map(|block| block.height), Some(102));
    assert_eq!(found.read(), [('s', 102), ('c', 102), ('s', 102)]);
    let other = ScanRequest { stop_height: -1, scripts: vec![Script::new(&[0x51])], ..ScanRequest::default() };
    let last = chain.scan_blocks(&other, Arc::clone(&found) as _).unwrap().unwrap();
    assert_eq!((last.map(|block| block.height), found.read()), (Some(102), Vec::new()));
    assert_eq!(chain.has_block_filter_index().unwrap(), !options.is_empty());
    let high = ScanRequest { start_height: 500, stop_height: -1, ..ScanRequest::default() };
    assert_eq!(chain.scan_blocks(&high, found).unwrap().unwrap(), None);
}

/// Whoever answers the first match with something, and notes what comes.
struct Answering {
    heights: Arc<Heights>,
    answer: Mutex<Option<ScanReply>>,
}

impl ScanSink for Answering {
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply> {
        let reply = self.heights.batch(batch)?;
        let answer = if batch.matches.is_empty() { None } else { self.answer.lock().unwrap().take() };
        Ok(answer.unwrap_or(reply))
    }
}

/// Blocks are read while the sink is at work. What it answers holds for them all the same.
#[test]
fn what_a_sink_answers_holds_for_all_later_blocks() {
    let node = RunningNode::start(&[], WalletSource::None);
    let chain = NodeChain::new(Arc::clone(node.context()));
    node.mine(101);
    interfaces::ChainBroadcast::broadcast_transaction(&chain, &spend(&node, 1), 20_000, Broadcast::default())
        .unwrap()
        .unwrap();
    node.mine(6);
    let coin = interfaces::OutPoint { txid: coinbase_of(&node, 1), index: 0 };
    let request = ScanRequest { start_height: 90, stop_height: -1, strangers: vec![coin], ..ScanRequest::default() };
    let heights = Arc::new(Heights::default());
    let scan = |answer: ScanReply| {
        let sink = Answering { heights: Arc::clone(&heights), answer: Mutex::new(Some(answer)) };
        let last = chain.scan_blocks(&request, Arc::new(sink)).unwrap().unwrap();
        (last.map(|block| block.height), heights.read())
    };
    let scripts = vec![Script::new(lab::anyone().as_bytes())];
    // How far the reader is ahead is chance.
    for _ in 0..20 {
        let later = scan(ScanReply { go_on: true, scripts: scripts.clone(), again: i32::MAX });
        let coinbases = (103..=107).map(|height| ('c', height));
        assert_eq!(later, (Some(107), [('s', 102)].into_iter().chain(coinbases.clone()).collect()));
        let again = scan(ScanReply { go_on: true, scripts: scripts.clone(), again: 102 });
        let both = [('s', 102), ('c', 102), ('s', 102)];
        assert_eq!(again, (Some(107), both.into_iter().chain(coinbases).collect()));
        assert_eq!(scan(ScanReply::default()), (Some(102), vec![('s', 102)]));
    }
}

fn coinbase_of(node: &RunningNode, height: u32) -> interfaces::Txid {
    use bitcoin::hashes::Hash;
    let reader = node.context().reader();
    let found = reader.node(reader.at_height(height).unwrap());
    let block = reader.block(&found).unwrap().unwrap();
    interfaces::Txid::from_bytes(block.txs[0].txid().to_byte_array())
}

#[test]
fn hostile_numbers_are_answered() {
    let node = RunningNode::start(&[], WalletSource::None);
    let chain = NodeChain::new(Arc::clone(node.context()));
    node.mine(3);
    let tip = chain.tip().unwrap().unwrap();
    for height in [i32::MIN, -1, 4, i32::MAX] {
        assert!(chain.block_hash(height).unwrap().is_err());
        assert!(!chain.have_block_on_disk(height).unwrap());
        assert_eq!(chain.find_ancestor_by_height(tip.hash, height).unwrap(), None);
        assert!(chain.has_blocks(tip.hash, height, i32::MIN).unwrap());
        assert!(chain.has_blocks(tip.hash, 0, height).unwrap());
    }
    let first = chain.find_first_block_with_time_and_height(i64::MIN, i32::MIN).unwrap().unwrap();
    assert_eq!(first.block.height, 0);
    assert_eq!(chain.find_first_block_with_time_and_height(i64::MAX, 0).unwrap(), None);
    assert_eq!(chain.find_first_block_with_time_and_height(0, i32::MAX).unwrap(), None);
    let nonsense = RawTx::new(&[0xff; 9]);
    assert!(chain.check_chain_limits(&nonsense).unwrap().is_err());
    let outs = [interfaces::OutPoint { txid: interfaces::Txid::default(), index: u32::MAX }];
    assert_eq!(chain.find_coins(&outs).unwrap(), [None]);
    assert_eq!(chain.individual_bump_fees(&outs, i64::MAX).unwrap()[0].fee, 0);
    assert_eq!(chain.individual_bump_fees(&outs, i64::MIN).unwrap()[0].fee, 0);
}

#[test]
fn a_wallet_that_leaves_in_the_middle_costs_nothing() {
    let node = RunningNode::start(&["-ipcbind=unix"], WalletSource::None);
    node.mine(5);
    for _ in 0..10 {
        let (ipc, peer) = attach(&node);
        let chain = peer.init().make_chain().unwrap().unwrap();
        let handler = chain.handle_notifications(Arc::new(Heights::default())).unwrap();
        peer.disconnect();
        drop((handler, chain, peer, ipc));
        node.mine(1);
    }
    node.ask("syncwithvalidationinterfacequeue", "[]").unwrap();
}
