//! What the desktop GUI looks like: egui widgets over the state machines of `model`.
//!
//! What flows through: [`show`] draws a [`model::State`] and answers with what the user did, as [`model::Action`]s. It
//! keeps nothing of its own, so a test can draw any state, and whatever is typed is in the model. Around it there are
//! two programs: [`window`] draws into a window of the desktop, [`offscreen`] into nothing. Both take news in, draw, and
//! end when the model says that all is finished.
//!
//! One file per screen; [`frame`](mod@frame) is what is around them. Every control has a name that a screen reader says, and tests
//! find it by that name.
//!
//! What is assumed: text runs from left to right. Nothing of the desktop is linked: display, keyboard and OpenGL are
//! found when the window opens, and a machine without them gets one sentence.

mod console;
mod field;
mod frame;
mod offscreen;
mod overview;
mod receive;
mod send;
mod transactions;
mod wallets;
mod window;

pub use frame::show;
pub use offscreen::offscreen;
pub use window::{NoWindow, window};

#[cfg(test)]
mod tests;
