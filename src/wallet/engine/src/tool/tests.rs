//! The commands, as somebody would give them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use config::{Env, Outcome};
use platform::{ManualClock, SystemEntropy};
use walletdb::{Record, Records, WalletFile};

use super::*;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(place.at("regtest/wallets")).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn wallet(&self, name: &str) -> PathBuf {
        self.at("regtest/wallets").join(name)
    }

    /// Runs the tool with these arguments behind the usual ones.
    fn tool(&self, coin: &str, arguments: &[&str]) -> Printed {
        let coin = coin::by_id(coin).unwrap();
        let datadir = format!("-datadir={}", self.0.path().display());
        let argv = ["bitcoin-wallet", datadir.as_str(), "-regtest"].into_iter().chain(arguments.iter().copied());
        let argv: Vec<std::ffi::OsString> = argv.map(Into::into).collect();
        match config::load(Role::Wallet, coin, &argv, &Env::rooted_at(self.0.path())).unwrap() {
            Outcome::Run(config) => run(&config, &clock(), &SystemEntropy),
            other => panic!("{other:?}"),
        }
    }

    fn stdout(&self, arguments: &[&str]) -> String {
        let printed = self.tool("bitcoin", arguments);
        assert_eq!((printed.stderr.as_str(), printed.code), ("", 0));
        printed.stdout
    }

    fn refusal(&self, arguments: &[&str]) -> String {
        let printed = self.tool("bitcoin", arguments);
        assert_eq!((printed.stdout.as_str(), printed.code), ("", 1));
        printed.stderr
    }
}

fn clock() -> ManualClock {
    ManualClock::new(1_700_000_000)
}

const SHOWN: &str = "Wallet info\n===========\nName: w\nFormat: sqlite\nDescriptors: yes\nEncrypted: no\nHD (hd seed \
                     available): yes\nKeypool Size: 8000\nTransactions: 0\nAddress Book: 0\n";

#[test]
fn a_wallet_is_made_shown_dumped_and_made_again() {
    let place = Place::new();
    assert_eq!(place.stdout(&["-wallet=w", "create"]), format!("Topping up keypool...\n{SHOWN}"));
    let before = fs::read(place.wallet("w/wallet.dat")).unwrap();
    assert_eq!(place.stdout(&["-wallet=w", "info"]), SHOWN);
    let warning =
        "The dumpfile may contain private keys. To ensure the safety of your Bitcoin, do not share the dumpfile.\n";
    assert_eq!(place.stdout(&["-wallet=w", "-dumpfile=w.dump", "dump"]), warning);
    assert_eq!(fs::read(place.wallet("w/wallet.dat")).unwrap(), before, "looking changes nothing");
    assert_eq!(fs::metadata(place.at("w.dump")).unwrap().permissions().mode() & 0o777, 0o600);

    assert_eq!(place.stdout(&["-wallet=v", "-dumpfile=w.dump", "createfromdump"]), "");
    assert_eq!(place.stdout(&["-wallet=v", "info"]), SHOWN.replace("Name: w", "Name: v"));
    assert_eq!(place.stdout(&["-wallet=v", "-dumpfile=v.dump", "dump"]), warning);
    assert_eq!(fs::read(place.at("v.dump")).unwrap(), fs::read(place.at("w.dump")).unwrap());
}

#[test]
fn other_coins_make_wallets_of_their_own() {
    for coin in ["freicoin", "syscoin"].map(|id| coin::by_id(id).unwrap()) {
        let place = Place::new();
        let chain = coin.chain(coin::ChainKind::Regtest).unwrap();
        let directory = place.at(chain.datadir_subdir);
        fs::create_dir_all(&directory).unwrap();
        let printed = place.tool(coin.id, &["-wallet=w", "create"]);
        assert_eq!((printed.stderr.as_str(), printed.code), ("", 0), "{}", coin.id);
        let usual = directory.join("wallets");
        let path = if usual.is_dir() { usual.join("w") } else { directory.join("w") };
        WalletFile::open(&path, Format::for_chain(coin, chain)).unwrap();
    }
}

