//! What a shared cache says about an archive, and what a signature is over.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// What the store says about an archive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// `NAME-VERSION-ID`, so that an entry cannot be put in another's place.
    pub(crate) package: String,
    /// Of the archive.
    pub(crate) sha256: String,
    /// Bytes of the archive.
    pub(crate) size: u64,
    /// Hex of the signature over [`Entry::signed`].
    pub(crate) signature: Option<String>,
}

impl Entry {
    /// Reads an entry of the package `package`.
    pub(crate) fn read(package: &str, bytes: &[u8]) -> Result<Entry> {
        let text = std::str::from_utf8(bytes).context("it is no text")?;
        let entry: Entry = toml::from_str(text)?;
        ensure!(entry.package == package, "it is about {}", entry.package);
        let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(entry.sha256.len() == 64 && hex(&entry.sha256), "its hash is none");
        Ok(entry)
    }

    /// The text for the store.
    pub(crate) fn text(&self) -> String {
        let Entry { package, sha256, size, signature } = self;
        let mut text = format!("package = \"{package}\"\nsha256 = \"{sha256}\"\nsize = {size}\n");
        if let Some(signature) = signature {
            text += &["signature = \"", signature, "\"\n"].concat();
        }
        text
    }

    /// What a signature is over.
    pub(crate) fn signed(&self) -> Vec<u8> {
        format!("bulkhead shared cache v1\n{}\n{}\n{}\n", self.package, self.sha256, self.size).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_and_is_not_taken_for_another() {
        let entry = Entry { package: "p-1-ab".into(), sha256: "0f".repeat(32), size: 7, signature: Some("aa".into()) };
        assert_eq!(Entry::read("p-1-ab", entry.text().as_bytes()).unwrap(), entry);
        assert!(Entry::read("p-1-cd", entry.text().as_bytes()).unwrap_err().to_string().contains("about p-1-ab"));
        assert!(Entry::read("p-1-ab", b"\xff").is_err());
        let path = entry.text().replace(&"0f".repeat(32), "../../etc/passwd");
        assert!(Entry::read("p-1-ab", path.as_bytes()).unwrap_err().to_string().contains("hash"));
    }
}
