//! The command line, as tables of what is accepted and what is said.

use proptest::prelude::*;

use super::*;
use crate::names::Role;
use crate::table::table;
use crate::value::Value;

fn parse_as(role: Role, arguments: &[&str]) -> Result<(CommandLine, Vec<String>), String> {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let mut notices = Vec::new();
    parse(&table(coin::by_id("bitcoin").unwrap(), role), &arguments, &mut notices)
        .map(|parsed| (parsed, notices.into_iter().map(|notice| notice.text).collect()))
        .map_err(|error| error.to_string())
}

fn values(arguments: &[&str], name: &str) -> Vec<Value> {
    parse_as(Role::Daemon, arguments).unwrap().0.options.remove(name).unwrap_or_default()
}

#[test]
fn one_and_two_dashes_mean_the_same() {
    let expected = vec![Value::text("18555")];
    assert_eq!(values(&["-port=18555"], "port"), expected);
    assert_eq!(values(&["--port=18555"], "port"), expected);
    assert_eq!(parse_as(Role::Daemon, &["---port=1"]).unwrap_err(), "Invalid parameter ---port=1");
}

#[test]
fn values_negations_and_repetitions() {
    assert_eq!(values(&["-listen"], "listen"), [Value::text("")]);
    assert_eq!(values(&["-listen="], "listen"), [Value::text("")]);
    assert_eq!(values(&["-nolisten"], "listen"), [Value::Bool(false)]);
    assert_eq!(values(&["-nolisten=1"], "listen"), [Value::Bool(false)]);
    assert_eq!(values(&["-uacomment=a=b", "-uacomment=c"], "uacomment"), [Value::text("a=b"), Value::text("c")]);
    let (parsed, notices) = parse_as(Role::Daemon, &["-nolisten=0"]).unwrap();
    assert_eq!(parsed.options["listen"], [Value::Bool(true)]);
    assert_eq!(notices, ["Parsed potentially confusing double-negative -listen=0"]);
}

#[test]
fn errors_are_the_daemons() {
    for (arguments, error) in [
        (&["-dash_cli=1"][..], "Invalid parameter -dash_cli=1"),
        (&["-fakearg"], "Invalid parameter -fakearg"),
        (&["-regtest.port=1"], "Invalid parameter -regtest.port=1"),
        (&["-.port=1"], "Invalid parameter -.port=1"),
        (&["-="], "Invalid parameter -="),
        (&["--"], "Invalid parameter --"),
        (&["-no"], "Invalid parameter -no"),
        (&["-proxy"], "Can not set -proxy with no value. Please specify value with -proxy=value."),
        (&["-nodatadir"], "Negating of -datadir is meaningless and therefore forbidden"),
        (&["-noincludeconf=0"], "-includeconf cannot be used from commandline; -includeconf=true"),
        (
            &["-includeconf=relative2.conf", "-includeconf=no_warn.conf"],
            "-includeconf cannot be used from commandline; -includeconf=\"relative2.conf\"",
        ),
        (&["-ipcbind=unix"], "Invalid parameter -ipcbind=unix"),
    ] {
        assert_eq!(parse_as(Role::Daemon, arguments).unwrap_err(), error, "{arguments:?}");
    }
    assert!(parse_as(Role::Daemon, &["-noincludeconf"]).is_ok());
    assert!(parse_as(Role::Daemon, &["-includeconf=x", "-noincludeconf"]).is_ok());
    assert!(parse_as(Role::Node, &["-ipcbind=unix"]).is_ok());
}

#[test]
fn words_end_the_options() {
    let (parsed, _) = parse_as(Role::Cli, &["-regtest", "generatetoaddress", "-named", "x=y"]).unwrap();
    assert_eq!(parsed.words, ["generatetoaddress", "-named", "x=y"]);
    assert!(!parsed.options.contains_key("named"));
    // Everything behind a lone dash belongs to others.
    let (parsed, _) = parse_as(Role::Cli, &["-regtest", "-", "-nonsense"]).unwrap();
    assert!(parsed.words.is_empty());
}

#[test]
fn tools_know_their_commands() {
    assert_eq!(parse_as(Role::Wallet, &["foo"]).unwrap_err(), "Invalid command 'foo'");
    assert_eq!(parse_as(Role::Wallet, &["help"]).unwrap_err(), "Invalid command 'help'");
    assert_eq!(parse_as(Role::Wallet, &["-info"]).unwrap_err(), "Invalid parameter -info");
    assert_eq!(
        parse_as(Role::Wallet, &["-descriptors=false", "create"]).unwrap_err(),
        "Invalid parameter -descriptors=false"
    );
    assert_eq!(parse_as(Role::Wallet, &["-wallet=w", "info", "create"]).unwrap().0.words, ["info", "create"]);
}

#[cfg(unix)]
#[test]
fn a_path_need_not_be_unicode() {
    use std::os::unix::ffi::OsStringExt as _;
    let argument = OsString::from_vec(b"-datadir=/d\xffr".to_vec());
    let table = table(coin::by_id("bitcoin").unwrap(), Role::Daemon);
    let parsed = parse(&table, &[argument], &mut Vec::new()).unwrap();
    assert_eq!(parsed.options["datadir"], [Value::Text(OsString::from_vec(b"/d\xffr".to_vec()))]);
}

proptest! {
    #[test]
    fn any_arguments_are_read_or_refused(arguments: Vec<String>, open: bool) {
        let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
        let table = table(coin::by_id("bitcoin").unwrap(), if open { Role::Wrapper } else { Role::Node });
        let _ = parse(&table, &arguments, &mut Vec::new());
    }

    #[test]
    fn a_value_arrives_as_it_was_written(value in ".*", dashes in 1usize..=2) {
        let argument = OsString::from(format!("{}uacomment={value}", "-".repeat(dashes)));
        let table = table(coin::by_id("bitcoin").unwrap(), Role::Node);
        let parsed = parse(&table, &[argument], &mut Vec::new()).unwrap();
        prop_assert_eq!(&parsed.options["uacomment"], &vec![Value::text(value)]);
    }
}
