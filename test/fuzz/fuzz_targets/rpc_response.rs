//! Any bytes as a server's answer: no panic, and no more memory than bytes came.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rpc::fuzz::rpc_response(bytes));
