//! Precedence: a table of the known cases, and a naive model against which random settings are compared.

use proptest::prelude::*;

use super::*;

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| if *text == "!" { Value::Bool(false) } else { Value::text(*text) }).collect()
}

fn settings(command_line: &[&str], network: &[&str], default: &[&str]) -> Settings {
    let mut settings = Settings::default();
    let put = |values: &mut Values, list: &[&str]| {
        if !list.is_empty() {
            values.insert("x".into(), texts(list));
        }
    };
    put(&mut settings.command_line, command_line);
    put(settings.conf.entry("regtest".into()).or_default(), network);
    put(settings.conf.entry(String::new()).or_default(), default);
    settings
}

fn one(settings: &Settings) -> Option<String> {
    settings.get("regtest", "x", Choice::default()).to_text()
}

#[test]
fn the_last_argument_and_the_first_line_win() {
    assert_eq!(one(&settings(&["1", "2"], &["3"], &["4"])).as_deref(), Some("2"));
    assert_eq!(one(&settings(&[], &["3", "5"], &["4"])).as_deref(), Some("3"));
    assert_eq!(one(&settings(&[], &[], &["4", "6"])).as_deref(), Some("4"));
    assert_eq!(one(&settings(&[], &[], &[])), None);
}

#[test]
fn negation_wipes_what_is_before_it_and_weaker() {
    assert_eq!(one(&settings(&["1", "!"], &["3"], &[])).as_deref(), Some("0"));
    assert_eq!(one(&settings(&["!", "2"], &["3"], &[])).as_deref(), Some("2"));
    assert_eq!(one(&settings(&[], &["1", "!", "3"], &[])).as_deref(), Some("3"));
    assert!(settings(&["1", "!"], &["3"], &["4"]).get_all("regtest", "x", false).is_empty());
}

#[test]
fn a_value_after_a_negation_brings_the_files_values_back() {
    let all = settings(&["1", "!", "2"], &["3"], &["4"]).get_all("regtest", "x", false);
    assert_eq!(all, texts(&["2", "3", "4"]));
}

#[test]
fn lists_join_all_sources() {
    let mut all = settings(&["1"], &["2"], &["3"]);
    all.file.insert("x".into(), Value::Array(texts(&["7", "8"])));
    assert_eq!(all.get_all("regtest", "x", false), texts(&["1", "7", "8", "2", "3"]));
    all.forced.insert("x".into(), Value::text("9"));
    assert_eq!(all.get_all("regtest", "x", false), texts(&["9", "2", "3"]));
}

#[test]
fn network_only_options_ignore_the_default_section_unless_it_negates() {
    let choice = Choice { ignore_default_section: true, ..Choice::default() };
    assert_eq!(settings(&[], &[], &["4"]).get("regtest", "x", choice), Value::Null);
    assert_eq!(settings(&[], &[], &["4", "!"]).get("regtest", "x", choice), Value::Bool(false));
    assert!(settings(&[], &[], &["4"]).only_in_default_section("regtest", "x"));
    assert!(!settings(&["1"], &[], &["4"]).only_in_default_section("regtest", "x"));
    assert!(!settings(&[], &["!"], &[]).only_in_default_section("regtest", "x"));
}

#[test]
fn the_chain_is_chosen_by_its_own_rules() {
    let choice = Choice { for_chain: true, ..Choice::default() };
    assert_eq!(settings(&["!"], &[], &["1"]).get("", "x", choice), Value::text("1"));
    assert_eq!(settings(&[], &[], &["1", "0"]).get("", "x", choice), Value::text("0"));
}

#[test]
fn persistent_values_are_those_of_the_files() {
    let choice = Choice { persistent_only: true, ..Choice::default() };
    let mut settings = settings(&["1"], &["2"], &[]);
    settings.forced.insert("x".into(), Value::text("9"));
    assert_eq!(settings.get("regtest", "x", choice), Value::text("2"));
    settings.file.insert("x".into(), Value::text("5"));
    assert_eq!(settings.get("regtest", "x", choice), Value::text("5"));
}

/// The rule as a sentence: go through the sources from strong to weak, and take the first that has a word to say.
fn model(
    forced: Option<&Value>,
    command_line: &[Value],
    file: Option<&Value>,
    network: &[Value],
    default: &[Value],
) -> Value {
    fn last(values: &[Value]) -> Option<Value> {
        values.last().cloned()
    }
    fn first_after_negation(values: &[Value]) -> Option<Value> {
        let mut first = None;
        for value in values {
            if value.is_negated() {
                first = None;
            } else if first.is_none() {
                first = Some(value.clone());
            }
        }
        first.or_else(|| last(values))
    }
    forced
        .cloned()
        .or_else(|| last(command_line))
        .or_else(|| file.cloned())
        .or_else(|| first_after_negation(network))
        .or_else(|| first_after_negation(default))
        .unwrap_or_default()
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Bool(false)), Just(Value::Bool(true)), "[a-c]{0,2}".prop_map(Value::text)]
}

proptest! {
    #[test]
    fn one_value_follows_the_model(
        forced in prop::option::of(any_value()),
        command_line in prop::collection::vec(any_value(), 0..4),
        file in prop::option::of(any_value()),
        network in prop::collection::vec(any_value(), 0..4),
        default in prop::collection::vec(any_value(), 0..4),
    ) {
        let mut settings = Settings::default();
        settings.forced.extend(forced.clone().map(|value| ("x".to_owned(), value)));
        settings.command_line.insert("x".into(), command_line.clone());
        settings.file.extend(file.clone().map(|value| ("x".to_owned(), value)));
        settings.conf.entry("regtest".into()).or_default().insert("x".into(), network.clone());
        settings.conf.entry(String::new()).or_default().insert("x".into(), default.clone());

        let expected = model(forced.as_ref(), &command_line, file.as_ref(), &network, &default);
        prop_assert_eq!(settings.get("regtest", "x", Choice::default()), expected.clone());
        // A single value and a list agree on whether there is anything.
        let all = settings.get_all("regtest", "x", false);
        if forced.is_some() || !expected.is_negated() {
            prop_assert_eq!(!expected.is_null() && !expected.is_negated(), !all.is_empty());
        }
        prop_assert!(all.iter().all(|value| !value.is_negated()));
    }
}
