//! Telling others what happens, each on a thread of its own: one who does not listen holds up nobody.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::thread;

/// How much may wait for one listener. Beyond it the oldest is forgotten.
const PATIENT: usize = 10_000;

/// Tells one listener. `false` says that it does not want to be told any more.
type Message<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// Who listens.
pub struct Audience<T: ?Sized> {
    name: &'static str,
    seats: Mutex<Vec<(u64, Arc<Seat<T>>)>>,
    next: AtomicU64,
}

/// What one listener has still to hear.
struct Seat<T: ?Sized> {
    queue: Mutex<Queue<T>>,
    moved: Condvar,
}

struct Queue<T: ?Sized> {
    waiting: VecDeque<Message<T>>,
    /// Nothing is added any more.
    closed: bool,
    /// The thread has ended.
    gone: bool,
    /// Ends with the thread.
    at_end: Option<Sender<()>>,
}

impl<T: ?Sized> Seat<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Message<T>> {
        let idle = |queue: &mut Queue<T>| queue.waiting.is_empty() && !queue.closed;
        self.moved.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner).waiting.pop_front()
    }

    fn close(&self, with: impl FnOnce(&mut Queue<T>)) {
        let mut queue = self.lock();
        queue.closed = true;
        with(&mut queue);
        drop(queue);
        self.moved.notify_all();
    }
}

/// However the thread ends, nobody waits for it any more.
struct Leaves<T: ?Sized>(Arc<Seat<T>>);

impl<T: ?Sized> Drop for Leaves<T> {
    fn drop(&mut self) {
        self.0.close(|queue| {
            queue.waiting.clear();
            queue.gone = true;
            queue.at_end = None;
        });
    }
}

impl<T: ?Sized + Send + Sync + 'static> Audience<T> {
    /// Nobody yet. The threads are called `name`.
    pub fn new(name: &'static str) -> Self {
        Self { name, seats: Mutex::default(), next: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Arc<Seat<T>>)>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a listener, who is told everything from now on. The number takes it away again.
    pub fn add(&self, listener: Arc<T>) -> io::Result<u64> {
        let queue = Queue { waiting: VecDeque::new(), closed: false, gone: false, at_end: None };
        let seat = Arc::new(Seat { queue: Mutex::new(queue), moved: Condvar::new() });
        let leaves = Leaves(Arc::clone(&seat));
        thread::spawn(self.name, move || {
            while let Some(tell) = leaves.0.next() {
                if !tell(&*listener) {
                    break;
                }
            }
            drop(leaves);
            // Its end may call.
            drop(listener);
        })?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().push((number, seat));
        Ok(number)
    }

    /// Takes a listener away. What is being told is told to its end, and nothing after it.
    pub fn remove(&self, number: u64) {
        let gone: Vec<_> = self.lock().extract_if(.., |(other, _)| *other == number).collect();
        for (_, seat) in gone {
            seat.close(|queue| queue.waiting.clear());
        }
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        let mut seats = self.lock();
        seats.retain(|(_, seat)| !seat.lock().gone);
        seats.is_empty()
    }

    /// Has everybody told, in the order of these calls, and does not wait for it. An answer of `false` takes a listener away.
    pub fn tell(&self, message: impl Fn(&T) -> bool + Send + Sync + 'static) {
        let mut seats = self.lock();
        if seats.is_empty() {
            return;
        }
        let message: Message<T> = Arc::new(message);
        seats.retain(|(_, seat)| {
            let mut queue = seat.lock();
            if queue.closed {
                return false;
            }
            if queue.waiting.len() >= PATIENT {
                queue.waiting.pop_front();
            }
            queue.waiting.push_back(Arc::clone(&message));
            drop(queue);
            seat.moved.notify_all();
            true
        });
    }

    /// Takes everybody away, and waits as long as `patience` until they have heard what there was to say.
    pub fn close(&self, patience: Duration) {
        let (at_end, ended) = channel();
        for (_, seat) in std::mem::take(&mut *self.lock()) {
            seat.close(|queue| {
                if !queue.gone {
                    queue.at_end = Some(at_end.clone());
                }
            });
        }
        drop(at_end);
        // Nothing is ever sent: the wait ends when the last thread has let go of its end.
        let _ = ended.recv_timeout(patience);
    }
}

