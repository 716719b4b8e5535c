//! One subscriber: a thread that reads what it wants, and one that writes what waits for it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use platform::socket::LocalSocket;

use super::wire::{self, Wish};

/// Subscriptions of one subscriber.
const MAX_TOPICS: usize = 256;
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of either kind.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(LocalSocket),
}

impl Stream {
    fn another(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(limit),
            Self::Unix(stream) => stream.set_read_timeout(limit),
        }
    }

    fn shutdown(&self) {
        // It may be closed already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buf),
            Self::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct State {
    topics: Vec<Vec<u8>>,
    waiting: VecDeque<Arc<[u8]>>,
    closed: bool,
}

/// A subscriber.
#[derive(Debug)]
pub(super) struct Peer {
    stream: Stream,
    state: Mutex<State>,
    changed: Condvar,
}

impl Peer {
    /// Starts the threads.
    pub(super) fn start(stream: Stream) -> io::Result<Arc<Self>> {
        let (reading, writing) = (stream.another()?, stream.another()?);
        let peer = Arc::new(Self { stream, state: Mutex::default(), changed: Condvar::new() });
        let ours = Arc::clone(&peer);
        platform::thread::spawn("zmq", move || {
            if let Err(e) = ours.serve(reading, writing) {
                tracing::debug!(target: "zmq", "A subscriber is gone: {e}");
            }
            ours.close();
        })?;
        Ok(peer)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>, mut reading: Stream, writing: Stream) -> io::Result<()> {
        reading.set_read_timeout(Some(PATIENCE))?;
        wire::shake_hands(&mut reading)?;
        reading.set_read_timeout(None)?;
        let ours = Arc::clone(self);
        platform::thread::spawn("zmq", move || ours.write_all(writing))?;
        loop {
            let wish = wire::read_frame(&mut reading)?.wish();
            let mut state = self.lock();
            match wish {
                Some(Wish::Subscribe(topic)) if state.topics.len() < MAX_TOPICS => state.topics.push(topic),
                Some(Wish::Subscribe(_)) => return Err(io::Error::other("too many subscriptions")),
                Some(Wish::Cancel(topic)) => {
                    if let Some(at) = state.topics.iter().position(|known| *known == topic) {
                        state.topics.swap_remove(at);
                    }
                }
                None => {}
            }
        }
    }

    fn write_all(&self, mut writing: Stream) {
        loop {
            let state = self.lock();
            let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
            let mut state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                return;
            }
            let next = state.waiting.pop_front();
            drop(state);
            if next.is_some_and(|message| writing.write_all(&message).is_err()) {
                return self.close();
            }
        }
    }

    /// Puts a message where it waits for the subscriber, if that wants it and has not fallen behind. `false` if nobody is
    /// there any more.
    pub(super) fn offer(&self, topic: &[u8], message: &Arc<[u8]>, high_water: usize) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let wanted = state.topics.iter().any(|start| topic.starts_with(start));
        if wanted && (high_water == 0 || state.waiting.len() < high_water) {
            state.waiting.push_back(Arc::clone(message));
            self.changed.notify_one();
        }
        true
    }

    #[cfg(test)]
    pub(super) fn topics(&self) -> usize {
        self.lock().topics.len()
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends both threads.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
        self.stream.shutdown();
    }
}
