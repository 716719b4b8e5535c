//! Screens, as a screen reader finds them.

use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use interfaces::{BlockRef, NodeStatus, Secret, WalletBalances};
use model::{
    Action, Command, ConsoleLine, Desk, Holdings, LockState, News, Page, Requested, Row, RpcFailure, SendStage, State,
    WalletsFound, format_amount,
};

use crate::show;

/// A state, what was done to it, and what somebody else is to do.
struct Screen {
    state: State,
    commands: Vec<Command>,
}

impl Screen {
    fn hear(&mut self, news: News) {
        self.commands.extend(self.state.hear(news));
    }
}

fn draw(state: State) -> Harness<'static, Screen> {
    let app = |ui: &mut egui::Ui, screen: &mut Screen| {
        for action in show(ui, &screen.state) {
            screen.commands.extend(screen.state.act(action));
        }
    };
    let screen = Screen { state, commands: Vec::new() };
    Harness::builder().with_size([1000.0, 700.0]).with_accessibility_check(true).build_ui_state(app, screen)
}

/// A node with a wallet.
fn running(lock: LockState) -> State {
    let mut state = State::new("BTC");
    let wallets = WalletsFound { open: vec!["w".into()], closed: vec!["old".into()], enabled: true };
    let balances = WalletBalances { trusted: 5_000_000_000, untrusted_pending: 1, immature: 12_345_678 };
    let status = NodeStatus { tip: BlockRef { height: 101, ..BlockRef::default() }, ..NodeStatus::default() };
    state.hear(News::Here);
    state.hear(News::Wallets(Ok(wallets)));
    state.hear(News::Status(Ok(status)));
    state.hear(News::Holdings("w".into(), Ok(Holdings { balances, lock })));
    state.hear(News::History("w".into(), Ok(vec![row()])));
    state
}

fn row() -> Row {
    Row {
        time: "2026-01-01 00:00".into(),
        category: "receive".into(),
        label: "rent".into(),
        amount: "1.10000000".into(),
        confirmations: 3,
        txid: "ab".repeat(32),
        ..Row::default()
    }
}

fn on(page: Page, lock: LockState) -> Harness<'static, Screen> {
    let mut state = running(lock);
    state.act(Action::Show(page));
    draw(state)
}

#[test]
fn the_overview_shows_balances() {
    let mut harness = on(Page::Overview, LockState::Locked);
    harness.run();
    for text in [
        "50.00000000 BTC",
        "0.00000001 BTC",
        "0.12345678 BTC",
        "50.12345679 BTC",
        "Encrypted and locked",
        "rent",
        "1.10000000 BTC",
        "3 confirmations",
        "Height 101",
    ] {
        harness.get_by_label(text);
    }
}

#[test]
fn a_receive_address_appears() {
    let mut harness = on(Page::Overview, LockState::Unencrypted);
    harness.run();
    harness.get_by_label("Receive").click();
    harness.run();
    fill_in(&mut harness, "Label of the new address", "rent");
    harness.get_by_label("Create new receiving address").click();
    harness.run();
    let asked = Command::NewAddress { wallet: "w".into(), kind: String::new(), label: "rent".into() };
    assert!(harness.state().commands.contains(&asked), "{:?}", harness.state().commands);
    let screen = harness.state_mut();
    screen.hear(News::NewAddress("w".into(), Ok("bcrt1qnew".into())));
    let list = vec![Requested { address: "bcrt1qold".into(), amount: "0.00000000".into(), ..Requested::default() }];
    screen.hear(News::Addresses("w".into(), Ok(list)));
    harness.run();
    harness.get_by_label("bcrt1qnew");
    harness.get_by_label("bcrt1qold");
}

fn fill_in(harness: &mut Harness<'_, Screen>, name: &str, text: &str) {
    harness.get_by_label(name).focus();
    harness.run();
    harness.get_by_label(name).type_text(text);
    harness.run();
}

#[test]
fn a_wrong_amount_is_said() {
    let mut harness = on(Page::Send, LockState::Unencrypted);
    harness.run();
    fill_in(&mut harness, "Pay to", "bcrt1q");
    fill_in(&mut harness, "Amount (BTC)", "0.000000001");
    harness.get_by_label("Review payment").click();
    harness.run();
    harness.get_by_label("An amount has at most 8 decimals.");
    assert_eq!(harness.state().state.send.stage, SendStage::Editing);
    assert_eq!(harness.state().commands, []);
}

