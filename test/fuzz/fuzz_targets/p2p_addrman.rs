//! Files of peers' addresses: no panic, and what is read is written in a form that reads the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p2p::fuzz::peers_file(bytes));
