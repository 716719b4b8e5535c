//! Counting tests by what their runners print.

use std::fmt;

/// Tests that passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// A gate without tests of its own counts as one.
    pub(crate) fn of_gate(success: bool) -> Count {
        Count { passed: u64::from(success), failed: u64::from(!success) }
    }

    /// The count of a runner that may have died before it counted anything.
    pub(crate) fn or_gate(self, success: bool) -> Count {
        if !success && self.failed == 0 { Count { failed: 1, ..self } } else { self }
    }

    /// Adds another count.
    pub(crate) fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Reads a line of a runner's output; a closing line adds to the count.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            // cargo's own runner: `ok. 3 passed; 0 failed; 1 ignored; …`
            let rest = rest.split_once(". ").map_or(rest, |(_, counts)| counts);
            self.sum(rest.split(';'));
        } else if let Some((_, counts)) = nextest_summary(line) {
            // nextest: `5 passed (1 slow, 1 flaky), 1 failed, 1 timed out, 2 skipped`
            self.sum(without_brackets(counts).split(','));
        } else if is_functional_summary(line) {
            self.sum(line.split(','));
        }
    }

    fn sum<'a>(&mut self, parts: impl Iterator<Item = &'a str>) {
        for part in parts {
            let Some((number, kind)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match kind {
                "passed" => self.passed += number,
                "failed" | "timed out" | "exec failed" => self.failed += number,
                _ => {}
            }
        }
    }
}

/// The two halves of nextest's closing line around `tests run:`.
fn nextest_summary(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("Summary [")?;
    rest.split_once(" tests run: ").or_else(|| rest.split_once(" test run: "))
}

/// Whether a line is the functional suite's last one: `5 passed, 0 failed, 1 skipped`, and nothing else.
fn is_functional_summary(line: &str) -> bool {
    let mut parts = line.split(", ");
    let counts = ["passed", "failed", "skipped"].iter().all(|kind| {
        let number = parts.next().and_then(|part| part.strip_suffix(kind)?.strip_suffix(' '));
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    });
    counts && parts.next().is_none()
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |letter: &char| {
        match letter {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(keep).collect()
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(lines: &[&str]) -> String {
        let mut count = Count::default();
        for line in lines {
            count.read(line);
        }
        count.to_string()
    }

    #[test]
    fn closing_lines_of_both_runners_are_read() {
        let libtest = [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ];
        assert_eq!(count(&libtest), "4 passed, 2 failed");
        assert_eq!(count(&["     Summary [   0.010s] 3 tests run: 3 passed, 0 skipped"]), "3 passed, 0 failed");
        assert_eq!(count(&["     Summary [   0.010s] 1 test run: 1 passed, 0 skipped"]), "1 passed, 0 failed");
        let mixed =
            "Summary [ 10.0s] 9 tests run: 5 passed (1 slow, 2 flaky), 2 failed, 1 timed out, 1 exec failed, 7 skipped";
        assert_eq!(count(&[mixed]), "5 passed, 4 failed");
        assert_eq!(count(&["ok  a/b  0.1 s", "5 passed, 1 failed, 2 skipped"]), "5 passed, 1 failed");
        assert_eq!(count(&["Summary [ 1.0s] 2/5 tests run: 1 passed, 1 failed, 0 skipped"]), "1 passed, 1 failed");
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            count(&["a test says 7 passed, 1 failed", "Summary of 3 tests", "1 passed, x failed, 2 skipped"]),
            "0 passed, 0 failed"
        );
    }

    #[test]
    fn a_runner_that_dies_counts_as_a_failure() {
        assert_eq!(Count::default().or_gate(false).to_string(), "0 passed, 1 failed");
        assert_eq!(Count::default().or_gate(true).to_string(), "0 passed, 0 failed");
        assert_eq!(Count { passed: 3, failed: 2 }.or_gate(false).to_string(), "3 passed, 2 failed");
    }
}
