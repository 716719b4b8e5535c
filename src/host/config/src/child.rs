//! With which options a process starts another one of the same coin.

use std::ffi::{OsStr, OsString};

use crate::Config;

/// Options that are each process's own, or that its child gets in another form.
const EACH_ITS_OWN: [&str; 8] =
    ["allowignoredconf", "conf", "daemon", "daemonwait", "datadir", "ephemeral", "ipcconnect", "readyfd"];

impl Config {
    /// What this process was called with, but for what is its own (`own` and what is always so), and where its directory
    /// and its file are.
    pub fn options_for_child(&self, called_with: &[OsString], own: &[&str]) -> Vec<OsString> {
        let mut options: Vec<OsString> =
            called_with.iter().filter(|argument| is_passed_on(argument, own)).cloned().collect();
        let option = |name: &str, value: &OsStr| {
            let mut text = OsString::from(name);
            text.push(value);
            text
        };
        options.push(option("-datadir=", self.env().absolute(self.base_dir()).as_os_str()));
        options.push(match self.conf_path().filter(|path| path.exists()) {
            Some(path) => option("-conf=", self.env().absolute(path).as_os_str()),
            None => "-noconf".into(),
        });
        // Whether another file lies in the directory was this program's question, and is answered.
        options.push("-allowignoredconf=1".into());
        options
    }
}

/// Whether a child gets this argument as it is.
pub fn is_passed_on(argument: &OsStr, own: &[&str]) -> bool {
    let text = argument.to_string_lossy();
    let Some(text) = text.strip_prefix("--").or_else(|| text.strip_prefix('-')) else { return true };
    let name = text.split('=').next().unwrap_or_default();
    let is_own = |name: &str| EACH_ITS_OWN.contains(&name) || own.contains(&name);
    !is_own(name) && !name.strip_prefix("no").is_some_and(is_own)
}
