//! Wallets here, wallets elsewhere, wallets that die.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fakes::{FakeChain, FakeInit, FakeWalletLoader};
use interfaces::{Chain, Hello, WalletCreate, WalletLoader};
use ipc::{Ipc, Options};
use platform::{Clock, SystemClock};

use super::desk::{Absent, Desk};
use super::host::close;
use super::supervise::Supervisor;
use crate::WalletSource;
use crate::testing::RunningNode;

fn local(wallets: &Arc<FakeWalletLoader>) -> WalletSource {
    let wallets = Arc::clone(wallets);
    WalletSource::Local(Box::new(move |_, _, _| Ok(Arc::clone(&wallets) as Arc<dyn WalletLoader>)))
}

#[test]
fn requests_for_wallets_are_passed_on() {
    let node = RunningNode::start(&[], local(&Arc::default()));
    let answer = node.ask_at("/wallet/w", "getnewaddress", r#"{"label":"x"}"#).unwrap();
    assert_eq!(answer.get("uri").as_str().unwrap(), "/wallet/w");
    assert_eq!(answer.get("request").get("params").write(), r#"{"label":"x"}"#);
    // The node's own methods are the node's at any address.
    assert_eq!(node.ask_at("/wallet/w", "getblockcount", "[]").unwrap().write(), "0");
    let help = node.ask("help", "[]").unwrap();
    assert!(help.as_str().unwrap().contains("== Wallet =="), "{help:?}");
    let (code, text) = node.ask_at("/wallet/w", "nosuchmethod", "[]").unwrap_err();
    assert_eq!((code, text.as_str()), (-32601, "Method not found"));
}

fn keys_are_passed_on(options: &[&str]) {
    let node = RunningNode::start(options, local(&Arc::default()));
    let key = "cVpF924EspNh8KjYsfhgY96mmxvT6DgdWiTYMtMjuM74hJaU5psW";
    // The answer of a fake is not that of the method, which debug builds notice.
    let (_, text) = node.ask_at("/wallet/w", "signmessagewithprivkey", &format!(r#"["{key}","m"]"#)).unwrap_err();
    assert!(text.contains("signmessagewithprivkey") && !text.contains(key), "{text}");
    let public = r#"["pkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)"]"#;
    node.ask("getdescriptorinfo", public).unwrap();
    let listed = node.ask("help", "[]").unwrap().as_str().unwrap().contains("getnewaddress");
    assert_eq!(listed, options.is_empty());
}

#[test]
fn keys_are_passed_on_with_wallets() {
    keys_are_passed_on(&[]);
}

#[test]
fn keys_are_passed_on_without_wallets() {
    keys_are_passed_on(&["-disablewallet"]);
}

#[test]
fn without_wallets_there_are_no_wallet_methods() {
    let node = RunningNode::start(&[], WalletSource::None);
    assert_eq!(node.ask("getnewaddress", "[]").unwrap_err(), (-32601, "Method not found".to_owned()));
    let (code, text) = node.ask("signmessagewithprivkey", r#"["k","m"]"#).unwrap_err();
    assert_eq!((code, text.as_str()), (-1, "This node has no wallet."));
}

/// A wallet process in this process, which can be killed.
#[derive(Default)]
struct Other {
    wallets: Mutex<Vec<(Ipc, Arc<FakeWalletLoader>)>>,
}

fn hello() -> Hello {
    Hello { coin: "bitcoin".into(), chain: "regtest".into(), ..Hello::default() }
}

impl Other {
    fn supervised(self: &Arc<Self>, desk: &Arc<Desk>) -> Supervisor {
        let (other, ours) = (Arc::clone(self), Ipc::new(Options::new("bitcoin-node")));
        let start = move || {
            let (near, far) = UnixStream::pair().unwrap();
            let init = FakeInit { hello: hello(), ..FakeInit::default() };
            let ipc = Ipc::new(Options::new("bitcoin-wallet"));
            let wallets = Arc::clone(&init.wallets);
            ipc.serve(far, "parent", Arc::new(init))?;
            other.wallets.lock().unwrap().push((ipc, wallets));
            Ok((None, ours.attach(near, "child", Some(&hello()))?))
        };
        let make_chain = || Some(Arc::new(FakeChain::default()) as Arc<dyn Chain>);
        Supervisor::keep(start, "bitcoin-wallet".to_owned(), Box::new(make_chain), Arc::clone(desk)).unwrap()
    }

    fn lives(&self) -> usize {
        self.wallets.lock().unwrap().len()
    }

    fn kill(&self) {
        self.wallets.lock().unwrap().last().unwrap().0.disconnect_incoming();
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    let end = clock.monotonic() + Duration::from_secs(30);
    while !holds() {
        assert!(clock.monotonic() < end, "{what} did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn a_wallet_that_dies_comes_back_as_it_was() {
    let (other, desk) = (Arc::new(Other::default()), Arc::new(Desk::default()));
    let supervisor = other.supervised(&desk);
    let loader = desk.wait(Duration::from_secs(30)).unwrap();
    loader.create_wallet(&WalletCreate { name: "w".into(), ..WalletCreate::default() }).unwrap().unwrap();
    desk.change(|state| {
        (state.loaded, state.started) = (true, true);
        state.open.insert("w".to_owned());
    });
    for life in 1..4 {
        other.kill();
        // The call that finds it gone gets one clear error, and the next life has the wallet open again or says why not.
        eventually("a new life", || other.lives() > life);
        let next = desk.wait(Duration::from_secs(30));
        eventually("the new wallets", || desk.loader().is_ok_and(|loader| loader.list_wallets().is_ok()));
        assert!(next.is_ok() || next.err() == Some(Absent::Gone));
    }
    desk.change(|state| state.stopping = true);
    drop(supervisor);
    assert_eq!(desk.loader().err(), Some(Absent::Stopping));
    assert_eq!(other.lives(), 4);
}

#[test]
fn wallets_that_hang_are_not_waited_for_without_end() {
    let wallets = Arc::new(FakeWalletLoader::default());
    wallets.create_wallet(&WalletCreate { name: "w".into(), ..WalletCreate::default() }).unwrap().unwrap();
    let release = wallets.hold();
    let problem = close(Arc::clone(&wallets) as _, Duration::from_millis(1)).unwrap_err();
    assert_eq!(problem, "no answer within 0 seconds");
    assert_eq!(wallets.list_wallets().unwrap(), ["w"]);
    drop(release);
    close(Arc::clone(&wallets) as _, Duration::MAX).unwrap();
    assert_eq!(wallets.list_wallets().unwrap(), Vec::<String>::new());
}

#[test]
fn a_wallet_that_cannot_start_says_why() {
    let desk = Arc::new(Desk::default());
    let start = || Err(ipc::Error::Start(std::io::Error::other("cannot start bitcoin-wallet: no such file")));
    let make_chain = || Some(Arc::new(FakeChain::default()) as Arc<dyn Chain>);
    let supervisor =
        Supervisor::keep(start, "bitcoin-wallet".to_owned(), Box::new(make_chain), Arc::clone(&desk)).unwrap();
    let absent = desk.wait(Duration::from_secs(30)).err().unwrap();
    assert!(absent.to_string().contains("cannot start bitcoin-wallet: no such file"), "{absent}");
    drop(supervisor);
}
