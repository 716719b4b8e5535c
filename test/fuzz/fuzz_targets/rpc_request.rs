//! Any bytes as the body of a request: no panic, and an answer that is JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rpc::fuzz::rpc_request(bytes));
