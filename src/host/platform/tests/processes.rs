//! Locks, daemons, signals and children, tried on real processes.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests start the probe themselves to control its streams")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::{ChildOptions, DirectoryLock, SystemClock, child};

const PROBE: &str = env!("CARGO_BIN_EXE_platform-probe");
const PATIENCE: Duration = Duration::from_secs(20);

fn probe(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROBE);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn start(arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = probe(arguments).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn line(output: &mut impl BufRead) -> String {
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    text.trim_end().to_owned()
}

fn signal(number: u32, which: Signal) {
    kill(Pid::from_raw(i32::try_from(number).unwrap()), which).unwrap();
}

/// Whether the process is there and not merely waiting to be reaped.
fn is_alive(number: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn a_directory_is_locked_against_other_processes_until_the_holder_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let (mut holder, mut output) = start(&["lock", path]);
    assert_eq!(line(&mut output), "locked");

    let text = format!("Cannot obtain a lock on directory {path}. Bulkhead is probably already running.");
    let error = DirectoryLock::acquire(dir.path(), "Bulkhead").unwrap_err();
    assert_eq!(error.to_string(), text);
    let log = error.log_text().unwrap();
    assert_eq!(log, format!("Error while attempting to lock directory {path}: Resource temporarily unavailable (11)"));
    assert_eq!(DirectoryLock::probe(dir.path(), "Bulkhead").unwrap_err().to_string(), text);
    let second = probe(&["lock", path]).output().unwrap();
    assert_eq!((second.status.code(), String::from_utf8(second.stdout).unwrap().trim_end()), (Some(1), text.as_str()));

    holder.kill().unwrap();
    holder.wait().unwrap();
    DirectoryLock::probe(dir.path(), "Bulkhead").unwrap();
    let _lock = DirectoryLock::acquire(dir.path(), "Bulkhead").unwrap();
}

#[test]
fn a_second_lock_or_a_probe_in_one_process_does_not_lose_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let first = DirectoryLock::acquire(dir.path(), "Bulkhead").unwrap();
    drop(DirectoryLock::acquire(dir.path(), "Bulkhead").unwrap());
    DirectoryLock::probe(dir.path(), "Bulkhead").unwrap();
    assert_eq!(probe(&["lock", path]).output().unwrap().status.code(), Some(1));
    drop(first);
    assert_eq!(probe(&["lock", path]).stdin(Stdio::null()).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_daemon_leaves_the_terminal_and_reports_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let launcher = probe(&["daemon", dir.path().to_str().unwrap(), "ok"]).output().unwrap();
    assert_eq!(launcher.status.code(), Some(0));
    // The launcher has ended, and its output with it: the daemon does not hold the pipe open.
    let text = String::from_utf8(launcher.stdout).unwrap();
    let number: u32 = text.trim_end().strip_prefix("child ").unwrap().parse().unwrap();

    let facts = std::fs::read_to_string(dir.path().join("facts")).unwrap();
    assert_eq!(facts, format!("/dev/null {number}"));
    let pid_file = dir.path().join("probe.pid");
    assert_eq!(std::fs::read_to_string(&pid_file).unwrap(), format!("{number}\n"));
    assert!(DirectoryLock::probe(dir.path(), "Bulkhead").is_err());

    signal(number, Signal::SIGTERM);
    wait_until("the daemon's end", || !pid_file.exists() && !is_alive(number));
    DirectoryLock::probe(dir.path(), "Bulkhead").unwrap();
}

#[test]
fn a_daemon_that_fails_or_dies_is_a_failed_start() {
    let dir = tempfile::tempdir().unwrap();
    for ending in ["failed", "died"] {
        let launcher = probe(&["daemon", dir.path().to_str().unwrap(), ending]).output().unwrap();
        assert_eq!(launcher.status.code(), Some(1), "{ending}");
    }
    let absent = dir.path().join("absent");
    let launcher = probe(&["daemon", absent.to_str().unwrap(), "ok"]).output().unwrap();
    assert_eq!(launcher.status.code(), Some(1));
}

#[test]
fn signals_become_events_and_none_is_lost() {
    for last in [Signal::SIGTERM, Signal::SIGINT] {
        let (mut child, mut output) = start(&["signals"]);
        assert_eq!(line(&mut output), "ready");
        for _ in 0..3 {
            signal(child.id(), Signal::SIGHUP);
            assert_eq!(line(&mut output), "reopen");
        }
        signal(child.id(), Signal::SIGPIPE);
        signal(child.id(), last);
        assert_eq!(line(&mut output), "shutdown");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn signals_are_forwarded_to_a_node() {
    let (mut child, mut output) = start(&["forward", "outside"]);
    assert_eq!(line(&mut output), "ready");
    signal(child.id(), Signal::SIGHUP);
    assert_eq!(line(&mut output), "reopen");
    signal(child.id(), Signal::SIGTERM);
    assert_eq!(line(&mut output), "shutdown");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let (mut child, mut output) = start(&["forward", "inside"]);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    // A shutdown goes before a reopening that is asked for at the same time.
    assert!(["ready\nreopen\nshutdown\n", "ready\nshutdown\n"].contains(&rest.as_str()), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn new_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("debug.log");
    assert!(probe(&["umask", file.to_str().unwrap()]).status().unwrap().success());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_child_talks_over_the_socket_it_was_given() {
    let (mut child, mut socket) = child::spawn(Path::new(PROBE), &ChildOptions::default()).unwrap();
    socket.write_all(b"hello").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    let status = child.wait_timeout(PATIENCE, &SystemClock::new()).unwrap();
    assert!(status.unwrap().success());
    child.terminate().unwrap();
}

fn ask(word: &str) -> String {
    let options = ChildOptions { arguments: vec![word.into()], ..ChildOptions::default() };
    let (mut child, mut socket) = child::spawn(Path::new(PROBE), &options).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(child.wait().unwrap().success());
    answer
}

#[test]
fn a_child_inherits_the_standard_streams_and_the_socket_only() {
    let _file = std::fs::File::open(PROBE).unwrap();
    let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let answer = ask("descriptors");
    let names: Vec<&str> = answer.split(' ').collect();
    assert_eq!(names.len(), 4, "{answer}");
    assert_eq!(names[..3], ["0", "1", "2"]);
}

#[test]
fn a_descriptor_is_adopted_once() {
    let answer = ask("twice");
    assert!(answer.ends_with("(it was not inherited)"), "{answer}");
}

#[test]
fn what_is_no_socket_is_not_adopted() {
    let refused = probe(&["-ipcfd", "900"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8(refused.stdout).unwrap(), "Invalid -ipcfd number '900' (nothing is open there)\n");
}

#[test]
fn a_child_does_not_outlive_its_handle() {
    let options = ChildOptions { arguments: vec!["hang".into()], ..ChildOptions::default() };
    let (mut child, _socket) = child::spawn(Path::new(PROBE), &options).unwrap();
    let number = child.id();
    assert_eq!(child.wait_timeout(Duration::ZERO, &SystemClock::new()).unwrap(), None);
    assert!(is_alive(number));
    drop(child);
    assert!(!is_alive(number));
    assert!(!Path::new(&format!("/proc/{number}")).exists());
}

#[test]
fn a_child_ends_with_its_parent_if_asked() {
    let (mut parent, mut output) = start(&["parent"]);
    let number: u32 = line(&mut output).parse().unwrap();
    assert!(is_alive(number));
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_until("the grandchild's end", || !is_alive(number));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let absent = Path::new("/nonexistent/bulkhead-wallet");
    let error = child::spawn(absent, &ChildOptions::default()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let beside = child::sibling("bulkhead-wallet").unwrap();
    assert_eq!(beside.file_name().unwrap(), "bulkhead-wallet");
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_gets_out_of_the_sandbox() {
    let tried = |mode: &str, sockets: &str| {
        let ended = probe(&["confined", mode, sockets]).output().unwrap();
        let shown = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success(), "{shown}");
        let (first, second) = shown.trim_end().split_once('\n').unwrap();
        assert_eq!(first, second, "a thread from before is outside");
        first.to_owned()
    };
    let all = "tcp call udp pair program memory file thread";
    assert_eq!(tried("0", "present"), all);
    assert_eq!(tried("log", "present"), all);
    assert_eq!(tried("1", "any"), "tcp call udp pair file thread");
    assert_eq!(tried("1", "present"), "pair file thread");
    let unknown = probe(&["confined", "2", "present"]).output().unwrap();
    assert_eq!(String::from_utf8(unknown.stdout).unwrap(), "Unknown mode in -sandbox=2: it is 1, 0 or log\n");
}
