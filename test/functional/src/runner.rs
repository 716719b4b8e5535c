//! Runs cases side by side and reports each as soon as it has ended. Nothing is run a second time.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::args::Functional;
use crate::plan::{Case, cases, is_wanted};
use crate::programs::Programs;
use crate::progress::Progress;
use crate::scenarios::ALL;
use crate::stage::{Skip, Stage};
use crate::{junit, logs};

/// Lines of each log that are shown for a failure.
const LOG_LINES: usize = 15;

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// With this text.
    Failed(String),
    /// Not played, for this reason.
    Skipped(String),
}

/// A case that has ended.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// Runs our own suite. Whether nothing failed.
pub fn run(args: &Functional) -> Result<bool> {
    let mut planned = cases(ALL, &args.coins()?, &args.shapes()?, args.slow);
    planned.retain(|case| is_wanted(&case.name(), &args.filters));
    ensure!(!planned.is_empty(), "no case has a name like that; --list shows them");
    let planned = args.shard()?.take(planned);
    if args.list {
        for case in &planned {
            println!("{}", case.name());
        }
        return Ok(true);
    }
    let seed = args.seed.unwrap_or_else(fresh_seed);
    println!("{} cases, {} at a time, --seed {seed}", planned.len(), args.jobs());
    let work = tempfile::Builder::new().prefix("functional-").tempdir()?;
    let started = Instant::now();
    let progress = Progress::new(planned.len());
    let reports = side_by_side(&planned, args.jobs(), |case| {
        let dir = work.path().join(case.name().replace('/', "-"));
        play(case, seed, &args.bin, &dir, args.keep, &progress)
    });
    let failed = reports.iter().any(|report| matches!(report.outcome, Outcome::Failed(_)));
    if failed || args.keep {
        println!("kept: {}", work.keep().display());
    }
    if let Some(file) = &args.junit {
        fs::write(file, junit::xml(&reports)).with_context(|| format!("writing {}", file.display()))?;
    }
    println!("{:.1} s", started.elapsed().as_secs_f64());
    println!("{}", closing_line(reports.iter().map(|report| &report.outcome)));
    Ok(!failed)
}

fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos())
}

/// Plays one case in a directory of its own, and shows how it ended.
fn play(case: &Case, seed: u64, bin: &Path, dir: &Path, keep: bool, progress: &Progress) -> Report {
    progress.begin(&case.name());
    let started = Instant::now();
    let outcome = outcome(case, seed, bin, dir.to_owned());
    let report = Report { name: case.name(), outcome, took: started.elapsed() };
    progress.end(&report.name, || tell(&report, dir));
    if !keep && !matches!(report.outcome, Outcome::Failed(_)) {
        // What cannot be removed now goes with the whole directory at the end.
        let _ = fs::remove_dir_all(dir);
    }
    report
}

/// Prints how a case ended.
fn tell(report: &Report, dir: &Path) {
    let seconds = report.took.as_secs_f64();
    match &report.outcome {
        Outcome::Passed => println!("ok      {:<44} {seconds:6.1} s", report.name),
        Outcome::Skipped(reason) => println!("skipped {:<44} {reason}", report.name),
        Outcome::Failed(text) => {
            let logs = logs::ends(dir, LOG_LINES).join("\n    ");
            // Whoever wants more finds all of it beside the logs, or the logs if the disk is full.
            let _ = logs::write_combined(dir);
            println!("FAILED  {:<44} {seconds:6.1} s\n  {text}\n    {logs}\n  {}", report.name, dir.display());
        }
    }
}

fn outcome(case: &Case, seed: u64, bin: &Path, dir: PathBuf) -> Outcome {
    let programs = Programs::from_environment(case.coin, case.shape, bin);
    // Where ours meets the other one, it does so in every shape.
    let may_play = programs.fits || (programs.foreign && case.scenario.is_mixed());
    if !may_play {
        return Outcome::Skipped("the environment names one daemon, which is run as another shape".to_owned());
    }
    let playing = || {
        fs::create_dir_all(&dir)?;
        (case.scenario.play)(&Stage::new(case.coin, case.shape, seed, programs, dir))
    };
    let result = catch_unwind(AssertUnwindSafe(playing)).unwrap_or_else(|panic| Err(anyhow!(text_of(&*panic))));
    match result {
        Ok(()) => Outcome::Passed,
        Err(error) => match error.downcast_ref::<Skip>() {
            Some(Skip(reason)) => Outcome::Skipped(reason.clone()),
            None => Outcome::Failed(format!("{error:#}")),
        },
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_else(|| "a panic".to_owned())
}

/// Runs `work` for every item, `jobs` at a time; the results come in the order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    done.lock().expect("nobody panics while holding it").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics while holding it");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The last line of a run, which counts.
pub(crate) fn closing_line<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    let [mut passed, mut failed, mut skipped] = [0_usize; 3];
    for outcome in outcomes {
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::Failed(_) => failed += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
    }
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::Shape;
    use crate::scenarios::Scenario;

    fn ended(play: fn(&Stage) -> Result<()>) -> Outcome {
        let scenario: &'static Scenario =
            Box::leak(Box::new(Scenario { name: "s", slow: false, attached: false, play }));
        let dir = tempfile::tempdir().unwrap();
        let case = Case { scenario, coin: coin::by_id("freicoin").unwrap(), shape: Shape::Mono };
        outcome(&case, 1, Path::new("nowhere"), dir.path().join("case"))
    }

    #[test]
    fn a_case_passes_fails_panics_or_is_skipped() {
        assert_eq!(ended(|_| Ok(())), Outcome::Passed);
        assert_eq!(ended(|_| Err(anyhow!("inner").context("outer"))), Outcome::Failed("outer: inner".into()));
        assert_eq!(ended(|_| panic!("bang {}", 1)), Outcome::Failed("bang 1".into()));
        let skip = |_: &Stage| Err(anyhow::Error::from(Skip("cannot".into())).context("starting"));
        assert_eq!(ended(skip), Outcome::Skipped("cannot".into()));
        // A daemon that is not there is a failure, never a skip.
        assert!(matches!(ended(|stage| stage.start("a", &[]).map(|_| ())), Outcome::Failed(_)));
    }

    #[test]
    fn every_item_is_worked_on_once_and_in_order() {
        let items: Vec<usize> = (0..50).collect();
        let count = AtomicUsize::new(0);
        let results = side_by_side(&items, 4, |item| {
            count.fetch_add(1, Ordering::Relaxed);
            item * 2
        });
        assert_eq!(results, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(count.into_inner(), 50);
    }

    #[test]
    fn the_closing_line_counts_everything() {
        let outcomes = [Outcome::Passed, Outcome::Failed(String::new()), Outcome::Skipped(String::new())];
        assert_eq!(closing_line(outcomes.iter().chain(&outcomes[..1])), "2 passed, 1 failed, 1 skipped");
    }
}
