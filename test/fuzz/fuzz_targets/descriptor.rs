//! Any text as a descriptor: no panic, and what was written is read the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| descriptors::fuzz::descriptor(bytes));
