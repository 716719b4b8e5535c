//! Harm to a machine: a disk that is full, and one that is slow. Neither needs a privilege or a disk of its own.
//!
//! A process that may not make any file longer sees of a full disk what there is to see: every write fails. The limit is set
//! and lifted from outside while it runs (`prlimit`), and a shell sees to it that the process is told so by the write, not
//! killed by a signal. A disk is slow when everything that waits for it takes longer, which `strace` can make so for the
//! calls that a program makes to know that its data have arrived.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::node::Node;
use crate::processes;
use crate::programs::Program;
use crate::stage::Skip;
use crate::wait::{DEADLINE, until};

/// What a program calls to wait for its disk.
const WAITS: &str = "fsync,fdatasync,sync_file_range,msync";

/// The program, such that a write beyond a limit is an error and not its end.
pub(crate) fn told_of_limits(program: &Program) -> Command {
    let mut command = Command::new("sh");
    // The shell becomes the program: the process and its number are the same.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program.path()).args(program.first());
    command
}

impl Node {
    /// From now on every write of the process to a file fails, except at its very start. The node must have been started with
    /// [`crate::stage::Stage::start_on_small_disk`].
    pub fn fill_disk(&self) -> Result<FullDisk> {
        let disk = FullDisk { process: self.id() };
        disk.limit("1")?;
        Ok(disk)
    }

    /// From now on the process waits so much longer whenever it waits for its disk. It is slower in everything else, too,
    /// because somebody watches it.
    pub fn slow_disk(&self, delay: Duration) -> Result<SlowDisk> {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={WAITS}")]);
        command.args(["-e", &format!("inject={WAITS}:delay_enter={}", delay.as_micros())]);
        command.arg("-p").arg(self.id().to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watcher = command
            .spawn()
            .map_err(|error| Skip(format!("a slow disk takes strace, which does not start: {error}")))?;
        until("the slow disk", DEADLINE, || {
            let ended = watcher.try_wait()?;
            ensure!(ended.is_none(), Skip("strace may not watch other processes here".to_owned()));
            Ok(processes::is_watched(self.id())?.then_some(()))
        })?;
        Ok(SlowDisk { watcher })
    }
}

/// A process cannot write. It can again when this is dropped.
#[derive(Debug)]
pub struct FullDisk {
    process: u32,
}

impl FullDisk {
    fn limit(&self, bytes: &str) -> Result<()> {
        let mut command = Command::new("prlimit");
        // The soft limit only, so that it can be raised again.
        command.arg("--pid").arg(self.process.to_string()).arg(format!("--fsize={bytes}:")).stderr(Stdio::null());
        let status = command
            .status()
            .map_err(|error| Skip(format!("a full disk takes prlimit, which does not start: {error}")))?;
        ensure!(status.success(), "prlimit ended with {status}");
        Ok(())
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // The process may have ended of it.
        let _ = self.limit("unlimited");
    }
}

/// A process waits long for its disk. It is as fast as before when this is dropped.
#[derive(Debug)]
pub struct SlowDisk {
    watcher: Child,
}

impl SlowDisk {
    /// Leaves the process alone.
    pub fn end(mut self) -> Result<()> {
        self.leave()
    }

    fn leave(&mut self) -> Result<()> {
        // Killed, it would leave threads behind that are stopped.
        processes::signal(self.watcher.id(), nix::sys::signal::Signal::SIGTERM)?;
        self.watcher.wait().map(drop).context("waiting for strace")
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        if matches!(self.watcher.try_wait(), Ok(None)) {
            let _ = self.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_write_to_a_full_disk_fails_and_kills_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        // It writes a line for each it reads, and tells what became of that.
        let script = format!("while read x; do echo $x >> {} && echo good || echo bad; done", file.display());
        let script_file = dir.path().join("script");
        fs::write(&script_file, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mut command = told_of_limits(&std::path::PathBuf::from("sh").into());
        let mut child = command
            .arg(&script_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut from = std::io::BufReader::new(from);
        let mut say = |text: &str| {
            use std::io::{BufRead as _, Write as _};
            writeln!(to, "{text}").unwrap();
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            line
        };
        assert_eq!(say("one"), "good\n");
        let disk = FullDisk { process: child.id() };
        disk.limit("1").unwrap();
        assert_eq!(say("two"), "bad\n");
        drop(disk);
        assert_eq!(say("three"), "good\n");
        drop(to);
        assert!(child.wait().unwrap().success());
        assert_eq!(fs::read_to_string(file).unwrap(), "one\nthree\n");
    }
}
