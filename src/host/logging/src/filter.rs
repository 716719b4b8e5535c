//! Which lines are logged: categories switched on, and how much each of them says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::metadata::LevelFilter;

use crate::category::{Category, Selection, UNCATEGORISED};

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step, for those who develop the code.
    Trace,
    /// What those who look for a fault want to know.
    Debug,
    /// What every user may read. Always logged, like the levels above it.
    Info,
    /// Something is wrong, and the program goes on.
    Warning,
    /// Something is broken.
    Error,
}

impl Level {
    /// Its name in options and lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level of a name that users may set: one that is not always logged, or the first that is.
    pub(crate) fn from_user(name: &str) -> Option<Self> {
        [Self::Trace, Self::Debug, Self::Info].into_iter().find(|level| level.name() == name)
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

/// The choice. Reading it takes one atomic load; changing it computes the two masks anew.
#[derive(Debug)]
pub(crate) struct Filter {
    /// The categories whose debug lines are logged.
    debug: AtomicU64,
    /// Those whose trace lines are logged as well.
    trace: AtomicU64,
    choice: Mutex<Choice>,
}

#[derive(Debug, Clone)]
struct Choice {
    enabled: u64,
    global: Level,
    /// Levels of their own, by bit; the last is that of lines without a category.
    own: [Option<Level>; 64],
}

impl Default for Filter {
    fn default() -> Self {
        let choice = Choice { enabled: 0, global: Level::Debug, own: [None; 64] };
        Self { debug: AtomicU64::new(0), trace: AtomicU64::new(0), choice: Mutex::new(choice) }
    }
}

impl Filter {
    pub(crate) fn will_log(&self, category: Option<Category>, level: Level) -> bool {
        let mask = match level {
            Level::Trace => &self.trace,
            Level::Debug => &self.debug,
            Level::Info | Level::Warning | Level::Error => return true,
        };
        mask.load(Ordering::Relaxed) & category.map_or(UNCATEGORISED, Category::bit) != 0
    }

    pub(crate) fn is_enabled(&self, category: Category) -> bool {
        self.choice().enabled & category.bit() != 0
    }

    pub(crate) fn nothing_enabled(&self) -> bool {
        self.choice().enabled == 0
    }

    pub(crate) fn global_level(&self) -> Level {
        self.choice().global
    }

    pub(crate) fn own_level(&self, category: Category) -> Option<Level> {
        self.choice().own[category.index()]
    }

    pub(crate) fn enable(&self, selection: Selection) {
        self.change(|choice| choice.enabled |= selection.mask());
    }

    pub(crate) fn disable(&self, selection: Selection) {
        self.change(|choice| choice.enabled &= !selection.mask());
    }

    pub(crate) fn set_global_level(&self, level: Level) {
        self.change(|choice| choice.global = level);
    }

    pub(crate) fn set_own_level(&self, selection: Selection, level: Level) {
        self.change(|choice| match selection {
            Selection::One(category) => choice.own[category.index()] = Some(level),
            // A level for "all" is one for lines without a category, not for every category.
            Selection::All => choice.own[63] = Some(level),
            Selection::Retired => {}
        });
    }

    /// The most talkative level that anything is logged at.
    pub(crate) fn max_level(&self) -> LevelFilter {
        if self.trace.load(Ordering::Relaxed) != 0 {
            LevelFilter::TRACE
        } else if self.debug.load(Ordering::Relaxed) != 0 {
            LevelFilter::DEBUG
        } else {
            LevelFilter::INFO
        }
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, apply: impl FnOnce(&mut Choice)) {
        let mut choice = self.choice();
        apply(&mut choice);
        let up_to = |level: Level| {
            let bits = choice.own.iter().enumerate();
            bits.filter(|(_, own)| own.unwrap_or(choice.global) <= level).fold(0_u64, |mask, (bit, _)| mask | 1 << bit)
                & choice.enabled
        };
        self.debug.store(up_to(Level::Debug), Ordering::Relaxed);
        self.trace.store(up_to(Level::Trace), Ordering::Relaxed);
        drop(choice);
        // Call sites remember their answer; they have to ask again.
        tracing::callsite::rebuild_interest_cache();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(name: &str) -> Category {
        Category::from_name(name).unwrap()
    }

    #[test]
    fn the_important_is_always_logged() {
        let filter = Filter::default();
        for level in [Level::Info, Level::Warning, Level::Error] {
            assert!(filter.will_log(None, level));
            assert!(filter.will_log(Some(one("net")), level));
        }
        assert!(!filter.will_log(Some(one("net")), Level::Debug));
        assert_eq!(filter.max_level(), LevelFilter::INFO);
    }

    #[test]
    fn a_category_has_the_global_level_or_its_own() {
        let filter = Filter::default();
        filter.enable(Selection::All);
        assert!(filter.will_log(Some(one("net")), Level::Debug));
        assert!(!filter.will_log(Some(one("net")), Level::Trace));
        filter.set_own_level(Selection::One(one("net")), Level::Info);
        assert!(!filter.will_log(Some(one("net")), Level::Debug));
        assert!(filter.will_log(Some(one("http")), Level::Debug));
        filter.set_global_level(Level::Trace);
        assert!(!filter.will_log(Some(one("net")), Level::Debug));
        assert!(filter.will_log(Some(one("http")), Level::Trace));
        assert!(filter.will_log(None, Level::Trace));
        filter.set_own_level(Selection::Retired, Level::Info);
        assert!(filter.will_log(None, Level::Trace));
        filter.disable(Selection::One(one("http")));
        assert!(!filter.will_log(Some(one("http")), Level::Debug));
        assert!(filter.will_log(Some(one("tor")), Level::Trace));
    }

    #[test]
    fn every_level_that_users_may_set_is_read() {
        assert_eq!(Level::from_user("info"), Some(Level::Info));
        assert_eq!(Level::from_user("trace"), Some(Level::Trace));
        for bad in ["warning", "error", "Info", "", "none"] {
            assert_eq!(Level::from_user(bad), None);
        }
    }

    proptest! {
        #[test]
        fn masks_agree_with_the_rule(steps in prop::collection::vec((0_u8..4, 0_usize..30, 0_usize..3), 0..40)) {
            let filter = Filter::default();
            let all: Vec<Category> = Category::all().collect();
            let levels = [Level::Trace, Level::Debug, Level::Info];
            let (mut enabled, mut global, mut own) = (vec![false; 30], Level::Debug, vec![None; 30]);
            for (what, which, level) in steps {
                // The thirtieth is "all".
                let selection = all.get(which).map_or(Selection::All, |category| Selection::One(*category));
                match what {
                    0 => filter.enable(selection),
                    1 => filter.disable(selection),
                    2 => filter.set_global_level(levels[level]),
                    _ => filter.set_own_level(selection, levels[level]),
                }
                match what {
                    0 | 1 if selection == Selection::All => enabled.fill(what == 0),
                    0 | 1 => enabled[which] = what == 0,
                    2 => global = levels[level],
                    _ => own[which] = Some(levels[level]),
                }
            }
            for (index, category) in all.iter().map(Some).chain([None]).enumerate() {
                for level in levels {
                    let least = own[index].unwrap_or(global);
                    let expected = level >= Level::Info || enabled[index] && level >= least;
                    prop_assert_eq!(filter.will_log(category.copied(), level), expected);
                }
            }
        }
    }
}
