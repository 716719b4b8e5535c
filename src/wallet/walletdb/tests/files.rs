//! What happens to files: which are opened and which are refused, in whose words, what is listed, and what is locked.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use coin::ChainKind;
use walletdb::{
    BackupError, DbError, FileKind, Format, FoundWallet, Key, OpenError, OpenOptions, OpenStatus, Record, Records,
    WalletFile, list_wallets,
};

fn format_of(chain: ChainKind) -> Format {
    let bitcoin = coin::by_id("bitcoin").unwrap();
    Format::for_chain(bitcoin, bitcoin.chain(chain).unwrap())
}

fn format() -> Format {
    format_of(ChainKind::Regtest)
}

fn create(path: &Path) -> WalletFile {
    WalletFile::open_with(path, format(), OpenOptions::NEW.unsafe_sync(true)).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_wallet_is_private_and_leaves_no_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/w");
    let wallet = WalletFile::create(&path, format()).unwrap();
    assert_eq!(wallet.path(), path.join("wallet.dat"));
    wallet.put(&Record::Version(1)).unwrap();
    wallet.close().unwrap();
    assert_eq!(names(&path), ["wallet.dat"]);
    assert_eq!(fs::metadata(path.join("wallet.dat")).unwrap().permissions().mode() & 0o777, 0o600);
    let wallet = WalletFile::open(&path, format()).unwrap();
    assert_eq!(wallet.get(&Key::Version), Ok(Some(Record::Version(1))));
}

#[test]
fn the_header_says_whose_wallet_it_is() {
    let directory = tempfile::tempdir().unwrap();
    drop(create(directory.path()));
    let bytes = fs::read(directory.path().join("wallet.dat")).unwrap();
    assert_eq!(bytes[68..72], [0xfa, 0xbf, 0xb5, 0xda]);
    assert_eq!(bytes[60..64], [0; 4]);
}

#[test]
fn paths_without_a_wallet_are_refused_in_the_daemons_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w");
    let shown = path.display().to_string();
    let open = || WalletFile::open(&path, format()).unwrap_err();
    let said = |error: &OpenError| (error.status(), error.to_string());

    let text = format!("Failed to load database path '{shown}'. Path does not exist.");
    assert_eq!(said(&open()), (OpenStatus::NotFound, text));

    fs::create_dir(&path).unwrap();
    let text = format!("Failed to load database path '{shown}'. Data is not in recognized format.");
    assert_eq!(said(&open()), (OpenStatus::BadFormat, text.clone()));
    fs::write(path.join("wallet.dat"), b"not a wallet").unwrap();
    assert_eq!(said(&open()), (OpenStatus::BadFormat, text));

    let mut tree = vec![0; 4096];
    tree[12..16].copy_from_slice(&[0x62, 0x31, 5, 0]);
    fs::write(path.join("wallet.dat"), tree).unwrap();
    let text = format!(
        "Failed to open database path '{shown}'. The wallet appears to be a Legacy wallet, please use the wallet migration \
         tool (migratewallet RPC or the GUI option)."
    );
    assert_eq!(said(&open()), (OpenStatus::Legacy, text));
    let text = format!("Failed to create database path '{shown}'. Database already exists.");
    assert_eq!(said(&WalletFile::create(&path, format()).unwrap_err()), (OpenStatus::AlreadyExists, text));

    let below = path.join("wallet.dat/below");
    assert_eq!(WalletFile::open(&below, format()).unwrap_err().status(), OpenStatus::NotFound);
    std::os::unix::fs::symlink("loop", directory.path().join("loop")).unwrap();
    let error = WalletFile::open(&directory.path().join("loop/w"), format()).unwrap_err();
    assert_eq!(error.status(), OpenStatus::BadPath);
    assert!(error.to_string().ends_with(": Too many levels of symbolic links"), "{error}");
}

#[test]
fn two_wallets_at_one_path_are_ambiguous_unless_one_is_open_here() {
    let directory = tempfile::tempdir().unwrap();
    let wallet = create(directory.path());
    let error = WalletFile::create(directory.path(), format()).unwrap_err();
    assert_eq!(error.status(), OpenStatus::AlreadyExists);
    drop(wallet);
    assert_eq!(
        WalletFile::open(directory.path(), format_of(ChainKind::Main)).unwrap_err().status(),
        OpenStatus::BadFormat
    );
}

