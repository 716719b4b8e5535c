//! The state machine as a function: what goes in, what comes out.

use interfaces::{BlockRef, NodeStatus, Secret, WalletBalances, WalletOpened};
use proptest::prelude::*;

use super::*;
use crate::console::ConsoleEntry;
use crate::outcome::RpcFailure;
use crate::overview::{Holdings, LockState};
use crate::wallets::WalletsFound;

fn status(height: i32) -> NodeStatus {
    NodeStatus { tip: BlockRef { height, ..BlockRef::default() }, ..NodeStatus::default() }
}

fn found(open: &[&str]) -> News {
    let open = open.iter().map(|&name| name.to_owned()).collect();
    News::Wallets(Ok(WalletsFound { open, closed: Vec::new(), enabled: true }))
}

fn holdings(trusted: i64, lock: LockState) -> Holdings {
    Holdings { balances: WalletBalances { trusted, ..WalletBalances::default() }, lock }
}

/// A node at height 1 with the wallet `w`, and nothing asked.
fn running() -> State {
    let mut state = State::new("BTC");
    state.hear(News::Here);
    state.hear(found(&["w"]));
    state.hear(News::Holdings("w".into(), Ok(holdings(3, LockState::Unencrypted))));
    state.hear(News::History("w".into(), Ok(Vec::new())));
    state.hear(News::Addresses("w".into(), Ok(Vec::new())));
    state.hear(News::Status(Ok(status(1))));
    for _ in 0..2 {
        state.hear(found(&["w"]));
        state.hear(News::Holdings("w".into(), Ok(holdings(3, LockState::Unencrypted))));
        state.hear(News::History("w".into(), Ok(Vec::new())));
    }
    state
}

#[test]
fn a_node_is_asked_for_everything_when_it_comes() {
    let mut state = State::new("BTC");
    assert_eq!(state.act(Action::Tick), []);
    assert_eq!(state.hear(News::Here), [Command::ReadStatus, Command::ReadWallets]);
    let w = || "w".to_owned();
    assert_eq!(
        state.hear(found(&["w"])),
        [Command::ReadHoldings(w()), Command::ReadHistory(w()), Command::ReadAddresses(w())]
    );
    state.hear(News::Holdings(w(), Ok(holdings(5_000_000_000, LockState::Unencrypted))));
    assert_eq!(state.overview.amounts().unwrap()[0], "50.00000000");
}

#[test]
fn a_lost_node_is_waited_for_and_its_successor_asked_again() {
    let mut state = running();
    assert_eq!(state.hear(News::Gone("The node is gone.".into())), []);
    assert_eq!(state.connection.banner(), Some("The node is gone."));
    assert_eq!(state.act(Action::Tick), []);
    assert_eq!(state.act(Action::ConsoleRun), []);
    // What was known is still shown.
    assert_eq!(state.bar.height(), Some(1));
    assert_eq!(state.hear(News::Here), [Command::ReadStatus, Command::ReadWallets]);
    // The wallet is asked only when it is known to be open.
    assert_eq!(state.hear(found(&[])), []);
    assert_eq!(state.wallets.chosen, None);
    state.act(Action::Tick);
    state.hear(News::Status(Ok(status(2))));
    assert_eq!(state.hear(found(&["w"])).len(), 3);
}

#[test]
fn the_same_wallet_is_asked_again_after_a_reconnect() {
    let mut state = running();
    state.hear(News::Gone(String::new()));
    state.hear(News::Here);
    let asked = state.hear(found(&["w"]));
    assert!(asked.contains(&Command::ReadHoldings("w".into())) && asked.contains(&Command::ReadHistory("w".into())));
}

#[test]
fn answers_about_another_wallet_are_not_shown() {
    let mut state = running();
    state.hear(News::Holdings("other".into(), Ok(holdings(9, LockState::Locked))));
    assert_eq!(state.overview.holdings.unwrap().balances.trusted, 3);
    assert!(!state.overview.is_locked());
}

#[test]
fn a_wrong_amount_is_said_beside_its_field_and_nothing_is_sent() {
    let mut state = running();
    state.act(Action::SendAddress("addr".into()));
    state.act(Action::SendAmount("1,5".into()));
    assert_eq!(state.act(Action::Review), []);
    assert!(state.send.amount_error.is_some());
    assert_eq!(state.act(Action::Pay), []);
}

