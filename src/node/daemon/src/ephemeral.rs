//! `-ephemeral`: a node that leaves nothing behind stops with the program that started it.

use std::io;
use std::time::Duration;

use platform::Shutdown;

/// Between two looks at who our parent is. A test that has died does not need its node for longer.
const LOOK: Duration = Duration::from_millis(200);

/// Asks to stop when `parent` answers something else than at first: whoever started us is gone, and somebody else has
/// taken us over. (A signal at the parent's death would come at the end of the thread that started us, which is too early.)
/// A system that does not tell is not asked again.
pub(crate) fn follow_parent(shutdown: &Shutdown, parent: impl Fn() -> Option<u32> + Send + 'static) -> io::Result<()> {
    let (shutdown, first) = (shutdown.clone(), parent());
    if first.is_none() {
        return Ok(());
    }
    platform::thread::spawn("parent", move || {
        while !shutdown.wait_timeout(LOOK) {
            if parent() != first {
                tracing::info!("The program that started this one has ended");
                shutdown.request();
            }
        }
    })
    .map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_node_does_not_outlive_its_parent() {
        let (shutdown, parent) = (Shutdown::new(), Arc::new(AtomicU32::new(7)));
        let seen = Arc::clone(&parent);
        follow_parent(&shutdown, move || Some(seen.load(Ordering::Acquire))).unwrap();
        assert!(!shutdown.is_requested());
        parent.store(1, Ordering::Release);
        shutdown.wait();
    }
}
