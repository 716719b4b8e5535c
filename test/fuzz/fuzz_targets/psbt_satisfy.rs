//! Any bytes as a script that has to be satisfied: no panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psbt::fuzz::satisfy(bytes));
