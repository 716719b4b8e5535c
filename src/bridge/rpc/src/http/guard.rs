//! The socket as hyper sees it. It notes when bytes move, and puts one thing right: a head that is too long hyper
//! answers with 431 or 414, Bitcoin Core with 400.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::cancel::Cancel;

/// What a connection is doing. Shared by its socket, its service and the task that watches it.
pub(super) struct Activity {
    /// When bytes last moved.
    moved: Cell<Instant>,
    /// The request that runs.
    running: RefCell<Option<Cancel>>,
    /// Whether there is an answer that has not left altogether.
    unsent: Cell<bool>,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { moved: Cell::new(Instant::now()), running: RefCell::new(None), unsent: Cell::new(false) }
    }

    pub(super) fn moved(&self) -> Instant {
        self.moved.get()
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.borrow().is_some()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is_running() || self.unsent.get()
    }

    pub(super) fn cancel_running(&self) {
        if let Some(cancel) = self.running.borrow().as_ref() {
            cancel.cancel();
        }
    }

    /// Notes that a request runs, until the value that is returned is dropped. If that happens before
    /// [`Running::finish`], the client has gone.
    pub(super) fn begin(self: &Rc<Self>) -> Running {
        let cancel = Cancel::new();
        *self.running.borrow_mut() = Some(cancel.clone());
        Running { activity: Rc::clone(self), cancel, finished: false }
    }

    /// Notes that the service has answered, whatever it was.
    pub(super) fn answered(&self) {
        self.unsent.set(true);
    }

    fn touch(&self) {
        self.moved.set(Instant::now());
    }
}

pub(super) struct Running {
    activity: Rc<Activity>,
    pub(super) cancel: Cancel,
    finished: bool,
}

impl Running {
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *self.activity.running.borrow_mut() = None;
        self.activity.touch();
        if !self.finished {
            self.cancel.cancel();
        }
    }
}

/// What is sent instead of hyper's own answer to a head that is too long.
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\
    Content-Type: text/html; charset=ISO-8859-1\r\nConnection: close\r\n\r\n";

/// Whether hyper wrote this by itself: our own answers never have these statuses, and a piece of a body that looked
/// like it would not end where a head ends.
fn is_own_refusal(bytes: &[u8]) -> bool {
    (bytes.starts_with(b"HTTP/1.1 431 ") || bytes.starts_with(b"HTTP/1.1 414 "))
        && bytes.len() < 256
        && bytes.ends_with(b"\r\n\r\n")
}

pub(super) struct Guard {
    socket: TokioIo<TcpStream>,
    activity: Rc<Activity>,
    /// What is left of [`BAD_REQUEST`] to send.
    refusal: &'static [u8],
}

impl Guard {
    pub(super) fn new(socket: TcpStream, activity: Rc<Activity>) -> Self {
        Self { socket: TokioIo::new(socket), activity, refusal: &[] }
    }

    fn poll_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let sent = ready!(Pin::new(&mut self.socket).poll_write(context, self.refusal))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.refusal = self.refusal.get(sent..).unwrap_or_default();
        }
        Poll::Ready(Ok(()))
    }
}

impl Read for Guard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.socket).poll_read(context, buffer);
        if result.is_ready() {
            self.activity.touch();
        }
        result
    }
}

impl Write for Guard {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if is_own_refusal(bytes) {
            self.refusal = BAD_REQUEST;
            self.activity.answered();
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.socket).poll_write(context, bytes);
        if result.is_ready() {
            self.activity.touch();
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(context))?;
        ready!(Pin::new(&mut self.socket).poll_flush(context))?;
        // hyper flushes when it has written all that it has.
        self.activity.unsent.set(false);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(context))?;
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [single] = parts {
            return self.poll_write(context, single);
        }
        let result = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        if result.is_ready() {
            self.activity.touch();
        }
        result
    }
}
