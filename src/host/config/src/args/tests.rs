//! Bitcoin Core's own merge tests, replayed against this crate.
//!
//! Core enumerates thousands of combinations of arguments, lines, sections, negations, soft and forced values, writes down
//! what each getter answers and compares the hash of the whole text with a constant. The enumeration and the constants are
//! taken over here, so that one wrong answer anywhere changes the hash.

use std::ffi::OsString;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::names::Role;
use crate::table::table;
use crate::value::Value;
use crate::{chain, command_line, conf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Set,
    Negate,
    SectionSet,
    SectionNegate,
}

/// All sequences of up to `length` of these, without the same one twice in a row, in Core's order: the first place turns
/// fastest, and a sequence ends where it was never turned.
fn sequences<T: Copy + PartialEq>(items: &[T], length: usize) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    let mut places: Vec<Option<usize>> = vec![None; length];
    loop {
        let sequence: Vec<T> = places.iter().map_while(|place| place.map(|place| items[place])).collect();
        if sequence.windows(2).all(|pair| pair[0] != pair[1]) {
            all.push(sequence);
        }
        let mut turned = false;
        for place in &mut places {
            let next = place.map_or(0, |place| place + 1);
            *place = Some(next % items.len());
            if next < items.len() {
                turned = true;
                break;
            }
        }
        if !turned {
            return all;
        }
    }
}

