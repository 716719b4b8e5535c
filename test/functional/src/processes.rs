//! Processes by number: who belongs to whom, who still runs.

use std::fs;
use std::os::unix::fs::FileExt as _;

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

/// Whether some memory of a process holds these bytes.
pub(crate) fn remembers(id: u32, bytes: &[u8]) -> Result<bool> {
    const PART: usize = 1 << 20;
    let maps = fs::read_to_string(format!("/proc/{id}/maps"))?;
    let memory = fs::File::open(format!("/proc/{id}/mem"))?;
    let mut part = vec![0; PART + bytes.len()];
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let Some((start, end)) = range.split_once('-') else { continue };
        let (mut at, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        while rights.starts_with('r') && at < end {
            let wanted = usize::try_from(end - at)?.min(part.len());
            // Some pages, the kernel's own for instance, cannot be read, and pages may go while we look.
            let Ok(read) = memory.read_at(&mut part[..wanted], at) else { break };
            if part[..read].windows(bytes.len()).any(|window| window == bytes) {
                return Ok(true);
            }
            // Parts overlap, so that nothing is missed on an edge.
            at += u64::try_from(read.clamp(1, PART))?;
        }
    }
    Ok(false)
}

/// The memory that a process takes, in bytes.
pub(crate) fn memory(id: u32) -> Result<u64> {
    Ok(status(id, "VmRSS:")?.trim_end_matches("kB").trim().parse::<u64>()? << 10)
}

/// Whether the system filters what a process asks of it.
pub(crate) fn is_confined(id: u32) -> Result<bool> {
    Ok(status(id, "Seccomp:")? == "2")
}

/// What the system says of a process under this heading.
fn status(id: u32, heading: &str) -> Result<String> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(heading)).with_context(|| format!("no {heading}"))?;
    Ok(line.trim().to_owned())
}

/// How many threads a process has.
pub(crate) fn threads(id: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{id}/task"))?.count())
}

/// What the descriptors of a process lead to.
pub(crate) fn descriptors(id: u32) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{id}/fd"))? {
        // One may be closed while we look.
        if let Ok(target) = fs::read_link(entry?.path()) {
            found.push(target.to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

/// Whether a process has a socket of TCP.
pub(crate) fn has_tcp(id: u32) -> Result<bool> {
    let open = descriptors(id)?;
    for family in ["tcp", "tcp6"] {
        let list = fs::read_to_string(format!("/proc/{id}/net/{family}")).unwrap_or_default();
        let inodes = list.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().nth(9));
        if inodes.into_iter().any(|inode| open.contains(&format!("socket:[{inode}]"))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether somebody traces every thread of a process.
pub(crate) fn is_watched(id: u32) -> Result<bool> {
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread may end while we look.
        let text = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
        if text.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() == "0")) {
            return Ok(false);
        }
    }
    Ok(true)
}
