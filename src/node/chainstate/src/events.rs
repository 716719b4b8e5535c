//! The stream of what happened, in order, to any number of listeners, none of which can hold the others up.
//!
//! Each listener has a queue of its own. A publisher only appends; it never waits. A listener that falls too far behind
//! loses the oldest entries and is told how many: it then reads the chain itself, which holds everything that matters.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// What a queue may hold before it forgets: about this many bytes, and this many entries.
const MAX_WEIGHT: usize = 64 << 20;
const MAX_ENTRIES: usize = 100_000;

/// Something that can be published.
pub trait Publish: Clone + Send + 'static {
    /// Bytes that an entry keeps alive.
    fn weight(&self) -> usize;
}

/// What a listener receives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Received<E> {
    /// The next entry.
    Event(E),
    /// So many entries were dropped before the next one.
    Lagged(u64),
}

#[derive(Debug)]
struct Queue<E> {
    entries: VecDeque<E>,
    weight: usize,
    lost: u64,
    closed: bool,
}

#[derive(Debug)]
struct Channel<E> {
    queue: Mutex<Queue<E>>,
    ready: Condvar,
}

impl<E> Channel<E> {
    fn lock(&self) -> MutexGuard<'_, Queue<E>> {
        // Every change leaves the queue whole, so a panic elsewhere did not damage it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }
}

/// Passes events on, on the thread that publishes them.
type Relay<E> = Box<dyn Fn(&E) + Send>;

struct Listeners<E> {
    channels: Vec<Weak<Channel<E>>>,
    relays: Vec<Relay<E>>,
}

impl<E> Default for Listeners<E> {
    fn default() -> Self {
        Self { channels: Vec::new(), relays: Vec::new() }
    }
}

impl<E> std::fmt::Debug for Listeners<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (channels, relays) = (self.channels.len(), self.relays.len());
        f.debug_struct("Listeners").field("channels", &channels).field("relays", &relays).finish()
    }
}

/// Where events are published. Clones publish into the same listeners.
#[derive(Debug)]
pub struct Hub<E> {
    listeners: Arc<Mutex<Listeners<E>>>,
}

impl<E> Default for Hub<E> {
    fn default() -> Self {
        Self { listeners: Arc::default() }
    }
}

impl<E> Clone for Hub<E> {
    fn clone(&self) -> Self {
        Self { listeners: Arc::clone(&self.listeners) }
    }
}

/// A listener's end. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription<E> {
    channel: Arc<Channel<E>>,
}

impl<E: Publish> Hub<E> {
    /// Starts listening; the first event is the next one published.
    pub fn subscribe(&self) -> Subscription<E> {
        let queue = Queue { entries: VecDeque::new(), weight: 0, lost: 0, closed: false };
        let channel = Arc::new(Channel { queue: Mutex::new(queue), ready: Condvar::new() });
        self.lock().channels.push(Arc::downgrade(&channel));
        Subscription { channel }
    }

    /// Calls `relay` with every event from now on, on the thread that publishes it and before `publish` returns. That is
    /// how several streams become one with a common order. It must only append somewhere, and never publish here.
    pub fn relay(&self, relay: impl Fn(&E) + Send + 'static) {
        self.lock().relays.push(Box::new(relay));
    }

    fn lock(&self) -> MutexGuard<'_, Listeners<E>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an event to every listener's queue.
    pub fn publish(&self, event: &E) {
        let mut listeners = self.lock();
        for relay in &listeners.relays {
            relay(event);
        }
        listeners.channels.retain(|listener| {
            let Some(channel) = listener.upgrade() else { return false };
            let mut queue = channel.lock();
            queue.weight += event.weight();
            queue.entries.push_back(event.clone());
            while queue.entries.len() > 1 && (queue.weight > MAX_WEIGHT || queue.entries.len() > MAX_ENTRIES) {
                let dropped = queue.entries.pop_front().map_or(0, |e| e.weight());
                queue.weight -= dropped;
                queue.lost += 1;
            }
            drop(queue);
            channel.ready.notify_one();
            true
        });
    }

