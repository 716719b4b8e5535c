//! Maps of autonomous systems: no panic, an answer for any address, and no part of a map is a map.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p2p::fuzz::as_map(bytes));
