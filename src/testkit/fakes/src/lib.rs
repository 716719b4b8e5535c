//! A working in-memory implementation of every interface, for tests.
//!
//! A fake keeps the contract of its trait, and no more: [`contract`] has the tests that every
//! implementation passes, local, remote or fake, and runs on it as on the real thing. Tests reach
//! behind it through its own methods, such as [`FakeMining::advance`].

mod chain;
pub mod contract;
mod init;
mod mining;
mod wallet;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use chain::FakeChain;
pub use init::{FakeInit, FakeNode, FakeRpc};
pub use mining::{FakeMining, FakeTemplate};
pub use wallet::{FakeWallet, FakeWalletLoader};

use interfaces::{BlockHash, Call, Echo, Handler};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash of the fake block at a height.
fn hash_at(height: i32) -> BlockHash {
    let mut bytes = [0xfa; 32];
    bytes[..4].copy_from_slice(&height.to_le_bytes());
    BlockHash::from_bytes(bytes)
}

/// Answers what it is asked.
#[derive(Debug, Default)]
pub struct FakeEcho;

impl Echo for FakeEcho {
    fn echo(&self, echo: &str) -> Call<String> {
        Ok(echo.to_owned())
    }
}

/// A subscription that runs a function when it ends, once.
pub struct FakeHandler(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl std::fmt::Debug for FakeHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeHandler")
    }
}

impl FakeHandler {
    /// Runs `end` when the subscription ends.
    pub fn new(end: impl FnOnce() + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(end))))
    }

    fn end(&self) {
        let end = lock(&self.0).take();
        if let Some(end) = end {
            end();
        }
    }
}

impl Handler for FakeHandler {
    fn disconnect(&self) -> Call<()> {
        self.end();
        Ok(())
    }
}

impl Drop for FakeHandler {
    fn drop(&mut self) {
        self.end();
    }
}
