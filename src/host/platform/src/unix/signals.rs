//! What wakes the thread that waits for signals: a pipe. A handler sets a flag and writes one byte, which is all that it
//! may safely do.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{pipe2, write};

use crate::signals::{SignalEvent, deliver};

/// A thread waits for it, and a signal handler may ring it.
#[derive(Debug)]
pub(crate) struct Bell {
    reader: Mutex<File>,
    writer: OwnedFd,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        Ok(Self { reader: Mutex::new(reader.into()), writer })
    }

    /// Wakes whoever waits. This runs inside signal handlers: it is one write(2).
    pub(crate) fn ring(&self) {
        // A full pipe wakes the reader just as well.
        let _ = write(&self.writer, &[0]);
    }

    /// Waits until `look` finds something, which is asked at first and after each ring. With a timeout, `None` says that
    /// it has passed.
    pub(crate) fn wait<T>(&self, timeout: Option<Duration>, look: impl Fn() -> Option<T>) -> io::Result<Option<T>> {
        let limit = match timeout {
            None => PollTimeout::NONE,
            Some(duration) => PollTimeout::try_from(duration).unwrap_or(PollTimeout::MAX),
        };
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            drain(&mut reader)?;
            if let Some(found) = look() {
                return Ok(Some(found));
            }
            let mut waiting = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, limit) {
                Ok(0) => return Ok(None),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn drain(reader: &mut File) -> io::Result<()> {
    let mut bytes = [0; 64];
    loop {
        match reader.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes over SIGTERM, SIGINT and SIGHUP, which are delivered from now on, and ignores SIGPIPE.
pub(crate) fn take_over() -> io::Result<()> {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        set_handler(signal, SigHandler::Handler(on_signal))?;
    }
    set_handler(Signal::SIGPIPE, SigHandler::SigIgn)
}

extern "C" fn on_signal(number: libc::c_int) {
    // The interrupted code may be about to read errno.
    let errno = Errno::last_raw();
    deliver(if number == libc::SIGHUP { SignalEvent::ReopenLogs } else { SignalEvent::Shutdown });
    Errno::set_raw(errno);
}

#[expect(unsafe_code, reason = "sigaction has no safe form")]
fn set_handler(signal: Signal, handler: SigHandler) -> io::Result<()> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler is either "ignore" or `on_signal`, which only loads and stores atomics, calls write(2) and
    // keeps errno. All of that is async-signal-safe, and what it touches is never freed.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}
