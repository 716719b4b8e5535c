//! Script against judges that others wrote: Bitcoin Core's vectors, the BIPs' vectors, and a second engine.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be read, or a helper that fails, fails the test")]

mod bip143;
mod bip341;
mod common;
mod differential;
mod freicoin;
mod script_tests;
mod sighash;
mod tx_tests;
