//! Snapshots, on the chain of 200 blocks whose coins Bitcoin Core's parameters know: their digest is the oracle.

use std::sync::{Arc, LazyLock};

use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
    absolute::LockTime, block::Header as RawHeader, hashes::Hash,
};
use primitives::{Block, Tx};
use store::CoinsBatch;

use super::lab::{Lab, solved};
use crate::{Fatal, FlushMode, LoadError, Loaded, Metadata, Scratch, SnapshotRefusal, StoredCoin};

/// The blocks that Core's own tests make with nothing but heights and a fixed output.
static CHAIN: LazyLock<Vec<Arc<Block>>> = LazyLock::new(|| {
    let params = Lab::new().engine().reader().params().clone();
    let (mut prev, mut time) = (params.genesis_hash(), params.chain().genesis.time);
    (0..200u32)
        .map(|n| {
            let mut script_sig = consensus::height_script(n + 1);
            script_sig.push(0);
            let coinbase = Transaction {
                version: bitcoin::transaction::Version::TWO,
                lock_time: LockTime::from_consensus(n),
                input: vec![TxIn {
                    previous_output: OutPoint::null(),
                    script_sig: ScriptBuf::from_bytes(script_sig),
                    sequence: Sequence::ENABLE_LOCKTIME_NO_RBF,
                    witness: Witness::new(),
                }],
                output: vec![TxOut {
                    value: Amount::from_sat(if n + 1 < 150 { 5_000_000_000 } else { 2_500_000_000 }),
                    script_pubkey: ScriptBuf::from_bytes(vec![0x51]).to_p2wsh(),
                }],
            };
            time += 1;
            let txs = vec![Arc::new(Tx::new(coinbase, None))];
            let raw = RawHeader {
                version: bitcoin::block::Version::from_consensus(4),
                prev_blockhash: prev,
                merkle_root: TxMerkleNode::all_zeros(),
                time,
                bits: CompactTarget::from_consensus(0x207f_ffff),
                nonce: 0,
            };
            let block = solved(raw, txs, |h| h.raw().validate_pow(h.raw().target()).is_ok());
            prev = block.hash();
            Arc::new(block)
        })
        .collect()
});

fn base() -> BlockHash {
    CHAIN[199].hash()
}

/// A lab with so many blocks of the chain.
fn lab_with(blocks: usize) -> Lab {
    let mut lab = Lab::new();
    for block in &CHAIN[..blocks] {
        lab.submit(block).0.unwrap();
    }
    lab
}

/// The file that a node at the tip of the chain writes.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut lab = lab_with(200);
    lab.engine().flush_for_cursor().unwrap();
    let (reader, tip) = (lab.engine().reader(), lab.engine().tip().unwrap());
    let mut file = Vec::new();
    let dumped = reader.dump_coins(tip, tip, Scratch::Memory, &mut file, || {}, &mut || true).unwrap();
    assert_eq!(dumped.coins, 200);
    file
});

/// Tells of all headers of the chain.
fn tell_headers(lab: &mut Lab) {
    for block in CHAIN.iter() {
        lab.engine().accept_header(&block.header, true).unwrap();
    }
}

fn load(lab: &mut Lab, file: &[u8]) -> Result<Loaded, SnapshotRefusal> {
    let reader = lab.engine().reader();
    let mut file = file;
    let about = Metadata::read(&mut file, reader.params()).unwrap();
    reader.load_coins(&about, &mut file, &mut || true)
}

fn begin(lab: &mut Lab) {
    let loaded = load(lab, &FILE).unwrap();
    lab.engine().begin_with(loaded).unwrap().unwrap();
    assert_eq!(lab.tip(), base());
}

/// Works behind the snapshot as long as there is something to do.
fn work(lab: &mut Lab) -> Result<(), Fatal> {
    while lab.engine().has_work_behind() {
        lab.engine().work_behind()?;
    }
    Ok(())
}

/// The height of what is validated behind the snapshot.
fn behind(lab: &mut Lab) -> Option<u32> {
    let reader = lab.engine().reader();
    reader.behind().map(|behind| reader.node(behind.tip).height)
}

