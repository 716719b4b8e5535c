//! Tests of the set of wallets: from a request to the file and back, on a chain that is a fake.

mod hostile;
mod hostile_chain;

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use ::rpc::Json;
use config::{Config, Env, Outcome, Role};
use fakes::{FakeChain, contract};
use interfaces::{BlockHash, Call, ChainTip as _, Txid, WalletLoader, WalletNotifications};
use platform::{MockableClock, SystemClock};

use crate::process;

fn config(dir: &Path, options: &[&str]) -> Arc<Config> {
    let mut argv = vec!["bitcoind".into(), "-regtest".into(), "-keypool=2".into()];
    argv.push(format!("-datadir={}", dir.display()).into());
    argv.extend(options.iter().map(Into::into));
    let coin = coin::by_id("bitcoin").unwrap();
    match config::load(Role::Daemon, coin, &argv, &Env::rooted_at(dir)).unwrap() {
        Outcome::Run(config) => Arc::new(*config),
        _ => panic!("the options do not ask for a text"),
    }
}

pub(crate) fn loader(dir: &Path, options: &[&str]) -> Arc<dyn WalletLoader> {
    let clock = Arc::new(MockableClock::new(SystemClock::new()));
    process::wallets(config(dir, options), clock, Arc::new(FakeChain::default())).unwrap()
}

