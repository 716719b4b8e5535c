//! A table of the coins' database is cut short while it is read as memory. The process, a copy of this one, says what
//! happened and ends; it is not killed by a signal.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{CoinsBatch, CoinsDb, KvOptions, XorKey};
use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Txid};

const PLAYER: &str = "BULKHEAD_TEST_LOST_PAGE";
const TEXT: &str = "A database file cannot be read.";
/// Enough for some tables.
const COINS: u32 = 200_000;

fn out(n: u32) -> OutPoint {
    let mut txid = [0; 32];
    // Spread over all keys.
    txid[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
    OutPoint { txid: Txid::from_byte_array(txid), vout: n }
}

fn tables(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "sst")).collect()
}

/// Fills a database, cuts its tables short, and reads on.
fn play(dir: &Path) {
    platform::pages::tell_of_lost_pages(TEXT, Some(&dir.join("debug.log"))).unwrap();
    let dir = dir.join("chainstate");
    let options = KvOptions { cache_bytes: 4 << 20, wipe: false, compact: false };
    let db = CoinsDb::open(&dir, options, XorKey::new([1, 2, 3, 4, 5, 6, 7, 8])).unwrap();
    let all: Vec<u32> = (0..COINS).collect();
    for part in all.chunks(1000) {
        let mut batch = CoinsBatch::default();
        for n in part {
            db.put(&mut batch, &out(*n), &[7; 40]);
        }
        db.write(batch, false).unwrap();
    }
    db.settle().unwrap();
    let read = || (0..COINS).filter(|n| db.get(&out(*n)).unwrap().is_some()).count();
    assert_eq!(read(), 200_000);
    let tables = tables(&dir);
    assert!(!tables.is_empty());
    for table in tables {
        File::options().write(true).open(table).unwrap().set_len(0).unwrap();
    }
    panic!("{} coins after all", read());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the process that ends is a copy of this one")]
fn a_table_that_is_cut_short_ends_the_process_with_a_sentence() {
    if let Some(dir) = std::env::var_os(PLAYER) {
        return play(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("debug.log");
    fs::write(&log, "before\n").unwrap();
    let name = "tests::lost_page::a_table_that_is_cut_short_ends_the_process_with_a_sentence";
    let mut copy = Command::new(std::env::current_exe().unwrap());
    let done = copy.args(["--exact", name, "--nocapture"]).env(PLAYER, dir.path()).output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(1), "{said}{told}");
    assert!(told.lines().any(|line| line == format!("Error: {TEXT}")), "{told}");
    assert_eq!(fs::read_to_string(&log).unwrap(), format!("before\n{TEXT}\n"));
}
