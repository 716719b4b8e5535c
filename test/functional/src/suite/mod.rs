//! The functional suite of a foreign checkout, run against the executables under test.
//!
//! [`list`] reads the checkout's own list of tests. [`setup`] makes, outside the checkout, the folder that its framework
//! takes for a build folder, with the configuration that it expects, and [`adapt`] the scripts, if their addresses are
//! another coin's. [`test`] runs one test and reads how it ended.
//! [`baseline`] compares the verdicts with the recorded ones. Nothing of a suite is kept here but names and verdicts.

mod adapt;
pub mod baseline;
pub mod list;
pub mod setup;
pub mod test;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::args::Functional;
use crate::junit;
use crate::plan::is_wanted;
use crate::programs::Shape;
use crate::runner::{Outcome, Report, closing_line, side_by_side};
use baseline::{Baseline, Verdict};
use setup::Setup;

/// Seconds for a test unless the command line says otherwise.
const TIMEOUT: u64 = 600;

/// Runs the suite of `checkout`. Whether no test got worse, or, without a baseline, whether none failed.
pub fn run(args: &Functional, checkout: &Path) -> Result<bool> {
    let checkout = checkout.canonicalize().with_context(|| format!("no checkout at {}", checkout.display()))?;
    let runner = checkout.join("test/functional/test_runner.py");
    let text = fs::read_to_string(&runner).with_context(|| format!("no suite: {}", runner.display()))?;
    let mut tests = list::read(&text, args.slow);
    ensure!(!tests.is_empty(), "{} lists no tests", runner.display());
    tests.retain(|test| is_wanted(test, &args.filters));
    let tests = args.shard()?.take(tests);
    if args.list {
        for test in &tests {
            println!("{test}");
        }
        return Ok(true);
    }
    // A foreign suite is one coin's; the daemon is the monolithic one unless the other shape is asked for.
    let coin =
        if args.coin.is_some() { args.coins()?[0] } else { coin::by_id("bitcoin").context("there is Bitcoin")? };
    let shape = if args.shape.as_deref() == Some("multi") { Shape::Multi } else { Shape::Mono };
    let work = tempfile::Builder::new().prefix("suite-").tempdir()?;
    let setup = Setup::make(&checkout, work.path(), coin, shape, &args.bin)?;
    println!("{} tests of {}, {} at a time, as {}", tests.len(), setup.suite(), args.jobs(), setup.daemon().display());
    if let Err(error) = test::make_cache(&setup) {
        println!("the suite's cache of blocks cannot be made; tests that want it will fail: {error:#}");
    }
    let timeout = Duration::from_secs(args.timeout.unwrap_or(TIMEOUT));
    let numbered: Vec<(usize, String)> = tests.into_iter().enumerate().collect();
    let reports = side_by_side(&numbered, args.jobs(), |(number, name)| {
        let started = Instant::now();
        let outcome =
            test::run(&setup, name, *number, timeout).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let report = Report { name: name.clone(), outcome, took: started.elapsed() };
        println!("{}", row(&report));
        report
    });
    let keep = args.keep || reports.iter().any(|report| matches!(report.outcome, Outcome::Failed(_)));
    if let Some(file) = &args.junit {
        fs::write(file, junit::xml(&reports)).with_context(|| format!("writing {}", file.display()))?;
    }
    let good = compare(args, &setup, &reports)?;
    if keep {
        println!("kept: {}", work.keep().display());
    }
    println!("{}", closing_line(reports.iter().map(|report| &report.outcome)));
    Ok(good)
}

/// A line of the table: verdict, time, name, and the first line of the error or the reason.
fn row(report: &Report) -> String {
    let (verdict, text) = match &report.outcome {
        Outcome::Passed => ("pass", ""),
        Outcome::Failed(text) => ("FAIL", text.as_str()),
        Outcome::Skipped(text) => ("skip", text.as_str()),
    };
    let line: String = text.lines().next().unwrap_or_default().chars().take(140).collect();
    format!("{verdict}  {:7.1} s  {:<48}  {line}", report.took.as_secs_f64(), report.name).trim_end().to_owned()
}

fn compare(args: &Functional, setup: &Setup, reports: &[Report]) -> Result<bool> {
    let all_good = !reports.iter().any(|report| matches!(report.outcome, Outcome::Failed(_)));
    let Some(dir) = &args.baselines else { return Ok(all_good) };
    let file = dir.join(format!("{}.toml", setup.suite()));
    let recorded = match fs::read_to_string(&file) {
        Ok(text) => Some(Baseline::read(&text).with_context(|| format!("reading {}", file.display()))?),
        Err(_) => None,
    };
    let found = reports.iter().map(|report| (report.name.clone(), Verdict::of(&report.outcome)));
    let found: Baseline = found.collect();
    let good = match &recorded {
        Some(recorded) => {
            let change = recorded.compare(&found);
            for (title, names) in
                [("worse", &change.worse), ("better", &change.better), ("not in the baseline", &change.unknown)]
            {
                if !names.is_empty() {
                    println!("{title}: {}", names.join(", "));
                }
            }
            change.worse.is_empty() && change.unknown.is_empty()
        }
        None => all_good,
    };
    if args.update_baseline {
        fs::create_dir_all(dir)?;
        let merged = recorded.unwrap_or_default().with(found);
        fs::write(&file, merged.write(setup.suite())).with_context(|| format!("writing {}", file.display()))?;
        println!("recorded: {}", file.display());
        return Ok(true);
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_the_first_line_only() {
        let outcome = Outcome::Failed("first\nsecond".into());
        let text = row(&Report { name: "a.py --x".into(), outcome, took: Duration::from_millis(2500) });
        assert!(text.starts_with("FAIL      2.5 s  a.py --x ") && text.ends_with("  first"), "{text}");
    }
}
