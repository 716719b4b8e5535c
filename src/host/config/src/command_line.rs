//! The command line: `-name`, `--name`, `-name=value`, `-noname`, and words that are no options.

use std::ffi::OsString;

use crate::argument::Key;
use crate::error::ArgumentError;
use crate::notice::Notice;
use crate::settings::{Values, negated_count};
use crate::table::Table;
use crate::text::{find, os_bytes, shown};

/// What a command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// The options.
    pub(crate) options: Values,
    /// The first word that is not an option, and all after it.
    pub(crate) words: Vec<OsString>,
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(
    table: &Table,
    arguments: &[OsString],
    notices: &mut Vec<Notice>,
) -> Result<CommandLine, ArgumentError> {
    let mut result = CommandLine::default();
    for (at, argument) in arguments.iter().enumerate() {
        let bytes = os_bytes(argument);
        if cfg!(target_os = "macos") && bytes.starts_with(b"-psn_") {
            continue; // the process serial number that the Finder passes
        }
        if &*bytes == b"-" {
            break; // what follows is for those who read standard input
        }
        let (key, value) = match find(&bytes, b'=') {
            Some(equals) => (&bytes[..equals], Some(&bytes[equals + 1..])),
            None => (&bytes[..], None),
        };
        #[cfg(windows)]
        let lower = {
            let mut lower = key.to_ascii_lowercase();
            if lower.first() == Some(&b'/') {
                lower[0] = b'-';
            }
            lower
        };
        #[cfg(windows)]
        let key = lower.as_slice();

        let Some(name) = key.strip_prefix(b"-") else {
            if table.has_commands() && table.command(&shown(&bytes)).is_none() {
                return Err(ArgumentError::UnknownCommand(shown(&bytes)));
            }
            result.words.extend(arguments[at..].iter().cloned());
            break;
        };
        let name = name.strip_prefix(b"-").unwrap_or(name);
        let key = Key::read(name);
        let rules = if key.section.is_empty() { table.rules(&key.name) } else { None };
        let Some(rules) = rules.filter(|_| !name.contains(&b'.')) else {
            return Err(ArgumentError::Unknown(shown(&bytes)));
        };
        let value = key.value(value, rules, notices)?;
        result.options.entry(key.name).or_default().push(value);
    }
    // Files are included by files only. `-noincludeconf` is the one form that counts here.
    if let Some(values) = result.options.get("includeconf")
        && let Some(first) = values.get(negated_count(values))
    {
        return Err(ArgumentError::IncludeConf(first.write()));
    }
    Ok(result)
}

#[cfg(test)]
mod tests;
