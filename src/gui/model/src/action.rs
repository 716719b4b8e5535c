//! What goes into the state machine, and what comes out.

use interfaces::{NodeStatus, Secret, WalletCreate, WalletOpened};

use crate::console::ConsoleLine;
use crate::history::Row;
use crate::outcome::{Reply, RpcFailure};
use crate::overview::Holdings;
use crate::receive::Requested;
use crate::send::{Fee, Payment};
use crate::state::Page;
use crate::wallets::WalletsFound;

/// What the user does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Time passes: called about once a second.
    Tick,
    /// Goes to another screen.
    Show(Page),
    /// Closes the message that is shown.
    DismissNotice,
    /// Leaves the program.
    Quit,
    /// Turns networking on or off.
    SetNetworkActive(bool),
    /// Chooses another wallet.
    ChooseWallet(String),
    /// Opens a wallet that is on disk.
    OpenWallet(String),
    /// Types the new wallet's name.
    CreateName(String),
    /// Types the new wallet's passphrase.
    CreatePassphrase(Secret),
    /// Types it again.
    CreateRepeat(Secret),
    /// Creates the wallet.
    Create,
    /// Forgets the wallet's keys.
    Lock,
    /// Types the label of a new address.
    ReceiveLabel(String),
    /// Chooses the type of a new address.
    ReceiveType(String),
    /// Asks for a new address.
    RequestAddress,
    /// Types where to.
    SendAddress(String),
    /// Types how much.
    SendAmount(String),
    /// Whether the recipient pays the fee.
    SendSubtractFee(bool),
    /// Chooses the fee.
    SendFee(Fee),
    /// Has the payment checked and shown.
    Review,
    /// Goes back to the form.
    CancelPayment,
    /// Types the passphrase that the payment needs.
    SendPassphrase(Secret),
    /// Pays.
    Pay,
    /// Types in the console.
    ConsoleInput(String),
    /// Runs what was typed.
    ConsoleRun,
    /// Takes an earlier (`true`) or later line.
    ConsoleRecall(bool),
    /// Empties the console.
    ConsoleClear,
}

/// What happened elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// The node is being started or connected to.
    Starting(String),
    /// A node is there. Nothing that was known of one before counts any more.
    Here,
    /// It is gone, and is waited for.
    Gone(String),
    /// There is no node, and there will be none.
    Refused(String),
    /// The node has ended, as it was asked to.
    Stopped,
    /// The program is asked to end.
    Quit,
    /// What the node says of its start or its end.
    InitMessage(String),
    /// Something takes time.
    Progress {
        /// What.
        title: String,
        /// How much is done, in percent.
        percent: i32,
    },
    /// Something that the user has to read.
    Message {
        /// The text.
        text: String,
        /// Whether it is an error.
        error: bool,
    },
    /// Something that the status bar shows has changed.
    NodeChanged,
    /// A wallet has changed, or is gone.
    WalletChanged(String),
    /// A wallet has changed an address of its own.
    AddressesChanged(String),
    /// A wallet was closed.
    WalletClosed,
    /// An answer.
    Status(Reply<NodeStatus>),
    /// An answer.
    Wallets(Reply<WalletsFound>),
    /// An answer about a wallet.
    Holdings(String, Reply<Holdings>),
    /// An answer about a wallet.
    History(String, Reply<Vec<Row>>),
    /// An answer about a wallet.
    Addresses(String, Reply<Vec<Requested>>),
    /// A wallet was created or opened.
    Opened(Reply<WalletOpened>),
    /// A new address of a wallet.
    NewAddress(String, Reply<String>),
    /// A payment from a wallet: its transaction.
    Paid(String, Result<String, RpcFailure>),
    /// The keys of a wallet were forgotten.
    Locked(Reply<()>),
    /// What the console prints.
    Printed(Result<String, RpcFailure>),
}

/// What the backend is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answer [`News::Status`].
    ReadStatus,
    /// Answer [`News::Wallets`].
    ReadWallets,
    /// Answer [`News::Holdings`], and tell of this wallet's changes from now on.
    ReadHoldings(String),
    /// Answer [`News::History`].
    ReadHistory(String),
    /// Answer [`News::Addresses`].
    ReadAddresses(String),
    /// Turn networking on or off.
    SetNetworkActive(bool),
    /// Answer [`News::Opened`].
    CreateWallet(WalletCreate),
    /// Answer [`News::Opened`].
    OpenWallet(String),
    /// Answer [`News::Locked`].
    Lock(String),
    /// Answer [`News::NewAddress`].
    NewAddress {
        /// Whose.
        wallet: String,
        /// Its type; empty for the wallet's own choice.
        kind: String,
        /// Its label.
        label: String,
    },
    /// Answer [`News::Paid`].
    Pay {
        /// From which wallet.
        wallet: String,
        /// What.
        payment: Payment,
        /// To unlock the wallet with, for this payment alone.
        passphrase: Option<Secret>,
    },
    /// Answer [`News::Printed`].
    Execute {
        /// For a method of a wallet.
        wallet: Option<String>,
        /// What.
        line: ConsoleLine,
    },
    /// Stop the node if it is a child, and answer [`News::Stopped`].
    Stop,
}
