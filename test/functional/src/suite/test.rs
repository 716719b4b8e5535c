//! One test of a foreign suite: it runs in a process group of its own, so that no daemon outlives it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::setup::{Setup, option};
use crate::runner::Outcome;
use crate::wait::until;

/// The exit code by which a test says that it cannot be run here.
const SKIPPED: i32 = 77;
/// Making the cache of blocks takes no longer.
const CACHE: Duration = Duration::from_mins(5);

/// Makes the blocks that most tests start from, once, before they run side by side.
pub fn make_cache(setup: &Setup) -> Result<()> {
    let log = setup.dir("cache.log");
    let mut script = setup.script("create_cache.py");
    script.arg(option("--tmpdir", &setup.dir("cache-tmp"))).arg("--portseed=0").args(setup.kind_of_wallets(&[]));
    let status = run_group(&mut script, &log, CACHE)?;
    let text = fs::read_to_string(&log).unwrap_or_default();
    if text.contains("Is a directory: ") {
        return setup.tidy_cache();
    }
    ensure!(status.success(), "{}", first_error(&text));
    Ok(())
}

/// Runs the test `name`, which may have arguments. `number` keeps its ports and its directory apart from others.
pub fn run(setup: &Setup, name: &str, number: usize, timeout: Duration) -> Result<Outcome> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let (script, words) = words.split_first().context("a test has a name")?;
    let log = setup.dir(&format!("{number}-{script}.log"));
    let mut command = setup.script(script);
    command.args(words).args(setup.kind_of_wallets(words));
    command.arg(option("--tmpdir", &setup.dir(&format!("{number}-{script}.tmp"))));
    command.arg(format!("--portseed={}", number + 1));
    let status = run_group(&mut command, &log, timeout);
    let text = fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    Ok(match status?.code() {
        Some(0) => Outcome::Passed,
        Some(SKIPPED) => Outcome::Skipped(reason(&text)),
        _ => Outcome::Failed(first_error(&text)),
    })
}

/// Runs a command in a group of its own with its output in `log`; whatever is left of the group is killed at the end.
fn run_group(command: &mut Command, log: &Path, timeout: Duration) -> Result<ExitStatus> {
    let file = File::create(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
    let mut child = command.spawn().context("starting python3 (set PYTHON to name another one)")?;
    let group = Pid::from_raw(i32::try_from(child.id()).context("the number of a process is an i32")?);
    let status = until("the end", timeout, || Ok(child.try_wait()?));
    // Fails if nobody is left, which is how it should be.
    let _ = killpg(group, Signal::SIGKILL);
    if status.is_err() {
        child.wait()?;
        bail!("no end after {} s", timeout.as_secs());
    }
    status
}

/// The line that says what went wrong: a Python exception, else the first line logged as an error, else the last line.
fn first_error(log: &str) -> String {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    let exception = lines().find(|line| {
        let name = line.split(':').next().unwrap_or_default();
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_');
        is_name && ["Error", "Exception", "Failed", "Expired"].iter().any(|ending| name.ends_with(ending))
    });
    exception
        .or_else(|| lines().find(|line| line.contains("(ERROR)")))
        .or_else(|| lines().next_back())
        .unwrap_or("no output")
        .to_owned()
}

/// Why a test was skipped, in its own words.
fn reason(log: &str) -> String {
    let line = log.lines().find_map(|line| line.split_once("Test Skipped: ").map(|(_, reason)| reason));
    line.or_else(|| log.lines().next_back()).unwrap_or("no reason given").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::DEADLINE;

    #[test]
    fn the_telling_line_is_found() {
        let log = "2026 TestFramework (INFO): PRNG\n2026 TestFramework (ERROR): Unexpected exception\n\
                   Traceback (most recent call last):\n  File \"x\", line 1\n\
                   test_framework.authproxy.JSONRPCException: Method not found (-32601)\nmore\n";
        assert_eq!(first_error(log), "test_framework.authproxy.JSONRPCException: Method not found (-32601)");
        assert_eq!(first_error("a (ERROR): b\nc\n"), "a (ERROR): b");
        assert_eq!(first_error("a\nb\n\n"), "b");
        assert_eq!(first_error(""), "no output");
        assert_eq!(reason("x (WARNING): Test Skipped: no zmq\n"), "no zmq");
    }

    #[test]
    fn no_process_outlives_a_test() {
        let dir = tempfile::tempdir().unwrap();
        let (log, pid) = (dir.path().join("log"), dir.path().join("pid"));
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $! > \"$0\"; exit 3"]).arg(&pid);
        assert_eq!(run_group(&mut command, &log, DEADLINE).unwrap().code(), Some(3));
        let pid: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        let gone = until("the sleeper's end", DEADLINE, || {
            // A process that nobody has waited for yet is dead too.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            Ok((stat.is_empty() || stat.contains(") Z ")).then_some(()))
        });
        gone.unwrap();
    }

    #[test]
    fn a_test_that_hangs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        let error = run_group(command.arg("600"), &dir.path().join("log"), Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "no end after 0 s");
    }
}
