//! Fakes for the tests of this program.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use config::{Config, Env, Outcome, Role, System};
use platform::ManualClock;
use rpc::Json;
use rpc::json::parse;

use crate::error::CliError;
use crate::input::Console;
use crate::server::Server;
use crate::session::{Patience, Session};

/// The configuration of a command line, in an environment without files.
pub(crate) fn config(coin: &str, arguments: &[&str]) -> Config {
    let nowhere = PathBuf::from("/nonexistent");
    let env = Env {
        system: System::Unix,
        home: Some(nowhere.clone().into()),
        app_data: None,
        local_app_data: None,
        working_directory: nowhere.clone(),
        temporary_directory: nowhere,
        process_id: 1,
    };
    let argv: Vec<OsString> = std::iter::once("cli").chain(arguments.iter().copied()).map(Into::into).collect();
    match config::load(Role::Cli, coin::by_id(coin).unwrap(), &argv, &env) {
        Ok(Outcome::Run(config)) => *config,
        other => panic!("{other:?}"),
    }
}

/// The error of a server that is not there.
pub(crate) fn transient() -> CliError {
    CliError::Unreachable { host: "h".into(), port: 1, reason: "timeout".into(), coin: "bitcoin" }
}

/// A server that gives prepared answers and remembers what it was asked.
pub(crate) struct Fake {
    answers: VecDeque<Result<Json, CliError>>,
    asked: Vec<(String, Json)>,
}

impl Fake {
    pub(crate) fn new(answers: Vec<Result<Json, CliError>>) -> Self {
        Self { answers: answers.into(), asked: Vec::new() }
    }

    pub(crate) fn answering<'a>(answers: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(answers.into_iter().map(|answer| Ok(parse(answer.as_bytes()).expect(answer))).collect())
    }

    /// Runs something that talks to it once, without patience.
    pub(crate) fn session<T>(&mut self, run: impl FnOnce(&mut Session<'_>) -> T) -> T {
        let clock = ManualClock::new(0);
        run(&mut Session { server: self, patience: Patience::None, clock: &clock, sleep: &|_: Duration| () })
    }

    pub(crate) fn endpoints(&self) -> Vec<&str> {
        self.asked.iter().map(|(endpoint, _)| endpoint.as_str()).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Json> {
        self.asked.iter().map(|(_, request)| request.clone()).collect()
    }
}

impl Server for Fake {
    fn post(&mut self, endpoint: &str, request: &Json) -> Result<Json, CliError> {
        self.asked.push((endpoint.to_owned(), request.clone()));
        self.answers.pop_front().expect("the test prepared an answer")
    }
}

impl Server for &mut Fake {
    fn post(&mut self, endpoint: &str, request: &Json) -> Result<Json, CliError> {
        (**self).post(endpoint, request)
    }
}

/// Standard input that holds a text.
pub(crate) struct Lines(VecDeque<String>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.lines().map(str::to_owned).collect())
    }
}

impl Console for Lines {
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.pop_front().map(String::into_bytes))
    }

    fn secret(&mut self, _prompt: &str) -> io::Result<Option<Vec<u8>>> {
        self.line()
    }

    fn finish(&mut self) {}
}
