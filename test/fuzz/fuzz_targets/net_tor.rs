//! What Tor's control port says: no panic, and pieces make no difference.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| net::fuzz::tor_replies(bytes));
