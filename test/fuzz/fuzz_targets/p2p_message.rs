//! Payloads of every message: no panic, and what is read can be written and reads the same again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p2p::fuzz::message(bytes));
