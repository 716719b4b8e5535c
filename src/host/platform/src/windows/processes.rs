//! Other processes: started, found and ended.

use std::convert::Infallible;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::ptr::null;

use windows_sys::Win32::System::JobObjects::{AssignProcessToJobObject, CreateJobObjectW, TerminateJobObject};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

use super::{check, unsupported};
use crate::child::ChildOptions;
use crate::socket::LocalSocket;

/// There are no socket pairs to hand down.
pub(crate) fn spawn_with_socket(_program: &Path, _options: &ChildOptions) -> io::Result<(Child, LocalSocket)> {
    Err(unsupported("processes that share a socket are"))
}

/// There is no way to ask a process without a window, so it is ended.
pub(crate) fn terminate(child: &mut Child) -> io::Result<()> {
    child.kill()
}

/// Nobody takes over a process whose parent has ended, so its number says nothing.
pub(crate) fn parent() -> Option<u32> {
    None
}

/// Ends this process at once.
#[expect(unsafe_code, reason = "the standard library ends a process in order only")]
pub(crate) fn vanish() -> ! {
    // SAFETY: the handle is this process's own, which is always open.
    unsafe { TerminateProcess(GetCurrentProcess(), 0) };
    // That it was refused cannot be.
    std::process::abort()
}

/// A program with everything that it starts: a job.
#[derive(Debug)]
pub(crate) struct Group(OwnedHandle);

impl Group {
    /// Starts a program in a job of its own. What it starts in the instant before it is put there is not in it.
    #[expect(unsafe_code, reason = "the standard library has no jobs")]
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Child, Self)> {
        // SAFETY: a job needs neither a name nor attributes.
        let job = unsafe { CreateJobObjectW(null(), null()) };
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was just made, and nobody else has it.
        let job = unsafe { OwnedHandle::from_raw_handle(job) };
        let mut child = command.spawn()?;
        // SAFETY: both handles are open. A program that has ended already cannot be assigned, and need not be.
        let assigned = check(unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) });
        if let Err(error) = assigned
            && child.try_wait()?.is_none()
        {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok((child, Self(job)))
    }

    /// Ends all of it at once.
    #[expect(unsafe_code, reason = "the standard library has no jobs")]
    pub(crate) fn kill(&self) {
        // SAFETY: the handle is open. It fails only if nothing is left to do.
        let _ = unsafe { TerminateJobObject(self.0.as_raw_handle(), 1) };
    }
}

/// How a process ended.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// The system's shell, about to run a line of a user. The line goes there as it is: this shell has rules of its own.
pub(crate) fn shell(line: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is the place where processes are started")]
    let mut shell = Command::new("cmd.exe");
    shell.arg("/C").raw_arg(line);
    shell
}

/// A process cannot become another program, so it waits for that and ends as it did.
pub(crate) fn become_program(command: &mut Command) -> io::Result<Infallible> {
    let status = command.status()?;
    std::process::exit(code(status))
}
