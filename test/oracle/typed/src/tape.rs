//! Asks a daemon, reads what it answers into the types of one release, and counts.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::known::KNOWN;

/// The releases whose types there are, which are those of `-rpccompat`.
pub const RELEASES: [u32; 3] = [29, 30, 31];

/// How much of an answer is shown that could not be read.
const SHOWN: usize = 600;

/// Reads an answer; the text says why it cannot be read.
pub type Read = fn(&str) -> Result<(), String>;

/// The readers of one question, one for each of [`RELEASES`].
pub type Reads = [Read; RELEASES.len()];

/// Reads an answer into `T`.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The same for a type that is all there is to say.
pub fn read_only<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    read::<T>(text).map(drop)
}

/// Turns an answer that was read into the types of `bitcoin`.
pub fn converted<T, E: Display>(model: Result<T, E>) -> Result<(), String> {
    model.map(drop).map_err(|error| format!("not what it says it is: {error}"))
}

/// Readers of an answer that no release has changed and that is no more than a `T`.
pub fn plain<T: DeserializeOwned>() -> Reads {
    [read_only::<T>; RELEASES.len()]
}

/// Readers of an answer that must be null.
pub fn nothing() -> Reads {
    plain::<()>()
}

/// An object with nothing in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFields {}

/// The items of a list, each as it was written.
fn items(text: &str) -> Result<Vec<String>, String> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(items.into_iter().map(|item| item.get().to_owned()).collect())
}

/// A daemon, what it is asked, and what of its answers cannot be read.
#[derive(Debug)]
pub struct Tape {
    daemon: Daemon,
    release: u32,
    place: String,
    found: Found,
}

/// What was seen on the way.
#[derive(Debug, Default)]
pub struct Found {
    /// The methods whose answers were read.
    pub methods: BTreeSet<String>,
    /// How many answers were read.
    pub answers: usize,
    /// The answers that could not be.
    pub wrong: BTreeSet<String>,
    /// The places in [`KNOWN`] of those that could not be, as is known.
    pub known: BTreeSet<usize>,
}

impl Found {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Found) -> Found {
        self.methods.extend(other.methods);
        self.answers += other.answers;
        self.wrong.extend(other.wrong);
        self.known.extend(other.known);
        self
    }
}

impl Tape {
    /// Nothing was asked yet.
    pub fn new(daemon: Daemon, release: u32) -> Tape {
        Tape { daemon, release, place: "/".to_owned(), found: Found::default() }
    }

    /// From now on requests go to this wallet, or to none.
    pub fn at(&mut self, wallet: Option<&str>) {
        self.place = wallet.map_or_else(|| "/".to_owned(), |name| format!("/wallet/{name}"));
    }

    /// The daemon.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Asks, and reads the answer.
    pub fn ask(&mut self, reads: Reads, method: &str, params: &Value) -> Result<Value> {
        let text = self.text(method, params)?;
        self.check(reads, method, &text);
        Ok(serde_json::from_str(&text)?)
    }

    /// The same for an answer that is a list of what is read.
    pub fn ask_each(&mut self, reads: Reads, method: &str, params: &Value) -> Result<()> {
        let text = self.text(method, params)?;
        for item in items(&text).map_err(anyhow::Error::msg)? {
            self.check(reads, method, &item);
        }
        Ok(())
    }

    /// Asks for a text.
    pub fn ask_text(&mut self, method: &str, params: &Value) -> Result<String> {
        let value = self.ask(plain::<String>(), method, params)?;
        Ok(value.as_str().context("it was read as a text")?.to_owned())
    }

    /// Asks for something that is read elsewhere.
    pub fn quietly(&self, method: &str, params: &Value) -> Result<Value> {
        Ok(serde_json::from_str(&self.text(method, params)?)?)
    }

    /// Asks the daemon to stop, and tells what was read and what could not be.
    pub fn end(mut self) -> Result<Found> {
        self.at(None);
        self.ask_text("stop", &json!([]))?;
        self.daemon.wait_for_end()?;
        Ok(self.found)
    }

    fn text(&self, method: &str, params: &Value) -> Result<String> {
        let answer = self.daemon.call(&self.place, method, params);
        let answer = answer.with_context(|| format!("{method} {params} of {}", self.release))?;
        Ok(answer.get().to_owned())
    }

    fn check(&mut self, reads: Reads, method: &str, text: &str) {
        self.found.methods.insert(method.to_owned());
        self.found.answers += 1;
        let column = RELEASES.iter().position(|known| *known == self.release);
        let Err(error) = reads[column.unwrap_or(RELEASES.len() - 1)](text) else { return };
        let known = KNOWN.iter().position(|known| known.explains(method, self.release, &error));
        if let Some(place) = known {
            self.found.known.insert(place);
        } else {
            let start: String = text.chars().take(SHOWN).collect();
            self.found.wrong.insert(format!("{method} of {}: {error}: {start}", self.release));
        }
    }
}

/// One field of an answer, for the next question.
pub fn field<T: for<'a> Deserialize<'a>>(value: &Value, pointer: &str) -> Result<T> {
    let found = value.pointer(pointer).with_context(|| format!("no {pointer} in {value}"))?;
    serde_json::from_value(found.clone()).with_context(|| format!("{pointer} in {value}"))
}

/// The types of an answer in the releases that [`RELEASES`] lists.
///
/// `shape!(X)` is read and turned into the types of `bitcoin`, `shape!(raw X)` has nothing to be turned into. `new` is for
/// methods that came with release 31.
#[macro_export]
macro_rules! shape {
    ($name:ident) => {
        [
            |text| $crate::tape::converted($crate::tape::read::<corepc_types::v29::$name>(text)?.into_model()),
            |text| $crate::tape::converted($crate::tape::read::<corepc_types::v30::$name>(text)?.into_model()),
            |text| $crate::tape::converted($crate::tape::read::<corepc_types::v31::$name>(text)?.into_model()),
        ]
    };
    (raw $name:ident) => {
        [
            $crate::tape::read_only::<corepc_types::v29::$name>,
            $crate::tape::read_only::<corepc_types::v30::$name>,
            $crate::tape::read_only::<corepc_types::v31::$name>,
        ]
    };
    (new $name:ident) => {
        [$crate::tape::read_only::<serde_json::Value>, $crate::tape::read_only::<serde_json::Value>, |text| {
            $crate::tape::converted($crate::tape::read::<corepc_types::v31::$name>(text)?.into_model())
        }]
    };
}
