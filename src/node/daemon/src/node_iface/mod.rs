//! The node as a GUI sees it: a status bar, a console, and news.
//!
//! [`Ui`] is where the node says what a person should see; it exists from the first moment of the start. [`GuiNode`] is
//! what one GUI holds: its snapshots never wait for validation, and its news of the chain come on a thread of their own.

mod gui;
#[cfg(test)]
mod tests;
mod ui;

pub(crate) use gui::GuiNode;
pub(crate) use ui::Ui;
