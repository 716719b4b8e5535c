//! Time as an argument: the wall clock, the monotonic clock, and the mock time that tests set over RPC.
//!
//! There are three readings. *System* time is what the machine says and what log lines carry. *Unix* time is what
//! validation and peers see: the system time, or the mock time while one is set. *Monotonic* time only measures
//! durations; mock time does not touch it.

use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// Microseconds since 1970 by the machine's clock. Never mocked.
    fn system_micros(&self) -> i64;

    /// Time since some fixed moment of this clock's life. Never goes back, never mocked.
    fn monotonic(&self) -> Duration;

    /// The mock time in seconds since 1970, while one is set.
    fn mock_time(&self) -> Option<i64>;

    /// Microseconds since 1970 as the node sees them: the mock time if one is set.
    fn unix_micros(&self) -> i64 {
        self.mock_time().map_or_else(|| self.system_micros(), |seconds| seconds.saturating_mul(MICROS))
    }

    /// Seconds since 1970 as the node sees them: the mock time if one is set.
    fn unix_seconds(&self) -> i64 {
        self.unix_micros().div_euclid(MICROS)
    }
}

const MICROS: i64 = 1_000_000;

/// The machine's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts now. Made when the process starts, that reading is its uptime.
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that everybody else takes time from")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that everybody else takes time from")]
    fn system_micros(&self) -> i64 {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn mock_time(&self) -> Option<i64> {
        None
    }
}

/// The clock of a running daemon: any clock plus the mock time of `setmocktime` and `-mocktime`.
#[derive(Debug, Default)]
pub struct MockableClock<C = SystemClock> {
    inner: C,
    /// Zero means that no mock time is set, as in the RPC.
    mock: AtomicI64,
}

impl<C: Clock> MockableClock<C> {
    /// A clock with no mock time set.
    pub fn new(inner: C) -> Self {
        Self { inner, mock: AtomicI64::new(0) }
    }

    /// Freezes the node's time at `seconds` since 1970. Zero, or a negative number, goes back to the real time.
    pub fn set_mock_time(&self, seconds: i64) {
        self.mock.store(seconds.max(0), Ordering::SeqCst);
    }
}

impl<C: Clock> Clock for MockableClock<C> {
    fn system_micros(&self) -> i64 {
        self.inner.system_micros()
    }

    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }

    fn mock_time(&self) -> Option<i64> {
        match self.mock.load(Ordering::SeqCst) {
            0 => self.inner.mock_time(),
            seconds => Some(seconds),
        }
    }
}

/// A clock that moves only when told to: the fake for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<ManualTime>,
}

#[derive(Debug, Clone, Copy)]
struct ManualTime {
    system_micros: i64,
    monotonic: Duration,
}

impl ManualClock {
    /// A clock that shows `seconds` since 1970 until it is moved.
    pub fn new(seconds: i64) -> Self {
        let system_micros = seconds.saturating_mul(MICROS);
        Self { now: Mutex::new(ManualTime { system_micros, monotonic: Duration::ZERO }) }
    }

    /// Moves both the wall clock and the monotonic clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.system_micros = now.system_micros.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
        now.monotonic = now.monotonic.saturating_add(by);
    }

    /// Sets the wall clock alone, as an administrator or NTP would.
    pub fn set_system_seconds(&self, seconds: i64) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).system_micros = seconds.saturating_mul(MICROS);
    }

    fn read(&self) -> ManualTime {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn system_micros(&self) -> i64 {
        self.read().system_micros
    }

    fn monotonic(&self) -> Duration {
        self.read().monotonic
    }

    fn mock_time(&self) -> Option<i64> {
        None
    }
}

/// A moment as `2026-11-21T04:40:05Z`. A year that does not fit four digits gives an empty text, as in Bitcoin Core.
pub fn format_iso8601(unix_seconds: i64) -> String {
    let (days, second_of_day) = (unix_seconds.div_euclid(86_400), unix_seconds.rem_euclid(86_400));
    // -9999-01-01 to 9999-12-31 keeps the arithmetic below far from overflow.
    if !(-4_371_588..=2_932_896).contains(&days) {
        return String::new();
    }
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Years are counted from March, so that the leap day is the last of its year. One era is 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates() {
        assert_eq!(format_iso8601(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_iso8601(1_231_006_505), "2009-01-03T18:15:05Z");
        assert_eq!(format_iso8601(1_317_425_777), "2011-09-30T23:36:17Z");
        assert_eq!(format_iso8601(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(format_iso8601(-1), "1969-12-31T23:59:59Z");
        assert_eq!(format_iso8601(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(format_iso8601(253_402_300_800), "");
        assert_eq!(format_iso8601(i64::MAX), "");
        assert_eq!(format_iso8601(i64::MIN), "");
    }

    #[test]
    fn dates_follow_one_another_through_four_centuries() {
        let month_length = |year: i64, month: i64| match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!(civil_from_days(days), (year, month, day));
            day += 1;
            if day > month_length(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn mock_time_replaces_node_time_only() {
        let clock = MockableClock::new(ManualClock::new(1_000));
        assert_eq!((clock.unix_seconds(), clock.mock_time()), (1_000, None));
        clock.set_mock_time(5_000);
        assert_eq!((clock.unix_seconds(), clock.unix_micros()), (5_000, 5_000_000_000));
        assert_eq!(clock.system_micros(), 1_000_000_000);
        clock.inner.advance(Duration::from_secs(7));
        assert_eq!((clock.unix_seconds(), clock.monotonic()), (5_000, Duration::from_secs(7)));
        clock.set_mock_time(0);
        assert_eq!(clock.unix_seconds(), 1_007);
    }

    #[test]
    fn the_system_clock_runs() {
        let clock = SystemClock::new();
        let before = clock.monotonic();
        assert!(clock.unix_seconds() > 1_700_000_000);
        assert!(clock.monotonic() >= before);
    }

    proptest! {
        #[test]
        fn later_moments_sort_later(a in 0_i64..253_402_300_799, step in 1_i64..1_000_000) {
            let b = (a + step).min(253_402_300_799);
            prop_assert!(format_iso8601(a) <= format_iso8601(b));
        }
    }
}