    /// Ends every subscription: listeners drain what they have, then see the end.
    pub fn close(&self) {
        for channel in self.lock().channels.drain(..).filter_map(|l| l.upgrade()) {
            channel.close();
        }
    }
}

impl<E: Publish> Subscription<E> {
    /// The next event if there is one.
    pub fn try_next(&self) -> Option<Received<E>> {
        take(&mut self.channel.lock())
    }

    /// Waits for the next event; `None` when the time is up or the stream has ended.
    pub fn next_within(&self, limit: Duration) -> Option<Received<E>> {
        let queue = self.channel.lock();
        let waiting = |q: &mut Queue<E>| q.entries.is_empty() && !q.closed;
        let (mut queue, _) =
            self.channel.ready.wait_timeout_while(queue, limit, waiting).unwrap_or_else(PoisonError::into_inner);
        take(&mut queue)
    }

    /// Ends this subscription: whoever waits for its events drains what there is and sees the end.
    pub fn close(&self) {
        self.channel.close();
    }

    /// Whether the stream has ended and nothing is left to read.
    pub fn ended(&self) -> bool {
        let queue = self.channel.lock();
        queue.closed && queue.entries.is_empty()
    }
}

fn take<E: Publish>(queue: &mut Queue<E>) -> Option<Received<E>> {
    if queue.lost > 0 {
        return Some(Received::Lagged(std::mem::take(&mut queue.lost)));
    }
    let event = queue.entries.pop_front()?;
    queue.weight -= event.weight();
    Some(Received::Event(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Publish for (u64, usize) {
        fn weight(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn every_listener_sees_the_order_of_publishing() {
        let hub = Hub::default();
        let (a, b) = (hub.subscribe(), hub.subscribe());
        for n in 0..100 {
            hub.publish(&(n, 1));
        }
        for n in 0..100 {
            assert_eq!(a.try_next(), Some(Received::Event((n, 1))));
        }
        drop(a);
        hub.publish(&(100, 1));
        assert_eq!(b.next_within(Duration::ZERO), Some(Received::Event((0, 1))));
    }

    #[test]
    fn a_sleeper_loses_the_oldest_and_is_told() {
        let hub = Hub::default();
        let slow = hub.subscribe();
        for n in 0..5 {
            hub.publish(&(n, MAX_WEIGHT / 2));
        }
        assert_eq!(slow.try_next(), Some(Received::Lagged(3)));
        assert_eq!(slow.try_next(), Some(Received::Event((3, MAX_WEIGHT / 2))));
        hub.publish(&(5, MAX_WEIGHT * 2));
        assert_eq!(slow.try_next(), Some(Received::Lagged(1)));
        assert_eq!(slow.try_next(), Some(Received::Event((5, MAX_WEIGHT * 2))), "the newest always fits");
    }

    #[test]
    fn a_relay_makes_one_order_of_two_streams() {
        let (a, b, both) = (Hub::default(), Hub::default(), Hub::default());
        let all = both.subscribe();
        for hub in [&a, &b] {
            let both = both.clone();
            hub.relay(move |event| both.publish(event));
        }
        for n in 0..100 {
            if n % 3 == 0 { a.publish(&(n, 1)) } else { b.publish(&(n, 1)) }
        }
        for n in 0..100 {
            assert_eq!(all.try_next(), Some(Received::Event((n, 1))));
        }
        all.close();
        a.publish(&(100, 1));
        assert_eq!(all.next_within(Duration::from_mins(1)), Some(Received::Event((100, 1))));
        assert!(all.ended());
    }

    #[test]
    fn closing_wakes_those_who_wait() {
        let hub = Hub::<(u64, usize)>::default();
        let listener = hub.subscribe();
        let waiting = std::thread::spawn(move || (listener.next_within(Duration::from_mins(1)), listener.ended()));
        hub.close();
        assert_eq!(waiting.join().unwrap(), (None, true));
    }
}
