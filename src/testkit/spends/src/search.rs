//! Searching for a difference: as many cases as asked for, from a seed.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// A number that whoever runs a search gives in a variable.
pub fn number(variable: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long to search is for who runs the test to say")]
    let value = std::env::var(variable);
    value.map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable}={value} is not a number")))
}

/// Judges as many cases as asked for and reports what came out. `judged` says whether the case was valid.
///
/// `BULKHEAD_DIFF_CASES` is the number of cases, `BULKHEAD_DIFF_SEED` where they start. `usual` is the number without the
/// variable.
///
/// # Panics
/// If a case fails, with the smallest one that does; or if hardly any case was valid.
#[expect(clippy::print_stdout, reason = "seed and count are what a reader of the test's output looks for")]
pub fn search<S: Strategy>(
    name: &str,
    usual: u32,
    strategy: &S,
    mut judged: impl FnMut(S::Value) -> Result<bool, TestCaseError>,
) {
    let cases = u32::try_from(number("BULKHEAD_DIFF_CASES", usual.into())).unwrap();
    let seed = number("BULKHEAD_DIFF_SEED", 0x0042_756c_6b68_6561);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..][..name.len().min(24)].copy_from_slice(&name.as_bytes()[..name.len().min(24)]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let valid = std::cell::Cell::new(0_u32);
    let judged = std::cell::RefCell::new(&mut judged);
    let outcome = runner.run(strategy, |value| {
        if (judged.borrow_mut())(value)? {
            valid.set(valid.get() + 1);
        }
        Ok(())
    });
    println!("{name}: {cases} cases from seed {seed}, {} of them valid", valid.get());
    if let Err(error) = outcome {
        panic!("{name}, seed {seed}: {error}");
    }
    // A search among nothing but failures would find nothing.
    assert!(valid.get() * 20 > cases, "{name}: too few valid cases to be worth anything");
}
