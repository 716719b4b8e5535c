//! See `primitives::fuzz::coin`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| primitives::fuzz::coin(bytes));