#[test]
fn a_foreign_or_newer_file_is_not_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    drop(create(directory.path()));
    // Making a wallet of another network where one is finds it by its header only.
    let error = WalletFile::create(directory.path(), format_of(ChainKind::Main)).unwrap_err();
    assert_eq!(error.status(), OpenStatus::Verify);
    assert_eq!(error.to_string(), "SQLiteDatabase: Unexpected application id. Expected 4190024921, got 4206867930");

    let file = directory.path().join("wallet.dat");
    let mut bytes = fs::read(&file).unwrap();
    bytes[63] = 1;
    fs::write(&file, bytes).unwrap();
    let error = WalletFile::open(directory.path(), format()).unwrap_err();
    assert_eq!(error.status(), OpenStatus::Verify);
    assert_eq!(
        error.to_string(),
        "SQLiteDatabase: Unknown sqlite wallet schema version 1. Only version 0 is supported"
    );
}

#[test]
fn damage_is_found_before_anything_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let wallet = create(directory.path());
    for number in 0..200 {
        wallet.put(&Record::Name { address: format!("{number}").into(), label: "x".repeat(200).into() }).unwrap();
    }
    drop(wallet);
    let file = directory.path().join("wallet.dat");
    let whole = fs::read(&file).unwrap();
    let mut refused = 0;
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..][..64].fill(0xa5);
        fs::write(&file, bytes).unwrap();
        if let Err(error) = WalletFile::open(directory.path(), format()) {
            assert!(matches!(error.status(), OpenStatus::Verify | OpenStatus::Load), "{error}");
            refused += 1;
        }
    }
    assert_eq!(refused, whole.len() / 4096 - 1);
    fs::write(&file, whole).unwrap();
    WalletFile::open(directory.path(), format()).unwrap();
}

