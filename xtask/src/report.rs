//! What a person sees: a bar per long job on a terminal, plain lines in a log, and a table at the end.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// One long job with a known number of steps.
#[derive(Debug)]
pub(crate) struct Job {
    name: String,
    steps: usize,
    done: AtomicUsize,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Job {
    /// Announces the job `name` of `steps` steps (0 if it cannot be known).
    pub(crate) fn start(name: &str, what: &str, steps: usize) -> Job {
        let bar = if std::io::stderr().is_terminal() {
            Some(bar(name, what, steps))
        } else {
            println!("{name}: {what}");
            None
        };
        Job { name: name.to_owned(), steps, done: AtomicUsize::new(0), bar, started: Instant::now() }
    }

    /// One step is done. Without a terminal, every quarter of the job is a line.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if done * 4 / self.steps.max(1) > (done - 1) * 4 / self.steps.max(1) => {
                println!("{}: {done} of {}", self.name, self.steps);
            }
            None => {}
        }
    }

    /// Takes the bar away and tells how long the job took.
    pub(crate) fn finish(self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

fn bar(name: &str, what: &str, steps: usize) -> ProgressBar {
    let (bar, template) = if steps == 0 {
        (ProgressBar::new_spinner(), "{spinner} {prefix}: {msg} {elapsed}")
    } else {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        (ProgressBar::new(steps), "{prefix}: {msg} [{bar:30}] {pos}/{len} {elapsed}")
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("=> "));
    bar.set_prefix(name.to_owned());
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Lines `rows` up in columns under `head`; the last column is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[&str]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut out = line(head);
    for row in rows {
        out += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    out
}

/// Seconds with one digit, for tables.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["rocksdb".into(), "11.8.1".into()], vec!["a".into(), "1".into()]];
        assert_eq!(table(&["package", "version"], &rows), "package  version\nrocksdb  11.8.1\na        1\n");
    }
}
