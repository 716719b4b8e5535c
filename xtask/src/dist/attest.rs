//! What was built from what, in a form that two builders can compare line by line.
//!
//! Nothing in it says who built, where or when: two attestations of one release are equal texts, or something differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::commit::{Commit, iso};
use crate::depends::Provided;
use crate::depends::prefix::quoted;

/// Everything that went in and came out.
#[derive(Debug)]
pub(crate) struct Attestation<'a> {
    /// `bulkhead-31.99.0-x86_64-linux-gnu`.
    pub(crate) release: &'a str,
    pub(crate) commit: &'a Commit,
    pub(crate) host: &'a str,
    /// Hash of Cargo.lock, and with it of every crate.
    pub(crate) lock: &'a str,
    /// What the Rust compiler says about itself.
    pub(crate) rustc: &'a str,
    /// The C++ compiler.
    pub(crate) cxx: &'a str,
    /// The linker.
    pub(crate) linker: &'a str,
    pub(crate) native: &'a [Provided],
    /// Hash by file.
    pub(crate) outputs: &'a BTreeMap<String, String>,
}

impl Attestation<'_> {
    /// The text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("# Made by `cargo xtask dist --attest`. Equal builds make equal texts.\n");
        let inputs = [
            ("release", self.release),
            ("host", self.host),
            ("commit", &self.commit.id),
            ("tree", &self.commit.tree),
            ("time", &iso(self.commit.time)),
            ("cargo-lock", self.lock),
            ("cxx", self.cxx),
            ("linker", self.linker),
        ];
        for (name, value) in inputs {
            let _ = writeln!(text, "{name} = {}", quoted(value));
        }
        let rustc: Vec<String> = self.rustc.lines().map(quoted).collect();
        let _ = writeln!(text, "rustc = [\n  {},\n]", rustc.join(",\n  "));
        for package in self.native {
            let _ = write!(
                text,
                "\n[native.{}]\nversion = {}\nid = {}\nsource = {}\narchive = {}\n",
                package.name,
                quoted(&package.version),
                quoted(&package.id),
                quoted(&package.source),
                quoted(&package.archive)
            );
        }
        text += "\n[outputs]\n";
        for (name, hash) in self.outputs {
            let _ = writeln!(text, "{} = {}", quoted(name), quoted(hash));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_toml_and_says_everything() {
        let commit = Commit { id: "c0ffee".into(), tree: "beef".into(), time: 0, tag: None };
        let outputs = [("x.tar.gz".to_owned(), "aa".to_owned())].into();
        let native = [Provided {
            name: "rocksdb".into(),
            version: "11".into(),
            licence: "Apache-2.0".into(),
            id: "12".into(),
            source: "ab".into(),
            archive: "cd".into(),
            tool: false,
        }];
        let attestation = Attestation {
            release: "r",
            commit: &commit,
            host: "h",
            lock: "l",
            rustc: "rustc 1\nhost: \"x\"",
            cxx: "g++",
            linker: "ld",
            native: &native,
            outputs: &outputs,
        };
        let table: toml::Table = toml::from_str(&attestation.text()).unwrap();
        assert_eq!(table["tree"].as_str(), Some("beef"));
        assert_eq!(table["rustc"][1].as_str(), Some("host: \"x\""));
        assert_eq!(table["native"]["rocksdb"]["archive"].as_str(), Some("cd"));
        assert_eq!(table["outputs"]["x.tar.gz"].as_str(), Some("aa"));
    }
}
