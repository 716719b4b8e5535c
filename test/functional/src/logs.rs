//! What a person wants to see after a failure: the end of every log below a directory, and all of them as one, in the order
//! of time.

use std::fs;
use std::io::Result;
use std::path::Path;

/// The file with all logs as one.
const COMBINED: &str = "combined.log";

/// A line with the time from which it is.
type Line = (String, String);

/// The last `count` lines of each log below `dir`, in the order of time, each with the name of its node.
pub fn ends(dir: &Path, count: usize) -> Vec<String> {
    let logs = collect(dir, dir);
    merged(logs.into_iter().flat_map(|mut log| log.split_off(log.len().saturating_sub(count))).collect())
}

/// Writes all logs below `dir` into one file there.
pub fn write_combined(dir: &Path) -> Result<()> {
    let lines = merged(collect(dir, dir).into_iter().flatten().collect());
    fs::write(dir.join(COMBINED), lines.join("\n") + "\n")
}

fn merged(mut lines: Vec<Line>) -> Vec<String> {
    // Stable: lines of one log stay in their order.
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines.into_iter().map(|(_, line)| line).collect()
}

fn collect(root: &Path, dir: &Path) -> Vec<Vec<Line>> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut logs = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            logs.extend(collect(root, &path));
        } else if name == "debug.log" || name == "stderr.log" {
            let Ok(bytes) = fs::read(&path) else { continue };
            let node = path.strip_prefix(root).ok().and_then(|path| path.iter().next()).unwrap_or(name);
            // Text without a time, as on standard error, belongs at the end.
            let mut time = String::from("~");
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
                if let Some(stamp) = timestamp(line) {
                    stamp.clone_into(&mut time);
                }
                (time.clone(), format!("{}: {line}", node.to_string_lossy()))
            });
            logs.push(lines.collect());
        }
    }
    logs
}

/// The time at the start of a daemon's log line.
fn timestamp(line: &str) -> Option<&str> {
    let (stamp, _) = line.split_once(' ')?;
    (stamp.ends_with('Z') && stamp.starts_with(|letter: char| letter.is_ascii_digit())).then_some(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_several_nodes_are_told_in_the_order_of_time() {
        let dir = tempfile::tempdir().unwrap();
        let write = |node: &str, file: &str, text: &str| {
            fs::create_dir_all(dir.path().join(node).join("regtest")).unwrap();
            fs::write(dir.path().join(node).join(file), text).unwrap();
        };
        write("a", "regtest/debug.log", "\n\n2026-01-01T00:00:01Z one\n  more\n2026-01-01T00:00:03Z three\n");
        write("b", "regtest/debug.log", "2026-01-01T00:00:02Z two\n");
        write("b", "stderr.log", "Error: no\n");
        let all = [
            "a: 2026-01-01T00:00:01Z one",
            "a:   more",
            "b: 2026-01-01T00:00:02Z two",
            "a: 2026-01-01T00:00:03Z three",
            "b: Error: no",
        ];
        // A talkative log does not hide a quiet one.
        assert_eq!(ends(dir.path(), 1), [all[2], all[3], all[4]]);
        assert_eq!(ends(dir.path(), 9), all);
        write_combined(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("combined.log")).unwrap(), all.join("\n") + "\n");
    }
}
