//! The REST interface (`-rest`): blocks, headers, transactions, filters and coins for anybody who can reach the port,
//! without a password and without a way to change anything.
//!
//! A target ends in the format that is wanted, `.bin`, `.hex` or `.json`. What can never change may be cached; all else,
//! refusals above all, may not.

mod blocks;
mod coins;
mod filters;
mod state;

use std::{str::FromStr, sync::Arc};

use ::rpc::{
    Engine, Json,
    http::{HttpReply, HttpRequest, Route, Routes},
};
use bitcoin::BlockHash;
use primitives::hex;

use crate::NodeContext;

/// The most headers that one request gets.
const MAX_HEADERS: usize = 2000;
/// Where requests ask for no other number of headers.
const DEFAULT_HEADERS: &str = "5";
const FORMATS: &str = "output format not found (available: .bin, .hex, .json)";
const ONLY_JSON: &str = "output format not found (available: json)";

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Bin,
    Hex,
    Json,
}

/// Why a request gets no answer: a status and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused(u16, String);

impl Refused {
    fn bad(text: impl Into<String>) -> Self {
        Self(400, text.into())
    }

    fn not_found(text: impl Into<String>) -> Self {
        Self(404, text.into())
    }

    fn broken(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("{error}");
        Self(500, error.to_string())
    }
}

type Answer = Result<HttpReply, Refused>;

/// Whether somebody between may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// It never changes.
    Always,
    /// It may be another one the next time.
    Never,
}

fn reply(kind: &'static str, keep: Keep, body: impl Into<Vec<u8>>) -> HttpReply {
    let control = match keep {
        Keep::Always => "public, immutable, max-age=86400",
        Keep::Never => "no-store",
    };
    HttpReply::new(200, body.into()).with_content_type(kind).with_header("Cache-Control", control)
}

/// Bytes as they are, or as a line of hex.
fn bytes(format: Format, keep: Keep, bytes: &[u8]) -> HttpReply {
    match format {
        Format::Bin => reply("application/octet-stream", keep, bytes),
        Format::Hex | Format::Json => reply("text/plain", keep, hex::encode(bytes) + "\n"),
    }
}

fn json(keep: Keep, value: impl Into<Json>) -> HttpReply {
    reply("application/json", keep, value.into().write() + "\n")
}

/// What a target asks for: its part behind the prefix, and the format.
struct Target<'a> {
    request: &'a HttpRequest,
    param: &'a str,
    format: Option<Format>,
}

impl<'a> Target<'a> {
    fn read(request: &'a HttpRequest) -> Self {
        let param = request.path.rsplit_once('?').map_or(request.path.as_str(), |(path, _)| path);
        let known = param.rsplit_once('.').and_then(|(param, suffix)| {
            let format = match suffix {
                "bin" => Format::Bin,
                "hex" => Format::Hex,
                "json" => Format::Json,
                _ => return None,
            };
            Some((param, format))
        });
        match known {
            Some((param, format)) => Self { request, param, format: Some(format) },
            None => Self { request, param, format: None },
        }
    }

    fn format(&self) -> Result<Format, Refused> {
        self.format.ok_or_else(|| Refused::not_found(FORMATS))
    }

    /// For what has only one form.
    fn only_json(&self) -> Result<(), Refused> {
        if self.format == Some(Format::Json) { Ok(()) } else { Err(Refused::not_found(ONLY_JSON)) }
    }

    fn parts(&self) -> Vec<&'a str> {
        self.param.split('/').collect()
    }

    /// How many headers are wanted, from the path or from the query.
    fn count(&self, in_path: Option<&str>) -> Result<usize, Refused> {
        let from_query = || self.request.query("count").unwrap_or_else(|| DEFAULT_HEADERS.to_owned());
        let text = in_path.map_or_else(from_query, str::to_owned);
        let count = integer(&text).filter(|count| (1..=MAX_HEADERS).contains(count));
        count.ok_or_else(|| {
            Refused::bad(format!("Header count is invalid or out of acceptable range (1-{MAX_HEADERS}): {text}"))
        })
    }
}