impl<T: ?Sized> fmt::Debug for Audience<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T: ?Sized> Drop for Audience<T> {
    fn drop(&mut self) {
        let seats = self.seats.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, seat) in seats {
            seat.close(|queue| queue.waiting.clear());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    /// A listener with a number.
    type Ear = (u32, Mutex<Sender<u32>>);

    fn listener(audience: &Audience<Ear>, number: u32) -> (u64, Receiver<u32>) {
        let (ear, heard) = channel();
        (audience.add(Arc::new((number, Mutex::new(ear)))).unwrap(), heard)
    }

    fn say(audience: &Audience<Ear>, what: u32) {
        audience.tell(move |(_, ear)| ear.lock().unwrap().send(what).is_ok());
    }

    /// Has the first listener sleep until what is returned is dropped.
    fn lull(audience: &Audience<Ear>) -> Sender<()> {
        let (wake, asleep) = channel();
        let (told, here) = channel();
        let (asleep, told) = (Mutex::new(asleep), Mutex::new(told));
        audience.tell(move |(number, _)| {
            if *number == 0 {
                told.lock().unwrap().send(()).unwrap();
                asleep.lock().unwrap().recv().unwrap_err();
            }
            true
        });
        here.recv_timeout(LONG).unwrap();
        wake
    }

    #[test]
    fn everybody_hears_everything_in_order() {
        let audience = Audience::new("test");
        let ears = [listener(&audience, 0), listener(&audience, 1)];
        for what in 0..100 {
            say(&audience, what);
        }
        for (_, heard) in ears {
            let heard: Vec<u32> = (0..100).map(|_| heard.recv_timeout(LONG).unwrap()).collect();
            assert_eq!(heard, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_who_does_not_listen_holds_up_nobody() {
        let audience = Audience::new("test");
        let (_, deaf) = listener(&audience, 0);
        let (_, heard) = listener(&audience, 1);
        let wake = lull(&audience);
        say(&audience, 7);
        assert_eq!(heard.recv_timeout(LONG), Ok(7));
        audience.close(Duration::from_millis(1));
        assert!(audience.is_empty());
        assert_eq!(deaf.try_recv(), Err(TryRecvError::Empty));
        drop(wake);
        assert_eq!(deaf.recv_timeout(LONG), Ok(7));
    }

    #[test]
    fn the_end_waits_until_everything_was_heard() {
        let audience = Audience::new("test");
        let (_, heard) = listener(&audience, 0);
        for what in 0..1000 {
            say(&audience, what);
        }
        audience.close(LONG);
        assert_eq!(heard.try_iter().count(), 1000);
        assert_eq!(heard.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn one_who_leaves_hears_nothing_more() {
        let audience = Audience::new("test");
        let (number, heard) = listener(&audience, 0);
        audience.remove(number);
        assert!(audience.is_empty());
        say(&audience, 1);
        assert_eq!(heard.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn one_who_refuses_is_taken_away() {
        let audience = Audience::new("test");
        let (_, heard) = listener(&audience, 0);
        audience.tell(|_| false);
        assert_eq!(heard.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
        say(&audience, 1);
        assert!(audience.is_empty());
    }

    #[test]
    fn what_piles_up_is_forgotten_from_its_old_end() {
        let audience = Audience::new("test");
        let (_, heard) = listener(&audience, 0);
        let wake = lull(&audience);
        let more = u32::try_from(PATIENT).unwrap() + 10;
        for what in 0..more {
            say(&audience, what);
        }
        drop(wake);
        audience.close(LONG);
        assert_eq!(heard.iter().collect::<Vec<_>>(), (10..more).collect::<Vec<_>>());
    }
}