#[test]
fn a_schema_that_runs_programs_is_harmless() {
    let directory = tempfile::tempdir().unwrap();
    drop(create(directory.path()));
    let file = directory.path().join("wallet.dat");
    let enemy = rusqlite::Connection::open(&file).unwrap();
    enemy
        .execute_batch(
            "CREATE TRIGGER t AFTER INSERT ON main BEGIN DELETE FROM main; END;
             CREATE TRIGGER u AFTER DELETE ON main BEGIN INSERT INTO main VALUES(x'00', x'00'); END;",
        )
        .unwrap();
    drop(enemy);
    let wallet = WalletFile::open(directory.path(), format()).unwrap();
    wallet.put(&Record::Version(5)).unwrap();
    wallet.put(&Record::OrderPosNext(5)).unwrap();
    wallet.erase(&Key::OrderPosNext).unwrap();
    assert_eq!(wallet.get(&Key::Version), Ok(Some(Record::Version(5))));
    let mut count = 0;
    wallet
        .scan(b"", &mut |_, _| {
            count += 1;
            true
        })
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn wallets_are_found_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let open = create(&at("w1"));
    drop(create(&at("sub/w2")));
    drop(create(&at("sub/deep/w3")));
    drop(create(directory.path()));
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("note.txt"), b"hello").unwrap();
    std::os::unix::fs::symlink(at("sub/w2"), at("link")).unwrap();
    std::os::unix::fs::symlink(at("sub"), at("link_to_sub")).unwrap();
    let mut tree = vec![0; 4096];
    tree[12..16].copy_from_slice(&[0x62, 0x31, 5, 0]);
    fs::create_dir(at("old")).unwrap();
    for name in ["old/wallet.dat", "ancient.dat", "ancient.bak", "sub/ancient.dat"] {
        fs::write(at(name), &tree).unwrap();
    }
    fs::create_dir(at("loop")).unwrap();
    std::os::unix::fs::symlink("wallet.dat", at("loop/wallet.dat")).unwrap();

    let found: Vec<(String, FileKind)> =
        list_wallets(directory.path(), &format()).into_iter().map(|FoundWallet { name, kind }| (name, kind)).collect();
    let sqlite = |name: &str| (name.to_owned(), FileKind::Sqlite);
    let bdb = |name: &str| (name.to_owned(), FileKind::Bdb);
    let expected = [
        bdb("ancient.dat"),
        sqlite("link"),
        bdb("old"),
        sqlite("sub/deep/w3"),
        sqlite("sub/w2"),
        sqlite("w1"),
        sqlite(""),
    ];
    let (mut found, mut expected) = (found, Vec::from(expected));
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    drop(open);

    assert_eq!(list_wallets(&directory.path().join("absent"), &format()), []);
    let others = list_wallets(directory.path(), &format_of(ChainKind::Main));
    assert!(others.iter().all(|wallet| wallet.kind == FileKind::Bdb), "{others:?}");
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let wallet = WalletFile::in_memory(format()).unwrap();
    wallet.put(&Record::Version(1)).unwrap();
    let result: Result<(), DbError> = wallet.txn(|batch| {
        batch.put(&Record::Version(2))?;
        assert_eq!(batch.get(&Key::Version), Ok(Some(Record::Version(2))));
        batch.insert(&Record::Version(3))
    });
    assert!(matches!(result, Err(DbError::Write(fault)) if fault.is_constraint()));
    assert_eq!(wallet.get(&Key::Version), Ok(Some(Record::Version(1))));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wallet.txn::<(), DbError>(|batch| {
            batch.put(&Record::Version(4))?;
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(wallet.get(&Key::Version), Ok(Some(Record::Version(1))));
    wallet.txn::<_, DbError>(|batch| batch.put(&Record::Version(5))).unwrap();
    assert_eq!(wallet.get(&Key::Version), Ok(Some(Record::Version(5))));
}

#[test]
fn prefixes_end_where_they_should() {
    let wallet = WalletFile::in_memory(format()).unwrap();
    let keys: [&[u8]; 7] = [b"", b"a", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff"];
    for key in keys {
        wallet.put_bytes(key, b"v").unwrap();
    }
    let scan = |prefix: &[u8]| {
        let mut found = Vec::new();
        wallet
            .scan(prefix, &mut |key, _| {
                found.push(key.to_vec());
                true
            })
            .unwrap();
        found
    };
    for prefix in [b"".as_slice(), b"a", b"a\xff", b"\xff", b"\xff\xff", b"c"] {
        let mut expected: Vec<Vec<u8>> =
            keys.iter().filter(|key| key.starts_with(prefix)).map(|key| key.to_vec()).collect();
        expected.sort();
        assert_eq!(scan(prefix), expected);
    }
    wallet.erase_prefix(b"a\xff").unwrap();
    assert_eq!(scan(b"a"), [b"a"]);
    wallet.erase_prefix(b"\xff").unwrap();
    assert_eq!(scan(b""), [b"".as_slice(), b"a", b"b"]);
}

#[test]
fn what_was_erased_is_not_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let wallet = create(directory.path());
    let secret = b"this must not stay readable anywhere";
    wallet.put_bytes(b"key", secret).unwrap();
    let contains = || {
        let bytes = fs::read(directory.path().join("wallet.dat")).unwrap();
        bytes.windows(secret.len()).any(|window| window == secret)
    };
    assert!(contains());
    wallet.erase_bytes(b"key").unwrap();
    assert!(!contains());
    wallet.rewrite().unwrap();
    assert!(!contains());
}

#[test]
fn backups_are_wallets_and_replace_nothing_but_closed_databases() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let wallet = create(&at("w"));
    wallet.put(&Record::OrderPosNext(7)).unwrap();
    wallet.backup(&at("copy/wallet.dat")).unwrap_err();
    fs::create_dir(at("copy")).unwrap();
    for round in 7..9 {
        wallet.put(&Record::OrderPosNext(round)).unwrap();
        wallet.backup(&at("copy/wallet.dat")).unwrap();
        assert_eq!(names(&at("copy")), ["wallet.dat"]);
        let copy = WalletFile::open(&at("copy"), format()).unwrap();
        assert_eq!(copy.get(&Key::OrderPosNext), Ok(Some(Record::OrderPosNext(round))));
        // Somebody has it open now, so it is not overwritten.
        let error = wallet.backup(&at("copy/wallet.dat")).unwrap_err();
        assert_eq!(error.to_string(), "Unable to continue sqlite backup: database is locked");
    }
    assert_eq!(fs::metadata(at("copy/wallet.dat")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(wallet.backup(wallet.path()), Err(BackupError::Itself));
    std::os::unix::fs::symlink(wallet.path(), at("alias")).unwrap();
    assert_eq!(wallet.backup(&at("alias")), Err(BackupError::Itself));
    assert!(wallet.backup(directory.path()).is_err());
    fs::write(at("note"), b"this is no database, and is dear to somebody").unwrap();
    assert!(wallet.backup(&at("note")).is_err());
    assert_eq!(fs::read(at("note")).unwrap(), b"this is no database, and is dear to somebody");
    assert_eq!(wallet.get(&Key::OrderPosNext), Ok(Some(Record::OrderPosNext(8))));
}
