//! Signals as events that an ordinary thread waits for.
//!
//! The handlers set a flag and ring a bell, in the one way that a handler safely can. [`Signals`] waits for the bell.
//! Requests from inside the process (the `stop` RPC, a full disk) come the same way, through a [`SignalSender`]. Flags do
//! not overflow, however often the bell rings, so no request is ever lost.
//!
//! On Windows, Ctrl-C, the closing of the console and the end of the session are what SIGTERM is elsewhere. Nothing there
//! asks for the logs to be opened again.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::shutdown::Shutdown;
use crate::system::signals::{Bell, take_over};

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
    bell: Bell,
    shutdown_asked: AtomicBool,
    reopen_asked: AtomicBool,
    /// Set once, never cleared.
    shutdown_seen: AtomicBool,
}

static CHANNEL: OnceLock<Channel> = OnceLock::new();

impl Signals {
    /// Takes over SIGTERM, SIGINT and SIGHUP and ignores SIGPIPE. A second call in a process is an error.
    pub fn install() -> io::Result<Self> {
        let fresh = Channel {
            bell: Bell::new()?,
            shutdown_asked: AtomicBool::new(false),
            reopen_asked: AtomicBool::new(false),
            shutdown_seen: AtomicBool::new(false),
        };
        let taken = || io::Error::other("signal handlers are installed already");
        CHANNEL.set(fresh).map_err(|_| taken())?;
        let channel = CHANNEL.get().ok_or_else(taken)?;
        take_over()?;
        Ok(Self { sender: SignalSender { channel } })
    }

    /// A handle for requests from inside, and to ask whether shutdown was requested.
    pub fn sender(&self) -> SignalSender {
        self.sender
    }

    /// Waits for the next event. With a timeout, `None` says that it has passed. A shutdown goes before anything else,
    /// and is reported once.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<SignalEvent>> {
        let channel = self.sender.channel;
        channel.bell.wait(timeout, || channel.take())
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
    // These run inside signal handlers: atomics and the bell only.

    fn ask_shutdown(&self) {
        self.shutdown_seen.store(true, Ordering::SeqCst);
        self.shutdown_asked.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    fn ask_reopen(&self) {
        self.reopen_asked.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    fn take(&self) -> Option<SignalEvent> {
        if self.shutdown_asked.swap(false, Ordering::SeqCst) {
            return Some(SignalEvent::Shutdown);
        }
        self.reopen_asked.swap(false, Ordering::SeqCst).then_some(SignalEvent::ReopenLogs)
    }
}

/// What the system's handlers call. It takes no lock that the interrupted code could hold, and allocates nothing.
pub(crate) fn deliver(event: SignalEvent) {
    if let Some(channel) = CHANNEL.get() {
        match event {
            SignalEvent::Shutdown => channel.ask_shutdown(),
            SignalEvent::ReopenLogs => channel.ask_reopen(),
        }
    }
}
