//! Starting the program that talks to the device, and reading its answer: one line of JSON.

use std::time::Duration;

use ::rpc::{Json, json};
use platform::command::{CommandError, Limits, ask as run};
use platform::{Clock, system_error_text};

use super::DeviceError;
use crate::shared::Shared;

/// People have to find their device and read what it shows; but one that was forgotten does not hold a request for ever.
const LIMITS: Limits = Limits { time: Duration::from_mins(10), bytes: 8 << 20 };

/// The words of a command line, as the daemon splits it: quotes mean nothing.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split([' ', '\t']).map(str::to_owned).collect()
}

/// Asks the program.
pub(super) fn ask(shared: &Shared, words: &[String], input: &str) -> Result<Json, DeviceError> {
    ask_within(&*shared.clock, words, input, LIMITS)
}

/// The same, with other limits.
pub(super) fn ask_within(
    clock: &dyn Clock,
    words: &[String],
    input: &str,
    limits: Limits,
) -> Result<Json, DeviceError> {
    let answered = run(words, input.as_bytes(), limits, clock);
    let command = || words.join(" ");
    let answered = answered.map_err(|error| match error {
        CommandError::Start(error) => DeviceError::Start(system_error_text(&error)),
        error => DeviceError::GivenUp { command: command(), why: error.to_string() },
    })?;
    if answered.code != 0 {
        let line = first_line(&answered.errors);
        return Err(DeviceError::Exit { command: command(), code: answered.code, line });
    }
    let line = first_line(&answered.output);
    json::parse(line.as_bytes()).ok_or(DeviceError::NotJson(line))
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}
