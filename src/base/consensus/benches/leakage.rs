//! What Bitcoin's blocks pay for the rules of the other coins: `cargo bench -p consensus --bench leakage`.
//!
//! The same block is connected in two ways in turn. One goes through `dyn Rules`, as the node does, so that every hook
//! that only another coin uses is a call. The other is compiled for rules that are Bitcoin's and nothing else: the
//! compiler sees that the hooks do nothing, and leaves them out.
//!
//! First with scripts, one core, no cache of signatures: what connecting a block costs. Then without them: the same
//! nanoseconds beside almost nothing. What is printed is the median over all pairs of how much longer the first way takes,
//! and the middle half of the pairs; the order within a pair changes from one to the next.
//!
//! With `--once` each way is gone once. That is for a tool that counts instructions, which tells the two kinds of `connect`
//! apart: `valgrind --tool=callgrind` on the bench's executable, whatever else the machine does meanwhile.

#![expect(clippy::print_stdout, reason = "what a bench finds is told on standard output")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bitcoin::absolute::LockTime;
use bitcoin::ecdsa::Signature;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{All, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, PublicKey, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut,
    Txid, Witness,
};
use coin::ChainKind;
use consensus::{
    ChainParams, CoinView, Connecting, HeaderVec, MemoryCache, Rules, ScriptCheck, height_script, rules_for,
};
use primitives::{Block, CoinTail, Header, Tx, TxOutEntry};

/// Transactions in the block, like those of a full one.
const TRANSACTIONS: u32 = 2500;
/// Blocks below it.
const HEIGHT: u32 = 1000;
/// What each coin that is spent is worth.
const VALUE: Amount = Amount::from_sat(100_000);

/// Bitcoin's rules, and no way to others.
#[derive(Debug)]
struct Plain(ChainParams);

impl Rules for Plain {
    fn params(&self) -> &ChainParams {
        &self.0
    }
}

struct Coins(HashMap<OutPoint, TxOutEntry>);

impl CoinView for Coins {
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry> {
        self.0.get(outpoint).cloned()
    }
}

fn outpoint(number: u32) -> OutPoint {
    let mut txid = [7; 32];
    txid[..4].copy_from_slice(&number.to_le_bytes());
    OutPoint { txid: Txid::from_byte_array(txid), vout: number % 3 }
}

fn input(number: u32) -> TxIn {
    TxIn {
        previous_output: outpoint(number),
        script_sig: ScriptBuf::new(),
        sequence: Sequence(10),
        witness: Witness::new(),
    }
}

/// Somebody who is paid by key hash, and signs.
struct Payer {
    secp: Secp256k1<All>,
    key: SecretKey,
    public: PublicKey,
    script: ScriptBuf,
}

impl Payer {
    fn new() -> Self {
        let secp = Secp256k1::new();
        let key = SecretKey::from_slice(&[7; 32]).expect("a number below the order of the curve");
        let public = PublicKey::new(key.public_key(&secp));
        let hash = public.wpubkey_hash().expect("the key is compressed");
        Self { secp, key, public, script: ScriptBuf::new_p2wpkh(&hash) }
    }

    fn output(&self, value: Amount) -> TxOut {
        TxOut { value, script_pubkey: self.script.clone() }
    }

    fn sign(&self, tx: &mut Transaction) {
        let inputs = tx.input.len();
        let mut cache = SighashCache::new(&*tx);
        let sign = |at| {
            let hash = cache.p2wpkh_signature_hash(at, &self.script, VALUE, EcdsaSighashType::All);
            let message = Message::from_digest(hash.expect("the input exists").to_byte_array());
            let signature = self.secp.sign_ecdsa(&message, &self.key);
            Witness::p2wpkh(&Signature { signature, sighash_type: EcdsaSighashType::All }, &self.public.inner)
        };
        let witnesses: Vec<Witness> = (0..inputs).map(sign).collect();
        for (input, witness) in tx.input.iter_mut().zip(witnesses) {
            input.witness = witness;
        }
    }
}

