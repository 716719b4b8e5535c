//! The process that the tests of this crate start, lock, signal and kill.
#![expect(clippy::print_stdout, reason = "the tests read what this program prints")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use platform::daemonize::{Forked, daemonize};
use platform::{ChildOptions, DirectoryLock, PidFile, Shutdown, SignalEvent, Signals, child, descriptor, limits};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["lock", directory] => lock(Path::new(directory)),
        ["daemon", directory, ending] => daemon(Path::new(directory), ending),
        ["signals"] => signals(),
        ["forward", inside] => forward(inside),
        ["umask", file] => {
            limits::set_private_umask();
            report(std::fs::write(file, b"").map_err(|error| error.to_string()))
        }
        ["parent"] => parent(),
        #[cfg(target_os = "linux")]
        ["confined", mode, sockets] => confined(mode, sockets),
        ["-ipcfd", number, rest @ ..] => serve(number, rest),
        _ => ExitCode::from(64),
    }
}

fn say(text: &str) {
    println!("{text}");
    let _ = std::io::stdout().flush();
}

fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            say(&text);
            ExitCode::FAILURE
        }
    }
}

fn wait_for_end_of_input() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Holds the lock until its input ends.
fn lock(directory: &Path) -> ExitCode {
    match DirectoryLock::acquire(directory, "Bulkhead") {
        Ok(_lock) => {
            say("locked");
            wait_for_end_of_input();
            ExitCode::SUCCESS
        }
        Err(error) => report(Err(error.to_string())),
    }
}

