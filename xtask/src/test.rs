//! `cargo xtask test`: the gate. Every check and every test, in the order in which failures are cheap to find.
//!
//! Each gate runs even if an earlier one failed, so that one run tells everything. The last line is
//! `N passed, N failed`: tests as the runners counted them, and one for each gate that is not a runner.

mod count;

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use xshell::Cmd;

use crate::depends::{self, pack};
use crate::project::{Host, Project};
use crate::{flags, functional, oracle, tidy, vectors};
use count::Count;

impl flags::Test {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let vectors = vectors::fetch(project);
        let sh = project.shell()?;
        let mut gates = Gates { vectors: vectors.as_ref().ok().cloned(), total: Count::default(), failed: vec![] };
        gates.check("vectors", || vectors.map(|_| ()));
        gates.check("tidy", || tidy::check(project));
        gates.command("format", &project.cargo(&sh).args(["fmt", "--all", "--", "--check"]));
        gates.check("depends", || depends::ensure(project, Host::native()?).map(|_| ()));
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        gates.command("clippy", &project.cargo(&sh).args(clippy));
        for package in with_doctests(project)? {
            let cargo = project.cargo(&sh).args(["test", "--doc", "--package", &package]);
            gates.runner(&format!("doctests of {package}"), cargo.into());
        }
        let tests = if has_nextest(project) {
            let all: &[&str] = if self.all { &["--run-ignored", "all", "--profile", "all"] } else { &[] };
            project.cargo(&sh).args(["nextest", "run", "--workspace", "--no-fail-fast"]).args(all)
        } else {
            println!("cargo-nextest is not here; using cargo's own runner");
            let all: &[&str] = if self.all { &["--", "--include-ignored"] } else { &[] };
            project.cargo(&sh).args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]).args(all)
        };
        gates.runner("tests", tests.into());
        if self.all {
            // The part of the harness that the workspace's build leaves out, with a server that it talks to.
            let shared = [
                "test",
                "--package",
                "xtask",
                "--features",
                "shared-cache",
                "--",
                "--include-ignored",
                "store",
                "shared",
            ];
            gates.runner("shared cache", project.cargo(&sh).args(shared).into());
        }
        if self.all {
            match oracle::cargo(project, &["test", "--release", "--no-fail-fast", "--tests"]) {
                Ok(judge) => gates.runner("oracle", judge),
                Err(error) => gates.check("oracle", || Err(error)),
            }
            match oracle::typed(project) {
                Ok(clients) => gates.runner("typed clients", clients),
                Err(error) => gates.check("typed clients", || Err(error)),
            }
        }
        match functional::prepare(project, false) {
            Ok(mut suite) => {
                if self.all {
                    suite.arg("--slow");
                }
                gates.runner("functional", suite);
            }
            Err(error) => gates.check("functional", || Err(error)),
        }
        gates.close()
    }
}

/// The gates that were run so far.
struct Gates {
    vectors: Option<PathBuf>,
    total: Count,
    failed: Vec<String>,
}

impl Gates {
    /// A gate inside the harness.
    fn check(&mut self, name: &str, gate: impl FnOnce() -> Result<()>) {
        println!("== {name}");
        let result = gate();
        if let Err(error) = &result {
            println!("{error:#}");
        }
        self.note(name, Count::of_gate(result.is_ok()), result.is_ok());
    }

    /// A gate that is a program and knows only success and failure.
    fn command(&mut self, name: &str, command: &Cmd<'_>) {
        println!("== {name}");
        let success = command.run().is_ok();
        self.note(name, Count::of_gate(success), success);
    }

    /// A program that runs tests and counts them.
    fn runner(&mut self, name: &str, command: Command) {
        println!("== {name}");
        match self.counted(command) {
            Ok((count, success)) => self.note(name, count.or_gate(success), success),
            Err(error) => {
                println!("{error:#}");
                self.note(name, Count::of_gate(false), false);
            }
        }
    }