/// A branch, the coins on it, and a block that spends some: one to three inputs and two outputs a transaction.
fn scene(params: &ChainParams) -> (HeaderVec, Coins, Block) {
    let genesis = &params.chain().genesis;
    let mut branch = HeaderVec::new(params.genesis_hash(), genesis.version, genesis.time, genesis.bits);
    for height in 1..=HEIGHT {
        let mut hash = [9; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        branch.push(BlockHash::from_byte_array(hash), 0x2000_0000, genesis.time + 600 * height, genesis.bits);
    }
    let payer = Payer::new();
    let mut coins = HashMap::new();
    let mut next = 0;
    let transactions = (0..TRANSACTIONS).map(|number| {
        let spent = next..next + 1 + number % 3;
        next = spent.end;
        for coin in spent.clone() {
            coins.insert(outpoint(coin), TxOutEntry::new(payer.output(VALUE), HEIGHT - 50, false, None));
        }
        let mut tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: spent.map(input).collect(),
            output: vec![payer.output(Amount::from_sat(40_000)), payer.output(Amount::from_sat(50_000))],
        };
        payer.sign(&mut tx);
        tx
    });
    let transactions: Vec<Transaction> = transactions.collect();
    let coinbase = Transaction {
        version: Version::ONE,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes([height_script(HEIGHT + 1), vec![0]].concat()),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![payer.output(Amount::from_sat(1000))],
    };
    let txs = std::iter::once(coinbase).chain(transactions).map(|inner| Arc::new(Tx::new(inner, None))).collect();
    let header = Header::new(bitcoin::block::Header {
        version: bitcoin::block::Version::from_consensus(0x2000_0000),
        prev_blockhash: BlockHash::all_zeros(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: genesis.time + 600 * (HEIGHT + 1),
        bits: CompactTarget::from_consensus(genesis.bits),
        nonce: 0,
    });
    (branch, Coins(coins), Block { header, txs, tail: None })
}

/// Connects the block, with its scripts or without, and tells its fees.
#[inline(never)]
fn connect<R: Rules + ?Sized>(rules: &R, branch: &HeaderVec, coins: &Coins, block: &Block, scripts: bool) -> i64 {
    let cache = MemoryCache::default();
    let mut connecting = Connecting::start(rules, block, branch, coins, &cache).expect("the block is valid");
    for tx in &block.txs {
        let spent = Arc::new(black_box(connecting.spend(tx, coins).expect("the transaction is valid")));
        if scripts {
            let check = ScriptCheck::whole(tx, &spent, connecting.flags(), rules.dialect());
            check.run(None).expect("the signatures are right");
        }
    }
    connecting.finish(&block.txs[0]).expect("the coinbase pays little")
}

fn timed(times: u32, work: &dyn Fn() -> i64) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        black_box(work());
    }
    start.elapsed()
}

/// Runs both ways in turn, and prints what the first takes more.
fn compare(what: &str, pairs: usize, times: u32, through: &dyn Fn() -> i64, direct: &dyn Fn() -> i64) {
    assert_eq!(through(), direct(), "both ways come to the same fees");
    let (mut ratios, mut fastest) = (Vec::with_capacity(pairs), [Duration::MAX; 2]);
    for pair in 0..pairs {
        let (with, without) = if pair % 2 == 0 {
            let with = timed(times, through);
            (with, timed(times, direct))
        } else {
            let without = timed(times, direct);
            (timed(times, through), without)
        };
        ratios.push(with.as_secs_f64() / without.as_secs_f64());
        fastest = [fastest[0].min(with), fastest[1].min(without)];
    }
    ratios.sort_by(f64::total_cmp);
    let percent = |part: usize| (ratios[pairs * part / 4] - 1.0) * 100.0;
    let [with, without] = fastest.map(|time| (time / times / TRANSACTIONS).as_nanos());
    println!(
        "{what}: the hooks take {:+.2} % (middle half of {pairs} pairs {:+.2} to {:+.2} %); fastest, a transaction: {with} ns \
         with them, {without} ns without",
        percent(2),
        percent(1),
        percent(3),
    );
}

fn main() {
    let coin = coin::by_id("bitcoin").expect("the first of the coins");
    let params = ChainParams::new(coin, coin.chain(ChainKind::Regtest).expect("every coin has one"));
    let (branch, coins, block) = scene(&params);
    let shared = rules_for(params.clone()).expect("they are implemented");
    let plain = Plain(params);
    let once = std::env::args().any(|word| word == "--once");
    for (what, scripts, pairs, times) in [("with scripts", true, 15, 1), ("without scripts", false, 401, 2)] {
        let (pairs, times) = if once { (1, 1) } else { (pairs, times) };
        let through = || connect(black_box(&*shared), &branch, &coins, &block, scripts);
        let direct = || connect(black_box(&plain), &branch, &coins, &block, scripts);
        compare(what, pairs, times, &through, &direct);
    }
    println!(
        "a coin in memory: {} bytes, of which {} for other coins' tails; the cache keeps coins encoded, without tails",
        size_of::<TxOutEntry>(),
        size_of::<CoinTail>()
    );
}
