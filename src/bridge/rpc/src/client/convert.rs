//! Words of a command line to parameters. A table says which parameters are JSON; all others are strings.

use std::sync::LazyLock;

use thiserror::Error;

use crate::json::{self, Json, Object};

/// How a word becomes a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamFormat {
    /// It must be JSON.
    Json,
    /// It is a string, even if it holds `=`.
    String,
    /// It is JSON if it can be read as such, or else a string.
    Either,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    method: &'static str,
    place: usize,
    name: &'static str,
    format: ParamFormat,
}

/// A word that should be JSON and is not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Error parsing JSON: {0}")]
pub struct ConvertError(pub String);

/// One line for each parameter: method, place, name, `json`, `string` or `either`. Sorted by method. Facts of Bitcoin
/// Core's interface, for all its methods, those of wallets included, and a few rows for what only we have.
static PARAMS: &str = include_str!("params.txt");

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| PARAMS.lines().filter_map(read_row).collect());

fn read_row(line: &'static str) -> Option<Row> {
    let mut words = line.split(' ');
    let (method, place, name) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let format = match words.next()? {
        "json" => ParamFormat::Json,
        "string" => ParamFormat::String,
        "either" => ParamFormat::Either,
        _ => return None,
    };
    Some(Row { method, place, name, format })
}

fn rows(method: &str) -> &'static [Row] {
    let start = TABLE.partition_point(|row| row.method < method);
    let length = TABLE[start..].partition_point(|row| row.method == method);
    &TABLE[start..start + length]
}

/// How the parameter at a place is written, if it is listed.
pub fn from_position(method: &str, place: usize) -> Option<ParamFormat> {
    rows(method).iter().find(|row| row.place == place).map(|row| row.format)
}

/// How the parameter of that name is written, if it is listed.
pub fn from_name(method: &str, name: &str) -> Option<ParamFormat> {
    rows(method).iter().find(|row| row.name == name).map(|row| row.format)
}

fn convert(format: Option<ParamFormat>, word: &str) -> Result<Json, ConvertError> {
    match (format, json::parse(word.as_bytes())) {
        (None | Some(ParamFormat::String), _) | (Some(ParamFormat::Either), None) => Ok(Json::from(word)),
        (Some(_), Some(value)) => Ok(value),
        (Some(ParamFormat::Json), None) => Err(ConvertError(word.to_owned())),
    }
}

/// Words in their places to an array.
pub fn positional<S: AsRef<str>>(method: &str, words: &[S]) -> Result<Json, ConvertError> {
    let converted = words.iter().enumerate().map(|(place, word)| convert(from_position(method, place), word.as_ref()));
    Ok(Json::Arr(converted.collect::<Result<_, _>>()?))
}

/// Words of the form `name=value` to an object. Others are gathered, in order, under the name `args`.
///
/// A word that holds `=` but starts with no name that is listed is still one without a name if the next place takes
/// JSON and the word is JSON, or if the next place takes a string.
pub fn named<S: AsRef<str>>(method: &str, words: &[S]) -> Result<Json, ConvertError> {
    let (mut params, mut places) = (Object::new(), Vec::new());
    for word in words.iter().map(AsRef::as_ref) {
        let next = from_position(method, places.len());
        let Some((name, value)) = word.split_once('=') else {
            places.push(convert(next, word)?);
            continue;
        };
        let format = from_name(method, name);
        if format.is_none() {
            match (next, json::parse(word.as_bytes())) {
                (Some(ParamFormat::Json), Some(value)) => {
                    places.push(value);
                    continue;
                }
                (Some(ParamFormat::String), _) => {
                    places.push(Json::from(word));
                    continue;
                }
                _ => {}
            }
        }
        // A name that is repeated replaces the earlier value, so that scripts can merge options.
        params.set(name.to_owned(), convert(format, value)?);
    }
    if !places.is_empty() {
        // Added, not replaced: if the caller named `args` himself, the server says that this is too much.
        params.push("args", places);
    }
    Ok(params.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert_eq!(TABLE.len(), PARAMS.lines().count());
        assert!(TABLE.windows(2).all(|pair| (pair[0].method, pair[0].place) <= (pair[1].method, pair[1].place)));
        assert_eq!(from_name("sendtoaddress", "fee_rate"), Some(ParamFormat::Json));
        assert_eq!(from_position("getblockstats", 0), Some(ParamFormat::Either));
        assert_eq!(from_position("getnewaddress", 0), Some(ParamFormat::String));
        assert_eq!(from_position("getblockcount", 0), None);
        assert_eq!(from_name("zzz", "a"), None);
    }

    #[test]
    fn words_in_their_places() {
        let text = |method: &str, words: &[&str]| positional(method, words).map(|json| json.write());
        assert_eq!(text("getblockhash", &["5"]), Ok("[5]".into()));
        assert_eq!(text("getblock", &["00ff", "true"]), Ok(r#"["00ff",true]"#.into()));
        assert_eq!(text("getblockstats", &["00ff", "[\"fee\"]"]), Ok(r#"["00ff",["fee"]]"#.into()));
        assert_eq!(text("getblockstats", &["7"]), Ok("[7]".into()));
        assert_eq!(text("getblockhash", &["x"]), Err(ConvertError("x".into())));
        assert_eq!(ConvertError("x".into()).to_string(), "Error parsing JSON: x");
        assert_eq!(text("unknown", &["1", "{}"]), Ok(r#"["1","{}"]"#.into()));
    }

    #[test]
    fn words_with_names() {
        let text = |method: &str, words: &[&str]| named(method, words).map(|json| json.write());
        assert_eq!(
            text("getblock", &["blockhash=00", "verbosity=2"]),
            Ok(r#"{"blockhash":"00","verbosity":2}"#.into())
        );
        assert_eq!(text("getblock", &["00", "verbosity=2"]), Ok(r#"{"verbosity":2,"args":["00"]}"#.into()));
        assert_eq!(text("createwallet", &["my=wallet"]), Ok(r#"{"args":["my=wallet"]}"#.into()));
        assert_eq!(text("createwallet", &["wallet_name=my=wallet"]), Ok(r#"{"wallet_name":"my=wallet"}"#.into()));
        assert_eq!(text("echojson", &["[\"a=b\"]"]), Ok(r#"{"args":[["a=b"]]}"#.into()));
        assert_eq!(text("getblockhash", &["height=1", "height=2"]), Ok(r#"{"height":2}"#.into()));
        assert_eq!(text("echo", &["args=x", "y"]), Ok(r#"{"args":"x","args":["y"]}"#.into()));
        assert!(text("getblockhash", &["height=x"]).is_err());
    }

    proptest! {
        #[test]
        fn any_words_are_answered(words in prop::collection::vec("[a-z=0-9\\[\\]\"]{0,8}", 0..4)) {
            let _ = positional("getblock", &words);
            let _ = named("getblock", &words);
        }
    }
}
