//! Peers that say anything: no panic, and others are still answered.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p2p::fuzz::conversation(bytes));