/// A number of digits alone.
fn integer<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn block_hash(text: &str) -> Result<BlockHash, Refused> {
    let hash = (text.len() == 64).then(|| text.parse().ok()).flatten();
    hash.ok_or_else(|| Refused::bad(format!("Invalid hash: {text}")))
}

/// What every answer is made from.
struct Rest {
    node: Arc<NodeContext>,
    engine: Arc<Engine<NodeContext>>,
}

/// Adds the REST interface to `routes`.
pub(crate) fn add(routes: Routes, node: &Arc<NodeContext>, engine: &Arc<Engine<NodeContext>>) -> Routes {
    type Method = fn(&Rest, &Target<'_>) -> Answer;
    const ENDPOINTS: [(&str, Method); 14] = [
        ("tx/", coins::tx),
        ("block/notxdetails/", blocks::block_with_ids),
        ("block/", blocks::block_with_txs),
        ("blockpart/", blocks::part),
        ("blockfilter/", filters::filter),
        ("blockfilterheaders/", filters::headers),
        ("chaininfo", state::chain_info),
        ("mempool/", state::mempool),
        ("headers/", blocks::headers),
        ("getutxos", coins::utxos),
        ("deploymentinfo/", state::deployment_info),
        ("deploymentinfo", state::deployment_info),
        ("blockhashbyheight/", blocks::hash_by_height),
        ("spenttxouts/", blocks::spent),
    ];
    let rest = Arc::new(Rest { node: Arc::clone(node), engine: Arc::clone(engine) });
    ENDPOINTS.into_iter().fold(routes, |routes, (prefix, answer)| {
        let rest = Arc::clone(&rest);
        let handler = move |request: &HttpRequest| rest.answer(request, answer);
        routes.with(Route::prefix(format!("/rest/{prefix}"), Arc::new(handler)))
    })
}

impl Rest {
    fn answer(&self, request: &HttpRequest, answer: fn(&Self, &Target<'_>) -> Answer) -> HttpReply {
        let answered = match self.node.rpc_state.warmup_status() {
            Some(status) => Err(Refused(503, format!("Service temporarily unavailable: {status}"))),
            None => answer(self, &Target::read(request)),
        };
        answered.unwrap_or_else(|Refused(status, text)| {
            HttpReply::new(status, text + "\r\n")
                .with_content_type("text/plain")
                .with_header("Cache-Control", "no-store")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::rpc::{Caller, http::HttpMethod};

    fn request(path: &str) -> HttpRequest {
        let caller = Caller { uri: format!("/rest/x/{path}"), ..Caller::default() };
        HttpRequest { method: HttpMethod::Get, path: path.to_owned(), body: Vec::new().into(), caller }
    }

    #[test]
    fn a_target_ends_in_its_format() {
        for (path, param, format) in [
            ("ab.bin", "ab", Some(Format::Bin)),
            ("ab.hex?count=2", "ab", Some(Format::Hex)),
            ("a/b.json", "a/b", Some(Format::Json)),
            ("ab.txt", "ab.txt", None),
            ("ab", "ab", None),
            ("", "", None),
        ] {
            let request = request(path);
            let target = Target::read(&request);
            assert_eq!((target.param, target.format), (param, format), "{path}");
        }
    }

    #[test]
    fn counts_are_bounded() {
        let count = |path: &str, in_path| Target::read(&request(path)).count(in_path);
        assert_eq!(count("ab.bin", None), Ok(5));
        assert_eq!(count("ab.bin?count=2000", None), Ok(2000));
        assert_eq!(count("ab.bin", Some("7")), Ok(7));
        for bad in ["0", "2001", "-1", "+1", "", "1 "] {
            let refused = count("ab.bin", Some(bad)).unwrap_err();
            let text = format!("Header count is invalid or out of acceptable range (1-2000): {bad}");
            assert_eq!(refused, Refused(400, text));
        }
    }

    #[test]
    fn hashes_have_sixty_four_digits() {
        assert!(block_hash(&"0f".repeat(32)).is_ok());
        for bad in ["", "0f", &"zz".repeat(32), &"0f".repeat(33)] {
            assert_eq!(block_hash(bad), Err(Refused(400, format!("Invalid hash: {bad}"))));
        }
    }
}
