//! A chain that lies: every answer may be anything that its type allows. The wallet signs only what it was asked for, pays
//! no more than its owner allows, tells no secret, and does not panic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::rpc::Json;
use bitcoin::consensus::encode::{deserialize, deserialize_partial, serialize};
use bitcoin::hashes::Hash;
use bitcoin::hex::FromHex;
use bitcoin::{Address, Amount, Block, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use fakes::FakeChain;
use interfaces::{ChainNotifications, ChainTip as _, ConnectedBlock, RawBlock, RawTx, WalletLoader};
use platform::{MockableClock, SystemClock};
use proptest::prelude::*;

use super::hostile_chain::{Hostile, Lies};
use super::{call, config};
use crate::process;

/// What a transaction may pay at most (`-maxtxfee`).
const MAX_FEE: u64 = 10_000_000;
const STRANGER: &str = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85";

struct Story {
    loader: Arc<dyn WalletLoader>,
    chain: Arc<Hostile>,
    lies: Lies,
    /// Every output that the story knows of, by its place.
    outputs: BTreeMap<OutPoint, TxOut>,
    /// The transactions that others made. The wallet may hand them on.
    foreign: BTreeSet<Txid>,
    mine: Vec<(String, ScriptBuf)>,
    stranger: ScriptBuf,
    /// What the owner wanted to be paid.
    asked: Vec<u64>,
    secret: String,
    judged: usize,
    height: i32,
}

impl Story {
    fn begin(dir: &std::path::Path, seed: u64) -> Self {
        let chain = Arc::new(Hostile::new(FakeChain::default(), seed));
        let clock = Arc::new(MockableClock::new(SystemClock::new()));
        // A lie about the last block makes the file look like another chain's; its owner can say that it is not.
        let options = ["-unsafesqlitesync", "-fallbackfee=0.0001", "-walletcrosschain"];
        let loader = process::wallets(config(dir, &options), clock, Arc::clone(&chain) as _).unwrap();
        call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
        let mine = (0..3).map(|_| {
            let address = call(&*loader, "w", "getnewaddress", "[]").unwrap().as_str().unwrap().to_owned();
            let script = address.parse::<Address<_>>().unwrap().assume_checked().script_pubkey();
            (address, script)
        });
        let mine = mine.collect();
        let keys = call(&*loader, "w", "listdescriptors", "[true]").unwrap();
        let text = keys.get("descriptors").at(0).get("desc").as_str().unwrap().to_owned();
        let secret = text.split(['(', '/']).find(|part| part.starts_with("tprv")).unwrap().to_owned();
        let stranger = STRANGER.parse::<Address<_>>().unwrap().assume_checked().script_pubkey();
        let lies = Lies::new(seed ^ 0x5eed);
        let (outputs, foreign, asked) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { loader, chain, lies, outputs, foreign, mine, stranger, asked, secret, judged: 0, height: 0 }
    }

    fn learn(&mut self, tx: &Transaction) {
        self.foreign.insert(tx.compute_txid());
        self.learn_outputs(tx);
    }

    fn learn_outputs(&mut self, tx: &Transaction) {
        let txid = tx.compute_txid();
        for (vout, output) in (0_u32..).zip(&tx.output) {
            self.outputs.insert(OutPoint { txid, vout }, output.clone());
        }
    }

    fn payment(&mut self) -> Transaction {
        let number = self.lies.next();
        let mut id = [3; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        let script = self.mine[usize::try_from(number % 3).unwrap()].1.clone();
        Transaction {
            version: bitcoin::transaction::Version(2),
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint { txid: Txid::from_byte_array(id), vout: 0 },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: vec![TxOut { value: Amount::from_sat(10_000_000 + number % 90_000_000), script_pubkey: script }],
        }
    }

    fn each_watcher(&self, tell: impl Fn(&dyn ChainNotifications)) {
        for watcher in self.chain.watchers() {
            tell(&*watcher);
        }
    }

    /// A block, which may be anywhere.
    fn block(&mut self, txs: Vec<Transaction>, honest: bool) -> ConnectedBlock {
        let mut block: Block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
        block.txdata = txs;
        block.header.nonce = u32::try_from(self.lies.next() % 1_000_000).unwrap();
        let height = if honest { self.height + 1 } else { self.lies.int() };
        let hash = interfaces::BlockHash(block.block_hash().to_byte_array());
        let data = if honest { serialize(&block) } else { self.lies.spoil(serialize(&block)) };
        // What is spoiled may still be a block, with something else in it.
        if let Ok((block, _)) = deserialize_partial::<Block>(&data) {
            for tx in &block.txdata {
                self.learn(tx);
            }
        }
        ConnectedBlock {
            block: interfaces::BlockRef { hash, height },
            prev: interfaces::BlockHash(self.lies.hash()),
            max_time: if honest { i64::MAX / 2 } else { self.lies.long() },
            data: RawBlock::new(&data),
        }
    }

    fn step(&mut self) {
        match self.lies.next() % 8 {
            0 | 1 => {
                let tx = self.payment();
                self.learn(&tx);
                let block = self.block(vec![tx], true);
                self.height += 1;
                self.each_watcher(|watcher| drop(watcher.block_connected(&block, false)));
            }
            2 => {
                let txs = vec![self.payment()];
                for tx in &txs {
                    self.learn(tx);
                }
                let block = self.block(txs, false);
                let connects = self.lies.yes();
                self.each_watcher(|watcher| {
                    drop(if connects {
                        watcher.block_connected(&block, false)
                    } else {
                        watcher.block_disconnected(&block)
                    });
                    drop(watcher.updated_block_tip());
                });
            }
            3 => {
                let tx = self.payment();
                self.learn(&tx);
                let bytes = if self.lies.yes() { serialize(&tx) } else { self.lies.spoil(serialize(&tx)) };
                if let Ok((tx, _)) = deserialize_partial::<Transaction>(&bytes) {
                    self.learn(&tx);
                }
                let (raw, gone) = (RawTx::new(&bytes), self.lies.yes());
                self.each_watcher(|watcher| {
                    drop(watcher.transaction_added_to_mempool(&raw));
                    if gone {
                        drop(watcher.transaction_removed_from_mempool(&raw, "conflict"));
                    }
                });
            }
            _ => self.ask(),
        }
        self.judge();
    }

    fn ask(&mut self) {
        let amount = 1_000 + self.lies.next() % 20_000_000;
        let coins = format!("{}.{:08}", amount / 100_000_000, amount % 100_000_000);
        let sent = self.chain.sent().pop().and_then(|raw| deserialize::<Transaction>(raw.as_bytes()).ok());
        let txid = sent.map_or_else(|| "00".repeat(32), |tx| tx.compute_txid().to_string());
        let pays = |params: String| (params, Some(amount));
        let (method, (params, asked)) = match self.lies.next() % 20 {
            0..=4 => ("sendtoaddress", pays(format!(r#"["{STRANGER}", {coins}]"#))),
            5 => ("sendmany", pays(format!(r#"["", {{"{STRANGER}": {coins}}}]"#))),
            6 => ("send", pays(format!(r#"[{{"{STRANGER}": {coins}}}]"#))),
            7 | 8 => ("bumpfee", (format!(r#"["{txid}"]"#), None)),
            9 => ("getbalances", ("[]".to_owned(), None)),
            10 => ("listtransactions", (r#"["*", 100]"#.to_owned(), None)),
            11 => ("listunspent", ("[0]".to_owned(), None)),
            12 => ("rescanblockchain", (format!("[{}]", self.lies.next() % 3), None)),
            13 => ("listsinceblock", (format!(r#"["{txid}"]"#), None)),
            14 => ("gettransaction", (format!(r#"["{txid}", true, true]"#), None)),
            15 => ("getwalletinfo", ("[]".to_owned(), None)),
            16 => ("abandontransaction", (format!(r#"["{txid}"]"#), None)),
            17 => ("walletcreatefundedpsbt", (format!(r#"[[], [{{"{STRANGER}": {coins}}}]]"#), None)),
            18 => ("unloadwallet", ("[]".to_owned(), None)),
            _ => ("getaddressinfo", (format!(r#"["{}"]"#, self.mine[0].0), None)),
        };
        self.asked.extend(asked);
        let answer = call(&*self.loader, "w", method, &params);
        let text = answer.as_ref().map_or_else(Clone::clone, Json::write);
        assert!(!text.contains("panicked"), "{method} {params}: {text}");
        assert!(!text.contains(&self.secret), "{method} tells a secret");
        if method == "unloadwallet" {
            self.chain.lie(false);
            let again = call(&*self.loader, "", "loadwallet", r#"["w"]"#);
            assert!(again.is_ok() || answer.is_err(), "{again:?}");
            self.chain.lie(true);
        }
    }

    /// Looks at everything that was sent since.
    fn judge(&mut self) {
        assert!(!self.chain.told().contains(&self.secret), "the node was told a secret");
        let sent = self.chain.sent();
        for raw in &sent[self.judged..] {
            let tx: Transaction = deserialize(raw.as_bytes()).unwrap();
            if self.foreign.contains(&tx.compute_txid()) {
                continue;
            }
            self.learn_outputs(&tx);
            let paid: Vec<&TxOut> = tx.output.iter().filter(|output| output.script_pubkey == self.stranger).collect();
            let others = tx.output.iter().filter(|output| output.script_pubkey != self.stranger);
            assert!(paid.len() <= 1 && tx.output.len() <= 2, "more outputs than were asked for");
            if let [paid] = paid.as_slice() {
                assert!(self.asked.contains(&paid.value.to_sat()), "nobody asked for {}", paid.value);
            }
            for output in others {
                let known =
                    self.mine.iter().any(|(_, script)| *script == output.script_pubkey) || self.is_change(output);
                assert!(known, "it pays somebody else: {output:?}");
            }
            for input in &tx.input {
                self.look_up(&input.previous_output);
            }
            let value = |at: &OutPoint| self.outputs.get(at).expect("it spends what it was paid").value.to_sat();
            let inputs: u64 = tx.input.iter().map(|input| value(&input.previous_output)).sum();
            let outputs: u64 = tx.output.iter().map(|output| output.value.to_sat()).sum();
            assert!(inputs >= outputs && inputs - outputs <= MAX_FEE, "it pays {inputs} - {outputs} as a fee");
        }
        self.judged = sent.len();
    }

    /// Learns what the wallet itself says of a coin, unless the story knows it. The id vouches for it.
    fn look_up(&mut self, at: &OutPoint) {
        if self.outputs.contains_key(at) {
            return;
        }
        let lying = self.chain.lie(false);
        let known = call(&*self.loader, "w", "gettransaction", &format!(r#"["{}"]"#, at.txid));
        self.chain.lie(lying);
        let bytes = Vec::<u8>::from_hex(known.unwrap().get("hex").as_str().unwrap()).unwrap();
        let tx: Transaction = deserialize(&bytes).unwrap();
        assert_eq!(tx.compute_txid(), at.txid);
        let output = &tx.output[usize::try_from(at.vout).unwrap()];
        assert!(self.is_change(output) || self.mine.iter().any(|(_, script)| *script == output.script_pubkey));
        self.learn_outputs(&tx);
    }

    fn is_change(&self, output: &TxOut) -> bool {
        let address = Address::from_script(&output.script_pubkey, bitcoin::Network::Regtest).unwrap();
        let lying = self.chain.lie(false);
        let info = call(&*self.loader, "w", "getaddressinfo", &format!(r#"["{address}"]"#));
        self.chain.lie(lying);
        info.is_ok_and(|info| info.get("ismine").is_true())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_that_lies_gets_nothing(seed: u64, steps in 10_usize..40) {
        let dir = tempfile::tempdir().unwrap();
        let mut story = Story::begin(dir.path(), seed);
        for _ in 0..3 {
            let tx = story.payment();
            story.learn(&tx);
            let block = story.block(vec![tx], true);
            story.height += 1;
            story.each_watcher(|watcher| drop(watcher.block_connected(&block, false)));
        }
        story.chain.lie(true);
        for _ in 0..steps {
            story.step();
        }
        story.chain.lie(false);
        story.loader.stop().unwrap();
    }
}

/// The story itself is sound: an honest chain gets the payment.
#[test]
fn a_chain_that_does_not_lie_gets_what_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut story = Story::begin(dir.path(), 1);
    let tx = story.payment();
    story.learn(&tx);
    let block = story.block(vec![tx], true);
    story.each_watcher(|watcher| watcher.block_connected(&block, false).unwrap());
    story.asked.push(5_000_000);
    let txid = call(&*story.loader, "w", "sendtoaddress", &format!(r#"["{STRANGER}", 0.05]"#)).unwrap();
    let sent = story.chain.sent();
    let tx: Transaction = deserialize(sent[0].as_bytes()).unwrap();
    assert_eq!(txid.as_str(), Ok(tx.compute_txid().to_string().as_str()));
    story.judge();
    assert_eq!((story.judged, story.chain.tip().unwrap().is_some()), (1, true));
    story.loader.stop().unwrap();
}
