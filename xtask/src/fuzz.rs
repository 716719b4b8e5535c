//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, and the search for differences from other engines.
//!
//! The targets stand in `test/fuzz`, each one line. They are compiled by the compiler that everything is compiled with:
//! the coverage that libFuzzer steers by is a pass that a stable compiler has too, and memory is guarded by Rust, so
//! neither a nightly compiler nor a sanitizer nor cargo-fuzz is asked for. Overflows and debug assertions are on. What was
//! found is kept under `target/fuzz`: a corpus for each target, and what made it crash.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::flags;
use crate::oracle;
use crate::project::{Host, Project};
use crate::vectors;

/// Seconds for each target unless told otherwise.
const SECONDS: u64 = 60;

/// What makes a build a fuzzing build: counters and comparisons that the fuzzer sees, and nothing that fails silently.
const FLAGS: [&str; 9] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions=yes",
    "-Coverflow-checks=yes",
    "-Ccodegen-units=4",
];

impl flags::Fuzz {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        if self.diff {
            return self.compare(project);
        }
        let all = targets(project)?;
        if self.list {
            for target in &all {
                println!("{target}");
            }
            return Ok(());
        }
        let chosen = choose(&all, &self.targets)?;
        let built = build(project, &chosen)?;
        let mut crashed = Vec::new();
        let mut report = Vec::new();
        for target in &chosen {
            let runs = self.play(project, &built, target)?;
            let verdict = if runs.crashed { "CRASHED" } else { "no crash" };
            report.push(format!("{target:24} {:>12} runs  {verdict}", runs.count));
            if runs.crashed {
                crashed.push(target.as_str());
            }
        }
        for line in &report {
            println!("{line}");
        }
        ensure!(crashed.is_empty(), "crashed: {}", crashed.join(", "));
        Ok(())
    }

    /// Lets libFuzzer loose on one target.
    fn play(&self, project: &Project, built: &Path, target: &str) -> Result<Runs> {
        let seconds = self.seconds.unwrap_or(SECONDS);
        let home = project.target().join("fuzz");
        let corpus = home.join("corpus").join(target);
        let found = home.join("artifacts").join(target);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        println!("== {target}, {seconds} seconds");
        let mut command = Command::new(built.join(target));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .args(["-timeout=25", "-rss_limit_mb=4096", "-print_final_stats=1"])
            .args(self.seed.map(|seed| format!("-seed={seed}")))
            .arg(corpus);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {target}"))?;
        let mut runs = Runs::default();
        for line in BufReader::new(child.stderr.take().expect("it is a pipe")).lines() {
            let line = line?;
            runs.read(&line);
            if worth_showing(&line) {
                println!("{line}");
            }
        }
        runs.crashed |= !child.wait()?.success();
        Ok(runs)
    }

    /// Compares with the other engines.
    fn compare(&self, project: &Project) -> Result<()> {
        let wanted = if self.targets.is_empty() { vec!["scripts".to_owned()] } else { self.targets.clone() };
        ensure!(self.seconds.is_none() && !self.list, "--seconds and --list are not for --diff; it takes --cases");
        let vectors = vectors::fetch(project)?;
        for what in &wanted {
            let mut command = match what.as_str() {
                "scripts" => {
                    let words = "test --release --package script --test oracles -- --nocapture differential";
                    Command::from(project.cargo(&project.shell()?).args(words.split(' ')))
                }
                "transactions" | "blocks" | "signet" => {
                    oracle::cargo(project, &["test", "--release", "--test", what, "--", "--nocapture"])?
                }
                other => bail!("nothing called `{other}` is compared; known: scripts, transactions, blocks, signet"),
            };
            command.env(vectors::VARIABLE, &vectors);
            if let Some(cases) = self.cases {
                command.env("BULKHEAD_DIFF_CASES", cases.to_string());
            }
            if let Some(seed) = self.seed {
                command.env("BULKHEAD_DIFF_SEED", seed.to_string());
            }
            ensure!(command.status()?.success(), "the engines differ, or could not be compared: {what}");
        }
        Ok(())
    }
}