#[test]
fn a_locked_wallet_pays_with_its_passphrase() {
    let mut state = running();
    state.overview.holdings = Some(holdings(3, LockState::Locked));
    state.act(Action::SendAddress("addr".into()));
    state.act(Action::SendAmount("0.00000001".into()));
    state.act(Action::Review);
    assert_eq!(state.act(Action::Pay), []);
    state.act(Action::SendPassphrase(Secret::new("horse")));
    let commands = state.act(Action::Pay);
    let [Command::Pay { passphrase: Some(passphrase), .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(passphrase.expose(), "horse");
    assert!(!format!("{state:?} {commands:?}").contains("horse"));
    let asked = state.hear(News::Paid("w".into(), Ok("txid".into())));
    assert!(asked.contains(&Command::ReadHoldings("w".into())));
}

#[test]
fn a_new_wallet_is_looked_at() {
    let mut state = running();
    state.act(Action::CreateName("new".into()));
    assert!(matches!(&state.act(Action::Create)[..], [Command::CreateWallet(create)] if create.name == "new"));
    assert_eq!(state.act(Action::Create), []);
    let opened = WalletOpened { name: "new".into(), warnings: vec!["careful".into()] };
    state.hear(News::Opened(Ok(opened)));
    assert_eq!(state.wallets.chosen.as_deref(), Some("new"));
    assert_eq!(state.overview.holdings, None);
    assert_eq!(state.wallets.warnings, ["careful"]);
}

#[test]
fn last_words_go_when_the_work_is_done() {
    let mut state = running();
    state.act(Action::CreateName("x".into()));
    state.act(Action::Create);
    state.hear(News::InitMessage("Creating wallet…".into()));
    state.hear(News::Status(Ok(status(1))));
    assert_eq!(state.bar.message, "Creating wallet…");
    state.hear(News::Opened(Ok(WalletOpened { name: "x".into(), ..WalletOpened::default() })));
    state.hear(News::Status(Ok(status(1))));
    assert_eq!(state.bar.message, "");
}

#[test]
fn the_console_answers() {
    let mut state = running();
    state.act(Action::ConsoleInput("getblockcount".into()));
    let commands = state.act(Action::ConsoleRun);
    assert!(
        matches!(&commands[..], [Command::Execute { wallet: Some(w), line }] if w == "w" && line.method == "getblockcount")
    );
    state.hear(News::Printed(Err(RpcFailure { code: -32601, message: "Method not found".into() })));
    assert_eq!(state.console.entries.last(), Some(&ConsoleEntry::Error("Method not found (code -32601)".into())));
}

#[test]
fn who_leaves_stops_the_node_once() {
    let mut state = running();
    assert_eq!(state.act(Action::Quit), [Command::Stop]);
    assert_eq!(state.hear(News::Quit), []);
    state.hear(News::Gone("gone".into()));
    state.hear(News::Refused("no".into()));
    assert_eq!((&state.connection, &state.refusal), (&Connection::Stopping, &None));
    state.hear(News::Stopped);
    assert_eq!(state.connection, Connection::Stopped);
}

/// A node that was greeted when it was refused is not there.
#[test]
fn a_refusal_is_the_last_word() {
    let mut state = State::new("BTC");
    state.hear(News::Refused("no".into()));
    for late in [News::Here, News::Gone("gone".into()), News::Starting("again".into())] {
        assert_eq!(state.hear(late), []);
        assert_eq!(state.connection, Connection::Refused("no".into()));
        assert_eq!(state.refusal.as_deref(), Some("no"));
    }
    assert_eq!(state.act(Action::Quit), [Command::Stop]);
}

/// What can happen, in any order.
fn news() -> impl Strategy<Value = News> {
    let w = || "w".to_owned();
    prop_oneof![
        Just(News::Here),
        Just(News::Gone("gone".into())),
        Just(News::NodeChanged),
        Just(News::WalletChanged(w())),
        Just(News::AddressesChanged(w())),
        Just(News::WalletClosed),
        Just(found(&["w"])),
        Just(found(&[])),
        (0..3).prop_map(|height| News::Status(Ok(status(height)))),
        Just(News::Status(Err(Trouble::Gone))),
        Just(News::Holdings(w(), Ok(holdings(1, LockState::Locked)))),
        Just(News::Holdings(w(), Err(Trouble::Gone))),
        Just(News::History(w(), Ok(Vec::new()))),
        Just(News::Addresses(w(), Ok(Vec::new()))),
    ]
}

fn question(news: &News) -> Option<usize> {
    match news {
        News::Status(_) => Some(0),
        News::Wallets(_) => Some(1),
        News::Holdings(..) => Some(2),
        News::History(..) => Some(3),
        News::Addresses(..) => Some(4),
        _ => None,
    }
}

fn asked(command: &Command) -> usize {
    match command {
        Command::ReadStatus => 0,
        Command::ReadWallets => 1,
        Command::ReadHoldings(_) => 2,
        Command::ReadHistory(_) => 3,
        Command::ReadAddresses(_) => 4,
        other => panic!("nobody wanted {other:?}"),
    }
}

proptest! {
    /// In whatever order things happen: a node that is gone is asked nothing, and no question is asked while its answer
    /// is outstanding.
    #[test]
    fn questions_never_pile_up(all in prop::collection::vec(news(), 0..80)) {
        let mut state = State::new("BTC");
        let mut open = [0_u32; 5];
        for news in all {
            if let Some(number) = question(&news) {
                // Nobody answers what was not asked.
                if open[number] == 0 {
                    continue;
                }
                open[number] -= 1;
            }
            if news == News::Here {
                // Of a node that is gone no answer comes any more.
                open = [0; 5];
            }
            for command in state.hear(news) {
                prop_assert!(state.connection.is_connected());
                open[asked(&command)] += 1;
            }
            prop_assert!(open.iter().all(|open| *open <= 1), "{open:?}");
        }
    }
}
