//! The configuration file's text: the grammar, the daemon's errors, broken bytes.

use proptest::prelude::*;

use super::*;
use crate::names::Role;
use crate::table::table;
use crate::value::Value;

#[derive(Debug)]
struct Read {
    settings: Settings,
    sections: Vec<SectionInfo>,
    notices: Vec<String>,
}

fn read_bytes(text: &[u8]) -> Result<Read, String> {
    let (mut settings, mut sections, mut notices) = (Settings::default(), Vec::new(), Vec::new());
    let table = table(coin::by_id("bitcoin").unwrap(), Role::Daemon);
    read(&table, text, "x.conf", &mut settings, &mut sections, &mut notices).map_err(|error| error.to_string())?;
    Ok(Read { settings, sections, notices: notices.into_iter().map(|notice| notice.text).collect() })
}

fn read_text(text: &str) -> Result<Read, String> {
    read_bytes(text.as_bytes())
}

#[test]
fn assignments_sections_and_comments() {
    let text =
        "# a comment\r\n port = 1 # another\n[regtest]\nport=2\nmain.rpcport=3\n\n[ main ]\nnolisten=1\ntest.port=4";
    let read = read_text(text).unwrap();
    assert_eq!(read.settings.conf[""]["port"], [Value::text("1")]);
    assert_eq!(read.settings.conf["regtest"]["port"], [Value::text("2")]);
    // Behind a section's line a dotted name is one of that section.
    assert_eq!(read.notices[0], "Ignoring unknown configuration value regtest.main.rpcport");
    assert_eq!(read.settings.conf[" main "]["listen"], [Value::Bool(false)]);
    let sections: Vec<_> = read.sections.iter().map(|section| (section.name.as_str(), section.line)).collect();
    assert_eq!(sections, [("regtest", 3), ("regtest.main", 5), (" main ", 7), (" main .test", 9)]);
}

#[test]
fn a_dotted_name_in_the_default_section_names_its_section() {
    let read = read_text("regtest.port=5\ntestnot.datadir=1\n").unwrap();
    assert_eq!(read.settings.conf["regtest"]["port"], [Value::text("5")]);
    assert_eq!(read.sections[1], SectionInfo { name: "testnot".into(), file: "x.conf".into(), line: 2 });
}

#[test]
fn errors_are_the_daemons() {
    let conf_in_conf =
        "conf cannot be set in the configuration file; use includeconf= if you want to include additional config files";
    for (text, error) in [
        ("garbage\n", "parse error on line 1: garbage"),
        ("nono\n", "parse error on line 1: nono, if you intended to specify a negated option, use nono=1 instead"),
        (
            "\n-dash=1\n",
            "parse error on line 2: -dash=1, options in configuration file must be specified without leading -",
        ),
        (
            "server=1\nrpcuser=someuser\nrpcpassword=some#pass",
            "parse error on line 3, using # in rpcpassword can be ambiguous and should be avoided",
        ),
        (
            "server=1\nrpcuser=someuser\nmain.rpcpassword=some#pass",
            "parse error on line 3, using # in rpcpassword can be ambiguous and should be avoided",
        ),
        (
            "server=1\nrpcuser=someuser\n[main]\nrpcpassword=some#pass",
            "parse error on line 4, using # in rpcpassword can be ambiguous and should be avoided",
        ),
        ("conf=some.conf\n", conf_in_conf),
        ("[regtest]\nconf=some.conf\n", conf_in_conf),
        ("nodatadir=1\n", "Negating of -datadir is meaningless and therefore forbidden"),
        ("[\n", "parse error on line 1: ["),
        ("\0\n", "parse error on line 1: \0"),
    ] {
        assert_eq!(read_text(text).err().as_deref(), Some(error), "{text:?}");
    }
    // A comment on the password's line is as ambiguous as one in it.
    assert!(read_text("rpcpassword=x # mine").is_err());
    assert!(read_text("rpcpassword=x\n# mine").is_ok());
}

#[test]
fn oddities_are_noted() {
    assert_eq!(read_text("dash_conf=1").unwrap().notices, ["Ignoring unknown configuration value dash_conf"]);
    assert_eq!(read_text("reindex=1").unwrap().notices, [REINDEX_WARNING]);
    assert_eq!(read_text("nolisten=0").unwrap().notices, ["Parsed potentially confusing double-negative -listen=0"]);
    assert!(read_text("=x").unwrap().notices[0].starts_with("Ignoring unknown"));
}

#[test]
fn broken_bytes_give_values_or_errors() {
    let read = read_bytes(b"uacomment=\xff\xfe\x00\nport=1").unwrap();
    assert_eq!(read.settings.conf[""]["port"], [Value::text("1")]);
    assert!(read_bytes(b"\xff\xfe\n").unwrap_err().starts_with("parse error on line 1: "));
    let long = [b"uacomment=".as_slice(), &vec![b'x'; 10 << 20]].concat();
    assert_eq!(
        read_bytes(&long).unwrap().settings.conf[""]["uacomment"][0].to_text().map(|text| text.len()),
        Some(10 << 20)
    );
    assert!(read_bytes(&vec![b'x'; 10 << 20]).is_err());
    assert!(read_bytes(b"\xef\xbb\xbfport=1").unwrap().notices[0].starts_with("Ignoring unknown"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(text: Vec<u8>) {
        let _ = read_bytes(&text);
    }

    #[test]
    fn lines_of_all_shapes_are_read_or_refused(
        lines in prop::collection::vec(r"(\[?(main|regtest|)\]?|#|-)?(no)?(port|conf|rpcpassword|x\.y|)( ?= ?)?[^\n]{0,5}", 0..8)
    ) {
        let _ = read_text(&lines.join("\n"));
    }

    #[test]
    fn a_value_loses_its_blanks_only(value in "[^#\n]*", before in "[ \t]*", after in "[ \t\r]*") {
        let read = read_text(&format!("uacomment={before}{value}{after}\n")).unwrap();
        let trimmed = value.trim_matches([' ', '\t', '\r', '\n']);
        prop_assert_eq!(&read.settings.conf[""]["uacomment"], &vec![Value::text(trimmed)]);
    }
}
