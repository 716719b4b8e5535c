//! `script_tests.json`: pairs of scripts with the exact error that they end with.

use script::TxData;
use spends::notation::{cases, spend};
use spends::script_cases::{Case, read_case};

use crate::common::{Dice, trim, verify_input};

#[test]
fn script_tests_end_with_the_exact_error() {
    let file = vectors::load("script_tests.json");
    let rows = cases(&file);
    let mut dice = Dice(0x5c21_97e5);
    for row in &rows {
        let Case { script_sig, spent, witness, flags, expected } = read_case(row);
        let tx = spend(script_sig, witness, &spent);
        let data = TxData::new(&tx, [&spent]);
        assert_eq!(verify_input(&data, 0, flags), expected, "{row:?}");
        // Flags are soft forks: fewer of them never break what is valid, more never mend what is not.
        for _ in 0..16 {
            let other = if expected.is_ok() { trim(flags & dice.flags()) } else { flags | dice.flags() };
            if other.is_coherent() {
                assert_eq!(verify_input(&data, 0, other).is_ok(), expected.is_ok(), "with {other}: {row:?}");
            }
        }
    }
    vectors::ran("script_tests.json", rows.len(), 1222);
}
