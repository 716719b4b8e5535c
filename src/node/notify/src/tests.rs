//! Commands are run as they were given, side by side, and their failures are nobody's.

use std::path::Path;

use crate::{Commands, MAX_RUNNING, Options, Running, harmless};

fn write_to(file: &Path, text: &str) -> String {
    format!("printf '%s\\n' {text} >> {}", platform::shell::quote(file.to_str().unwrap()))
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Waits until the file has so many lines.
fn wait_for(file: &Path, count: usize) -> Vec<String> {
    while lines(file).len() < count {
        std::thread::yield_now();
    }
    let mut found = lines(file);
    found.sort();
    found
}

#[test]
fn each_occasion_runs_its_command() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out");
    // The braces keep the placeholder of printf apart from ours.
    let command = |what: &str| format!("echo {what} >> {}", platform::shell::quote(file.to_str().unwrap()));
    let commands = Commands::new(Options {
        startup: command("started"),
        block: command("block-%s"),
        alert: command("alert-%s"),
        shutdown: vec![command("stopping-1"), "exit 3".to_owned(), String::new(), command("stopping-2")],
    });
    assert!(commands.wants_blocks());
    commands.started();
    commands.block("00ab");
    commands.alert("it's $(worse) than `that`; \"really\"");
    wait_for(&file, 3);
    commands.stopping();
    // The last ones have been waited for.
    let mut found = lines(&file);
    found.sort();
    assert_eq!(found, ["alert-its (worse) than that; really", "block-00ab", "started", "stopping-1", "stopping-2"]);
}

#[test]
fn nothing_configured_runs_nothing() {
    let commands = Commands::with_shell(Options::default(), |_| panic!("nothing is to be run"));
    assert!(!commands.wants_blocks());
    commands.started();
    commands.block("00");
    commands.alert("text");
    commands.stopping();
}

#[test]
fn a_flood_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out");
    let commands = Commands::new(Options { block: write_to(&file, "x"), ..Options::default() });
    let others: Vec<Running> = (0..MAX_RUNNING).map(|_| Running::begin(&commands.running)).collect();
    commands.block("00");
    drop(others);
    commands.block("00");
    assert_eq!(wait_for(&file, 1).len(), 1);
}

#[test]
fn only_harmless_characters_pass() {
    assert_eq!(harmless("a-b_c.d,e;f/g:h?i@j(k)"), "a-b_c.d,e;f/g:h?i@j(k)");
    assert_eq!(harmless("'\"`$\\|&<>*#~\n!{}[]%ü"), "");
}
