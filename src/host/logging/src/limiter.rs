//! How much each place in the code may write to the disk per hour.
//!
//! Windows have a fixed length and follow one another from the start of the log. A place that has used up its bytes is
//! silent on disk until the window ends; what it has dropped is then reported. Time is an argument, and the end of a
//! window is noticed by the next line of log.

use std::collections::HashMap;
use std::time::Duration;

use crate::record::Source;

/// The bytes that a place may write in a window.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// The length of a window.
pub(crate) const WINDOW: Duration = Duration::from_hours(1);

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fits.
    Fits,
    /// It is the first that does not fit. It is still written, after a warning.
    Last,
    /// It is not written to the disk.
    Suppressed,
}

#[derive(Debug)]
pub(crate) struct RateLimiter {
    max_bytes: usize,
    window: Duration,
    window_end: Duration,
    places: HashMap<Source, Usage>,
    suppressing: bool,
}

#[derive(Debug, Clone, Copy)]
struct Usage {
    available: usize,
    dropped: usize,
}

impl RateLimiter {
    pub(crate) fn new(max_bytes: usize, window: Duration, now: Duration) -> Self {
        Self { max_bytes, window, window_end: now.saturating_add(window), places: HashMap::new(), suppressing: false }
    }

    /// Counts a line of `bytes` from `place`.
    pub(crate) fn consume(&mut self, place: &Source, bytes: usize) -> Verdict {
        let fresh = Usage { available: self.max_bytes, dropped: 0 };
        let usage = match self.places.get_mut(place) {
            Some(usage) => usage,
            None => self.places.entry(place.clone()).or_insert(fresh),
        };
        let silent = usage.dropped > 0;
        if bytes <= usage.available {
            usage.available -= bytes;
            return if silent { Verdict::Suppressed } else { Verdict::Fits };
        }
        usage.available = 0;
        usage.dropped = usage.dropped.saturating_add(bytes);
        if silent {
            return Verdict::Suppressed;
        }
        self.suppressing = true;
        Verdict::Last
    }

    /// Whether any place is silent. Lines are then marked, so that nobody wonders about what is missing.
    pub(crate) fn is_suppressing(&self) -> bool {
        self.suppressing
    }

    /// Starts a new window if the old one is over. Returns the places that were silent, and the bytes each has dropped.
    pub(crate) fn roll(&mut self, now: Duration) -> Vec<(Source, usize)> {
        if now < self.window_end {
            return Vec::new();
        }
        let late = now.saturating_sub(self.window_end).as_nanos();
        let into_window = late.checked_rem(self.window.as_nanos()).unwrap_or(0);
        let left = self.window.saturating_sub(Duration::from_nanos_u128(into_window));
        self.window_end = now.saturating_add(left);
        self.suppressing = false;
        let places = std::mem::take(&mut self.places).into_iter();
        let mut silent: Vec<(Source, usize)> =
            places.filter(|(_, usage)| usage.dropped > 0).map(|(place, usage)| (place, usage.dropped)).collect();
        silent.sort_by(|(a, _), (b, _)| (&a.file, a.line).cmp(&(&b.file, b.line)));
        silent
    }

    /// The text of the warning before the last line from `place`.
    pub(crate) fn excessive_text(&self, place: &Source) -> String {
        format!(
            "Excessive logging detected from {}:{} ({}): >{} bytes logged during the last time window of {}s. \
             Suppressing logging to disk from this source location until time window resets. \
             Console logging unaffected. Last log entry.",
            place.file,
            place.line,
            place.module,
            self.max_bytes,
            self.window.as_secs()
        )
    }

    /// The text of the report after a window.
    pub(crate) fn restarting_text(&self, place: &Source, dropped: usize) -> String {
        format!(
            "Restarting logging from {}:{} ({}): {dropped} bytes were dropped during the last {}s.",
            place.file,
            place.line,
            place.module,
            self.window.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(line: u32) -> Source {
        Source { file: "a.rs".into(), line, module: "a".into() }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_limit_is_exact_and_each_place_has_its_own() {
        let mut limiter = RateLimiter::new(1024, 60 * SECOND, Duration::ZERO);
        assert_eq!(limiter.consume(&place(1), 1023), Verdict::Fits);
        assert_eq!(limiter.consume(&place(1), 1), Verdict::Fits);
        assert!(!limiter.is_suppressing());
        assert_eq!(limiter.consume(&place(1), 1), Verdict::Last);
        assert!(limiter.is_suppressing());
        assert_eq!(limiter.consume(&place(1), 0), Verdict::Suppressed);
        assert_eq!(limiter.consume(&place(1), 8), Verdict::Suppressed);
        assert_eq!(limiter.consume(&place(2), 1024), Verdict::Fits);
        assert_eq!(limiter.consume(&place(2), 1), Verdict::Last);

        assert_eq!(limiter.roll(Duration::from_millis(59_999)), []);
        assert_eq!(limiter.roll(60 * SECOND), [(place(1), 9), (place(2), 1)]);
        assert!(!limiter.is_suppressing());
        assert_eq!(limiter.consume(&place(1), 1024), Verdict::Fits);
    }

    #[test]
    fn windows_keep_their_rhythm_through_silence() {
        let mut limiter = RateLimiter::new(10, 60 * SECOND, 5 * SECOND);
        assert_eq!(limiter.roll(200 * SECOND), []);
        assert_eq!(limiter.window_end, 245 * SECOND);
        assert_eq!(limiter.roll(245 * SECOND), []);
        assert_eq!(limiter.window_end, 305 * SECOND);
    }

    #[test]
    fn texts_are_those_of_the_daemon() {
        let limiter = RateLimiter::new(MAX_BYTES, WINDOW, Duration::ZERO);
        assert_eq!(
            limiter.excessive_text(&place(7)),
            "Excessive logging detected from a.rs:7 (a): >1048576 bytes logged during the last time window of 3600s. \
             Suppressing logging to disk from this source location until time window resets. \
             Console logging unaffected. Last log entry."
        );
        assert_eq!(
            limiter.restarting_text(&place(7), 42),
            "Restarting logging from a.rs:7 (a): 42 bytes were dropped during the last 3600s."
        );
    }

    proptest! {
        #[test]
        fn no_place_writes_much_more_than_its_share(sizes in prop::collection::vec(0_usize..400, 0..200)) {
            let mut limiter = RateLimiter::new(1000, 60 * SECOND, Duration::ZERO);
            let (mut written, mut last) = (0, 0);
            for size in sizes {
                match limiter.consume(&place(1), size) {
                    Verdict::Fits => {
                        prop_assert_eq!(last, 0);
                        written += size;
                    }
                    Verdict::Last => last += 1,
                    Verdict::Suppressed => prop_assert_eq!(last, 1),
                }
                prop_assert!(written <= 1000 && last <= 1);
            }
        }
    }
}
