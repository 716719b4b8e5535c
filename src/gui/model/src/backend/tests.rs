//! The backend over the fakes: commands in, news out.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fakes::FakeNode;
use interfaces::{Node as _, Secret, WalletCreate};

use super::*;
use crate::connection::Connection;
use crate::desk::{Desk, summary};
use crate::overview::LockState;
use crate::send::{Fee, Payment};
use crate::state::State;
use crate::{Action, Page};

/// Longest wait for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::unnecessary_wraps, reason = "the console's conversion can fail")]
fn convert(line: &ConsoleLine) -> Result<String, String> {
    let words: Vec<&str> = line.words.iter().map(Secret::expose).collect();
    Ok(serde_json::json!(words).to_string())
}

fn backend() -> (Backend, Receiver<News>) {
    let (sender, news) = channel();
    let sender = Mutex::new(sender);
    let tell: Tell = Arc::new(move |news| drop(lock(&sender).send(news)));
    (Backend::start(tell, convert).unwrap(), news)
}

fn next(news: &Receiver<News>, wanted: impl Fn(&News) -> bool) -> News {
    loop {
        let news = news.recv_timeout(PATIENCE).unwrap();
        if wanted(&news) {
            return news;
        }
    }
}

fn node_with_wallet(passphrase: &str) -> FakeNode {
    let node = FakeNode::default();
    let loader = node.wallet_loader().unwrap().unwrap();
    let create = WalletCreate { name: "w".into(), passphrase: Secret::new(passphrase), ..WalletCreate::default() };
    loader.create_wallet(&create).unwrap().unwrap();
    node
}

#[test]
fn every_command_is_answered_without_a_node() {
    let (backend, news) = backend();
    backend.execute(Command::ReadStatus);
    assert_eq!(next(&news, |_| true), News::Status(Err(Trouble::Gone)));
    backend.execute(Command::ReadHoldings("w".into()));
    assert_eq!(next(&news, |_| true), News::Holdings("w".into(), Err(Trouble::Gone)));
    backend.execute(Command::Stop);
    assert_eq!(next(&news, |_| true), News::Stopped);
}

#[test]
fn the_wallets_of_a_node_answer() {
    let (backend, news) = backend();
    backend.connected(Arc::new(node_with_wallet("horse")));
    assert_eq!(next(&news, |_| true), News::Here);
    backend.execute(Command::ReadWallets);
    let found = next(&news, |_| true);
    assert!(matches!(&found, News::Wallets(Ok(found)) if found.open == ["w"] && found.enabled), "{found:?}");
    backend.execute(Command::ReadHoldings("w".into()));
    let News::Holdings(_, Ok(holdings)) = next(&news, |_| true) else { panic!("no holdings") };
    assert_eq!((holdings.balances.trusted, holdings.lock), (3, LockState::Locked));
    backend.execute(Command::NewAddress { wallet: "w".into(), kind: "bech32".into(), label: "l".into() });
    // The wallet tells of it before the answer comes.
    assert_eq!(next(&news, |_| true), News::AddressesChanged("w".into()));
    assert_eq!(next(&news, |_| true), News::NewAddress("w".into(), Ok("bech32-1".into())));
    backend.execute(Command::ReadHoldings("none".into()));
    assert!(matches!(next(&news, |_| true), News::Holdings(_, Err(Trouble::Said(text))) if text.contains("not open")));
}

#[test]
fn a_wallet_is_unlocked_for_one_payment() {
    let (backend, news) = backend();
    let node = node_with_wallet("horse");
    let wallet = node.wallet_loader().unwrap().unwrap().get_wallet("w").unwrap().unwrap();
    backend.connected(Arc::new(node));
    next(&news, |news| *news == News::Here);
    let payment = Payment { address: "a".into(), amount: 1, subtract_fee: false, fee: Fee::default() };
    for (passphrase, code) in [("wrong", -14), ("horse", 0)] {
        let passphrase = Some(Secret::new(passphrase));
        backend.execute(Command::Pay { wallet: "w".into(), payment: payment.clone(), passphrase });
        let News::Paid(_, result) = next(&news, |news| matches!(news, News::Paid(..))) else { unreachable!() };
        // The fake answers with the request, which is no transaction.
        assert_eq!(result.unwrap_err().code, code);
        assert!(wallet.is_locked().unwrap());
    }
}

#[test]
fn the_console_prints_and_the_node_tells() {
    let (backend, news) = backend();
    let node = FakeNode::default();
    backend.connected(Arc::new(node.clone()));
    next(&news, |news| *news == News::Here);
    let line = ConsoleLine::parse("echo 'a b'").unwrap();
    backend.execute(Command::Execute { wallet: Some("my w".into()), line });
    let News::Printed(Ok(text)) = next(&news, |_| true) else { panic!("nothing printed") };
    assert!(text.contains("\"uri\": \"/wallet/my%20w\"") && text.contains("\"a b\""), "{text}");
    node.set_network_active(true).unwrap();
    assert_eq!(next(&news, |_| true), News::NodeChanged);
    backend.lost("The node is gone.");
    assert_eq!(next(&news, |_| true), News::Gone("The node is gone.".into()));
    // Nobody listens to it any more.
    node.set_network_active(false).unwrap();
    backend.execute(Command::ReadStatus);
    assert_eq!(next(&news, |_| true), News::Status(Err(Trouble::Gone)));
}

fn until(desk: &mut Desk, what: impl Fn(&State) -> bool) {
    while !what(desk.state()) {
        assert!(desk.wait(PATIENCE), "{:?}", desk.state());
    }
}

#[test]
fn a_desk_shows_a_node_loses_it_and_finds_the_next() {
    let mut desk = Desk::new("BTC", convert).unwrap();
    assert_eq!(summary(desk.state()), "\"The node is being started.\"");
    desk.backend().connected(Arc::new(node_with_wallet("")));
    until(&mut desk, |state| state.overview.holdings.is_some() && state.bar.status.is_some());
    assert_eq!(
        summary(desk.state()),
        "height 0, headers 0, peers 0 in 0 out, network off, wallet \"w\", balance 0.00000003, pending 0.00000002, \
         immature 0.00000001"
    );
    desk.backend().lost("The node is gone; waiting for its return.");
    until(&mut desk, |state| !state.connection.is_connected());
    desk.act(Action::Show(Page::Console));
    desk.backend().connected(Arc::new(FakeNode::default()));
    until(&mut desk, |state| state.connection.is_connected() && state.wallets.chosen.is_none());
    desk.act(Action::Quit);
    until(&mut desk, |state| state.connection == Connection::Stopped);
    assert!(desk.is_finished());
}
