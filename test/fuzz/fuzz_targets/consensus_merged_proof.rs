//! Headers with proofs of merged mining under the rules of every chain: no panic, and each refusal has its reason.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| consensus::fuzz::merged_proof(bytes));
