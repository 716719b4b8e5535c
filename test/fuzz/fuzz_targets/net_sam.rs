//! Lines of a router of I2P: no panic, and a key is written in one way.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| net::fuzz::sam_line(bytes));
