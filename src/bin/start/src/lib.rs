//! The first steps of every executable, in the order in which they are taken.
//!
//! 1. [`coin_of`] reads the coin from the name that the program was called by, and refuses a name of another role.
//!    A symbolic link counts by its own name; if that says nothing, by the name of the file it leads to.
//! 2. [`config::load`] answers `-version` and `-help` and reads the configuration; what is wrong with it is told on
//!    standard error in the words of the real programs, and the exit code is 1.
//! 3. The program's own work gets the configuration ([`Begin::Run`]), or the socket that a parent process handed down
//!    ([`Begin::Spawned`]), and returns the exit code.
//!
//! What is assumed: nothing was printed before, and no thread was started.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use coin::Coin;
use config::{Config, Env, Outcome, Role, UnknownName, names};

/// Where a program's own work begins.
#[derive(Debug)]
pub enum Begin {
    /// With what the user said.
    Run(Box<Config>),
    /// As the child of another program, which says the rest over a socket.
    Spawned {
        /// The coin.
        coin: &'static Coin,
        /// The number of the socket's descriptor.
        descriptor: i32,
        /// Arguments behind it.
        arguments: Vec<OsString>,
    },
}

/// The program was called by a name that does not say what it needs to know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is no coin's.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The name belongs to another program of the coin.
    #[error("This program is installed as {expected}. It was called '{name}', which is the name of another one.")]
    OtherRole {
        /// The name it was called by.
        name: String,
        /// Its names, such as `<coin>-node`.
        expected: String,
    },
}

/// Runs a program from its name to its exit code.
pub fn main(role: Role, work: impl FnOnce(Begin) -> ExitCode) -> ExitCode {
    main_with_help(role, |help| help, work)
}

/// As [`main`], for a program that does less than its options promise, and corrects its help.
pub fn main_with_help(
    role: Role,
    correct: impl FnOnce(String) -> String,
    work: impl FnOnce(Begin) -> ExitCode,
) -> ExitCode {
    platform::limits::keep_freed_memory();
    let argv: Vec<OsString> = std::env::args_os().collect();
    let coin = match own_coin(role, &argv) {
        Ok(coin) => coin,
        Err(error) => return print("", &format!("{error}\n"), 1),
    };
    begin(role, coin, &argv, correct, work)
}

/// Goes on as the child of another program, with the arguments behind the number of its socket.
pub fn child(
    role: Role,
    coin: &'static Coin,
    arguments: &[OsString],
    work: impl FnOnce(Box<Config>) -> ExitCode,
) -> ExitCode {
    let name = OsString::from(names::executable(coin, role));
    let argv: Vec<OsString> = std::iter::once(name).chain(arguments.iter().cloned()).collect();
    begin(
        role,
        coin,
        &argv,
        |help| help,
        |begin| match begin {
            Begin::Run(config) => work(config),
            Begin::Spawned { .. } => print("", "Error: a program has one parent.\n", 1),
        },
    )
}

fn begin(
    role: Role,
    coin: &'static Coin,
    argv: &[OsString],
    correct: impl FnOnce(String) -> String,
    work: impl FnOnce(Begin) -> ExitCode,
) -> ExitCode {
    match config::load(role, coin, argv, &Env::from_process()) {
        Ok(Outcome::Run(config)) => {
            warn(config.warnings());
            work(Begin::Run(config))
        }
        Ok(Outcome::Spawned { descriptor, arguments }) => work(Begin::Spawned { coin, descriptor, arguments }),
        Ok(Outcome::PrintAndExit { stdout, stderr, code }) => print(&correct(stdout), &stderr, code),
        Err(error) => print("", &error.report(role), 1),
    }
}

/// The coin of the running program.
pub fn own_coin(role: Role, argv: &[OsString]) -> Result<&'static Coin, NameError> {
    let called = argv.first().map(OsString::as_os_str).unwrap_or_default();
    coin_of(role, called, || std::env::current_exe().ok().map(Into::into))
}

/// The coin of a program that was called by the name `called`. `file` gives the path of its file, if that is needed.
pub fn coin_of(
    role: Role,
    called: &OsStr,
    file: impl FnOnce() -> Option<OsString>,
) -> Result<&'static Coin, NameError> {
    let by_name = |path: &OsStr| match names::identify(Path::new(path)) {
        Ok((coin, found)) if found == role => Ok(coin),
        Ok(_) => Err(NameError::OtherRole {
            name: Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned(),
            expected: format!("<coin>{}", role.suffix()),
        }),
        Err(unknown) => Err(unknown.into()),
    };
    // The first answer is the one to explain: it is about the name that the user typed.
    by_name(called).or_else(|error| file().and_then(|file| by_name(&file).ok()).ok_or(error))
}

/// Prints both texts and returns the exit code: `code`, or 1 if standard output could not take all of its text. A
/// reader that has gone, as in `| head`, is no failure.
pub fn print(stdout: &str, stderr: &str, code: u8) -> ExitCode {
    // Nobody is left to tell when standard error fails.
    let _ = io::stderr().write_all(stderr.as_bytes());
    let mut out = io::stdout().lock();
    let written = out.write_all(stdout.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::from(code),
    }
}

/// Prints lines on standard error that stop nothing.
pub fn warn(lines: &[String]) {
    for line in lines {
        print("", &format!("{line}\n"), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coin(role: Role, called: &str, file: Option<&str>) -> Result<&'static str, NameError> {
        coin_of(role, OsStr::new(called), || file.map(OsString::from)).map(|coin| coin.id)
    }

    #[test]
    fn the_name_that_was_typed_counts_first() {
        for coin in coin::all() {
            for (role, name) in names::installed_names(coin) {
                let found = coin_of(role, OsStr::new(&name), || Some("/x/bitcoind".into()));
                assert_eq!(found.map(|found| found.id), Ok(coin.id), "{name}");
            }
        }
        assert_eq!(coin(Role::Node, "freicoin-node", Some("/x/bitcoin-node")), Ok("freicoin"));
        assert_eq!(coin(Role::Node, "my-node", Some("/x/bitcoin-node")), Ok("bitcoin"));
        assert_eq!(coin(Role::Node, "", Some("/x/bitcoin-node")), Ok("bitcoin"));
    }

    #[test]
    fn a_name_that_does_not_fit_is_explained() {
        let error = coin(Role::Node, "/x/bitcoind", Some("/x/bulkhead-node")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "This program is installed as <coin>-node. It was called 'bitcoind', which is the name of another one."
        );
        let error = coin(Role::Node, "bulkhead-node", None).unwrap_err();
        assert!(error.to_string().contains("'bulkhead-node' names neither"), "{error}");
    }
}
