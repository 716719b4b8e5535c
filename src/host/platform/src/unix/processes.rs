//! Other processes: started, found and ended.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use command_fds::CommandFdExt;
use nix::libc;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::child::ChildOptions;
use crate::descriptor::IPC_FD_OPTION;
use crate::socket::{LocalSocket, local_pair};

/// Starts a program with one end of a socket pair, and returns the other.
pub(crate) fn spawn_with_socket(program: &Path, options: &ChildOptions) -> io::Result<(Child, LocalSocket)> {
    let (ours, theirs) = local_pair()?;
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
    Ok((spawned?, ours))
}

/// Keeps from the child what this process has itself inherited, say from a shell that left files open.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "code between fork and exec")]
fn close_strays(command: &mut Command) {
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
fn close_strays(_command: &mut Command) {}

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

/// Asks a process to end in order. The caller knows that it was not reaped: its number is still its own.
pub(crate) fn terminate(child: &mut Child) -> io::Result<()> {
    let number = i32::try_from(child.id()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    kill(Pid::from_raw(number), Signal::SIGTERM)?;
    Ok(())
}

/// The process that has started this one, or has taken it over since.
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
pub(crate) fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Ends this process at once.
#[expect(unsafe_code, reason = "the standard library ends a process in order only")]
pub(crate) fn vanish() -> ! {
    // SAFETY: the call takes no pointer and does not return.
    unsafe { libc::_exit(0) }
}

/// A program with everything that it starts.
#[derive(Debug)]
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// Starts a program as the first of its own group. It gets no descriptor that we have opened.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Child, Self)> {
        command.process_group(0);
        close_strays(command);
        let first = command.spawn()?;
        let number = i32::try_from(first.id()).ok().map(Pid::from_raw);
        Ok((first, Self(number)))
    }

    /// Ends all of it at once. The first of the group was not reaped: the group's number is still its own.
    pub(crate) fn kill(&self) {
        if let Some(number) = self.0 {
            // It fails only if nothing is left to do.
            let _ = killpg(number, Signal::SIGKILL);
        }
    }
}

/// How a process ended: its exit code, or the signal that ended it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal()).unwrap_or(-1)
}

/// The system's shell, about to run a line of a user.
pub(crate) fn shell(line: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is the place where processes are started")]
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(line);
    shell
}

/// This process becomes the program, and returns only if it cannot.
pub(crate) fn become_program(command: &mut Command) -> io::Result<Infallible> {
    Err(command.exec())
}
