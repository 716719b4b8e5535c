//! The commands that a user configures: `-blocknotify`, `-alertnotify`, `-startupnotify`.

use std::io;
use std::process::{ExitStatus, Stdio};

use crate::system::processes;

/// Runs `command` in the system's shell and waits for it. It gets no input, and no descriptor that
/// we have opened.
pub fn run(command: &str) -> io::Result<ExitStatus> {
    processes::shell(command).stdin(Stdio::null()).status()
}

/// Whether the system's shell takes what [`quote`] makes as one word, whatever is in it. That of Windows has no such form:
/// only texts from which everything special was taken may go there.
pub const QUOTES_ANYTHING: bool = cfg!(unix);

/// Quotes a text as Bitcoin Core does, so that a POSIX shell takes it as one word, whatever is in it.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quoting_is_that_of_the_daemon() {
        assert_eq!(quote(""), "''");
        assert_eq!(quote("two words"), "'two words'");
        assert_eq!(quote("it's"), "'it'\"'\"'s'");
    }

    #[test]
    fn the_exit_code_comes_back() {
        assert!(run("true").unwrap().success());
        assert_eq!(run("exit 7").unwrap().code(), Some(7));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_shell_reads_a_quoted_word_as_it_was(word in "[ -~]{0,40}") {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("out");
            let command = format!("printf %s {} > {}", quote(&word), quote(path.to_str().unwrap()));
            prop_assert!(run(&command).unwrap().success());
            prop_assert_eq!(std::fs::read_to_string(path).unwrap(), word);
        }
    }
}
