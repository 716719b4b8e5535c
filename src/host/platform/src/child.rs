//! Child processes that talk to us over a socket pair.
//!
//! The child is started as `<program> -ipcfd N <arguments>`, where N is its end of the pair. It inherits that, the
//! standard streams, and nothing else.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use crate::clock::Clock;
use crate::socket::LocalSocket;
use crate::system::processes;

/// How to start a child.
#[derive(Debug, Clone, Default)]
pub struct ChildOptions {
    /// Arguments after `-ipcfd N`.
    pub arguments: Vec<OsString>,
    /// Kill the child when the *thread* that starts it ends, so only set this on a thread that lives as long as the
    /// process. Linux only; elsewhere the child notices the closed socket.
    pub die_with_parent: bool,
}

/// A child process. It never outlives this value: dropping it kills and reaps it, unless it was [detached].
///
/// [detached]: ChildProcess::detach
#[derive(Debug)]
pub struct ChildProcess {
    child: Option<Child>,
}

/// The path of another program in the directory of this one. `name` is without the `.exe` that programs have on Windows.
pub fn sibling(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Starts `program` and returns it with our end of the socket pair.
pub fn spawn(program: &Path, options: &ChildOptions) -> io::Result<(ChildProcess, LocalSocket)> {
    let (child, socket) = processes::spawn_with_socket(program, options)?;
    Ok((ChildProcess { child: Some(child) }, socket))
}

/// The number of the process that has started this one. When that has ended, another number. `None` if the system does not
/// tell.
pub fn parent() -> Option<u32> {
    processes::parent()
}

/// This process becomes the program, with the arguments, and returns only if it cannot.
pub fn become_program(program: &Path, arguments: &[OsString]) -> io::Result<Infallible> {
    #[expect(clippy::disallowed_methods, reason = "this is the place where processes are started")]
    let mut command = Command::new(program);
    processes::become_program(command.args(arguments))
}

/// Waits for the end of a process, but not beyond the moment `end`. The check is repeated at growing intervals up to 50 ms.
pub(crate) fn wait_until(child: &mut Child, end: Duration, clock: &dyn Clock) -> io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = end.saturating_sub(clock.monotonic());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

impl ChildProcess {
    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.get()?.try_wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.get()?.wait()
    }

    /// Waits for its end, but no longer than `timeout`. The check is repeated at growing intervals up to 50 ms.
    pub fn wait_timeout(&mut self, timeout: Duration, clock: &dyn Clock) -> io::Result<Option<ExitStatus>> {
        let end = clock.monotonic().saturating_add(timeout);
        wait_until(self.get()?, end, clock)
    }

    /// Asks it to shut down (SIGTERM); on Windows, where nobody can ask, ends it.
    pub fn terminate(&mut self) -> io::Result<()> {
        // A child that was reaped has no number any more: the number may be somebody else's.
        if self.try_wait()?.is_some() {
            return Ok(());
        }
        processes::terminate(self.get()?)
    }

    /// Ends it at once (SIGKILL). It still has to be waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.get()?.kill()
    }

    /// Lets it live on after this value. Nobody reaps it until we end, so it is for children that outlive us.
    pub fn detach(mut self) {
        self.child = None;
    }

    fn get(&mut self) -> io::Result<&mut Child> {
        self.child.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only when there is nothing left to do.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
