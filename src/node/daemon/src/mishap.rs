//! `-dbcrashratio`: a node that vanishes in the middle of a flush, for tests of what comes after.

use std::{num::NonZeroU64, sync::Arc};

use chainstate::Mishap;
use config::Config;
use platform::{SystemEntropy, entropy::random_u64};
use tracing::error;

/// After every batch of coins the chance of a crash is one in this many.
#[derive(Debug)]
struct Crash(NonZeroU64);

impl Mishap for Crash {
    fn between_batches(&self) {
        // Without chance nothing happens.
        if random_u64(&SystemEntropy).is_ok_and(|chance| chance % self.0 == 0) {
            error!("Simulating a crash. Goodbye.");
            platform::shutdown::vanish();
        }
    }
}

/// What the operator wants to go wrong.
pub(crate) fn wanted(config: &Config) -> Option<Arc<dyn Mishap>> {
    let ratio = u64::try_from(config.args().get_i64("dbcrashratio", 0)).ok().and_then(NonZeroU64::new)?;
    Some(Arc::new(Crash(ratio)))
}
