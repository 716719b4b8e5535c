//! Child processes that talk to us over a socket pair.
//!
//! The child is started as `<program> -ipcfd N <arguments>`, where N is its end of the pair. It inherits that, the
//! standard streams, and nothing else.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use command_fds::CommandFdExt;
#[cfg(target_os = "linux")]
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clock::Clock;
use crate::descriptor::IPC_FD_OPTION;

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

/// The path of another program in the directory of this one.
pub fn sibling(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Starts `program` and returns it with our end of the socket pair.
pub fn spawn(program: &Path, options: &ChildOptions) -> io::Result<(ChildProcess, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    #[expect(clippy::disallowed_methods, reason = "this is the place where processes are started")]
    let mut command = Command::new(program);
    // The number stays the same in the child: mapping to a fixed one could hit a descriptor that std uses in between.
    command.arg(IPC_FD_OPTION).arg(theirs.as_raw_fd().to_string()).args(&options.arguments).stdin(Stdio::null());
    // The order matters: first everything becomes close-on-exec, then the socket is taken out of that.
    close_strays(&mut command);
    command.preserved_fds(vec![OwnedFd::from(theirs)]);
    if options.die_with_parent {
        die_with_parent(&mut command);
    }
    // The command owns the child's end; it must be closed here, or the child's death would not close the socket.
    let spawned = command.spawn();
    drop(command);
    Ok((ChildProcess { child: Some(spawned?) }, ours))
}

/// Keeps from the child what this process has itself inherited, say from a shell that left files open.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "code between fork and exec")]
pub(crate) fn close_strays(command: &mut Command) {
    let hook = || {
        let (first, last, flags) = (3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        // Kernels before 5.11 refuse; then strays stay open, as they do in any other program.
        // SAFETY: the call changes flags of this process's own descriptors and touches no memory.
        let _ = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
        Ok(())
    };
    // SAFETY: the hook makes one system call and allocates nothing.
    unsafe { command.pre_exec(hook) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn close_strays(_command: &mut Command) {}

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

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "code between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let hook = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died before the line above; then the signal will never come.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    // SAFETY: the hook makes two system calls and allocates nothing.
    unsafe { command.pre_exec(hook) };
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

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

    /// Asks it to shut down (SIGTERM).
    pub fn terminate(&mut self) -> io::Result<()> {
        // A child that was reaped has no number any more: the number may be somebody else's.
        if self.try_wait()?.is_some() {
            return Ok(());
        }
        let number = i32::try_from(self.id()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        kill(Pid::from_raw(number), Signal::SIGTERM)?;
        Ok(())
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
