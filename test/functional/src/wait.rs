//! Waiting on conditions, never for times.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Longest wait for something that takes a moment. Generous: it is spent only when something is broken.
pub const DEADLINE: Duration = Duration::from_mins(1);
/// Between two looks.
const STEP: Duration = Duration::from_millis(10);

/// Waits until `look` finds something. An error ends the wait at once; `what` is told if nothing comes.
pub fn until<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {} s in vain for {what}", deadline.as_secs());
        }
        thread::sleep(STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_what_it_waited_for() {
        let mut looks = 0;
        let found = until("three looks", DEADLINE, || {
            looks += 1;
            Ok((looks == 3).then_some("here"))
        });
        assert_eq!(found.unwrap(), "here");
    }

    #[test]
    fn a_wait_in_vain_says_for_what() {
        let error = until::<()>("the end", Duration::ZERO, || Ok(None)).unwrap_err();
        assert!(error.to_string().ends_with("in vain for the end"));
        assert_eq!(until::<()>("x", DEADLINE, || bail!("dead")).unwrap_err().to_string(), "dead");
    }
}
