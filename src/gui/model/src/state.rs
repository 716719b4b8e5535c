//! The state of the whole GUI, and how it changes.

use crate::action::{Action, Command, News};
use crate::connection::Connection;
use crate::console::Console;
use crate::history::History;
use crate::outcome::{Reply, Trouble};
use crate::overview::Overview;
use crate::receive::Receive;
use crate::refresh::Refresh;
use crate::send::SendForm;
use crate::status::StatusBar;
use crate::wallets::Wallets;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// What there is.
    #[default]
    Overview,
    /// Paying.
    Send,
    /// Being paid.
    Receive,
    /// What came and went.
    Transactions,
    /// Creating and opening wallets.
    Wallets,
    /// Any RPC method.
    Console,
}

impl Page {
    /// All of them, in their order, with their names.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Overview, "Overview"),
        (Self::Send, "Send"),
        (Self::Receive, "Receive"),
        (Self::Transactions, "Transactions"),
        (Self::Wallets, "Wallets"),
        (Self::Console, "Console"),
    ];
}

/// A message that stays until it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The text.
    pub text: String,
    /// Whether it is an error.
    pub error: bool,
}

/// Everything that is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// What amounts are counted in: `BTC`.
    pub ticker: String,
    /// The screen.
    pub page: Page,
    /// Whether there is a node.
    pub connection: Connection,
    /// Why there never will be one: the sentence that the program ends with.
    pub refusal: Option<String>,
    /// A message.
    pub notice: Option<Notice>,
    /// The line below every screen.
    pub bar: StatusBar,
    /// Which wallets there are.
    pub wallets: Wallets,
    /// The screen of that name.
    pub overview: Overview,
    /// The screen of that name.
    pub receive: Receive,
    /// The screen of that name.
    pub send: SendForm,
    /// The screen of that name.
    pub history: History,
    /// The screen of that name.
    pub console: Console,
    pub(crate) status_refresh: Refresh,
    /// The node is a new one, whose wallets have not been looked at yet.
    fresh: bool,
    /// How often a wallet is asked again because it may hear of the last block later than we did.
    unsettled: u8,
}

/// How often a wallet is asked again after a block.
const SETTLE: u8 = 3;

impl State {
    /// Before anything has happened. Amounts are in `ticker`.
    pub fn new(ticker: &str) -> Self {
        Self { ticker: ticker.to_owned(), ..Self::default() }
    }

    /// The user did something.
    pub fn act(&mut self, action: Action) -> Vec<Command> {
        let mut commands = Vec::new();
        match action {
            Action::Tick => self.want_status(&mut commands),
            Action::Show(page) => self.page = page,
            Action::DismissNotice => self.notice = None,
            Action::Quit => self.quit(&mut commands),
            Action::ConsoleInput(text) => self.console.input = interfaces::Secret::new(text),
            Action::ConsoleRecall(earlier) => self.console.recall(earlier),
            Action::ConsoleClear => self.console.clear(),
            Action::ReceiveLabel(text) => self.receive.label = text,
            Action::ReceiveType(kind) => self.receive.kind = kind,
            Action::SendAddress(text) => self.send.address = text,
            Action::SendAmount(text) => self.send.amount = text,
            Action::SendSubtractFee(on) => self.send.subtract_fee = on,
            Action::SendFee(fee) => self.send.fee = fee,
            Action::SendPassphrase(secret) => self.send.passphrase = secret,
            Action::CancelPayment => self.send.cancel(),
            Action::CreateName(text) => self.wallets.form.name = text,
            Action::CreatePassphrase(secret) => self.wallets.form.passphrase = secret,
            Action::CreateRepeat(secret) => self.wallets.form.repeat = secret,
            _ if !self.connection.is_connected() => {}
            asking => self.ask(asking, &mut commands),
        }
        commands
    }

    /// What the user does that somebody else has to do: there is a node.
    fn ask(&mut self, action: Action, commands: &mut Vec<Command>) {
        let chosen = self.wallets.chosen.clone();
        match (action, chosen) {
            (Action::SetNetworkActive(active), _) => commands.push(Command::SetNetworkActive(active)),
            (Action::ChooseWallet(name), _) => self.choose(name, commands),
            (Action::OpenWallet(name), _) if !self.wallets.busy => {
                self.wallets.busy = true;
                self.wallets.error = None;
                commands.push(Command::OpenWallet(name));
            }
            (Action::Create, _) if !self.wallets.busy => {
                if let Some(create) = self.wallets.form.check() {
                    self.wallets.busy = true;
                    self.wallets.error = None;
                    commands.push(Command::CreateWallet(create));
                }
            }
            (Action::ConsoleRun, wallet) => {
                commands.extend(self.console.run().map(|line| Command::Execute { wallet, line }));
            }
            (Action::Lock, Some(wallet)) => commands.push(Command::Lock(wallet)),
            (Action::RequestAddress, Some(wallet)) if !self.receive.busy => {
                self.receive.busy = true;
                self.receive.error = None;
                let (kind, label) = (self.receive.kind.clone(), self.receive.label.trim().to_owned());
                commands.push(Command::NewAddress { wallet, kind, label });
            }
            (Action::Review, Some(_)) => self.send.review(),
            (Action::Pay, Some(wallet)) => {
                let locked = self.overview.is_locked();
                let paying = self.send.pay(locked);
                commands.extend(paying.map(|(payment, passphrase)| Command::Pay { wallet, payment, passphrase }));
            }
            // Without a wallet there is nothing to pay from.
            _ => {}
        }
    }