#[test]
fn a_payment_is_shown_unlocked_and_made() {
    let mut harness = on(Page::Send, LockState::Locked);
    harness.run();
    fill_in(&mut harness, "Pay to", "bcrt1q");
    fill_in(&mut harness, "Amount (BTC)", "1.5");
    harness.get_by_label("Review payment").click();
    harness.run();
    harness.get_by_label(&format!("{} BTC", format_amount(150_000_000)));
    fill_in(&mut harness, "Wallet passphrase", "horse");
    harness.get_by_label("Pay").click();
    harness.run();
    let commands = std::mem::take(&mut harness.state_mut().commands);
    let [Command::Pay { passphrase: Some(passphrase), payment, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!((passphrase.expose(), payment.amount), ("horse", 150_000_000));
    let wrong = RpcFailure { code: -14, message: "Error: The wallet passphrase entered was incorrect.".into() };
    harness.state_mut().hear(News::Paid("w".into(), Err(wrong)));
    harness.run();
    harness.get_by_label("Error: The wallet passphrase entered was incorrect.");
    fill_in(&mut harness, "Wallet passphrase", "mare");
    harness.get_by_label("Pay").click();
    harness.run();
    harness.state_mut().hear(News::Paid("w".into(), Ok("cd".repeat(32))));
    harness.run();
    harness.get_by_label(&"cd".repeat(32));
}

#[test]
fn a_lost_node_is_waited_for() {
    let mut harness = draw(running(LockState::Unencrypted));
    harness.run();
    let sentence = "The node is gone; waiting for its return.";
    assert!(harness.query_by_label(sentence).is_none());
    harness.state_mut().hear(News::Gone(sentence.into()));
    // The banner turns, so the screen never comes to rest.
    harness.run_steps(3);
    harness.get_by_label(sentence);
    harness.get_by_label("Height 101");
    harness.state_mut().hear(News::Here);
    harness.run();
    assert!(harness.query_by_label(sentence).is_none());
}

#[test]
fn a_refusal_is_shown() {
    let mut state = State::new("BTC");
    state.hear(News::Refused("This gui process is for chain main.".into()));
    let mut harness = draw(state);
    harness.run();
    harness.get_by_label("This gui process is for chain main.");
}

#[test]
fn the_console_prints_answers() {
    let mut harness = on(Page::Console, LockState::Unencrypted);
    harness.run();
    fill_in(&mut harness, "Command", "getblockcount");
    harness.get_by_label("Run").click();
    harness.run();
    let line = ConsoleLine::parse("getblockcount").unwrap();
    assert_eq!(harness.state().commands, [Command::Execute { wallet: Some("w".into()), line }]);
    harness.state_mut().hear(News::Printed(Ok("101".into())));
    harness.run();
    harness.get_by_label("> getblockcount");
    harness.get_by_label("101");
    // A passphrase leaves no trace on the screen.
    fill_in(&mut harness, "Command", "walletpassphrase horse 60");
    harness.key_press(egui::Key::Enter);
    harness.run();
    harness.get_by_label("> walletpassphrase(…)");
    assert_eq!(harness.state().state.console.input, Secret::default());
}

#[test]
fn wallets_are_opened_and_created() {
    let mut harness = on(Page::Wallets, LockState::Unencrypted);
    harness.run();
    harness.get_by_label("Open \"old\"").click();
    harness.run();
    assert_eq!(harness.state().commands, [Command::OpenWallet("old".into())]);
    let failed = News::Opened(Err(model::Trouble::Said("Wallet file verification failed.".into())));
    harness.state_mut().hear(failed);
    harness.run();
    harness.get_by_label("Wallet file verification failed.");
    fill_in(&mut harness, "Wallet name", "new");
    fill_in(&mut harness, "Passphrase (empty for none)", "a");
    harness.get_by_label("Create wallet").click();
    harness.run();
    harness.get_by_label("The passphrases are not the same.");
}

#[test]
fn every_screen_can_be_drawn() {
    for (page, _) in Page::ALL {
        for state in [State::new("FRC"), running(LockState::Unlocked)] {
            let mut state = state;
            state.act(Action::Show(page));
            state.hear(News::Message { text: "Careful".into(), error: true });
            state.hear(News::Progress { title: "Rescanning".into(), percent: 7 });
            let mut harness = draw(state);
            harness.run_steps(2);
            harness.get_by_label("Careful");
        }
    }
}

#[test]
fn without_a_window_it_runs_until_it_is_told_to_end() {
    let desk = Desk::new("BTC", |_| Ok("[]".to_owned())).unwrap();
    let backend = desk.backend().clone();
    backend.connected(Arc::new(fakes::FakeNode::default()));
    backend.tell(News::Refused("It is another chain.".into()));
    assert_eq!(crate::offscreen(desk).as_deref(), Some("It is another chain."));
}
