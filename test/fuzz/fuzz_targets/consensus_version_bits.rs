//! Deployments over chains of signals: the state with a cache is the state without one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| consensus::fuzz::version_bits(bytes));
