//! Indexes against what a walk over the chain itself finds.

use std::{path::Path, time::Duration};

use bitcoin::{BlockHash, OutPoint};
use chainstate::{FlushMode, HashKind};
use lab::{Lab, out, spend};
use platform::{Clock, SystemClock, SystemEntropy};
use primitives::{BlockUndo, TxOutEntry, TxUndo};
use store::KvOptions;
use tempfile::TempDir;

use crate::{
    BlockFilter, CoinStatsIndex, FilterIndex, Follower, IndexError, SpenderIndex, TxIndex, filter_header, start,
};

const LIMIT: Duration = Duration::from_secs(20);
const OPTIONS: KvOptions = KvOptions { cache_bytes: 2 << 20, wipe: false, compact: false };

/// All indexes of one chain, at work.
struct Library {
    txs: TxIndex,
    spenders: SpenderIndex,
    filters: FilterIndex,
    stats: CoinStatsIndex,
    followers: Vec<Follower>,
}

impl Library {
    fn open(dir: &Path, lab: &Lab) -> Result<Self, IndexError> {
        let txs = TxIndex::open(&dir.join("txs"), OPTIONS)?;
        let spenders = SpenderIndex::open(&dir.join("spenders"), OPTIONS, &SystemEntropy)?;
        let filters = FilterIndex::open(&dir.join("filters"), OPTIONS)?;
        let stats = CoinStatsIndex::open(&dir.join("stats"), OPTIONS, lab.rules())?;
        let failed = |reason: String| panic!("{reason}");
        let followers = vec![
            start(txs.clone(), lab.reader(), lab.clock(), failed)?,
            start(spenders.clone(), lab.reader(), lab.clock(), failed)?,
            start(filters.clone(), lab.reader(), lab.clock(), failed)?,
            start(stats.clone(), lab.reader(), lab.clock(), failed)?,
        ];
        Ok(Self { txs, spenders, filters, stats, followers })
    }

    /// Waits until all have seen the tip.
    fn settle(&self, lab: &Lab) {
        let clock = SystemClock::new();
        for follower in &self.followers {
            // A follower that has not caught up yet does not wait; it tells.
            let end = clock.monotonic() + LIMIT;
            while !follower.wait_for(&lab.reader(), LIMIT) {
                assert!(clock.monotonic() < end, "{:?} never came to {}", follower.status(), lab.tip());
                std::thread::yield_now();
            }
        }
    }
}

/// Everything that the indexes say about the active chain is what the chain says.
fn check(lab: &mut Lab, library: &Library) {
    library.settle(lab);
    let reader = lab.reader();
    let mut header = [0; 32];
    for height in 0..=lab.height() {
        let node = reader.node(reader.at_height(height).unwrap());
        let block = reader.block(&node).unwrap().unwrap();
        let undo = reader.undo(&node).transpose().unwrap();
        for tx in &block.txs {
            let found = library.txs.find(&reader, tx.txid()).unwrap();
            match height {
                0 => assert!(found.is_none()),
                _ => assert_eq!(found.map(|f| (f.block, f.tx.wtxid())), Some((node.hash, tx.wtxid()))),
            }
            for input in tx.inputs().iter().filter(|_| !tx.is_coinbase()) {
                let spender = library.spenders.find(&reader, &input.previous_output).unwrap().unwrap();
                assert_eq!((spender.block, spender.tx.txid()), (node.hash, tx.txid()));
            }
        }
        let record = library.filters.find(height, &node.hash).unwrap().unwrap();
        header = filter_header(&record.filter.hash(), &header);
        assert_eq!(record.header, header);
        assert_eq!(record.filter, BlockFilter::basic(node.hash, &block, undo.as_ref()));
    }
    let at = lab.engine().flush_for_cursor().unwrap().unwrap();
    let counted = reader.coin_stats(at, HashKind::MuHash, || {}, || true).unwrap().unwrap();
    let kept = library.stats.find(at.1, &at.0).unwrap().unwrap();
    assert_eq!(Some(kept.muhash), counted.digest);
    assert_eq!((kept.outputs, kept.bogo_size), (counted.outputs, counted.bogo_size));
    assert_eq!(u64::try_from(kept.amount).ok(), counted.total);
    assert_eq!(kept.subsidy, kept.amount + kept.lost(), "every coin is unspent or lost");
}

fn mine_some(lab: &mut Lab) {
    for _ in 0..3 {
        let (coin, value) = lab.take_coin();
        let parent = spend(&[coin], &[value / 2, value / 2 - 1000]);
        let child = spend(&[out(&parent, 1)], &[value / 4]);
        lab.mine_with(&[parent, child]);
    }
}

