//! Chains of headers under the rules of every chain: no panic, and what is accepted keeps its promises.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| consensus::fuzz::header_chain(bytes));
