//! A program that the user configures, asked a question: words in, one answer out (`-signer`).
//!
//! The program may be wrong or hang. What it writes is capped, the time that it takes too, and when it is given up, it goes
//! with everything that it has started.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::clock::Clock;
use crate::system::processes::{self, Group};
use crate::thread;

/// How much a program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From its start to its end.
    pub time: Duration,
    /// For each of the two streams that it writes to.
    pub bytes: usize,
}

/// A program that has ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its exit code, or the signal that ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub output: Vec<u8>,
    /// What it wrote to standard error.
    pub errors: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such program, or it may not be started.
    #[error("{0}")]
    Start(io::Error),
    /// The machine failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It did not end in time.
    #[error("no answer within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// It wrote too much.
    #[error("an answer of more than {0} bytes")]
    TooLong(usize),
}

/// The two streams of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Output,
    Errors,
}

/// Runs the program that `words` begins with, with the others as its arguments, and waits for its end. It reads `input`, and
/// gets no descriptor that we have opened.
pub fn ask(words: &[String], input: &[u8], limits: Limits, clock: &dyn Clock) -> Result<Answered, CommandError> {
    let end = clock.monotonic().saturating_add(limits.time);
    let (child, group) = start(words, input.is_empty())?;
    let mut child = Asked { child, group, is_reaped: false };
    let streams = child.read_streams(input, limits.bytes)?;
    let mut answered = Answered { code: 0, output: Vec::new(), errors: Vec::new() };
    for _ in [Stream::Output, Stream::Errors] {
        let left = end.saturating_sub(clock.monotonic());
        let (stream, bytes) = match streams.recv_timeout(left) {
            Ok((stream, read)) => (stream, read?),
            Err(RecvTimeoutError::Timeout) => return Err(CommandError::TooSlow(limits.time)),
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
        };
        if bytes.len() > limits.bytes {
            return Err(CommandError::TooLong(limits.bytes));
        }
        match stream {
            Stream::Output => answered.output = bytes,
            Stream::Errors => answered.errors = bytes,
        }
    }
    // It has closed both streams; its end is near, but not certain.
    let status = child.wait_until(end, clock)?.ok_or(CommandError::TooSlow(limits.time))?;
    answered.code = processes::code(status);
    Ok(answered)
}

fn start(words: &[String], is_silent: bool) -> Result<(Child, Group), CommandError> {
    let (program, arguments) =
        words.split_first().ok_or_else(|| CommandError::Start(io::ErrorKind::NotFound.into()))?;
    #[expect(clippy::disallowed_methods, reason = "this is the place where processes are started")]
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if is_silent { Stdio::null() } else { Stdio::piped() });
    // A group of its own, so that what it starts can be ended with it.
    Group::spawn(&mut command).map_err(CommandError::Start)
}

type Streams = std::sync::mpsc::Receiver<(Stream, io::Result<Vec<u8>>)>;

/// A program that runs. It does not outlive this value.
struct Asked {
    child: Child,
    group: Group,
    is_reaped: bool,
}

impl Asked {
    /// Lets threads write to it and read from it, up to one byte more than it may write.
    fn read_streams(&mut self, input: &[u8], cap: usize) -> io::Result<Streams> {
        let (sender, receiver) = channel();
        if let Some(mut stdin) = self.child.stdin.take() {
            let input = input.to_vec();
            // A program that does not read all of it has not failed yet.
            thread::spawn("cmd-in", move || drop(stdin.write_all(&input)))?;
        }
        if let Some(stdout) = self.child.stdout.take() {
            read_stream(Stream::Output, stdout, cap, sender.clone())?;
        }
        if let Some(stderr) = self.child.stderr.take() {
            read_stream(Stream::Errors, stderr, cap, sender)?;
        }
        Ok(receiver)
    }

    fn wait_until(&mut self, end: Duration, clock: &dyn Clock) -> io::Result<Option<ExitStatus>> {
        let ended = crate::child::wait_until(&mut self.child, end, clock)?;
        self.is_reaped = ended.is_some();
        Ok(ended)
    }
}

fn read_stream(
    stream: Stream,
    from: impl Read + Send + 'static,
    cap: usize,
    to: Sender<(Stream, io::Result<Vec<u8>>)>,
) -> io::Result<()> {
    let most = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    thread::spawn("cmd-out", move || {
        let mut bytes = Vec::new();
        let read = from.take(most).read_to_end(&mut bytes).map(|_| bytes);
        // Nobody waits any more if the other stream was too much already.
        let _ = to.send((stream, read));
    })?;
    Ok(())
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        // It was not reaped, so the number is still its own, even if it has ended and others of its group have not.
        self.group.kill();
        // Both fail only if nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    const ENOUGH: Limits = Limits { time: Duration::from_mins(1), bytes: 1000 };

    fn shell(script: &str, input: &str, limits: Limits) -> Result<Answered, CommandError> {
        let words = ["sh", "-c", script, "name", "one word"].map(str::to_owned);
        ask(&words, input.as_bytes(), limits, &SystemClock::new())
    }

    #[test]
    fn both_streams_and_the_exit_code_come_back() {
        let answered = shell("printf %s \"$1\"; cat; echo oh >&2; exit 3", "input", ENOUGH).unwrap();
        let expected = Answered { code: 3, output: b"one wordinput".to_vec(), errors: b"oh\n".to_vec() };
        assert_eq!(answered, expected);
        assert_eq!(shell("kill -9 $$", "", ENOUGH).unwrap().code, 9);
    }

    #[test]
    fn input_that_nobody_reads_is_no_failure() {
        let answered = shell("exec <&-; echo done", &"x".repeat(1_000_000), ENOUGH).unwrap();
        assert_eq!((answered.code, answered.output), (0, b"done\n".to_vec()));
    }

    #[test]
    fn what_cannot_be_started_says_why() {
        for program in ["no-such-program-anywhere", "", "/"] {
            let error = ask(&[program.to_owned()], b"", ENOUGH, &SystemClock::new()).unwrap_err();
            assert!(matches!(error, CommandError::Start(_)), "{program}: {error}");
        }
    }

    #[test]
    fn too_much_and_too_slow_are_given_up_with_all_that_was_started() {
        let few = Limits { bytes: 10, ..ENOUGH };
        assert!(matches!(shell("yes", "", few), Err(CommandError::TooLong(10))));
        assert!(matches!(shell("yes >&2", "", few), Err(CommandError::TooLong(10))));
        assert_eq!(shell("printf 0123456789", "", few).unwrap().output, b"0123456789");

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("number");
        let script = format!("sleep 1000 & echo $! > {0}.new && mv {0}.new {0}; wait", file.display());
        let soon = Limits { time: Duration::from_secs(1), ..ENOUGH };
        assert!(matches!(shell(&script, "", soon), Err(CommandError::TooSlow(_))));
        // The grandchild is gone too, or a zombie that its new parent has not noticed yet.
        let number = std::fs::read_to_string(&file).unwrap();
        let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", number.trim())) {
            Ok(stat) => stat.contains(") Z"),
            Err(_) => true,
        };
        let clock = SystemClock::new();
        let end = clock.monotonic() + Duration::from_secs(30);
        while !gone() {
            assert!(clock.monotonic() < end, "the grandchild lives");
            std::thread::yield_now();
        }
    }
}
