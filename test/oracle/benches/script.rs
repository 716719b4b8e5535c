//! How long signatures take: ours and the kernel's, on the same inputs, in turn.
//!
//! For each kind of input there is a single spend and a block of four million weight units full of such spends. The block
//! is read from its bytes, checked by itself, and all its scripts are run; coins are given. The kernel's half is the same:
//! read, check, and each input with what its transaction shares. Nothing is remembered from one round to the next.
//!
//! One thread is measured by the time that the processor gave it, so that a busy machine disturbs both engines little. What
//! a second thread gains is a matter of the clock on the wall, and can be seen on an idle machine only. Beside it stands
//! what the machine can give: how much sooner two blocks are done by two threads that share nothing than by one.
//!
//! Instructions are counted by callgrind if it is here: this program runs itself under it once for each figure.

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Transaction, Txid};
use bitcoinkernel::prelude::*;
use bitcoinkernel::{
    BLOCK_CHECK_BASE, BLOCK_CHECK_MERKLE, BlockCheckResult, ChainParams, ChainType, PrecomputedTransactionData,
    ScriptPubkey, TxOut, VERIFY_ALL, verify,
};
use consensus::{BlockChecks, Rules, Scope, ScriptCheck, ScriptQueue};
use cpu_time::ThreadTime;
use oracle::build::{amount, spend};
use oracle::kernel::Kernel;
use oracle::kinds::{self, Kind};
use oracle::ours::Chain;
use primitives::{Block, Codec, Header, Tx, TxOutEntry, WitnessMode};
use script::Flags;

const KINDS: [(&str, Kind); 4] = [
    ("P2WPKH", Kind::Wpkh),
    ("P2TR key path", Kind::TrKey),
    ("P2TR script path", Kind::TrScript),
    ("P2WSH 2 of 3", Kind::WshMulti),
];

/// Single spends in a round.
const SPENDS: usize = 400;

/// Rounds; the middle one counts.
const ROUNDS: usize = 7;

/// What blocks on the main chain are run with now.
const FLAGS: Flags = Flags::P2SH
    .with(Flags::DERSIG)
    .with(Flags::NULLDUMMY)
    .with(Flags::CHECKLOCKTIMEVERIFY)
    .with(Flags::CHECKSEQUENCEVERIFY)
    .with(Flags::WITNESS)
    .with(Flags::TAPROOT);

/// Transactions with what they spend, for both engines.
struct Work {
    block: Vec<u8>,
    ours: Vec<(Arc<Tx>, Arc<Vec<TxOutEntry>>)>,
    theirs: Vec<(bitcoinkernel::Transaction, Vec<TxOut>)>,
}

impl Work {
    /// As many transactions of two inputs as a block holds, or `most`.
    fn new(kind: Kind, most: usize) -> Self {
        let value = 10_000;
        let output = bitcoin::TxOut { value: amount(value), script_pubkey: kind.script() };
        let spent = vec![output.clone(), output.clone()];
        let coinbase = Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input: vec![bitcoin::TxIn {
                script_sig: bitcoin::ScriptBuf::from_bytes(vec![1, 1, 1]),
                ..spend(OutPoint::null())
            }],
            output: vec![output.clone()],
        };
        let mut weight = 4_000;
        let mut txs = vec![coinbase.clone()];
        for number in 0_u64.. {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_le_bytes());
            let outpoint = |vout| OutPoint { txid: Txid::from_byte_array(id), vout };
            let mut tx = Transaction {
                input: vec![spend(outpoint(0)), spend(outpoint(1))],
                output: vec![output.clone(), output.clone()],
                ..coinbase.clone()
            };
            kinds::sign(&mut tx, 0, &spent);
            kinds::sign(&mut tx, 1, &spent);
            weight += tx.weight().to_wu();
            if weight > 4_000_000 || txs.len() > most {
                break;
            }
            txs.push(tx);
        }
        let wrapped: Vec<Arc<Tx>> = txs.into_iter().map(|tx| Arc::new(Tx::new(tx, None))).collect();
        let mut block = Block { header: Header::new(header()), txs: wrapped.clone(), tail: None };
        let mut raw = *block.header.raw();
        raw.merkle_root = block.merkle_root().0;
        block.header = Header::new(raw);
        let script = ScriptPubkey::new(output.script_pubkey.as_bytes()).expect("any bytes are a script");
        let coins = Arc::new(vec![TxOutEntry::new(output, 1, false, None); 2]);
        let theirs = |tx: &Arc<Tx>| {
            let tx = bitcoinkernel::Transaction::new(&tx.to_bytes(WitnessMode::Include)).expect("a transaction");
            (tx, vec![TxOut::new(&script, value), TxOut::new(&script, value)])
        };
        Self {
            block: block.to_bytes(WitnessMode::Include),
            theirs: wrapped.iter().skip(1).map(theirs).collect(),
            ours: wrapped.into_iter().skip(1).map(|tx| (tx, Arc::clone(&coins))).collect(),
        }
    }
}

