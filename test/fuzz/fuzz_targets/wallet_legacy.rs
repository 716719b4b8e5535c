//! See `walletdb::fuzz::legacy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| walletdb::fuzz::legacy(bytes));
