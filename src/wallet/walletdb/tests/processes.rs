//! Locks between processes, and wallets whose process is killed or whose machine stops.
#![expect(clippy::disallowed_methods, reason = "tests start themselves as another process, and tell it what to do")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use coin::ChainKind;
use walletdb::{
    DbError, Format, Key, OpenOptions, Record, Records, WalletFile, copy_file, is_sqlite_file, list_wallets,
};

/// What the other process does, and where.
const TASK: &str = "WALLETDB_TEST_TASK";
const PLACE: &str = "WALLETDB_TEST_PLACE";

fn format() -> Format {
    let bitcoin = coin::by_id("bitcoin").unwrap();
    Format::for_chain(bitcoin, bitcoin.chain(ChainKind::Regtest).unwrap())
}

fn create(path: &Path) -> WalletFile {
    WalletFile::create(path, format()).unwrap()
}

fn start(task: &str, path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_other_process", "--ignored", "--nocapture"]);
    command.env(TASK, task).env(PLACE, path).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    // The test harness says something first.
    while line(&mut output) != "ready" {}
    (child, output)
}

fn line(output: &mut impl BufRead) -> String {
    let mut text = String::new();
    assert_ne!(output.read_line(&mut text).unwrap(), 0, "the other process has ended");
    text.trim_end().to_owned()
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "the other tests start it"]
fn the_other_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let path = std::path::PathBuf::from(std::env::var(PLACE).unwrap());
    say("\nready");
    match task.as_str() {
        "open" => match WalletFile::open(&path, format()) {
            Ok(_) => say("opened"),
            Err(error) => say(error.to_string().trim_end()),
        },
        "write" => write_forever(&WalletFile::open(&path, format()).unwrap()),
        other => panic!("{other}"),
    }
}

const NAMES: i32 = 40;

/// Writes one number in many records, over and over, and says which one is on disk.
fn write_forever(wallet: &WalletFile) {
    let Ok(Some(Record::Version(start))) = wallet.get(&Key::Version) else { panic!("no number") };
    for number in start + 1.. {
        let done: Result<(), DbError> = wallet.txn(|batch| put_number(batch, number));
        done.unwrap();
        say(&number.to_string());
    }
}

fn put_number(records: &dyn Records, number: i32) -> Result<(), DbError> {
    records.put(&Record::Version(number))?;
    for name in 0..NAMES {
        // Of another length each time, so that pages come and go.
        let label = format!("{number}:").repeat(usize::try_from((number * 7 + name) % 50 + 1).unwrap() * 8);
        records.put(&Record::Name { address: name.to_string().into(), label: label.into() })?;
    }
    records.put(&Record::OrderPosNext(number.into()))
}

/// The number that is in all records.
fn number_in(wallet: &WalletFile) -> i32 {
    let Ok(Some(Record::Version(number))) = wallet.get(&Key::Version) else { panic!("no number") };
    assert_eq!(wallet.get(&Key::OrderPosNext), Ok(Some(Record::OrderPosNext(number.into()))));
    for name in 0..NAMES {
        let Ok(Some(Record::Name { label, .. })) = wallet.get(&Key::Name(name.to_string().into())) else {
            panic!("no name")
        };
        assert!(label.as_str().unwrap().starts_with(&format!("{number}:")), "{label} in {number}");
    }
    number
}