#[test]
fn the_chain_has_the_coins_that_core_knows() {
    let params = Lab::new().engine().reader().params().clone();
    let known = params.chain().assumeutxo.iter().find(|known| known.height == 200).unwrap();
    assert_eq!(known.blockhash, base().to_byte_array());
    let about = Metadata::read(&mut FILE.as_slice(), &params).unwrap();
    assert_eq!(about, Metadata { base: base(), coins: 200 });
}

#[test]
fn a_snapshot_is_followed_at_once_and_proven_behind() {
    let mut source = lab_with(200);
    let later = source.mine(3);
    let all = source.coins();
    let mut lab = lab_with(50);
    tell_headers(&mut lab);
    let early = lab.engine().accept_header(&later[0].header, true).unwrap();
    // A block above the snapshot that came before it.
    lab.submit(&later[0]).0.unwrap();
    begin(&mut lab);
    assert_eq!(behind(&mut lab), Some(50));
    assert_eq!(lab.engine().reader().proven_tip().unwrap().height, 50);
    assert_eq!(lab.engine().activate().unwrap().refused.len(), 0);
    assert_eq!(lab.engine().tip(), Some(early));
    lab.submit(&later[1]).0.unwrap();
    lab.restart();
    assert_eq!((lab.height(), behind(&mut lab)), (202, Some(50)));
    assert_eq!(lab.engine().reader().node(early).chain_tx_count, 202);
    // The snapshot's own block, then the rest from above and from below.
    let (low, high) = CHAIN[50..199].split_at(80);
    lab.submit(&CHAIN[199]).0.unwrap();
    for block in high.iter().rev().chain(low) {
        lab.submit(block).0.unwrap();
    }
    assert_eq!(lab.height(), 202);
    work(&mut lab).unwrap();
    assert_eq!((lab.height(), behind(&mut lab)), (202, None));
    assert!(lab.engine().reader().snapshot_base().is_some());
    lab.submit(&later[2]).0.unwrap();
    assert_eq!(lab.coins(), all);
    lab.restart();
    assert!(!lab.path().join("chainstate_snapshot").exists() && !lab.path().join("chainstate_todelete").exists());
    assert_eq!((lab.coins(), lab.engine().reader().snapshot_base()), (all, None));
    // Now everything can be undone.
    let deep = lab.id(CHAIN[149].hash());
    assert!(lab.engine().invalidate(deep).unwrap());
    assert_eq!(lab.height(), 149);
}

#[test]
fn a_crash_at_any_stage_loses_only_what_was_not_written() {
    let mut lab = lab_with(50);
    tell_headers(&mut lab);
    begin(&mut lab);
    lab.crash();
    assert_eq!((lab.height(), behind(&mut lab)), (200, Some(50)));
    for block in &CHAIN[50..] {
        lab.submit(block).0.unwrap();
    }
    lab.engine().flush(FlushMode::Sync).unwrap();
    for _ in 0..70 {
        lab.engine().work_behind().unwrap();
    }
    assert_eq!(behind(&mut lab), Some(120));
    lab.crash();
    assert_eq!((lab.height(), behind(&mut lab)), (200, Some(50)));
    work(&mut lab).unwrap();
    let coins = lab.coins();
    lab.stop();
    // In the middle of the exchange of directories.
    let (now, old) = (lab.path().join("chainstate"), lab.path().join("chainstate_todelete"));
    std::fs::rename(&now, &old).unwrap();
    lab.open(false, false).unwrap();
    assert_eq!((lab.coins(), behind(&mut lab)), (coins, None));
    assert!(!old.exists());
}

#[test]
fn the_old_chain_may_lie_beside_the_snapshot() {
    let mut lab = lab_with(20);
    lab.mine(30);
    tell_headers(&mut lab);
    begin(&mut lab);
    assert_eq!(behind(&mut lab), Some(50));
    work(&mut lab).unwrap();
    assert_eq!(behind(&mut lab), Some(50), "nothing is undone before the way on is here");
    lab.submit(&CHAIN[20]).0.unwrap();
    work(&mut lab).unwrap();
    assert_eq!(behind(&mut lab), Some(21));
    for block in &CHAIN[21..] {
        lab.submit(block).0.unwrap();
    }
    work(&mut lab).unwrap();
    assert_eq!((lab.tip(), behind(&mut lab)), (base(), None));
    assert_eq!(lab.coins(), lab_with(200).coins());
}

