//! See `primitives::fuzz::block`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| primitives::fuzz::block(bytes));
