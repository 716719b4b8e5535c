//! Compact targets: decoding and encoding agree.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| consensus::fuzz::compact(bytes));
