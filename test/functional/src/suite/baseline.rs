//! Recorded verdicts of a suite: names and verdicts only, and what has changed since.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::runner::Outcome;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It failed.
    Fail,
    /// It was not run.
    Skip,
    /// It passed.
    Pass,
}

impl Verdict {
    /// What an outcome comes to.
    pub fn of(outcome: &Outcome) -> Verdict {
        match outcome {
            Outcome::Passed => Verdict::Pass,
            Outcome::Failed(_) => Verdict::Fail,
            Outcome::Skipped(_) => Verdict::Skip,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Verdict::Fail => "fail",
            Verdict::Skip => "skip",
            Verdict::Pass => "pass",
        }
    }

    fn from_word(word: &str) -> Option<Verdict> {
        [Verdict::Fail, Verdict::Skip, Verdict::Pass].into_iter().find(|verdict| verdict.word() == word)
    }
}

/// The verdicts of a suite by the names of its tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<String, Verdict>);

/// What differs from a baseline.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Passed before, and does not now; or is no longer skipped but fails.
    pub worse: Vec<String>,
    /// Passes now.
    pub better: Vec<String>,
    /// Failed without being recorded.
    pub unknown: Vec<String>,
}

impl FromIterator<(String, Verdict)> for Baseline {
    fn from_iter<I: IntoIterator<Item = (String, Verdict)>>(verdicts: I) -> Self {
        Baseline(verdicts.into_iter().collect())
    }
}

impl Baseline {
    /// Reads a recorded baseline.
    pub fn read(text: &str) -> Result<Baseline> {
        let table: toml::Table = text.parse()?;
        let verdicts = table.get("verdicts").and_then(|verdicts| verdicts.as_table()).context("no [verdicts]")?;
        let verdict = |(name, word): (&String, &toml::Value)| {
            let verdict = word.as_str().and_then(Verdict::from_word);
            Ok((name.clone(), verdict.with_context(|| format!("{name}: no such verdict: {word:?}"))?))
        };
        verdicts.iter().map(verdict).collect()
    }

    /// As it is recorded.
    pub fn write(&self, suite: &str) -> String {
        let mut out =
            format!("# Verdicts of {suite}'s own suite; written by `cargo xtask functional --update-baseline`.\n");
        out.push_str("[verdicts]\n");
        for (name, verdict) in &self.0 {
            // Names are file names and options, for which both languages quote alike; writing to a String cannot fail.
            let _ = writeln!(out, "{name:?} = \"{}\"", verdict.word());
        }
        out
    }

    /// This baseline with newer verdicts in place of older ones.
    #[must_use]
    pub fn with(mut self, newer: Baseline) -> Baseline {
        self.0.extend(newer.0);
        self
    }

    /// What differs in `found`. Tests that were not run this time say nothing.
    pub fn compare(&self, found: &Baseline) -> Change {
        let mut change = Change::default();
        for (name, &now) in &found.0 {
            match self.0.get(name) {
                None if now == Verdict::Fail => change.unknown.push(name.clone()),
                Some(&before) if now < before => change.worse.push(name.clone()),
                Some(&before) if now > before => change.better.push(name.clone()),
                _ => {}
            }
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(verdicts: &[(&str, Verdict)]) -> Baseline {
        verdicts.iter().map(|&(name, verdict)| (name.to_owned(), verdict)).collect()
    }

    #[test]
    fn what_is_recorded_is_read_again() {
        let recorded = baseline(&[("a.py --x", Verdict::Pass), ("b.py", Verdict::Fail), ("c.py", Verdict::Skip)]);
        assert_eq!(Baseline::read(&recorded.write("some-coin")).unwrap(), recorded);
        assert!(Baseline::read("[verdicts]\n\"a\" = \"maybe\"\n").unwrap_err().to_string().contains("maybe"));
        assert!(Baseline::read("x = 1").is_err());
    }

    #[test]
    fn regressions_and_progress_are_named() {
        use Verdict::{Fail, Pass, Skip};
        let before = baseline(&[("a", Pass), ("b", Fail), ("c", Skip), ("d", Pass), ("e", Pass), ("f", Fail)]);
        let now =
            baseline(&[("a", Fail), ("b", Pass), ("c", Fail), ("d", Pass), ("f", Fail), ("g", Fail), ("h", Pass)]);
        let change = before.compare(&now);
        assert_eq!(change.worse, ["a", "c"]);
        assert_eq!(change.better, ["b"]);
        assert_eq!(change.unknown, ["g"]);
    }

    #[test]
    fn a_partial_run_keeps_the_other_verdicts() {
        let merged = baseline(&[("a", Verdict::Fail), ("b", Verdict::Pass)]).with(baseline(&[("a", Verdict::Pass)]));
        assert_eq!(merged, baseline(&[("a", Verdict::Pass), ("b", Verdict::Pass)]));
    }
}