#[test]
fn until_the_proof_nothing_below_the_snapshot_is_undone() {
    let mut lab = lab_with(150);
    tell_headers(&mut lab);
    begin(&mut lab);
    let low = lab.id(CHAIN[180].hash());
    assert!(!lab.engine().invalidate(low).unwrap());
    // A chain with more work that leaves the snapshot's block out waits.
    let mut parent = CHAIN[148].hash();
    for salt in 0..60 {
        let block = lab.block(parent, Vec::new(), salt, 0);
        parent = block.hash();
        lab.submit(&block).0.unwrap();
    }
    assert_eq!(lab.tip(), base());
    for block in &CHAIN[150..] {
        lab.submit(block).0.unwrap();
    }
    work(&mut lab).unwrap();
    lab.engine().activate().unwrap();
    assert_eq!((lab.tip(), lab.height()), (parent, 209));
}

#[test]
fn files_go_by_the_chain_that_still_needs_them() {
    let mut lab = Lab::new();
    lab.stop();
    lab.prune_target = Some(1);
    lab.open(false, false).unwrap();
    for block in &CHAIN[..10] {
        lab.submit(block).0.unwrap();
    }
    tell_headers(&mut lab);
    begin(&mut lab);
    for block in &CHAIN[10..] {
        lab.submit(block).0.unwrap();
    }
    lab.mine(700);
    // By the chain in front all of it could go.
    assert_eq!((lab.height(), behind(&mut lab)), (900, Some(10)));
    assert!(!lab.engine().reader().have_pruned());
    lab.engine().flush(FlushMode::Sync).unwrap();
    lab.crash();
    work(&mut lab).unwrap();
    assert_eq!(behind(&mut lab), None);
    lab.mine(1);
    let old = CHAIN.iter().map(|block| lab.engine().reader().find(&block.hash()).unwrap().1.has_data());
    assert!(!old.collect::<Vec<_>>().contains(&true));
    lab.restart();
    assert_eq!((lab.height(), behind(&mut lab)), (901, None));
}

#[test]
fn coins_that_are_not_those_of_the_chain_end_the_program() {
    let mut lab = lab_with(190);
    tell_headers(&mut lab);
    begin(&mut lab);
    // A damaged disk stands for a snapshot that was wrong all along.
    lab.engine().behind(|engine| {
        let (db, mut batch) = (engine.shared.coins_db(), CoinsBatch::default());
        db.put(&mut batch, &OutPoint { txid: CHAIN[0].txs[0].txid(), vout: 9 }, StoredCoin::new(&[2, 1, 6]).bytes());
        db.write(batch, true).unwrap();
    });
    for block in &CHAIN[190..] {
        lab.submit(block).0.unwrap();
    }
    let fatal = work(&mut lab).unwrap_err();
    assert!(fatal.to_string().contains("resetting the chain height from 200 to 200."), "{fatal}");
    assert!(!lab.engine().has_work_behind());
    lab.engine().finish().unwrap();
    lab.abandon();
    assert!(lab.path().join("chainstate_snapshot_INVALID").exists());
    lab.open(false, false).unwrap();
    assert_eq!((lab.height(), behind(&mut lab)), (200, None));
}

#[test]
fn a_file_is_taken_only_as_it_is() {
    const COINS: usize = 51;
    let mut lab = lab_with(10);
    tell_headers(&mut lab);
    let mut refused = |at: usize, with: &[u8]| {
        let mut file = FILE.clone();
        file[at..at + with.len()].copy_from_slice(with);
        load(&mut lab, &file).unwrap_err().to_string()
    };
    let left_over = "Population failed: Bad snapshot - coins left over after deserializing 199 coins";
    assert_eq!(refused(43, &199u64.to_le_bytes()), left_over);
    let truncated = "Population failed: Bad snapshot format or truncated snapshot after deserializing 200 coins";
    assert_eq!(refused(43, &201u64.to_le_bytes()), truncated);
    let count = "Population failed: Mismatch in coins count in snapshot metadata and actual snapshot data";
    assert_eq!(refused(COINS + 32, &[0xfd, 0xff, 0xff]), count);
    assert_eq!(refused(COINS + 34, &[0x84, 0x58]), "Population failed: Bad snapshot data after deserializing 0 coins");
    let hash = "Population failed: Bad snapshot content hash: expected 17dcc016d188d16068907cdeb38b75691a118d43053b8cd6a25969419381d13a, got ";
    for (at, with) in [(COINS, 0xff), (COINS + 33, 1)] {
        let text = refused(at, &[with]);
        assert!(text.starts_with(hash), "{text}");
    }
    assert!(!lab.path().join("chainstate_snapshot").exists());
    assert_eq!(lab.height(), 10);
    lab.restart();
    assert_eq!(lab.height(), 10);
}

