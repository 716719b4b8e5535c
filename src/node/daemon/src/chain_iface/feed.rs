//! One stream of what happens to the chain and to the pool, in the order in which it happened.
//!
//! A wallet that is told of a block before it is told of a transaction of that block entering the pool would take the
//! transaction for unconfirmed. Chain and pool publish on the thread that changes them; a relay on each appends to this
//! stream on that same thread, so its order is the true one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use chainstate::{ChainEvent, Hub, Publish, Reader, Subscription};
use mempool::{Mempool, MempoolEvent};

use super::events::Delivery;

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// To the chain.
    Chain(ChainEvent),
    /// To the pool.
    Pool(MempoolEvent),
}

/// What happened, with its number.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) what: Happening,
}

impl Publish for Numbered {
    fn weight(&self) -> usize {
        match &self.what {
            Happening::Chain(event) => event.weight(),
            Happening::Pool(event) => event.weight(),
        }
    }
}

#[derive(Debug, Default)]
struct Stream {
    last: u64,
    hub: Hub<Numbered>,
    deliveries: Vec<Weak<Delivery>>,
}

/// The stream. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    stream: Arc<Mutex<Stream>>,
}

impl Feed {
    /// Takes in everything that happens to this chain and this pool from now on.
    pub(crate) fn attach(&self, chain: &Reader, pool: &Mempool) {
        let feed = self.clone();
        chain.relay(move |event| feed.publish(Happening::Chain(event.clone())));
        let feed = self.clone();
        pool.relay(move |event| feed.publish(Happening::Pool(event.clone())));
    }

    fn lock(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, what: Happening) {
        let mut stream = self.lock();
        stream.last += 1;
        let number = stream.last;
        stream.hub.publish(&Numbered { number, what });
    }

    /// The number of what happened last.
    pub(super) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Starts listening. `delivery` counts for [`Feed::flush`] from now on.
    pub(super) fn subscribe(&self, delivery: &Arc<Delivery>) -> Subscription<Numbered> {
        let mut stream = self.lock();
        stream.deliveries.retain(|other| other.strong_count() > 0);
        stream.deliveries.push(Arc::downgrade(delivery));
        delivery.reached(stream.last);
        stream.hub.subscribe()
    }

    /// Waits until everybody was told of everything up to now, but for each no longer than `limit`: somebody may hang.
    pub(crate) fn flush(&self, limit: Duration) {
        let (last, deliveries) = {
            let stream = self.lock();
            (stream.last, stream.deliveries.iter().filter_map(Weak::upgrade).collect::<Vec<_>>())
        };
        for delivery in deliveries {
            delivery.wait_for(last, Some(limit));
        }
    }
}