    /// Runs a runner, shows what it prints, and reads its counts.
    fn counted(&self, mut command: Command) -> Result<(Count, bool)> {
        // Plain text is what the counts are read from; a runner on a pipe draws no bars.
        command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never").env("NO_COLOR", "1");
        if let Some(vectors) = &self.vectors {
            command.env(vectors::VARIABLE, vectors);
        }
        let (reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn().context("starting the runner")?;
        // The command holds the pipe's writing end; without it the reader sees the end when the child is done.
        drop(command);
        let mut count = Count::default();
        for line in BufReader::new(reader).lines() {
            let line = line?;
            count.read(&line);
            println!("{line}");
        }
        Ok((count, child.wait()?.success()))
    }

    fn note(&mut self, name: &str, count: Count, success: bool) {
        self.total.add(count);
        if !success {
            self.failed.push(name.to_owned());
        }
    }

    fn close(self) -> Result<()> {
        if !self.failed.is_empty() {
            println!("failed gates: {}", self.failed.join(", "));
        }
        println!("{}", self.total);
        // The count is the last line; an empty error only sets the exit code.
        if self.failed.is_empty() { Ok(()) } else { bail!("") }
    }
}

fn has_nextest(project: &Project) -> bool {
    let Ok(sh) = project.shell() else { return false };
    let works = || project.cargo(&sh).args(["nextest", "--version"]).ignore_stderr().read().is_ok();
    env::var_os("BULKHEAD_NO_NEXTEST").is_none() && works()
}

/// The library packages whose documentation holds code to run.
fn with_doctests(project: &Project) -> Result<Vec<String>> {
    let mut packages = Vec::new();
    let rooms = project.root().join("src");
    let Ok(rooms) = fs::read_dir(rooms) else { return Ok(packages) };
    for room in rooms {
        let Ok(crates) = fs::read_dir(room?.path()) else { continue };
        for krate in crates {
            let dir = krate?.path();
            if !dir.join("Cargo.toml").is_file() || !dir.join("src/lib.rs").is_file() {
                continue;
            }
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut files = pack::files(&dir.join("src"))?.into_iter().filter_map(|file| fs::read_to_string(file).ok());
            if files.any(|text| holds_doctest(&text)) {
                packages.push(name);
            }
        }
    }
    packages.sort();
    Ok(packages)
}

/// Whether a file's documentation opens a block of code that rustdoc would run.
fn holds_doctest(text: &str) -> bool {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let Some(fence) = comment.and_then(|comment| comment.trim().strip_prefix("```")) else { continue };
        if !inside && (fence.is_empty() || matches!(fence, "rust" | "should_panic" | "no_run" | "compile_fail")) {
            return true;
        }
        inside = !inside;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_runs_is_a_doctest() {
        assert!(holds_doctest("/// ```\n/// assert!(true);\n/// ```\n"));
        assert!(holds_doctest("//! ```text\n//! a\n//! ```\n//! ```no_run\n//! ```\n"));
        assert!(!holds_doctest("//! ```text\n//! a -> b\n//! ```\nfn f() {}\n"));
        assert!(!holds_doctest("// ```\nlet x = \"```\";\n"));
    }

    #[test]
    fn a_runner_is_shown_and_counted() {
        let gates = Gates { vectors: Some("v".into()), total: Count::default(), failed: vec![] };
        let mut command = Command::new("sh");
        let script = "echo \"test result: ok. 3 passed; 1 failed; 2 ignored; $BULKHEAD_VECTORS\" >&2; exit 1";
        command.args(["-c", script]);
        let (count, success) = gates.counted(command).unwrap();
        assert_eq!((count.to_string().as_str(), success), ("3 passed, 1 failed", false));
    }

    #[test]
    fn failures_of_any_gate_are_told_and_counted() {
        let mut gates = Gates { vectors: None, total: Count::default(), failed: vec![] };
        gates.check("good", || Ok(()));
        gates.check("bad", || bail!("no"));
        let mut crash = Command::new("sh");
        crash.args(["-c", "exit 101"]);
        gates.runner("crash", crash);
        assert_eq!(gates.total.to_string(), "1 passed, 2 failed");
        assert_eq!(gates.failed, ["bad", "crash"]);
        assert!(gates.close().is_err());
    }
}
