//! `cargo xtask functional`: builds the executables, installs them under every coin's names, and starts the runner of
//! the functional suite, which is a crate of its own (`test/functional`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::flags;
use crate::install::{coins, install};
use crate::project::{Host, Project};

impl flags::Functional {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let mut runner = match &self.bin {
            Some(bin) => with_executables(project, self.release, bin)?,
            None => prepare(project, self.release)?,
        };
        let status = runner.args(self.runner_options()).status()?;
        // The runner has told everything; an empty error only sets the exit code.
        if status.success() { Ok(()) } else { bail!("") }
    }

    /// What the runner is told.
    fn runner_options(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> = self.filters.iter().map(OsString::from).collect();
        let mut add = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                options.extend([OsString::from(name), value]);
            }
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.clone().into_os_string());
        add("--jobs", self.jobs.map(|jobs| jobs.to_string().into()));
        add("--coin", self.coin.as_ref().map(OsString::from));
        add("--shape", self.shape.as_ref().map(OsString::from));
        add("--seed", self.seed.map(|seed| seed.to_string().into()));
        add("--junit", path(&self.junit));
        add("--suite", path(&self.suite));
        add("--timeout", self.timeout.map(|seconds| seconds.to_string().into()));
        add("--shard", self.shard.as_ref().map(OsString::from));
        let switches = [
            ("--slow", self.slow),
            ("--keep", self.keep),
            ("--update-baseline", self.update_baseline),
            ("--list", self.list),
        ];
        options.extend(switches.iter().filter(|(_, set)| *set).map(|(name, _)| OsString::from(name)));
        options
    }
}

/// Builds and installs what the suite needs; returns the command that runs it.
pub(crate) fn prepare(project: &Project, release: bool) -> Result<Command> {
    with_executables(project, release, &executables(project, release)?)
}

/// Builds the executables and installs them under every coin's names; returns their folder.
pub(crate) fn executables(project: &Project, release: bool) -> Result<PathBuf> {
    let built = build::build(project, Host::native()?, release)?;
    let bin = project.target().join("functional/bin");
    install(&built, &coins(project, "all")?, &bin)?;
    Ok(bin)
}

/// The command that runs the suite with the executables in `bin`, whoever built them.
fn with_executables(project: &Project, release: bool, bin: &Path) -> Result<Command> {
    let bin = bin.canonicalize().with_context(|| format!("no executables in {}", bin.display()))?;
    let sh = project.shell()?;
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    let compiled = project.cargo(&sh).args(["build", "--package", "functional"]).args(profile).run();
    compiled.context("the runner of the functional suite does not compile")?;
    Ok(runner(project, &bin, release))
}

fn runner(project: &Project, bin: &Path, release: bool) -> Command {
    let profile = if release { "release" } else { "debug" };
    let mut runner = Command::new(project.target().join(profile).join("functional"));
    runner.arg("--bin").arg(bin).arg("--baselines").arg(project.root().join("test/functional/baselines"));
    runner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_told_everything() {
        let words = "functional reorg --coin bitcoin --shape mono -j 3 --seed 7 --suite s --shard 1/2 --slow --list";
        let flags = flags::Xtask::from_vec(words.split(' ').map(OsString::from).collect()).unwrap();
        let flags::XtaskCmd::Functional(flags) = flags.subcommand else { panic!("another command") };
        let told = flags.runner_options();
        let expected = "reorg --jobs 3 --coin bitcoin --shape mono --seed 7 --suite s --shard 1/2 --slow --list";
        assert_eq!(told, expected.split(' ').map(OsString::from).collect::<Vec<_>>());
    }
}
