//! Signals as events that an ordinary thread waits for.
//!
//! The handlers set a flag and write one byte to a pipe, which is all that a handler may safely do. [`Signals`] reads
//! the other end. Requests from inside the process (the `stop` RPC, a full disk) come the same way, through a
//! [`SignalSender`]. Flags cannot overflow as a pipe can, so no request is ever lost.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{pipe2, write};

use crate::shutdown::Shutdown;

/// What the process is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalEvent {
    /// SIGTERM, SIGINT, or a request from inside: shut down in order.
    Shutdown,
    /// SIGHUP: open the log files again.
    ReopenLogs,
}

/// The receiving end. There is one per process.
#[derive(Debug)]
pub struct Signals {
    reader: Mutex<File>,
    sender: SignalSender,
}

/// A way to make the same requests from inside. Copies are free.
#[derive(Debug, Clone, Copy)]
pub struct SignalSender {
    channel: &'static Channel,
}

/// What the handlers touch. It lives as long as the process, because a handler may run at any time.
#[derive(Debug)]
struct Channel {
    writer: OwnedFd,
    shutdown_asked: AtomicBool,
    reopen_asked: AtomicBool,
    /// Set once, never cleared.
    shutdown_seen: AtomicBool,
}

static CHANNEL: OnceLock<Channel> = OnceLock::new();

impl Signals {
    /// Takes over SIGTERM, SIGINT and SIGHUP and ignores SIGPIPE. A second call in a process is an error.
    pub fn install() -> io::Result<Self> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let fresh = Channel {
            writer,
            shutdown_asked: AtomicBool::new(false),
            reopen_asked: AtomicBool::new(false),
            shutdown_seen: AtomicBool::new(false),
        };
        let taken = || io::Error::other("signal handlers are installed already");
        CHANNEL.set(fresh).map_err(|_| taken())?;
        let channel = CHANNEL.get().ok_or_else(taken)?;
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            set_handler(signal, SigHandler::Handler(on_signal))?;
        }
        set_handler(Signal::SIGPIPE, SigHandler::SigIgn)?;
        Ok(Self { reader: Mutex::new(reader.into()), sender: SignalSender { channel } })
    }

    /// A handle for requests from inside, and to ask whether shutdown was requested.
    pub fn sender(&self) -> SignalSender {
        self.sender
    }

    /// Waits for the next event. With a timeout, `None` says that it has passed. A shutdown goes before anything else,
    /// and is reported once.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<SignalEvent>> {
        let limit = match timeout {
            None => PollTimeout::NONE,
            Some(duration) => PollTimeout::try_from(duration).unwrap_or(PollTimeout::MAX),
        };
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            drain(&mut reader)?;
            if let Some(event) = self.sender.channel.take() {
                return Ok(Some(event));
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

impl Signals {
    /// Serves events on a thread of its own from now on: a shutdown is passed on, and `reopen` is called for SIGHUP.
    /// The thread ends after the first shutdown; from then on, signals are noted and nothing more.
    pub fn forward(self, shutdown: Shutdown, mut reopen: impl FnMut() + Send + 'static) -> io::Result<JoinHandle<()>> {
        crate::thread::spawn("signals", move || {
            loop {
                match self.wait(None) {
                    Ok(Some(SignalEvent::ReopenLogs)) => reopen(),
                    Ok(None) => {}
                    // Without a way to hear signals the process could not be stopped in order later.
                    Ok(Some(SignalEvent::Shutdown)) | Err(_) => return shutdown.request(),
                }
            }
        })
    }
}

impl SignalSender {
    /// Asks for an orderly shutdown, as SIGTERM does.
    pub fn request_shutdown(self) {
        self.channel.ask_shutdown();
    }

    /// Asks for the log files to be opened again, as SIGHUP does.
    pub fn request_reopen(self) {
        self.channel.ask_reopen();
    }

    /// Whether a shutdown was asked for, now or ever. Long work looks at this between its steps.
    pub fn shutdown_requested(self) -> bool {
        self.channel.shutdown_seen.load(Ordering::SeqCst)
    }
}

impl Channel {
    // These run inside signal handlers: atomics and write(2) only.

    fn ask_shutdown(&self) {
        self.shutdown_seen.store(true, Ordering::SeqCst);
        self.shutdown_asked.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn ask_reopen(&self) {
        self.reopen_asked.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        // A full pipe wakes the reader just as well.
        let _ = write(&self.writer, &[0]);
    }

    fn take(&self) -> Option<SignalEvent> {
        if self.shutdown_asked.swap(false, Ordering::SeqCst) {
            return Some(SignalEvent::Shutdown);
        }
        self.reopen_asked.swap(false, Ordering::SeqCst).then_some(SignalEvent::ReopenLogs)
    }
}

extern "C" fn on_signal(number: libc::c_int) {
    // The interrupted code may be about to read errno.
    let errno = Errno::last_raw();
    if let Some(channel) = CHANNEL.get() {
        if number == libc::SIGHUP {
            channel.ask_reopen();
        } else {
            channel.ask_shutdown();
        }
    }
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