fn double_sha256(text: &str) -> String {
    let hash = Sha256::digest(Sha256::digest(text.as_bytes()));
    hash.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

const ARGUMENTS: [Action; 2] = [Action::Set, Action::Negate];
const LINES: [Action; 4] = [Action::Set, Action::Negate, Action::SectionSet, Action::SectionNegate];

#[test]
fn merging_sources_as_core_does() {
    let mut text = String::new();
    let arguments = sequences(&ARGUMENTS, 3);
    let lines = sequences(&LINES, 3);
    for argument_actions in &arguments {
        for line_actions in &lines {
            for forced in [false, true] {
                for ignore_default in [false, true] {
                    describe_sources(argument_actions, line_actions, forced, ignore_default, &mut text);
                }
            }
        }
    }
    assert_eq!(double_sha256(&text), "79db02d74e3e193196541b67c068b40ebd0c124a24b3ecbe9cbf7e85b1c4ba7a");
}

fn describe_sources(arguments: &[Action], lines: &[Action], forced: bool, ignore_default: bool, text: &mut String) {
    let name = if ignore_default { "wallet" } else { "server" };
    let mut settings = Settings::default();
    let mut suffix = 0;
    if forced {
        settings.forced.insert(name.into(), Value::text("forced"));
        let _ = write!(text, " {name}=forced");
    }
    let mut push = |action: Action, prefix: &str, before: &str, values: &mut Vec<Value>| match action {
        Action::Set | Action::SectionSet => {
            for _ in 0..2 {
                suffix += 1;
                values.push(Value::text(format!("{prefix}{suffix}")));
                let _ = write!(text, " {before}{name}={prefix}{suffix}");
            }
        }
        Action::Negate | Action::SectionNegate => {
            values.push(Value::Bool(false));
            let _ = write!(text, " {before}no{name}");
        }
    };
    for action in arguments {
        push(*action, "a", "-", settings.command_line.entry(name.into()).or_default());
    }
    for action in lines {
        let section = matches!(action, Action::SectionSet | Action::SectionNegate);
        let (section, before) = if section { ("main", "main.") } else { ("", "") };
        push(*action, "c", before, settings.conf.entry(section.into()).or_default().entry(name.into()).or_default());
    }
    let choice = Choice { ignore_default_section: ignore_default, ..Choice::default() };
    let _ = write!(text, " || {} |", settings.get("main", name, choice).write());
    for value in settings.get_all("main", name, ignore_default) {
        let _ = write!(text, " {}", value.write());
    }
    let ignored = if settings.only_in_default_section("main", name) { " ignored" } else { "" };
    let _ = writeln!(text, " |{ignored}");
}

/// A program of Bitcoin's that was given these arguments and this file.
fn program(arguments: &[String], file: &str) -> Args {
    let table = table(coin::by_id("bitcoin").unwrap(), Role::Daemon);
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let parsed = command_line::parse(&table, &arguments, &mut Vec::new()).unwrap();
    let mut settings = Settings { command_line: parsed.options, ..Settings::default() };
    conf::read(&table, file.as_bytes(), "filepath", &mut settings, &mut Vec::new(), &mut Vec::new()).unwrap();
    Args::new(table, settings)
}

fn written(actions: &[Action], section: &str, name: &str, value: &str) -> Vec<String> {
    let mut written = Vec::new();
    let mut suffix = 0;
    for action in actions {
        let prefix = match action {
            Action::SectionSet | Action::SectionNegate => format!("{section}."),
            Action::Set | Action::Negate => String::new(),
        };
        match action {
            Action::Set | Action::SectionSet => {
                for _ in 0..2 {
                    suffix += 1;
                    written.push(format!("{prefix}{name}={value}{suffix}"));
                }
            }
            Action::Negate | Action::SectionNegate => written.push(format!("{prefix}no{name}=1")),
        }
    }
    written
}

#[test]
fn reading_options_as_core_does() {
    const NETWORKS: [&str; 4] = ["main", "test", "testnet4", "signet"];
    let mut text = String::new();
    let lines = sequences(&LINES, 3);
    for argument_actions in sequences(&ARGUMENTS, 3) {
        for line_actions in &lines {
            for (soft, forced) in [(false, false), (false, true), (true, false), (true, true)] {
                for section in NETWORKS {
                    for network in NETWORKS {
                        // The one is an option of a network, the other is not.
                        for name in ["server", "wallet"] {
                            let arguments = written(&argument_actions, section, name, "a");
                            let arguments: Vec<String> = arguments.iter().map(|text| format!("-{text}")).collect();
                            let lines = written(line_actions, section, name, "c");
                            describe_options(network, name, &arguments, &lines, soft, forced, &mut text);
                        }
                    }
                }
            }
        }
    }
    assert_eq!(double_sha256(&text), "f1ee5ab094cc43d16a6086fa7f2c10389e0f99902616b31bbf29189972ad1473");
}

fn describe_options(
    network: &str,
    name: &str,
    arguments: &[String],
    lines: &[String],
    soft: bool,
    forced: bool,
    text: &mut String,
) {
    let file: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let mut args = program(arguments, &file);
    args.select_network(network);
    let _ = write!(text, "net={network}");
    for given in arguments.iter().chain(lines) {
        let _ = write!(text, " {given}");
    }
    if soft {
        text.push_str(" soft");
        args.soft_set(name, "soft1");
        args.soft_set(name, "soft2");
    }
    if forced {
        text.push_str(" force");
        args.force(name, Value::text("force1"));
        args.force(name, Value::text("force2"));
    }
    text.push_str(" || ");
    if !args.is_set(name) {
        text.push_str("unset");
        assert_eq!(args.get_str(name, "default"), "default");
        assert!(args.get_all(name).is_empty());
    } else if args.is_negated(name) {
        text.push_str("negated");
        assert_eq!(args.get_str(name, "default"), "0");
        assert!(args.get_all(name).is_empty());
    } else {
        let _ = write!(text, "{} |", args.get_str(name, "default"));
        for value in args.get_all(name) {
            let _ = write!(text, " {value}");
        }
    }
    let ignored = args.ineffective();
    if !ignored.is_empty() {
        let _ = write!(text, " | ignored {}", ignored.join(" "));
    }
    text.push('\n');
}

#[test]
fn choosing_the_chain_as_core_does() {
    const FORMS: [&str; 6] =
        ["-testnet4=1", "-testnet4=0", "-notestnet4=1", "-regtest=1", "-regtest=0", "-noregtest=1"];
    let mut text = String::new();
    let all = sequences(&FORMS, 2);
    for arguments in &all {
        for lines in &all {
            let mut file = String::new();
            for argument in arguments {
                let _ = write!(text, " {argument}");
            }
            for line in lines {
                let _ = write!(text, " {}", &line[1..]);
                let _ = writeln!(file, "{}", &line[1..]);
            }
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            let chosen = chain::chosen_name(&program(&arguments, &file));
            let _ = writeln!(text, " || {}", chosen.unwrap_or_else(|error| format!("error: {error}")));
        }
    }
    assert_eq!(double_sha256(&text), "c0e33aab0c74e040ddcee9edad59e8148d8e1cacb3cccd9ea1a1f485cb6bad21");
}
