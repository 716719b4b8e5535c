//! Steps from an extended key to its descendants, as text.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::KeyError;
use crate::extended::HARDENED;

/// Writes a path, with a slash before each step.
pub fn format_path(path: &[u32], apostrophe: bool) -> String {
    path.iter().fold(String::new(), |mut out, step| {
        let mark = match (step & HARDENED != 0, apostrophe) {
            (false, _) => "",
            (true, true) => "'",
            (true, false) => "h",
        };
        write!(out, "/{}{mark}", step & !HARDENED).expect("strings take everything");
        out
    })
}

/// Digits only, unlike Rust's own reading, which takes a plus sign.
pub(crate) fn read_number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Reads one step. The mark of a hardened one is noted.
fn read_step(text: &str, apostrophe: &mut bool) -> Result<u32, KeyError> {
    if text.is_empty() {
        return Err(KeyError::Step(String::new()));
    }
    let marked = text.strip_suffix(['\'', 'h']);
    let number = read_number(marked.unwrap_or(text)).ok_or_else(|| KeyError::StepNumber(text.to_owned()))?;
    if number >= HARDENED {
        return Err(KeyError::StepRange(number));
    }
    if marked.is_none() {
        return Ok(number);
    }
    *apostrophe = text.ends_with('\'');
    Ok(number | HARDENED)
}

/// Reads a path without alternatives.
pub(crate) fn read_path(steps: &[&str], apostrophe: &mut bool) -> Result<Vec<u32>, KeyError> {
    let read = |step: &&str| {
        if is_multipath(step) { Err(KeyError::MultipathHere((*step).to_owned())) } else { read_step(step, apostrophe) }
    };
    steps.iter().map(read).collect()
}

/// Reads a path of which one step may be `<a;b>`, and returns all the paths that it stands for.
pub(crate) fn read_paths(steps: &[&str], apostrophe: &mut bool) -> Result<Vec<Vec<u32>>, KeyError> {
    let mut path = Vec::with_capacity(steps.len());
    let mut alternatives: Option<(usize, Vec<u32>)> = None;
    for (place, step) in steps.iter().enumerate() {
        if !is_multipath(step) {
            path.push(read_step(step, apostrophe)?);
            continue;
        }
        if alternatives.is_some() {
            return Err(KeyError::MultipathTwice);
        }
        alternatives = Some((place, read_alternatives(step, apostrophe)?));
        path.push(0);
    }
    let Some((place, alternatives)) = alternatives else { return Ok(vec![path]) };
    let branch = |step| {
        let mut path = path.clone();
        path[place] = step;
        path
    };
    Ok(alternatives.into_iter().map(branch).collect())
}

fn is_multipath(step: &str) -> bool {
    step.starts_with('<') && step.ends_with('>')
}

fn read_alternatives(step: &str, apostrophe: &mut bool) -> Result<Vec<u32>, KeyError> {
    let items: Vec<&str> = step.trim_start_matches('<').trim_end_matches('>').split(';').collect();
    if items.len() < 2 {
        return Err(KeyError::MultipathItems);
    }
    let mut seen = BTreeSet::new();
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let value = read_step(item, apostrophe)?;
        if !seen.insert(value) {
            return Err(KeyError::MultipathDuplicate(value));
        }
        values.push(value);
    }
    Ok(values)
}