fn header() -> bitcoin::block::Header {
    bitcoin::block::Header {
        version: bitcoin::block::Version::TWO,
        prev_blockhash: bitcoin::BlockHash::all_zeros(),
        merkle_root: bitcoin::TxMerkleNode::all_zeros(),
        time: 0,
        bits: bitcoin::CompactTarget::from_consensus(0x207f_ffff),
        nonce: 0,
    }
}

/// The scripts of all transactions, on this thread and `more` others.
#[inline(never)]
fn scripts_of_ours(checks: Vec<ScriptCheck>, more: usize) {
    let queue = ScriptQueue::new(checks);
    let run = |check: &ScriptCheck| check.run(None);
    std::thread::scope(|scope| {
        for _ in 0..more {
            scope.spawn(|| queue.work(run));
        }
        queue.work(run);
    });
    queue.finish(run).expect("good signatures");
}

fn checks(rules: &dyn Rules, work: &[(Arc<Tx>, Arc<Vec<TxOutEntry>>)]) -> Vec<ScriptCheck> {
    work.iter().map(|(tx, spent)| ScriptCheck::whole(tx, spent, FLAGS, rules.dialect())).collect()
}

#[inline(never)]
fn block_of_ours(rules: &dyn Rules, bytes: &[u8], coins: &[(Arc<Tx>, Arc<Vec<TxOutEntry>>)], more: usize) {
    let block = Codec::BITCOIN.decode_block(bytes).expect("a block");
    let scope = Scope { pow: false, merkle_root: true };
    rules.check_block(&block, scope, &mut BlockChecks::default()).expect("a good block");
    let checks: Vec<ScriptCheck> = block.txs[1..]
        .iter()
        .zip(coins)
        .map(|(tx, (_, spent))| ScriptCheck::whole(tx, spent, FLAGS, rules.dialect()))
        .collect();
    scripts_of_ours(checks, more);
    black_box(block);
}

fn scripts_of_theirs_in(tx: &impl TransactionExt, outputs: &[TxOut]) {
    let shared = PrecomputedTransactionData::new(tx, outputs).expect("as many outputs as inputs");
    for (index, output) in outputs.iter().enumerate() {
        verify(&output.script_pubkey(), Some(output.value()), tx, index, Some(VERIFY_ALL), &shared)
            .expect("a good signature");
    }
}

#[inline(never)]
fn scripts_of_theirs(work: &[(bitcoinkernel::Transaction, Vec<TxOut>)]) {
    for (tx, outputs) in work {
        scripts_of_theirs_in(tx, outputs);
    }
}

#[inline(never)]
fn block_of_theirs(params: &ChainParams, work: &Work) {
    let block = bitcoinkernel::Block::new(&work.block).expect("a block");
    let checked = block.check(params, BLOCK_CHECK_BASE | BLOCK_CHECK_MERKLE);
    assert!(matches!(checked, BlockCheckResult::Valid), "a good block");
    for (index, (_, outputs)) in work.theirs.iter().enumerate() {
        scripts_of_theirs_in(&block.transaction(index + 1).expect("a transaction"), outputs);
    }
    black_box(block);
}

/// How long the processor works for this thread.
fn effort(work: impl FnOnce()) -> f64 {
    let start = ThreadTime::now();
    work();
    start.elapsed().as_secs_f64()
}