/// What became of a target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Runs {
    count: u64,
    crashed: bool,
}

impl Runs {
    /// Reads a line of libFuzzer's.
    fn read(&mut self, line: &str) {
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            self.count = number.trim().parse().unwrap_or(self.count);
        }
        self.crashed |= line.contains("libFuzzer: deadly signal") || line.contains("SUMMARY: libFuzzer");
    }
}

/// Whether a line says more than that something new was covered.
fn worth_showing(line: &str) -> bool {
    let progress = line.starts_with('#') && !["INITED", "DONE", "pulse"].iter().any(|word| line.contains(word));
    !progress && !line.trim().is_empty() && !line.starts_with("stat::")
}

/// The targets that the manifest names.
fn targets(project: &Project) -> Result<Vec<String>> {
    let file = project.root().join("test/fuzz/Cargo.toml");
    names(&fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?)
}

fn names(manifest: &str) -> Result<Vec<String>> {
    let table: toml::Table = manifest.parse().context("the manifest of the fuzz targets is not TOML")?;
    let bins = table.get("bin").and_then(|bins| bins.as_array()).context("there are no fuzz targets")?;
    let mut names: Vec<String> = bins.iter().filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn choose(all: &[String], wanted: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("no fuzz target is called `{unknown}`; known: {}", all.join(", "));
    }
    Ok(if wanted.is_empty() { all.to_vec() } else { wanted.to_vec() })
}

/// Compiles targets; returns the folder that they lie in.
fn build(project: &Project, targets: &[String]) -> Result<PathBuf> {
    // With a host named, the flags do not reach build scripts, which no fuzzer runs.
    let host = Host::native()?.target;
    let dir = project.target().join("fuzz");
    let sh = project.shell()?;
    let mut cargo = project.cargo(&sh).args(["build", "--release", "--target", host]);
    for target in targets {
        cargo = cargo.args(["--bin", target]);
    }
    let mut command = Command::from(cargo);
    command.current_dir(project.root().join("test/fuzz")).env("CARGO_TARGET_DIR", &dir);
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    ensure!(command.status()?.success(), "the fuzz targets do not compile");
    Ok(dir.join(host).join("release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_those_of_the_manifest() {
        let manifest = "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"tx\"\n[[bin]]\nname = \"block\"\n";
        let all = names(manifest).unwrap();
        assert_eq!(all, ["block", "tx"]);
        assert_eq!(choose(&all, &[]).unwrap(), all);
        assert_eq!(choose(&all, &["tx".to_owned()]).unwrap(), ["tx"]);
        let error = choose(&all, &["tz".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`tz`") && error.contains("block, tx"), "{error}");
        assert!(names("[package]\n").is_err());
    }

    #[test]
    fn every_target_has_its_file_and_every_file_its_target() {
        let project = Project::locate().unwrap();
        let mut files: Vec<String> = fs::read_dir(project.root().join("test/fuzz/fuzz_targets"))
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        assert_eq!(targets(&project).unwrap(), files);
    }

    #[test]
    fn runs_and_crashes_are_read_from_what_the_fuzzer_says() {
        let mut runs = Runs::default();
        for line in ["#4096\tpulse  cov: 12", "stat::number_of_executed_units: 77", "Done 77 runs in 2 second(s)"] {
            runs.read(line);
        }
        assert_eq!(runs, Runs { count: 77, crashed: false });
        runs.read("SUMMARY: libFuzzer: deadly signal");
        assert!(runs.crashed);
        assert!(worth_showing("#4096\tpulse  cov: 12") && worth_showing("thread panicked"));
        assert!(!worth_showing("#12\tNEW    cov: 3") && !worth_showing("stat::peak_rss_mb: 3"));
    }
}
