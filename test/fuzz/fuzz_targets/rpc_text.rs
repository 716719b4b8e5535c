//! Any bytes as options, headers, targets and command lines: no panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rpc::fuzz::rpc_text(bytes));
