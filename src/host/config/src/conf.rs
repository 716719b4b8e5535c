//! The configuration file's text: `name=value`, `[section]`, `# comment`.
//!
//! The file is bytes: a value may be a path that is not Unicode, and a broken file must give an error, not a panic.

use crate::argument::Key;
use crate::error::ConfError;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::table::Table;
use crate::text::{CONF_BLANKS, find, shown, trim};

/// A section that a file named, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionInfo {
    /// The section.
    pub name: String,
    /// The file, as it was given.
    pub file: String,
    /// The line, from one.
    pub line: usize,
}

/// The lines of a file: names with their section in front, and values.
pub(crate) type Lines = Vec<(Vec<u8>, Vec<u8>)>;

const REINDEX_WARNING: &str = "reindex=1 is set in the configuration file, which will significantly slow down startup. \
     Consider removing or commenting out this option for better performance, unless there is currently a condition which \
     makes rebuilding the indexes necessary";

/// Cuts a file into assignments and notes its sections.
pub(crate) fn parse(text: &[u8], file: &str, sections: &mut Vec<SectionInfo>) -> Result<Lines, ConfError> {
    let mut lines = Lines::new();
    let mut prefix: Vec<u8> = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let number = number + 1;
        let mut note = |name: &[u8]| {
            sections.push(SectionInfo { name: shown(name), file: file.to_owned(), line: number });
        };
        let comment = find(line, b'#');
        let line = trim(&line[..comment.unwrap_or(line.len())], CONF_BLANKS);
        match line {
            [] => {}
            [b'[', section @ .., b']'] => {
                note(section);
                prefix = [section, b"."].concat();
            }
            [b'-', ..] => return Err(ConfError::LeadingDash { line: number, text: shown(line) }),
            line => {
                let Some(equals) = find(line, b'=') else {
                    return Err(ConfError::NoAssignment { line: number, text: shown(line) });
                };
                let name = [&prefix, trim(&line[..equals], CONF_BLANKS)].concat();
                let value = trim(&line[equals + 1..], CONF_BLANKS);
                if comment.is_some() && name.windows(11).any(|window| window == b"rpcpassword") {
                    return Err(ConfError::PasswordComment { line: number });
                }
                if let Some(dot) = name.iter().rposition(|byte| *byte == b'.')
                    && prefix.len() <= dot
                {
                    note(&name[..dot]);
                }
                lines.push((name, value.to_vec()));
            }
        }
    }
    Ok(lines)
}

/// Reads a file's text into the settings. Options that the program does not know are noted and ignored.
pub(crate) fn read(
    table: &Table,
    text: &[u8],
    file: &str,
    settings: &mut Settings,
    sections: &mut Vec<SectionInfo>,
    notices: &mut Vec<Notice>,
) -> Result<(), ConfError> {
    for (name, value) in parse(text, file, sections)? {
        let key = Key::read(&name);
        match key.name.as_str() {
            "conf" => return Err(ConfError::ConfInConf),
            "reindex" => notices.push(Notice::warning(REINDEX_WARNING)),
            _ => {}
        }
        let Some(rules) = table.rules(&key.name) else {
            notices.push(Notice::warning(format!("Ignoring unknown configuration value {}", shown(&name))));
            continue;
        };
        let value = key.value(Some(&value), rules, notices).map_err(ConfError::Value)?;
        settings.conf.entry(key.section).or_default().entry(key.name).or_default().push(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