    /// Something happened elsewhere.
    pub fn hear(&mut self, news: News) -> Vec<Command> {
        let mut commands = Vec::new();
        match news {
            News::Starting(_) | News::Here | News::Gone(_) | News::Refused(_) => self.road(news, &mut commands),
            News::Stopped => self.connection = Connection::Stopped,
            News::Quit => self.quit(&mut commands),
            News::InitMessage(text) => self.bar.message = text,
            News::Progress { title, percent } => self.bar.progressed(title, percent),
            News::Message { text, error } => self.notice = Some(Notice { text, error }),
            News::NodeChanged => self.want_status(&mut commands),
            News::WalletClosed => self.want_wallets(&mut commands),
            News::WalletChanged(name) if self.is_chosen(&name) => self.want_wallet(&mut commands),
            News::AddressesChanged(name) if self.is_chosen(&name) => self.want_addresses(&mut commands),
            News::WalletChanged(_) | News::AddressesChanged(_) => {}
            answer => self.answered(answer, &mut commands),
        }
        commands
    }

    /// What becomes of the road to the node. Who leaves does not care any more.
    fn road(&mut self, news: News, commands: &mut Vec<Command>) {
        // After a refusal comes none but what was on its way before.
        if self.connection.is_ending() || self.refusal.is_some() {
            return;
        }
        match news {
            News::Starting(text) => self.connection = Connection::Starting(text),
            News::Gone(text) => self.connection = Connection::Waiting(text),
            News::Refused(text) => {
                self.refusal = Some(text.clone());
                self.connection = Connection::Refused(text);
            }
            _ => self.here(commands),
        }
    }

    fn answered(&mut self, news: News, commands: &mut Vec<Command>) {
        match news {
            News::Status(reply) => self.status_came(reply, commands),
            News::Wallets(reply) => {
                let again = self.wallets.refresh.came(self.connection.is_connected());
                if let Some(found) = said(reply, &mut self.wallets.error) {
                    let another = self.wallets.found(found);
                    if another {
                        self.look_at_another(commands);
                    } else if self.fresh {
                        self.want_wallet(commands);
                        self.want_addresses(commands);
                    }
                    self.fresh = false;
                }
                self.ask_if(again, Command::ReadWallets, commands);
            }
            News::Holdings(name, reply) => {
                let again = self.overview.refresh.came(self.can_ask_wallet());
                if self.is_chosen(&name)
                    && let Some(holdings) = said(reply, &mut self.overview.error)
                {
                    self.overview.holdings = Some(holdings);
                }
                self.ask_chosen_if(again, Command::ReadHoldings, commands);
            }
            News::History(name, reply) => {
                let again = self.history.refresh.came(self.can_ask_wallet());
                if self.is_chosen(&name)
                    && let Some(rows) = said(reply, &mut self.history.error)
                {
                    self.history.rows = rows;
                }
                self.ask_chosen_if(again, Command::ReadHistory, commands);
            }
            News::Addresses(name, reply) => {
                let again = self.receive.refresh.came(self.can_ask_wallet());
                if self.is_chosen(&name)
                    && let Some(list) = said(reply, &mut self.receive.error)
                {
                    self.receive.list = list;
                }
                self.ask_chosen_if(again, Command::ReadAddresses, commands);
            }
            other => self.done(other, commands),
        }
    }

    /// What the user asked for was done, or not.
    fn done(&mut self, news: News, commands: &mut Vec<Command>) {
        match news {
            News::Opened(reply) => {
                self.wallets.busy = false;
                if let Some(opened) = said(reply, &mut self.wallets.error) {
                    self.wallets.form = crate::wallets::CreateForm::default();
                    self.wallets.warnings = opened.warnings;
                    if !self.wallets.found.open.contains(&opened.name) {
                        self.wallets.found.open.push(opened.name.clone());
                    }
                    self.choose(opened.name, commands);
                }
                self.want_wallets(commands);
            }
            News::NewAddress(name, reply) => {
                self.receive.busy = false;
                if self.is_chosen(&name)
                    && let Some(address) = said(reply, &mut self.receive.error)
                {
                    self.receive.newest = Some(address);
                    self.receive.label.clear();
                    self.want_addresses(commands);
                }
            }
            News::Paid(name, result) => {
                self.send.paid(result);
                if self.is_chosen(&name) {
                    self.want_wallet(commands);
                }
            }
            News::Locked(reply) => {
                // Also when it says no: somebody else may have been faster.
                said(reply, &mut self.overview.error);
                self.want_wallet(commands);
            }
            News::Printed(result) => self.console.printed(result),
            // Everything else was heard before.
            _ => {}
        }
    }

