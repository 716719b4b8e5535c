//! Calls wait in line until it is known which worker runs them, so that they start in the order they came.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// The line of one connection.
#[derive(Default)]
pub(crate) struct Line {
    /// By number: who is to be told when it is their turn.
    waiting: RefCell<(u64, BTreeMap<u64, Option<Waker>>)>,
}

impl Line {
    /// Takes the last place.
    pub(crate) fn enter(self: &Rc<Self>) -> Place {
        let (next, waiting) = &mut *self.waiting.borrow_mut();
        *next += 1;
        waiting.insert(*next, None);
        Place { line: self.clone(), number: *next }
    }
}

/// A place in line. Dropping it lets the next one pass.
pub(crate) struct Place {
    line: Rc<Line>,
    number: u64,
}

impl Place {
    /// Waits until nobody is in front.
    pub(crate) async fn turn(&self) {
        poll_fn(|context| {
            let (_, waiting) = &mut *self.line.waiting.borrow_mut();
            if waiting.keys().next() == Some(&self.number) {
                return Poll::Ready(());
            }
            waiting.insert(self.number, Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let (_, waiting) = &mut *self.line.waiting.borrow_mut();
            waiting.remove(&self.number);
            waiting.values_mut().next().and_then(Option::take)
        };
        if let Some(next) = next {
            next.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures::FutureExt as _;

    use super::Line;

    #[test]
    fn first_come_first_served() {
        let line = Rc::new(Line::default());
        let (first, second, third) = (line.enter(), line.enter(), line.enter());
        assert_eq!(third.turn().now_or_never(), None);
        assert_eq!(first.turn().now_or_never(), Some(()));
        drop(second);
        assert_eq!(third.turn().now_or_never(), None);
        drop(first);
        assert_eq!(third.turn().now_or_never(), Some(()));
    }
}
