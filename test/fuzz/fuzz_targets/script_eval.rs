//! Any bytes as scripts, witness and flags: no panic, and no script that more flags allow.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| script::fuzz::script_eval(bytes));