#[test]
fn names_and_options_must_fit_the_command() {
    let place = Place::new();
    for command in ["create", "createfromdump"] {
        assert_eq!(place.refusal(&[command]), "Wallet name must be provided when creating a new wallet.\n");
        assert_eq!(place.refusal(&["-wallet=", command]), "Wallet name cannot be empty\n");
    }
    assert_eq!(
        place.refusal(&["-wallet=w", "-dumpfile=x", "create"]),
        "Error: Invalid arguments provided:\n- The -dumpfile option cannot be used with the 'create' command.\n"
    );
    assert_eq!(place.refusal(&["-wallet=../w", "info"]).lines().count(), 1);
    let path = place.wallet("absent").display().to_string();
    assert_eq!(
        place.refusal(&["-wallet=absent", "info"]),
        format!("Failed to load database path '{path}'. Path does not exist.\n")
    );
    assert!(!place.wallet("w").exists());
}

#[test]
fn dumps_are_asked_for_by_name_and_overwrite_nothing() {
    let place = Place::new();
    place.stdout(&["-wallet=w", "create"]);
    assert_eq!(
        place.refusal(&["-wallet=w", "dump"]),
        "No dump file provided. To use dump, -dumpfile=<filename> must be provided.\n"
    );
    fs::write(place.at("mine"), b"dear to me").unwrap();
    let shown = place.at("mine").display().to_string();
    assert_eq!(
        place.refusal(&["-wallet=w", "-dumpfile=mine", "dump"]),
        format!("File {shown} already exists. If you are sure this is what you want, move it out of the way first.\n")
    );
    assert_eq!(
        place.refusal(&["-wallet=v", "createfromdump"]),
        "No dump file provided. To use createfromdump, -dumpfile=<filename> must be provided.\n"
    );
    assert!(
        place.refusal(&["-wallet=v", "-dumpfile=mine", "createfromdump"]).starts_with("Error: Dumpfile identifier")
    );
    assert!(!place.wallet("v").exists());
    place.stdout(&["-wallet=w", "-dumpfile=w.dump", "dump"]);
    let path = place.wallet("w").display().to_string();
    let there = format!("Failed to create database path '{path}'. Database already exists.\n");
    assert_eq!(place.refusal(&["-wallet=w", "-dumpfile=w.dump", "createfromdump"]), there);
    assert_eq!(place.refusal(&["-wallet=w", "create"]), there);
}

#[test]
fn an_open_wallet_is_left_alone() {
    let place = Place::new();
    place.stdout(&["-wallet=w", "create"]);
    let bitcoin = coin::by_id("bitcoin").unwrap();
    let format = Format::for_chain(bitcoin, bitcoin.chain(coin::ChainKind::Regtest).unwrap());
    let wallet = WalletFile::open(&place.wallet("w"), format).unwrap();
    let locked = "SQLiteDatabase: Unable to obtain an exclusive lock on the database, is it being used by another instance of \
                  Bitcoin Core?\n";
    assert_eq!(place.refusal(&["-wallet=w", "info"]), locked);
    assert_eq!(place.refusal(&["-wallet=w", "-dumpfile=x", "dump"]), locked);
    // What the wallet has since been told is shown afterwards.
    wallet.put(&Record::MasterKey { number: 1, key: master_key() }).unwrap();
    wallet.put(&Record::Name { address: "a".into(), label: "l".into() }).unwrap();
    drop(wallet);
    assert!(place.stdout(&["-wallet=w", "info"]).contains("\nEncrypted: yes\n"));
}

fn master_key() -> walletdb::MasterKeyRecord {
    walletdb::MasterKeyRecord {
        encrypted_key: vec![1; 48],
        salt: vec![2; 8],
        derivation_method: 0,
        iterations: 25_000,
        other_parameters: Vec::new(),
    }
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> std::io::Result<()> {
        Err(std::io::Error::other("the well is dry"))
    }
}

#[test]
fn without_chance_there_is_no_wallet_and_nothing_is_left_of_it() {
    let place = Place::new();
    let coin = coin::by_id("bitcoin").unwrap();
    let datadir = format!("-datadir={}", place.0.path().display());
    let argv: Vec<std::ffi::OsString> =
        ["bitcoin-wallet", &datadir, "-regtest", "-wallet=w", "create"].map(Into::into).to_vec();
    let Outcome::Run(config) = config::load(Role::Wallet, coin, &argv, &Env::rooted_at(place.0.path())).unwrap() else {
        panic!("the tool runs")
    };
    let clock: Arc<dyn Clock> = Arc::new(clock());
    let printed = run(&config, &*clock, &NoEntropy);
    assert_eq!((printed.stderr.as_str(), printed.code), ("Error: Unable to generate keys: the well is dry\n", 1));
    assert!(!place.wallet("w").exists());
}