/// Goes to the background. `ending` says how the start goes there: `ok`, `failed`, `died` or `silent`.
fn daemon(directory: &Path, ending: &str) -> ExitCode {
    match daemonize() {
        Err(error) => report(Err(error.to_string())),
        Ok(Forked::Launcher(wait)) => {
            say(&format!("child {}", wait.child()));
            if wait.wait() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Ok(Forked::Daemon(start)) => {
            if ending == "died" {
                std::process::abort();
            }
            if ending == "failed" {
                start.failed();
                return ExitCode::FAILURE;
            }
            let input = std::fs::read_link("/proc/self/fd/0").unwrap_or_default();
            let lock = DirectoryLock::acquire(directory, "Bulkhead");
            let pid = PidFile::create(&directory.join("probe.pid"));
            let signals = Signals::install();
            let session = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
            let session = session.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(3)).map(str::to_owned);
            let facts = format!("{} {}", input.display(), session.unwrap_or_default());
            let written = std::fs::write(directory.join("facts"), facts);
            if let (Ok(_lock), Ok(pid), Ok(signals), Ok(())) = (lock, pid, signals, written) {
                start.started();
                let _ = signals.wait(None);
                report(pid.remove().map_err(|error| error.to_string()))
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Prints every event until it is told to shut down, and then once more what it knows.
fn signals() -> ExitCode {
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return report(Err(error.to_string())),
    };
    say(if Signals::install().is_err() { "ready" } else { "installed twice" });
    loop {
        match signals.wait(None) {
            Ok(Some(SignalEvent::ReopenLogs)) => say("reopen"),
            Ok(Some(SignalEvent::Shutdown)) => {
                say("shutdown");
                break;
            }
            Ok(None) => say("timeout without a timeout"),
            Err(error) => return report(Err(error.to_string())),
        }
    }
    if signals.sender().shutdown_requested() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Serves signals on their own thread until a shutdown, which may come from inside.
fn forward(inside: &str) -> ExitCode {
    let shutdown = Shutdown::new();
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return report(Err(error.to_string())),
    };
    let sender = signals.sender();
    let served = signals.forward(shutdown.clone(), || say("reopen"));
    say("ready");
    if inside == "inside" {
        sender.request_reopen();
        sender.request_shutdown();
    }
    shutdown.wait();
    say("shutdown");
    if served.is_ok_and(|thread| thread.join().is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts a copy of itself that must die with this process, and waits to be killed.
fn parent() -> ExitCode {
    let options = ChildOptions { arguments: vec!["hang".into()], die_with_parent: true };
    let started = child::sibling("platform-probe").and_then(|program| child::spawn(&program, &options));
    match started {
        Ok((child, _socket)) => {
            say(&child.id().to_string());
            wait_for_end_of_input();
            child.detach();
            ExitCode::SUCCESS
        }
        Err(error) => report(Err(error.to_string())),
    }
}

/// The child's side of a socket pair.
fn serve(number: &str, words: &[&str]) -> ExitCode {
    let mut socket = match descriptor::adopt_socket(number) {
        Ok(socket) => socket,
        Err(error) => return report(Err(error.to_string())),
    };
    let answer = match words {
        ["hang"] => {
            // Another descriptor keeps the process alive after the socket has closed.
            let (one, _other) = match platform::socket::local_pair() {
                Ok(pair) => pair,
                Err(error) => return report(Err(error.to_string())),
            };
            let _ = (&one).read(&mut [0]);
            return ExitCode::SUCCESS;
        }
        ["descriptors"] => open_descriptors(),
        ["twice"] => match descriptor::adopt_socket(number) {
            Ok(_) => "adopted twice".to_owned(),
            Err(error) => error.to_string(),
        },
        _ => {
            // Echo one message.
            let mut message = [0; 5];
            return report(
                socket
                    .read_exact(&mut message)
                    .and_then(|()| socket.write_all(&message))
                    .map_err(|error| error.to_string()),
            );
        }
    };
    report(socket.write_all(answer.as_bytes()).map_err(|error| error.to_string()))
}

fn open_descriptors() -> String {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return "no /proc".to_owned() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| !target.starts_with("/proc")))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names.join(" ")
}

/// Gives things up, then tries to use them, also from a thread that was there before.
#[cfg(target_os = "linux")]
fn confined(mode: &str, sockets: &str) -> ExitCode {
    use std::sync::mpsc::channel;

    use platform::sandbox::{Mode, Sockets, confine};

    let (go, wait) = channel::<()>();
    let before = std::thread::spawn(move || {
        let _ = wait.recv();
        attempts()
    });
    let sockets = if sockets == "any" { Sockets::Any } else { Sockets::Present };
    match Mode::parse(mode).map(|mode| mode.map(|mode| confine(sockets, mode))) {
        Ok(Some(Err(error))) => return report(Err(error.to_string())),
        Err(error) => return report(Err(error.to_string())),
        Ok(Some(Ok(())) | None) => {}
    }
    let _ = go.send(());
    say(&attempts());
    say(&before.join().unwrap_or_default());
    ExitCode::SUCCESS
}

/// What works, in a word for each.
#[cfg(target_os = "linux")]
fn attempts() -> String {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    #[expect(clippy::disallowed_methods, reason = "the probe tries to start a program")]
    let program = Command::new("true").status().is_ok();
    let tried = [
        ("tcp", TcpListener::bind("127.0.0.1:0").is_ok()),
        ("call", TcpStream::connect("127.0.0.1:1").is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused)),
        ("udp", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("pair", UnixStream::pair().is_ok()),
        ("program", program),
        ("memory", reads_by_number()),
        ("file", std::fs::write("/dev/null", "x").is_ok()),
        ("thread", std::thread::Builder::new().spawn(|| ()).is_ok_and(|thread| thread.join().is_ok())),
    ];
    tried.iter().filter(|(_, works)| *works).map(|(what, _)| *what).collect::<Vec<_>>().join(" ")
}

/// Reads this process's memory as if it were another's.
#[cfg(target_os = "linux")]
fn reads_by_number() -> bool {
    use std::io::IoSliceMut;

    use nix::sys::uio::{RemoteIoVec, process_vm_readv};

    let (there, mut here) = ([7_u8; 8], [0; 8]);
    let remote = RemoteIoVec { base: there.as_ptr().addr(), len: there.len() };
    process_vm_readv(nix::unistd::getpid(), &mut [IoSliceMut::new(&mut here)], &[remote]).is_ok() && here == there
}