    fn status_came(&mut self, reply: Reply<interfaces::NodeStatus>, commands: &mut Vec<Command>) {
        let again = self.status_refresh.came(self.connection.is_connected());
        match reply {
            Ok(status) => {
                let moved = self.bar.status.as_ref().is_none_or(|before| before.tip != status.tip);
                self.bar.status = Some(status);
                if !self.wallets.busy {
                    // What it was busy with is done, or else it will say so again.
                    self.bar.message.clear();
                }
                self.unsettled = if moved { SETTLE } else { self.unsettled.saturating_sub(1) };
                if self.unsettled > 0 {
                    self.want_wallet(commands);
                }
                // Wallets come and go by other doors, too.
                self.want_wallets(commands);
            }
            Err(Trouble::Said(text)) => self.bar.message = text,
            Err(Trouble::Gone) => {}
        }
        self.ask_if(again, Command::ReadStatus, commands);
    }

    /// A node is there: everything is asked for anew, a wallet when it is known to be open. What was shown stays until
    /// the answers come.
    fn here(&mut self, commands: &mut Vec<Command>) {
        self.connection = Connection::Connected;
        self.bar = StatusBar { status: self.bar.status.take(), ..StatusBar::default() };
        self.status_refresh = Refresh::default();
        self.wallets.refresh = Refresh::default();
        self.overview.refresh = Refresh::default();
        self.history.refresh = Refresh::default();
        self.receive.refresh = Refresh::default();
        self.fresh = true;
        self.want_status(commands);
        self.want_wallets(commands);
    }

    fn quit(&mut self, commands: &mut Vec<Command>) {
        if !self.connection.is_ending() {
            self.connection = Connection::Stopping;
            commands.push(Command::Stop);
        }
    }

    fn choose(&mut self, name: String, commands: &mut Vec<Command>) {
        if self.wallets.choose(name) {
            self.look_at_another(commands);
        }
    }

    fn can_ask_wallet(&self) -> bool {
        self.connection.is_connected() && self.wallets.chosen.is_some()
    }

    fn is_chosen(&self, name: &str) -> bool {
        self.wallets.chosen.as_deref() == Some(name)
    }

    /// What was shown of one wallet is not shown for another.
    fn look_at_another(&mut self, commands: &mut Vec<Command>) {
        self.overview = Overview { refresh: self.overview.refresh, ..Overview::default() };
        self.history = History { refresh: self.history.refresh, ..History::default() };
        self.receive = Receive { refresh: self.receive.refresh, ..Receive::default() };
        if !self.send.is_paying() {
            self.send = SendForm::default();
        }
        self.want_wallet(commands);
        self.want_addresses(commands);
    }

    fn want_status(&mut self, commands: &mut Vec<Command>) {
        let ask = self.connection.is_connected() && self.status_refresh.want();
        self.ask_if(ask, Command::ReadStatus, commands);
    }

    fn want_wallets(&mut self, commands: &mut Vec<Command>) {
        let ask = self.connection.is_connected() && self.wallets.refresh.want();
        self.ask_if(ask, Command::ReadWallets, commands);
    }

    /// What the wallet holds, and what came and went.
    fn want_wallet(&mut self, commands: &mut Vec<Command>) {
        if self.can_ask_wallet() {
            let (holdings, history) = (self.overview.refresh.want(), self.history.refresh.want());
            self.ask_chosen_if(holdings, Command::ReadHoldings, commands);
            self.ask_chosen_if(history, Command::ReadHistory, commands);
        }
    }

    fn want_addresses(&mut self, commands: &mut Vec<Command>) {
        if self.can_ask_wallet() {
            let ask = self.receive.refresh.want();
            self.ask_chosen_if(ask, Command::ReadAddresses, commands);
        }
    }

    fn ask_if(&self, ask: bool, command: Command, commands: &mut Vec<Command>) {
        if ask && self.connection.is_connected() {
            commands.push(command);
        }
    }

    fn ask_chosen_if(&self, ask: bool, command: fn(String) -> Command, commands: &mut Vec<Command>) {
        if let Some(name) = &self.wallets.chosen {
            self.ask_if(ask, command(name.clone()), commands);
        }
    }
}

/// The answer, if there is one; else what the user reads.
fn said<T>(reply: Reply<T>, error: &mut Option<String>) -> Option<T> {
    match reply {
        Ok(answer) => {
            *error = None;
            Some(answer)
        }
        Err(Trouble::Said(text)) => {
            *error = Some(text);
            None
        }
        Err(Trouble::Gone) => None,
    }
}

#[cfg(test)]
mod tests;
