//! What came and went.

use crate::refresh::Refresh;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// When, as text.
    pub time: String,
    /// What kind: `receive`, `send`, `generate`, `immature` and their like.
    pub category: String,
    /// To or from where.
    pub address: String,
    /// Its label.
    pub label: String,
    /// How much, with its sign, as text.
    pub amount: String,
    /// Blocks since; negative if it conflicts with one.
    pub confirmations: i64,
    /// The transaction.
    pub txid: String,
}

impl Row {
    /// What it is, as people read it.
    pub fn kind(&self) -> &str {
        match self.category.as_str() {
            "receive" => "Received",
            "send" => "Sent",
            "generate" => "Mined",
            "immature" => "Mined, immature",
            "orphan" => "Mined, not accepted",
            other => other,
        }
    }

    /// How sure it is.
    pub fn state(&self) -> String {
        match self.confirmations {
            ..0 => "Conflicted".to_owned(),
            0 => "Unconfirmed".to_owned(),
            1 => "1 confirmation".to_owned(),
            count => format!("{count} confirmations"),
        }
    }
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The newest first.
    pub rows: Vec<Row>,
    /// Why nothing is known.
    pub error: Option<String>,
    pub(crate) refresh: Refresh,
}