/// The result of a call; the text of its error if it fails.
pub(crate) fn call(loader: &dyn WalletLoader, wallet: &str, method: &str, params: &str) -> Result<Json, String> {
    let request = interfaces::Json::new(format!(r#"{{"id":1,"method":"{method}","params":{params}}}"#));
    let uri = if wallet.is_empty() { "/".to_owned() } else { format!("/wallet/{wallet}") };
    let answer = loader.execute_rpc(&request, &uri, "test", BlockHash::default()).unwrap().unwrap();
    let answer = ::rpc::json::parse(answer.as_str().as_bytes()).unwrap();
    match answer.get("error") {
        Json::Null => Ok(answer.get("result").clone()),
        error => Err(error.get("message").as_str().unwrap().to_owned()),
    }
}

/// The descriptors of an answer of `listdescriptors`.
fn texts(answer: &Json) -> Vec<&str> {
    answer.get("descriptors").as_arr().unwrap().iter().map(|row| row.get("desc").as_str().unwrap()).collect()
}

#[test]
fn a_wallet_that_has_got_to_the_tip_does_not_ask_for_news() {
    let (dir, chain) = (tempfile::tempdir().unwrap(), FakeChain::default());
    chain.advance(3);
    let clock = Arc::new(MockableClock::new(SystemClock::new()));
    let loader = process::wallets(config(dir.path(), &[]), clock, Arc::new(chain.clone())).unwrap();
    call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
    let waits = |tip: BlockHash| {
        let before = chain.waits();
        let request = interfaces::Json::new(r#"{"id":1,"method":"getbalances","params":[]}"#);
        loader.execute_rpc(&request, "/wallet/w", "test", tip).unwrap().unwrap();
        chain.waits() - before
    };
    let tip = chain.tip().unwrap().unwrap().hash;
    assert_eq!(waits(tip), 0);
    assert_eq!(waits(BlockHash::from_bytes([9; 32])), 1, "another block");
    assert_eq!(waits(BlockHash::default()), 1, "nobody knows");
    chain.advance(1);
    assert_eq!(waits(chain.tip().unwrap().unwrap().hash), 0, "it has heard of that one");
    loader.stop().unwrap();
}

#[test]
fn a_damaged_page_is_named_whatever_else_is_wrong_then() {
    const PAGE: usize = 4096;
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
    call(&*loader, "w", "unloadwallet", "[]").unwrap();
    let path = dir.path().join("regtest").join("wallets").join("w").join("wallet.dat");
    let sound = std::fs::read(&path).unwrap();
    let pages = sound.len() / PAGE;
    assert!(pages > 4, "{pages}");
    for page in 1..pages {
        let mut damaged = sound.clone();
        damaged[page * PAGE..][..PAGE].fill(0x5a);
        std::fs::write(&path, damaged).unwrap();
        let error = call(&*loader, "", "loadwallet", r#"["w"]"#).unwrap_err();
        assert!(error.starts_with("Wallet file verification failed. "), "{page}: {error}");
        assert!(error.contains("verify database"), "{page}: {error}");
    }
    std::fs::write(&path, sound).unwrap();
    call(&*loader, "", "loadwallet", r#"["w"]"#).unwrap();
    loader.stop().unwrap();
}

#[test]
fn a_wallet_is_made_closed_and_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    let made = call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
    assert_eq!(made.get("name").as_str(), Ok("w"));
    let address = call(&*loader, "w", "getnewaddress", r#"["tabby"]"#).unwrap();
    let address = address.as_str().unwrap();
    assert!(address.starts_with("bcrt1q"), "{address}");
    let before = call(&*loader, "w", "listdescriptors", "[true]").unwrap();
    assert_eq!(before.get("descriptors").len(), 8);
    call(&*loader, "w", "unloadwallet", "[]").unwrap();
    assert_eq!(call(&*loader, "", "listwallets", "[]").unwrap().len(), 0);
    call(&*loader, "", "loadwallet", r#"["w"]"#).unwrap();
    let after = call(&*loader, "w", "listdescriptors", "[true]").unwrap();
    assert_eq!(texts(&after), texts(&before));
    let info = call(&*loader, "w", "getaddressinfo", &format!(r#"["{address}"]"#)).unwrap();
    assert!(info.get("ismine").is_true());
    assert_eq!(info.get("labels").at(0).as_str(), Ok("tabby"));
    assert!(info.get("hdkeypath").as_str().unwrap().starts_with("m/84h/1h/0h/0/"), "{info}");
    let twice = call(&*loader, "", "loadwallet", r#"["w"]"#).unwrap_err();
    assert_eq!(twice, "Wallet \"w\" is already loaded.");
    loader.stop().unwrap();
}

/// Listens, and comes back from nothing that it is told until the other end is dropped.
struct Asleep(Mutex<Receiver<()>>);

impl Asleep {
    #[expect(clippy::unnecessary_wraps, reason = "the tail of every method here")]
    fn sleep(&self) -> Call<()> {
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }
}

impl WalletNotifications for Asleep {
    fn transaction_changed(&self, _: Txid, _: &str) -> Call<()> {
        self.sleep()
    }

    fn address_book_changed(&self, _: &str, _: &str, _: &str, _: &str) -> Call<()> {
        self.sleep()
    }

    fn status_changed(&self) -> Call<()> {
        self.sleep()
    }

    fn show_progress(&self, _: &str, _: i32) -> Call<()> {
        self.sleep()
    }

    fn unload(&self) -> Call<()> {
        self.sleep()
    }
}

#[test]
fn a_screen_that_does_not_answer_holds_up_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
    let wallet = loader.get_wallet("w").unwrap().unwrap();
    let (wake, asleep) = channel();
    let _handler = wallet.handle_notifications(Arc::new(Asleep(Mutex::new(asleep)))).unwrap();
    let address = call(&*loader, "w", "getnewaddress", r#"["tabby"]"#).unwrap();
    call(&*loader, "w", "setlabel", &format!(r#"["{}","grey"]"#, address.as_str().unwrap())).unwrap();
    call(&*loader, "w", "encryptwallet", r#"["secret"]"#).unwrap();
    call(&*loader, "", "unloadwallet", r#"["w"]"#).unwrap();
    assert_eq!(loader.list_wallets().unwrap(), Vec::<String>::new());
    drop(wake);
}

#[test]
fn older_clients_are_told_what_older_releases_told() {
    for (options, balances, fee, flags, nonmempool) in [
        (&["-rpccompat=29"][..], true, true, false, false),
        (&["-rpccompat=30"], false, true, true, false),
        (&[], false, false, true, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let loader = loader(dir.path(), options);
        call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
        let info = call(&*loader, "w", "getwalletinfo", "[]").unwrap();
        let has = |field: &str| info.as_obj().unwrap().contains(field);
        for field in ["balance", "unconfirmed_balance", "immature_balance"] {
            assert_eq!(has(field), balances, "{options:?} {field}");
        }
        assert_eq!(has("paytxfee"), fee, "{options:?}");
        assert_eq!(has("flags"), flags, "{options:?}");
        let mine = call(&*loader, "w", "getbalances", "[]").unwrap().get("mine").clone();
        assert_eq!(mine.as_obj().unwrap().contains("nonmempool"), nonmempool, "{options:?}");
        loader.stop().unwrap();
    }
}

#[test]
fn an_encrypted_wallet_gives_keys_with_its_passphrase_only() {
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    call(&*loader, "", "createwallet", r#"["w", false, false, "sesame"]"#).unwrap();
    let refused = call(&*loader, "w", "listdescriptors", "[true]").unwrap_err();
    assert_eq!(refused, "Error: Please enter the wallet passphrase with walletpassphrase first.");
    let wrong = call(&*loader, "w", "walletpassphrase", r#"["open", 60]"#).unwrap_err();
    assert_eq!(wrong, "Error: The wallet passphrase entered was incorrect.");
    call(&*loader, "w", "walletpassphrase", r#"["sesame", 60]"#).unwrap();
    let keys = call(&*loader, "w", "listdescriptors", "[true]").unwrap();
    call(&*loader, "w", "walletpassphrasechange", r#"["sesame", "barley"]"#).unwrap();
    call(&*loader, "w", "unloadwallet", "[]").unwrap();
    call(&*loader, "", "loadwallet", r#"["w"]"#).unwrap();
    call(&*loader, "w", "walletpassphrase", r#"["sesame", 60]"#).unwrap_err();
    call(&*loader, "w", "walletpassphrase", r#"["barley", 60]"#).unwrap();
    assert_eq!(call(&*loader, "w", "listdescriptors", "[true]").unwrap(), keys);
    call(&*loader, "w", "walletlock", "[]").unwrap();
    call(&*loader, "w", "listdescriptors", "[true]").unwrap_err();
    loader.stop().unwrap();
}

#[test]
fn a_wallet_in_the_clear_can_be_encrypted() {
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
    let old = call(&*loader, "w", "getnewaddress", "[]").unwrap();
    call(&*loader, "w", "encryptwallet", r#"["sesame"]"#).unwrap();
    let info = call(&*loader, "w", "getaddressinfo", &format!("[{old}]")).unwrap();
    assert!(info.get("ismine").is_true());
    call(&*loader, "w", "walletpassphrase", r#"["sesame", 60]"#).unwrap();
    assert_eq!(call(&*loader, "w", "listdescriptors", "[true]").unwrap().get("descriptors").len(), 16);
    let message = call(&*loader, "w", "getnewaddress", r#"["", "legacy"]"#).unwrap();
    call(&*loader, "w", "signmessage", &format!(r#"[{message}, "hello"]"#)).unwrap();
    loader.stop().unwrap();
    let raw = std::fs::read(dir.path().join("regtest/wallets/w/wallet.dat"))
        .or_else(|_| std::fs::read(dir.path().join("regtest/w/wallet.dat")))
        .unwrap();
    assert!(!raw.windows(19).any(|bytes| bytes == b"walletdescriptorkey"), "keys in the clear are gone from the file");
}

#[test]
fn requests_without_a_wallet_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    let none = call(&*loader, "", "getbalance", "[]").unwrap_err();
    assert!(none.starts_with("No wallet is loaded."), "{none}");
    let other = call(&*loader, "x", "getbalance", "[]").unwrap_err();
    assert_eq!(other, "Requested wallet does not exist or is not loaded");
    call(&*loader, "", "createwallet", r#"["a"]"#).unwrap();
    call(&*loader, "", "createwallet", r#"["b"]"#).unwrap();
    let several = call(&*loader, "", "getbalance", "[]").unwrap_err();
    assert!(several.starts_with("Multiple wallets are loaded."), "{several}");
    assert_eq!(call(&*loader, "a", "getbalance", "[]").unwrap(), Json::amount(0));
    loader.stop().unwrap();
}

#[test]
fn what_is_no_legacy_wallet_is_not_migrated_and_a_legacy_one_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let loader = loader(dir.path(), &[]);
    let migrate = |wallet: &str, params: &str| call(&*loader, wallet, "migratewallet", params).unwrap_err();
    assert_eq!(migrate("", r#"["w"]"#), "Error: Wallet does not exist");
    assert!(migrate("", "[]").starts_with("Either the RPC endpoint wallet"), "no wallet is named");
    assert_eq!(migrate("", r#"["./w"]"#), "Wallet name given as a path must be normalized");
    call(&*loader, "", "createwallet", r#"["w"]"#).unwrap();
    let done = "Error: This wallet is already a descriptor wallet";
    assert_eq!(migrate("w", "[]"), done);
    call(&*loader, "w", "unloadwallet", "[]").unwrap();
    assert_eq!(migrate("", r#"["w"]"#), done);

    // The mark of a B-tree of Berkeley DB is all that is looked at.
    let file = dir.path().join("regtest/wallets/old/wallet.dat");
    let mut old = vec![0; 4096];
    old[12..16].copy_from_slice(&0x0005_3162_u32.to_le_bytes());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &old).unwrap();
    let told = migrate("", r#"["old", "sesame"]"#);
    assert!(told.starts_with("Error: Legacy wallets are not migrated here."), "{told}");
    assert_eq!(std::fs::read(&file).unwrap(), old);
    loader.stop().unwrap();
}

#[test]
fn it_keeps_the_contract_of_wallet_loaders() {
    let dir = tempfile::tempdir().unwrap();
    contract::check_wallets(&*loader(dir.path(), &[]));
}

#[test]
fn every_method_describes_itself_soundly() {
    let names: Vec<_> = crate::rpc::methods().into_iter().map(|method| method.doc.name.clone()).collect();
    for needed in ["createwallet", "getbalances", "importdescriptors", "signrawtransactionwithwallet", "listsinceblock"]
    {
        assert!(names.iter().any(|name| name == needed), "{needed}");
    }
    for method in crate::rpc::methods() {
        assert_eq!(method.doc.problems(), Vec::<String>::new(), "{}", method.doc.name);
    }
}
