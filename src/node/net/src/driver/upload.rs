//! `-maxuploadtarget`: how much was sent in the last day.

use std::time::Duration;

/// The span that is measured.
pub(super) const TIMEFRAME: Duration = Duration::from_hours(24);
/// What is kept for the blocks that will be found in the rest of the day, each as large as can be.
const MAX_BLOCK: u64 = 4_000_000;
const BLOCK_SPACING: u64 = 600;

/// What was sent since the span began.
#[derive(Debug)]
pub(crate) struct Upload {
    target: u64,
    start: Duration,
    sent: u64,
    seen: u64,
}

impl Upload {
    pub(crate) fn new(target: u64) -> Self {
        Self { target, start: Duration::ZERO, sent: 0, seen: 0 }
    }

    /// Notes that so much was sent in all.
    pub(crate) fn note(&mut self, total: u64, now: Duration) {
        let more = total.saturating_sub(self.seen);
        // A span begins with the first byte.
        if more == 0 {
            return;
        }
        if self.start + TIMEFRAME < now {
            (self.start, self.sent) = (now, 0);
        }
        self.sent += more;
        self.seen = total;
    }

    pub(crate) fn target(&self) -> u64 {
        self.target
    }

    /// How long until a new span begins.
    pub(crate) fn time_left(&self, now: Duration) -> Duration {
        if self.target == 0 {
            return Duration::ZERO;
        }
        if self.start.is_zero() {
            return TIMEFRAME;
        }
        (self.start + TIMEFRAME).saturating_sub(now)
    }

    pub(crate) fn bytes_left(&self) -> u64 {
        if self.target == 0 { 0 } else { self.target.saturating_sub(self.sent) }
    }

    /// Whether no more should be sent; for old blocks so much is kept back that new ones can still be.
    pub(crate) fn is_reached(&self, historical: bool, now: Duration) -> bool {
        if self.target == 0 {
            return false;
        }
        let kept = if historical { self.time_left(now).as_secs() / BLOCK_SPACING * MAX_BLOCK } else { 0 };
        kept >= self.target && historical || self.sent >= self.target.saturating_sub(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_target() {
        let at = |hours: u64| Duration::from_hours(1_000_000 + hours);
        let mut upload = Upload::new(800_000_000);
        assert!(!upload.is_reached(false, at(0)));
        upload.note(1, at(0));
        assert!(!upload.is_reached(true, at(0)));
        upload.note(300_000_000, at(1));
        assert!(upload.is_reached(true, at(1)) && !upload.is_reached(false, at(1)));
        assert_eq!(upload.bytes_left(), 500_000_000);
        upload.note(900_000_000, at(2));
        assert!(upload.is_reached(false, at(2)));
        upload.note(900_000_001, at(25));
        assert!(!upload.is_reached(true, at(25)));
        assert_eq!(upload.time_left(at(26)), Duration::from_hours(23));
    }

    #[test]
    fn without_a_target_there_is_no_end() {
        let mut upload = Upload::new(0);
        upload.note(u64::MAX, Duration::from_hours(100));
        assert!(!upload.is_reached(true, Duration::from_hours(100)));
        assert_eq!((upload.bytes_left(), upload.time_left(Duration::ZERO)), (0, Duration::ZERO));
    }
}
