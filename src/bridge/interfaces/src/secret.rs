//! Values that must not be printed.

use std::fmt;

use zeroize::Zeroizing;

/// A passphrase, key, seed or private descriptor. Prints as `<redacted>` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller wipes its own copies.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. The name is meant to stand out in review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// JSON text that crosses uninterpreted. RPC requests and answers hold passphrases, keys and private descriptors among
/// other things, so it prints its length and nothing else.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Json(String);

impl Json {
    /// Wraps the text without looking at it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<json, {} bytes>", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, Secret};

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "<redacted> Some(<redacted>)");
        assert_eq!(secret.expose(), "correct horse");
        let json = Json::new(r#"{"method":"walletpassphrase"}"#);
        assert_eq!(format!("{json:?}"), "<json, 29 bytes>");
    }
}
