//! Sleeping until the tip is another one, until time is up, or until somebody says that it is enough.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chainstate::{Node, Reader, TipFollower};
use primitives::Block;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited<T> {
    /// With what was waited for.
    Done(T),
    /// Time was up.
    TimeOut,
    /// Somebody ended it, or the node stops.
    Ended,
}

/// Rings whenever the chain has come to rest at a tip, or somebody who waits should look around.
#[derive(Debug, Default)]
pub struct TipSignal {
    closed: Mutex<bool>,
    bell: Condvar,
}

impl TipSignal {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes everybody. Does not block for longer than a look at the tip takes.
    pub fn ring(&self) {
        // With the lock: somebody who has just looked, and not slept yet, must not miss it.
        let _looking = self.lock();
        self.bell.notify_all();
    }

    /// Ends all waits, those that come later too.
    pub fn close(&self) {
        *self.lock() = true;
        self.bell.notify_all();
    }

    /// Whether the node stops.
    pub fn is_closed(&self) -> bool {
        *self.lock()
    }

    /// Waits until `done` answers, at most for `limit`, or until `ended`. Both are asked again at each ring.
    pub fn wait<T>(
        &self,
        limit: Option<Duration>,
        ended: impl Fn() -> bool,
        mut done: impl FnMut() -> Option<T>,
    ) -> Waited<T> {
        let mut found = None;
        let mut over = false;
        let sleep_on = |closed: &mut bool| {
            over = *closed || ended();
            found = if over { None } else { done() };
            !over && found.is_none()
        };
        let lock = self.lock();
        match limit {
            Some(limit) => drop(self.bell.wait_timeout_while(lock, limit, sleep_on)),
            None => drop(self.bell.wait_while(lock, sleep_on)),
        }
        match found {
            Some(found) => Waited::Done(found),
            None if over => Waited::Ended,
            None => Waited::TimeOut,
        }
    }
}

/// Rings for the tip. It comes after the pool in the list of followers, so whoever wakes up finds the pool settled.
#[derive(Debug)]
pub(super) struct Bell(pub(super) std::sync::Arc<TipSignal>);

impl TipFollower for Bell {
    fn connected(&mut self, _: &std::sync::Arc<Block>, _: &Node) {}

    fn disconnected(&mut self, _: &std::sync::Arc<Block>, _: &Node, _: bool) {}

    fn settled(&mut self, _: &Reader, _: bool) {
        self.0.ring();
    }
}

/// Ends the waits of one object. If nothing waits, the next wait ends at once: its request may be on the way.
#[derive(Debug, Default)]
pub struct Interrupt(Mutex<Waiters>);

#[derive(Debug, Default)]
struct Waiters {
    waiting: usize,
    /// Grows with each interruption.
    count: u64,
    pending: bool,
}

/// A wait that can be interrupted.
#[derive(Debug)]
pub struct Waiter<'a> {
    interrupt: &'a Interrupt,
    since: u64,
}

impl Interrupt {
    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to wait; `None` if the wait was interrupted before it began.
    pub fn begin(&self) -> Option<Waiter<'_>> {
        let mut waiters = self.lock();
        if std::mem::take(&mut waiters.pending) {
            return None;
        }
        waiters.waiting += 1;
        Some(Waiter { interrupt: self, since: waiters.count })
    }

    /// Ends what waits. The caller rings the signal.
    pub fn raise(&self) {
        let mut waiters = self.lock();
        waiters.count += 1;
        waiters.pending = waiters.waiting == 0;
    }
}

impl Waiter<'_> {
    /// Whether it was interrupted.
    pub fn is_over(&self) -> bool {
        self.interrupt.lock().count != self.since
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.interrupt.lock().waiting -= 1;
    }
}
