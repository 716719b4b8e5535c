//! The line below every screen.

use interfaces::NodeStatus;
use platform::format_iso8601;

/// Day and minute, in UTC, as people read them.
pub(crate) fn minute(time: i64) -> String {
    let full = format_iso8601(time);
    match full.split_once('T') {
        Some((day, rest)) => format!("{day} {}", rest.get(..5).unwrap_or(rest)),
        None => full,
    }
}

/// Something that takes time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What.
    pub title: String,
    /// How much is done, in percent.
    pub percent: i32,
}

/// What is known of the node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatusBar {
    /// What it said last.
    pub status: Option<NodeStatus>,
    /// What it is busy with.
    pub progress: Option<Progress>,
    /// Its last words about its start or its end.
    pub message: String,
}

impl StatusBar {
    /// The height of the chain.
    pub fn height(&self) -> Option<i32> {
        self.status.as_ref().map(|status| status.tip.height)
    }

    /// When the last block was made, in UTC.
    pub fn last_block(&self) -> Option<String> {
        self.status.as_ref().map(|status| minute(status.tip_time))
    }

    /// How much of the chain is verified, in percent with two decimals.
    pub fn percent(&self) -> Option<String> {
        self.status.as_ref().map(|status| format!("{:.2} %", status.progress.clamp(0.0, 1.0) * 100.0))
    }

    /// Progress was told; 100 ends it.
    pub(crate) fn progressed(&mut self, title: String, percent: i32) {
        self.progress = (percent < 100).then_some(Progress { title, percent });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_ends_at_a_hundred() {
        let mut bar = StatusBar::default();
        bar.progressed("Rescanning…".into(), 7);
        assert_eq!(bar.progress.as_ref().map(|progress| progress.percent), Some(7));
        bar.progressed("Rescanning…".into(), 100);
        assert_eq!(bar.progress, None);
    }

    #[test]
    fn numbers_are_readable() {
        let status = NodeStatus { progress: 0.123_456, tip_time: 1_231_006_505, ..NodeStatus::default() };
        let bar = StatusBar { status: Some(status), ..StatusBar::default() };
        assert_eq!(bar.percent().as_deref(), Some("12.35 %"));
        assert_eq!(bar.last_block().as_deref(), Some("2009-01-03 18:15"));
        assert_eq!(StatusBar::default().percent(), None);
    }
}
