//! Any bytes as a PSBT: no panic, and what was read is written the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psbt::fuzz::psbt(bytes));
