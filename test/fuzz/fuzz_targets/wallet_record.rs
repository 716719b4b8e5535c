//! See `walletdb::fuzz::record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| walletdb::fuzz::record(bytes));
