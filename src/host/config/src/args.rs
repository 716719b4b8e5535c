//! The options of a running program: getters over all sources, and the few ways to change them.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::paths::normal;
use crate::settings::{Choice, Settings, Values};
use crate::spec::OptionSpec;
use crate::table::Table;
use crate::value::{SettingInt, Value};

/// All options. Names are written without their dash.
///
/// Reading is cheap and takes no lock for longer than a look-up. Options change after the start in two ways only: the
/// program sets what the user left open, and `settings.json` is updated.
#[derive(Debug)]
pub struct Args {
    table: Table,
    /// The chain's name once it is chosen. Until then no option of one network is read from the default section.
    network: String,
    settings: RwLock<Settings>,
}

impl Args {
    pub(crate) fn new(table: Table, settings: Settings) -> Self {
        Self { table, network: String::new(), settings: RwLock::new(settings) }
    }

    /// The options that exist.
    pub fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn select_network(&mut self, network: &str) {
        network.clone_into(&mut self.network);
    }

    /// A panic elsewhere leaves the settings whole: they are changed by single insertions.
    pub(crate) fn settings(&self) -> RwLockReadGuard<'_, Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings_mut(&self) -> RwLockWriteGuard<'_, Settings> {
        self.settings.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn ignores_default_section(&self, name: &str) -> bool {
        debug_assert!(!name.starts_with('-'), "options are named without their dash: {name}");
        self.network != coin::ChainKind::Main.name() && self.table.is_network_only(name)
    }

    fn value_with(&self, name: &str, choice: Choice) -> Value {
        let choice = Choice { ignore_default_section: self.ignores_default_section(name), ..choice };
        self.settings().get(&self.network, name, choice)
    }

    /// The option's value, or null.
    pub fn value(&self, name: &str) -> Value {
        self.value_with(name, Choice::default())
    }

    /// What the files alone say: the value that will hold at the next start.
    pub fn persistent_value(&self, name: &str) -> Value {
        self.value_with(name, Choice { persistent_only: true, ..Choice::default() })
    }

    pub(crate) fn chain_value(&self, name: &str) -> Value {
        self.settings().get("", name, Choice { for_chain: true, ..Choice::default() })
    }

    /// All values of an option that may be given several times, negations removed.
    pub fn values(&self, name: &str) -> Vec<Value> {
        self.settings().get_all(&self.network, name, self.ignores_default_section(name))
    }

    /// All values as text.
    pub fn get_all(&self, name: &str) -> Vec<String> {
        self.values(name).iter().map(|value| value.to_text().unwrap_or_default()).collect()
    }

    /// The value as text: "0" when negated.
    pub fn get(&self, name: &str) -> Option<String> {
        self.value(name).to_text()
    }

    /// The value as text, or `default`.
    pub fn get_str(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    /// The value as an integer. Text that is no number is zero, a number out of range the nearest in it.
    pub fn get_int<T: SettingInt>(&self, name: &str) -> Option<T> {
        self.value(name).to_int()
    }

    /// The value as an integer, or `default`.
    pub fn get_i64(&self, name: &str, default: i64) -> i64 {
        self.get_int(name).unwrap_or(default)
    }

    /// The value as a truth, or `default`.
    pub fn get_bool(&self, name: &str, default: bool) -> bool {
        self.truth(name).unwrap_or(default)
    }

    /// The value as a truth, if it is set.
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.value(name).to_bool()
    }

    /// Whether it was given to this very program, and not in a file that others read too.
    pub fn is_on_command_line(&self, name: &str) -> bool {
        self.settings().command_line.contains_key(name)
    }

    /// The option is set, if only to nothing or by negation.
    pub fn is_set(&self, name: &str) -> bool {
        !self.value(name).is_null()
    }

    /// The option is negated.
    pub fn is_negated(&self, name: &str) -> bool {
        self.value(name).is_negated()
    }

    /// The value as a normalised path: `None` when negated, `default` when not set or empty.
    pub fn get_path(&self, name: &str, default: &str) -> Option<PathBuf> {
        let value = self.value(name);
        if value.is_negated() {
            return None;
        }
        let text = value.to_os_string().unwrap_or_default();
        Some(if text.is_empty() { PathBuf::from(default) } else { normal(Path::new(&text)) })
    }

    /// Whether `-test=<option>` was given.
    pub fn has_test_option(&self, option: &str) -> bool {
        self.get_all("test").iter().any(|given| given == option)
    }

    /// Sets what the user did not set. Tells whether it did.
    pub fn soft_set(&self, name: &str, value: &str) -> bool {
        if self.is_set(name) {
            return false;
        }
        self.force(name, Value::text(value));
        true
    }

    /// As [`Args::soft_set`], for a truth.
    pub fn soft_set_bool(&self, name: &str, value: bool) -> bool {
        self.soft_set(name, if value { "1" } else { "0" })
    }

    /// Sets a value that counts more than any other; null takes that back.
    pub fn force(&self, name: &str, value: Value) {
        let mut settings = self.settings_mut();
        if value.is_null() {
            settings.forced.remove(name);
        } else {
            settings.forced.insert(name.to_owned(), value);
        }
    }

    /// The value of a runtime setting as `settings.json` has it.
    pub fn file_setting(&self, name: &str) -> Value {
        self.settings().file.get(name).cloned().unwrap_or_default()
    }

    /// Options of one network that stand in the default section only and so have no effect, with their dash, by name.
    pub fn ineffective(&self) -> Vec<String> {
        if self.network.is_empty() || self.network == coin::ChainKind::Main.name() {
            return Vec::new();
        }
        let settings = self.settings();
        let rows = self.table.rows().filter(|row| row.network_only);
        let mut names: Vec<String> = rows
            .filter(|row| settings.only_in_default_section(&self.network, row.name))
            .map(OptionSpec::written)
            .collect();
        names.sort_unstable();
        names
    }

    /// The options as the log shows them, one line each: configuration file, settings file, command line. Secret values
    /// are hidden.
    pub fn log_lines(&self) -> Vec<String> {
        let settings = self.settings();
        let mut lines = Vec::new();
        for (section, values) in &settings.conf {
            let section = if section.is_empty() { String::new() } else { format!("[{section}] ") };
            self.log_values(&format!("Config file arg: {section}"), values, &mut lines);
        }
        for (name, value) in &settings.file {
            lines.push(format!("Setting file arg: {name} = {}", self.log_value(name, value)));
        }
        self.log_values("Command-line arg: ", &settings.command_line, &mut lines);
        lines
    }

    fn log_values(&self, prefix: &str, values: &Values, lines: &mut Vec<String>) {
        for (name, values) in values {
            lines.extend(values.iter().map(|value| format!("{prefix}{name}={}", self.log_value(name, value))));
        }
    }

    fn log_value(&self, name: &str, value: &Value) -> String {
        let secret = self.table.option(name).is_some_and(|rules| rules.sensitive);
        if secret { "****".to_owned() } else { value.write() }
    }
}

#[cfg(test)]
mod tests;
