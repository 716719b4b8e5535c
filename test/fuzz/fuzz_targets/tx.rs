//! See `primitives::fuzz::tx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| primitives::fuzz::tx(bytes));