#[test]
fn a_wallet_that_is_open_here_is_locked_for_all_others_whatever_is_done_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w");
    let wallet = create(&path);
    let text = "SQLiteDatabase: Unable to obtain an exclusive lock on the database, is it being used by another instance of \
                Bitcoin Core?";
    let others_say = || {
        let (mut child, mut output) = start("open", &path);
        let said = line(&mut output);
        child.wait().unwrap();
        said
    };
    assert_eq!(others_say(), text);
    // None of these may close a descriptor of the file, as that would unlock it.
    assert_eq!(list_wallets(directory.path(), &format()).len(), 1);
    assert!(is_sqlite_file(wallet.path(), &format()).unwrap());
    assert_eq!(WalletFile::open(&path, format()).unwrap_err().to_string(), format!("{text}\n"));
    assert!(WalletFile::create(&path, format()).is_err());
    assert!(wallet.backup(wallet.path()).is_err());
    wallet.backup(&directory.path().join("copy.dat")).unwrap();
    let restored = directory.path().join("restored");
    fs::create_dir(&restored).unwrap();
    copy_file(wallet.path(), &restored.join("wallet.dat")).unwrap();
    assert!(copy_file(wallet.path(), &restored.join("wallet.dat")).is_err(), "nothing is overwritten");
    WalletFile::open(&restored, format()).unwrap();
    assert_eq!(others_say(), text);
    drop(wallet);
    assert_eq!(others_say(), "opened");
}

#[test]
fn a_wallet_whose_process_is_ending_is_waited_for_by_who_has_patience() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w");
    put_number(&create(&path), 1).unwrap();
    let (mut child, mut output) = start("write", &path);
    line(&mut output);
    assert!(WalletFile::open(&path, format()).is_err());
    // Whether the kill or the opening comes first, the wallet is opened.
    child.kill().unwrap();
    let patient = OpenOptions::EXISTING.patience(std::time::Duration::from_secs(30));
    number_in(&WalletFile::open_with(&path, format(), patient).unwrap());
    child.wait().unwrap();
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_said_to_be_done() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w");
    let wallet = create(&path);
    put_number(&wallet, 1).unwrap();
    drop(wallet);
    let mut last = 1;
    for round in 0..20_u32 {
        let (mut child, mut output) = start("write", &path);
        let mut said = last;
        for _ in 0..round % 3 {
            said = line(&mut output).parse().unwrap();
        }
        // Somewhere in the next change or two: no two rounds wait the same.
        for _ in 0..round.wrapping_mul(2_654_435_761) >> 16 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it has said since counts, too.
        said = output.lines().map_while(Result::ok).filter_map(|line| line.parse().ok()).last().unwrap_or(said);
        let wallet = WalletFile::open(&path, format()).unwrap();
        last = number_in(&wallet);
        assert!(last == said || last == said + 1, "{said} was done and {last} is there");
    }
    assert!(last > 5, "the kills came too early to mean anything: {last}");
}

#[test]
fn what_is_on_disk_in_the_middle_of_a_change_is_the_state_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w");
    let wallet = WalletFile::open_with(&path, format(), OpenOptions::NEW.unsafe_sync(true)).unwrap();
    put_number(&wallet, 1).unwrap();
    let snapshot = |name: &str| {
        let copy = directory.path().join(name);
        fs::create_dir(&copy).unwrap();
        for file in wallet.files().iter().filter(|file| file.exists()) {
            fs::copy(file, copy.join(file.file_name().unwrap())).unwrap();
        }
        copy
    };
    let mut copies = Vec::new();
    let changed: Result<(), DbError> = wallet.txn(|batch| {
        put_number(batch, 2)?;
        // More than the cache holds, so that pages are written before the end.
        for number in 0..64_u32 {
            batch.put_bytes(&number.to_le_bytes(), &vec![7; 100_000])?;
            if number % 8 == 0 {
                copies.push(snapshot(&format!("copy{number}")));
            }
        }
        Ok(())
    });
    changed.unwrap();
    let after = snapshot("after");
    let sizes: Vec<u64> = copies.iter().map(|copy| fs::metadata(copy.join("wallet.dat")).unwrap().len()).collect();
    assert!(sizes.last() > sizes.first(), "nothing was written before the end: {sizes:?}");
    for copy in copies {
        assert_eq!(number_in(&WalletFile::open(&copy, format()).unwrap()), 1);
    }
    assert_eq!(number_in(&WalletFile::open(&after, format()).unwrap()), 2);
}
