//! Bytes on connections of both kinds: how they are cut makes no difference.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p2p::fuzz::transport(bytes));
