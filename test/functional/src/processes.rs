//! Processes by number: who belongs to whom, who still runs.

use std::fs;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The children of a process, whichever of its threads has started them.
pub(crate) fn children(of: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{of}/task"))? {
        // A thread may end while we look.
        let list = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        found.extend(list.split_ascii_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    Ok(found)
}

/// Whether it runs. One that has ended and was not taken leave of yet does not.
pub(crate) fn runs(id: u32) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
    // The name, in parentheses, may hold anything.
    text.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z'))
}

/// Sends a signal.
pub(crate) fn signal(id: u32, signal: Signal) -> Result<()> {
    let id = i32::try_from(id).context("the number of a process is an i32")?;
    kill(Pid::from_raw(id), signal).with_context(|| format!("sending {signal} to {id}"))
}
