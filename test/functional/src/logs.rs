//! The end of every log below a directory, in the order of time: what a person wants to see first after a failure.

use std::fs;
use std::path::Path;

/// The last `count` lines of all logs below `dir`, each with the name of its node.
pub fn combined(dir: &Path, count: usize) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    collect(dir, dir, &mut lines);
    // Stable: lines of one log stay in their order.
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    let skipped = lines.len().saturating_sub(count);
    lines.into_iter().skip(skipped).map(|(_, line)| line).collect()
}

fn collect(root: &Path, dir: &Path, lines: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            collect(root, &path, lines);
        } else if name == "debug.log" || name == "stderr.log" {
            let Ok(bytes) = fs::read(&path) else { continue };
            let node = path.strip_prefix(root).ok().and_then(|path| path.iter().next()).unwrap_or(name);
            // Text without a time, as on standard error, belongs at the end.
            let mut time = String::from("~");
            for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
                if let Some(stamp) = timestamp(line) {
                    stamp.clone_into(&mut time);
                }
                lines.push((time.clone(), format!("{}: {line}", node.to_string_lossy())));
            }
        }
    }
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
        let texts = combined(dir.path(), 4);
        let expected = ["a:   more", "b: 2026-01-01T00:00:02Z two", "a: 2026-01-01T00:00:03Z three", "b: Error: no"];
        assert_eq!(texts, expected);
    }
}