/// How long somebody waits.
fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The engines of one kind of input, timed in turn.
fn time(name: &str, kind: Kind, rules: &dyn Rules, params: &ChainParams) {
    let single = Work::new(kind, SPENDS);
    let full = Work::new(kind, usize::MAX);
    let single_checks = checks(rules, &single.ours);
    let inputs = f64::from(u32::try_from(single.ours.len() * 2).expect("few inputs"));
    let own_block = |more| block_of_ours(rules, &full.block, &full.ours, more);
    let mut rounds: [Vec<f64>; 10] = Default::default();
    for round in 0..ROUNDS {
        let (mut ours, mut theirs, mut block, mut their_block) = (0.0, 0.0, 0.0, 0.0);
        let mut own = || {
            let checks = single_checks.clone();
            ours = effort(|| scripts_of_ours(checks, 0));
            block = effort(|| own_block(0));
        };
        let mut other = || {
            theirs = effort(|| scripts_of_theirs(&single.theirs));
            their_block = effort(|| block_of_theirs(params, &full));
        };
        if round % 2 == 0 {
            own();
            other();
        } else {
            other();
            own();
        }
        // The same work by one thread and by two, and twice the work by two that share nothing, next to one another.
        let one = seconds(|| own_block(0));
        let two = seconds(|| own_block(1));
        let both = seconds(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| own_block(0));
                own_block(0);
            });
        });
        for (figures, figure) in rounds.iter_mut().zip([
            ours / inputs * 1e6,
            theirs / inputs * 1e6,
            ours / theirs,
            block * 1e3,
            their_block * 1e3,
            block / their_block,
            two * 1e3,
            one / two,
            2.0 * one / both,
            both / 2.0 / two,
        ]) {
            figures.push(figure);
        }
    }
    let [ours, theirs, ratio, block, their_block, block_ratio, two, gain, machine, share] = rounds.map(median);
    println!(
        "{name:17} {ours:7.2} {theirs:7.2} {ratio:6.3} {inputs:8} {block:8.1} {their_block:8.1} {block_ratio:6.3} \
         {two:8.1} {gain:6.2} {machine:8.2} {share:6.3}",
        inputs = full.ours.len() * 2,
    );
}

/// Instructions of one engine on one kind; `None` if callgrind is not here or cannot run this.
fn instructions(kind: &str, engine: &str) -> Option<u64> {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*scripts_of_{engine}"))
        .arg(std::env::current_exe().ok()?)
        .args(["--count", kind, engine])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let collected = text.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()?;
    (out.status.success() && collected > 0).then_some(collected)
}

/// The half of [`instructions`] that runs under callgrind.
fn count(kind: &str, engine: &str, rules: &dyn Rules) {
    let kind = KINDS.iter().find(|(name, _)| *name == kind).expect("a kind of this name").1;
    let work = Work::new(kind, 20);
    match engine {
        "ours" => scripts_of_ours(checks(rules, &work.ours), 0),
        _ => scripts_of_theirs(&work.theirs),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let chain = Chain::regtest();
    // Starting the kernel makes it look for the processor's hash instructions.
    let kernel = Kernel::regtest();
    let params = ChainParams::new(ChainType::Regtest);
    if let [_, flag, kind, engine] = &words[..]
        && flag == "--count"
    {
        return count(kind, engine, chain.rules());
    }
    println!("                  one input, µs          block of 4 MWU, ms                  two threads");
    println!(
        "                     ours  kernel  ratio   inputs     ours   kernel  ratio     ours   gain  machine  share"
    );
    for (name, kind) in KINDS {
        time(name, kind, chain.rules(), &params);
    }
    println!();
    println!("instructions for an input, by callgrind, which hides hash instructions from both");
    for (name, _) in KINDS {
        match (instructions(name, "ours"), instructions(name, "theirs")) {
            (Some(ours), Some(theirs)) => {
                let (ours, theirs) = (ours / 40, theirs / 40);
                println!("{name:17} {ours:9} {theirs:9} {:6.3}", ratio(ours, theirs));
            }
            _ => println!("{name:17} not counted: valgrind is not here"),
        }
    }
    drop(kernel);
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of small counts")]
fn ratio(ours: u64, theirs: u64) -> f64 {
    ours as f64 / theirs as f64
}
