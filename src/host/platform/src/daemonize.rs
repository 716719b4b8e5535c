//! `-daemon` and `-daemonwait`: leave the terminal and go on in the background.
//!
//! [`daemonize`] forks. The child becomes leader of its own session with `/dev/null` as input and outputs, and goes on
//! with the start-up; the parent waits for its report and ends with exit code 0 or 1. A child that dies before it
//! reports is a failure. With `-daemon` the child reports at once, with `-daemonwait` when it has started.
//!
//! A system without fork ([`supported`]) has none of this.

use std::fs::File;
use std::io::{self, Read, Write};

#[cfg(unix)]
use nix::fcntl::OFlag;
#[cfg(unix)]
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};
use thiserror::Error;

use crate::error::system_error_text;

/// Why the process could not go to the background.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// A system call failed, or the child could not detach itself.
    #[error("fork_daemon() failed: {}", system_error_text(.0))]
    Fork(#[from] io::Error),
    /// Threads are running. They would not exist in the child, and the locks they hold would never be released.
    #[error("fork_daemon() failed: {0} threads are running")]
    Threads(usize),
    /// Processes cannot be copied here.
    #[error("-daemon is not supported on this operating system")]
    Unsupported,
}

/// Who this process is after [`daemonize`].
#[derive(Debug)]
#[must_use]
pub enum Forked {
    /// The process in the background: go on with the start-up, then report.
    Daemon(StartReport),
    /// The process in the foreground: wait for the report, then exit.
    Launcher(StartWait),
}

/// The daemon's end: how the start went. Dropped unsent, it says that the start failed.
#[derive(Debug)]
pub struct StartReport {
    pipe: File,
}

/// The launcher's end.
#[derive(Debug)]
pub struct StartWait {
    pipe: File,
    child: u32,
}

/// Whether [`daemonize`] can work here at all. For an answer before anything else is said or done.
pub fn supported() -> Result<(), DaemonError> {
    if cfg!(unix) { Ok(()) } else { Err(DaemonError::Unsupported) }
}

/// Forks into a launcher and a daemon: not here.
#[cfg(not(unix))]
pub fn daemonize() -> Result<Forked, DaemonError> {
    Err(DaemonError::Unsupported)
}

/// Forks into a launcher and a daemon. Call it before any thread is started and before directories are locked.
#[cfg(unix)]
#[expect(unsafe_code, reason = "fork has no safe form")]
pub fn daemonize() -> Result<Forked, DaemonError> {
    let threads = thread_count();
    if threads > 1 {
        return Err(DaemonError::Threads(threads));
    }
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
    let (mut reader, mut writer) = (File::from(reader), File::from(writer));
    // SAFETY: no other thread exists, so the child inherits no lock in a state that nobody would ever change.
    match unsafe { fork() }.map_err(io::Error::from)? {
        ForkResult::Parent { child } => {
            drop(writer);
            // The first byte says that the child has detached itself.
            let mut token = [0];
            match reader.read_exact(&mut token) {
                Ok(()) if token == [DETACHED] => {
                    Ok(Forked::Launcher(StartWait { pipe: reader, child: child.as_raw().unsigned_abs() }))
                }
                Ok(()) => Err(DaemonError::Fork(io::Error::other("the child could not detach itself"))),
                Err(error) => Err(DaemonError::Fork(error)),
            }
        }
        ForkResult::Child => {
            drop(reader);
            if detach().and_then(|()| writer.write_all(&[DETACHED])).is_err() {
                // The parent sees the end of the pipe. Nothing else may run in a half-detached child.
                std::process::exit(1);
            }
            Ok(Forked::Daemon(StartReport { pipe: writer }))
        }
    }
}

#[cfg(unix)]
const DETACHED: u8 = 0;
const STARTED: u8 = 1;

impl StartReport {
    /// Tells the launcher that the daemon has started. A launcher that is gone is no error.
    pub fn started(mut self) {
        let _ = self.pipe.write_all(&[STARTED]);
    }

    /// Tells the launcher that the daemon will not start.
    pub fn failed(self) {
        drop(self);
    }
}

impl StartWait {
    /// Waits for the report. Says whether the daemon has started.
    pub fn wait(mut self) -> bool {
        let mut token = [0];
        self.pipe.read_exact(&mut token).is_ok() && token == [STARTED]
    }

    /// The daemon's process number.
    pub fn child(&self) -> u32 {
        self.child
    }
}

#[cfg(unix)]
fn detach() -> io::Result<()> {
    setsid()?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn thread_count() -> usize {
    // Without /proc the caller is believed.
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn thread_count() -> usize {
    1
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_refused() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        let error = daemonize().unwrap_err();
        assert!(matches!(error, DaemonError::Threads(count) if count > 1), "{error}");
        drop(stop);
        assert!(other.join().unwrap().is_err());
    }
}