#[test]
fn indexes_follow_the_chain_over_forks_and_restarts() {
    let dir = TempDir::new().unwrap();
    let mut lab = Lab::with_coins(20);
    mine_some(&mut lab);
    // From behind.
    let library = Library::open(dir.path(), &lab).unwrap();
    check(&mut lab, &library);
    // Along.
    mine_some(&mut lab);
    check(&mut lab, &library);
    // Over a fork, twice: the second branch grows from three blocks below the tip.
    let reader = lab.reader();
    let fork = reader.node(reader.at_height(lab.height() - 3).unwrap()).hash;
    let old: Vec<BlockHash> =
        (lab.height() - 2..=lab.height()).map(|h| reader.node(reader.at_height(h).unwrap()).hash).collect();
    let old_spent: OutPoint = {
        let node = reader.find(old.last().unwrap()).unwrap().1;
        reader.block(&node).unwrap().unwrap().txs[1].inputs()[0].previous_output
    };
    let mut parent = fork;
    for _ in 0..4 {
        let block = lab.block(parent, &[]);
        parent = block.hash();
        lab.submit(&block).0.unwrap();
    }
    assert_eq!(lab.tip(), parent);
    check(&mut lab, &library);
    for (height, hash) in (fork_height(&lab, fork) + 1..).zip(&old) {
        assert!(library.filters.find(height, hash).unwrap().is_some(), "a filter outlives its block");
        assert!(library.stats.find(height, hash).unwrap().is_some());
    }
    assert!(library.spenders.find(&lab.reader(), &old_spent).unwrap().is_none());
    // After a restart, with blocks in between.
    lab.engine().flush(FlushMode::Sync).unwrap();
    drop(library);
    mine_some(&mut lab);
    let library = Library::open(dir.path(), &lab).unwrap();
    check(&mut lab, &library);
}

fn fork_height(lab: &Lab, hash: BlockHash) -> u32 {
    lab.reader().find(&hash).unwrap().1.height
}

#[test]
fn an_index_that_was_ahead_of_the_chain_writes_again() {
    let dir = TempDir::new().unwrap();
    let mut lab = Lab::with_coins(6);
    lab.engine().flush(FlushMode::Sync).unwrap();
    let library = Library::open(dir.path(), &lab).unwrap();
    library.settle(&lab);
    let noted = library.followers[0].status().best;
    mine_some(&mut lab);
    library.settle(&lab);
    // The coins of these blocks are not on disk, so the note of where the indexes stand is not either.
    drop(library);
    let stats = CoinStatsIndex::open(&dir.path().join("stats"), OPTIONS, lab.rules()).unwrap();
    let best = crate::Index::kv(&stats).get(crate::index::STATE, crate::index::BEST).unwrap().unwrap();
    assert_eq!(Some(best.as_slice()), noted.as_ref().map(|(hash, _)| AsRef::<[u8]>::as_ref(hash)));
    drop(stats);
    let library = Library::open(dir.path(), &lab).unwrap();
    check(&mut lab, &library);
}

#[test]
fn an_index_of_another_chain_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut lab = Lab::with_coins(2);
    lab.engine().flush(FlushMode::Sync).unwrap();
    let library = Library::open(dir.path(), &lab).unwrap();
    library.settle(&lab);
    drop(library);
    let error = Library::open(dir.path(), &Lab::new()).err().unwrap();
    assert_eq!(error.to_string(), "best block of txindex not found. Please rebuild the index.");
}

#[test]
fn basic_filters_are_those_of_the_published_vectors() {
    let lab = Lab::new();
    let cases = vectors::load("blockfilters.json");
    let mut ran = 0;
    for case in cases.as_array().unwrap().iter().skip(1) {
        let bytes = |at: usize| hex(case[at].as_str().unwrap());
        let reversed = |at: usize| <[u8; 32]>::try_from(bytes(at).into_iter().rev().collect::<Vec<_>>()).unwrap();
        let block = lab.reader().codec().decode_block(&bytes(2)).unwrap();
        let spent = case[3].as_array().unwrap().iter().map(|script| TxOutEntry {
            out: bitcoin::TxOut { value: bitcoin::Amount::ZERO, script_pubkey: hex(script.as_str().unwrap()).into() },
            height: 0,
            coinbase: false,
            tail: primitives::CoinTail::None,
        });
        let undo = BlockUndo::new(vec![TxUndo { spent: spent.collect() }]);
        let filter = BlockFilter::basic(block.hash(), &block, Some(&undo));
        assert_eq!(filter.bytes, bytes(5), "{}", case[7]);
        assert_eq!(filter_header(&filter.hash(), &reversed(4)), reversed(6), "{}", case[7]);
        let scripts: Vec<_> = undo.txs[0].spent.iter().map(|s| s.out.script_pubkey.as_bytes()).collect();
        let scripts: Vec<&[u8]> = scripts.into_iter().filter(|script| !script.is_empty()).collect();
        assert_eq!(filter.matches_any(scripts.iter().copied()), !scripts.is_empty());
        ran += 1;
    }
    vectors::ran("blockfilters.json", ran, 10);
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn a_broken_filter_matches_everything() {
    let filter = BlockFilter { block: lab_hash(), bytes: vec![5] };
    assert!(filter.matches_any([b"script".as_slice()].into_iter()));
}

fn lab_hash() -> BlockHash {
    Lab::new().tip()
}
