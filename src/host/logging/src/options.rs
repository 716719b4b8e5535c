//! `-debug`, `-debugexclude` and `-loglevel`, with the daemon's rules and texts.

use thiserror::Error;

use crate::category::category_names;
use crate::filter::Level;
use crate::handle::LogHandle;

/// What is wrong with a log option.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// `-debug` or `-debugexclude` names a category that does not exist.
    #[error("Unsupported logging category {option}={value}.")]
    Category {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// `-loglevel` names a level that does not exist or cannot be chosen.
    #[error("Unsupported global logging level -loglevel={0}. Valid values: {levels}.", levels = level_names())]
    GlobalLevel(String),
    /// `-loglevel` with a colon is no category and level.
    #[error(
        "Unsupported category-specific logging level -loglevel={0}. Expected -loglevel=<category>:<loglevel>. \
         Valid categories: {categories}. Valid loglevels: {levels}.",
        categories = category_names(), levels = level_names()
    )]
    CategoryLevel(String),
}

/// The levels that users may choose, as help texts list them.
pub fn level_names() -> String {
    [Level::Info, Level::Debug, Level::Trace].map(Level::name).join(", ")
}

impl LogHandle {
    /// Applies all values of `-debug`, then all of `-debugexclude`. Values before the last `0` or `none` do not count.
    pub fn apply_categories(
        &self,
        debug: &[impl AsRef<str>],
        debug_exclude: &[impl AsRef<str>],
    ) -> Result<(), OptionError> {
        let none = debug.iter().rposition(|value| matches!(value.as_ref(), "0" | "none"));
        for value in &debug[none.map_or(0, |index| index + 1)..] {
            self.enable(value.as_ref()).map_err(|error| OptionError::Category { option: "-debug", value: error.0 })?;
        }
        for value in debug_exclude {
            self.disable(value.as_ref())
                .map_err(|error| OptionError::Category { option: "-debugexclude", value: error.0 })?;
        }
        let text = "Log output may contain privacy-sensitive information. Be cautious when sharing logs.";
        self.log(self.own_record(Level::Info, text.to_owned()));
        Ok(())
    }

    /// Applies all values of `-loglevel`.
    pub fn apply_levels(&self, values: &[impl AsRef<str>]) -> Result<(), OptionError> {
        values.iter().try_for_each(|value| self.apply_level(value.as_ref()))
    }

    fn apply_level(&self, value: &str) -> Result<(), OptionError> {
        // No category is shorter than three letters, so an earlier colon does not separate one.
        if !value.bytes().skip(3).any(|byte| byte == b':') {
            let level = Level::from_user(value).ok_or_else(|| OptionError::GlobalLevel(value.to_owned()))?;
            self.filter().set_global_level(level);
            return Ok(());
        }
        let wrong = || OptionError::CategoryLevel(value.to_owned());
        let (category, level) = value.split_once(':').ok_or_else(wrong)?;
        let selection = self.select(category).map_err(|_| wrong())?;
        self.filter().set_own_level(selection, Level::from_user(level).ok_or_else(wrong)?);
        Ok(())
    }
}
