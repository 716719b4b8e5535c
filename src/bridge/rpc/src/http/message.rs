//! Requests and answers as handlers see them.

use bytes::Bytes;

use crate::request::Caller;

/// The methods that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `HEAD`
    Head,
    /// `PUT`
    Put,
}

impl HttpMethod {
    pub(super) fn from_hyper(method: &hyper::Method) -> Option<Self> {
        match *method {
            hyper::Method::GET => Some(Self::Get),
            hyper::Method::POST => Some(Self::Post),
            hyper::Method::HEAD => Some(Self::Head),
            hyper::Method::PUT => Some(Self::Put),
            _ => None,
        }
    }
}

/// A request, read to its end.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// What is to be done.
    pub method: HttpMethod,
    /// The part of the target after the prefix that the route matched, query included.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// Who asks; `uri` is the whole target.
    pub caller: Caller,
}

impl HttpRequest {
    /// The first value of `key` in the query, decoded.
    pub fn query(&self, key: &str) -> Option<String> {
        query_parameter(&self.caller.uri, key)
    }
}

/// The first value of `key` in the query of a target, decoded. A key without `=` has an empty value.
pub fn query_parameter(target: &str, key: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (url_decode(name) == key).then(|| url_decode(value))
    })
}

/// Replaces `%41` by `A`. What is no escape stays, bytes that are no UTF-8 become replacement characters.
pub fn url_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.split_at_checked(2)).flatten().and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// The type of the body; none is the server's default.
    pub content_type: Option<&'static str>,
    /// Further header lines.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// Whether the connection ends after it.
    pub close: bool,
}

impl HttpReply {
    /// A status with a text.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: None, headers: Vec::new(), body: body.into(), close: false }
    }

    /// An answer of the server itself, which no cache may keep.
    pub(super) fn refused(status: u16, text: &'static str) -> Self {
        Self::new(status, text).with_header("Cache-Control", "no-store")
    }

    /// The same with a type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// The same with one more header line.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same as the last of its connection.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_of_a_query() {
        let some = |text: &str| Some(text.to_owned());
        for (target, key, expected) in [
            ("/rest/x.json?count=5&verbose", "count", some("5")),
            ("/rest/x.json?count=5&verbose", "verbose", some("")),
            ("/rest/x.json?count=5&verbose", "other", None),
            ("/rest/x.json", "count", None),
            ("/rest?a=1&a=2", "a", some("1")),
            ("/rest?a%20b=c%3Dd", "a b", some("c=d")),
            ("/rest?a=1#a=2", "a", some("1")),
            ("/rest?a=b=c", "a", some("b=c")),
            ("/rest?%=%zz%4", "%", some("%zz%4")),
        ] {
            assert_eq!(query_parameter(target, key), expected, "{target}");
        }
    }

    proptest! {
        #[test]
        fn any_text_decodes(text in "\\PC{0,20}|[%0-9a-f+]{0,12}") {
            let decoded = url_decode(&text);
            if !text.contains('%') {
                prop_assert_eq!(decoded, text);
            }
        }
    }
}