#[test]
fn a_head_names_format_network_and_block() {
    let params = Lab::new().engine().reader().params().clone();
    let text = |at: usize, with: &[u8]| {
        let mut file = FILE[..51].to_vec();
        file[at..at + with.len()].copy_from_slice(with);
        Metadata::read(&mut file.as_slice(), &params).unwrap_err().to_string()
    };
    assert!(text(0, &[0]).starts_with("Invalid UTXO set snapshot magic bytes."));
    assert_eq!(text(5, &[3, 0]), "Version of snapshot 3 does not match any of the supported versions.");
    let main = params.coin().chain(coin::ChainKind::Main).unwrap().magic;
    let other = "The network of the snapshot (main) does not match the network of this node (regtest).";
    assert_eq!(text(7, &main), other);
    assert!(text(7, &[0; 4]).starts_with("This snapshot has been created for an unrecognized network."));
    assert!(Metadata::read(&mut &FILE[..50], &params).is_err());
}

#[test]
fn what_is_of_no_use_is_not_even_read() {
    let mut lab = lab_with(10);
    let error = |lab: &mut Lab| load(lab, &FILE).unwrap_err();
    assert!(matches!(error(&mut lab), SnapshotRefusal::NoHeader(_)));
    tell_headers(&mut lab);
    let low = lab.id(CHAIN[99].hash());
    lab.engine().invalidate(low).unwrap();
    assert!(matches!(error(&mut lab), SnapshotRefusal::InvalidChain(_)));
    lab.engine().reconsider(low);
    let mut parent = CHAIN[198].hash();
    for salt in 0..2 {
        let block = lab.block(parent, Vec::new(), salt, 0);
        parent = block.hash();
        lab.engine().accept_header(&block.header, true).unwrap();
    }
    assert!(matches!(error(&mut lab), SnapshotRefusal::Forked));
    let fork = lab.id(parent);
    lab.engine().invalidate(fork).unwrap();
    let stranger = Metadata { base: CHAIN[150].hash(), coins: 1 };
    let reader = lab.engine().reader();
    let refused = reader.load_coins(&stranger, &mut std::io::empty(), &mut || true).unwrap_err().to_string();
    assert!(refused.ends_with("The following snapshot heights are available: 110, 200, 299"), "{refused}");
    let first = load(&mut lab, &FILE).unwrap();
    assert!(matches!(error(&mut lab), SnapshotRefusal::Busy));
    assert!(lab.path().join("chainstate_snapshot").exists());
    drop(first);
    assert!(!lab.path().join("chainstate_snapshot").exists(), "it goes with the coins that nobody wants");
    begin(&mut lab);
    assert!(matches!(error(&mut lab), SnapshotRefusal::Twice));
    let mut done = lab_with(200);
    let refused = error(&mut done).to_string();
    assert_eq!(refused, "Population failed: Work does not exceed active chainstate");
}

#[test]
fn a_rebuild_drops_the_snapshot_and_a_stranger_is_refused() {
    for (reindex, chainstate) in [(true, false), (false, true)] {
        let mut lab = lab_with(30);
        tell_headers(&mut lab);
        begin(&mut lab);
        lab.stop();
        lab.open(reindex, chainstate).unwrap();
        assert_eq!((lab.height(), behind(&mut lab)), (30, None));
        assert!(!lab.path().join("chainstate_snapshot").exists());
        tell_headers(&mut lab);
        begin(&mut lab);
    }
    let mut lab = lab_with(1);
    lab.stop();
    let folder = lab.path().join("chainstate_snapshot");
    std::fs::create_dir(&folder).unwrap();
    lab.open(false, false).unwrap();
    lab.stop();
    std::fs::write(folder.join("base_blockhash"), [b'z'; 32]).unwrap();
    let error = lab.open(false, false).unwrap_err();
    assert!(matches!(error, LoadError::UnknownSnapshot(_)));
    assert!(
        error.to_string().ends_with("blockhash '7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a'.")
    );
}
