//! See `primitives::fuzz::header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| primitives::fuzz::header(bytes));
