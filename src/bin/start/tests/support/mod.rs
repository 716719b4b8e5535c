//! For the tests of every executable: it is installed under its names in a directory of its own, and run there.
#![allow(dead_code, reason = "each test uses its part")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

/// A directory with an executable under some of its names, and a home without files.
pub(crate) struct Installed {
    dir: TempDir,
}

/// What a run left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Installed {
    /// Hard links to `file`. `scratch` is a directory on the same disk.
    pub(crate) fn new<S: AsRef<str>>(file: &str, scratch: &str, names: &[S]) -> Self {
        let dir = TempDir::new_in(scratch).unwrap();
        std::fs::create_dir(dir.path().join("home")).unwrap();
        for name in names {
            std::fs::hard_link(file, dir.path().join(name.as_ref())).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The program of that name, ready to be run.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path().join(name));
        command.args(arguments).env("HOME", self.home()).current_dir(self.home()).timeout(Duration::from_mins(1));
        command
    }

    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Ran {
        finish(&mut self.command(name, arguments))
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}
