//! What the desktop GUI shows and does, without a pixel: screens as state machines over the interfaces.
//!
//! What flows through, in order:
//!
//! 1. Whoever holds the road to the node tells the [`Backend`] when a node is there and when it is gone
//!    ([`Backend::connected`], [`Backend::lost`]). The backend subscribes to the node's and the wallets' notifications.
//! 2. Notifications and answers become [`News`], in the order in which they happen. What the user does becomes an
//!    [`Action`]. Both go into the [`State`], which changes and answers with [`Command`]s. Nothing here waits, reads a
//!    clock or knows another process, so that every screen can be tested as a function.
//! 3. The backend executes commands on worker threads, one for what is read, one for what the user does and one for
//!    the console, so that a long answer delays nobody else. Answers are news again.
//! 4. The [`Desk`] holds all three together for a view: [`Desk::pump`] takes in what is new, [`Desk::act`] passes on
//!    what the user did, [`Desk::state`] is what is to be drawn. It logs what is shown, when that changes, in the
//!    category `qt`.
//!
//! A screen that shows something of the node asks for it again when the node says that it changed, but never twice at a
//! time: a thousand new blocks in a second are a handful of questions.
//!
//! What is assumed: passphrases arrive as [`interfaces::Secret`] and stay that; amounts are whole numbers of the coin's
//! smallest unit and are never floating point. Whether the node is a child, is attached to, or is a fake, nothing here
//! can tell.

mod action;
mod amount;
mod backend;
mod connection;
mod console;
mod desk;
mod history;
mod outcome;
mod overview;
mod receive;
mod refresh;
mod request;
mod send;
mod state;
mod status;
mod wallets;

pub use action::{Action, Command, News};
pub use amount::{AmountError, format_amount, parse_amount};
pub use backend::{Backend, Convert, Tell};
pub use connection::Connection;
pub use console::{Console, ConsoleEntry, ConsoleLine, LineError};
pub use desk::Desk;
pub use history::{History, Row};
pub use outcome::{Reply, RpcFailure, Trouble};
pub use overview::{Holdings, LockState, Overview};
pub use receive::{ADDRESS_TYPES, Receive, Requested};
pub use send::{Fee, Payment, SendForm, SendStage, TARGETS};
pub use state::{Notice, Page, State};
pub use status::{Progress, StatusBar};
pub use wallets::{CreateForm, Wallets, WalletsFound};
