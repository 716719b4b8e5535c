//! Turns every `data/*.toml` into a static Rust table, so that nothing is parsed when a process starts.
//!
//! Each file is read strictly: a key that is missing, misspelt or of the wrong shape stops the build with the file, the
//! line and the key. Adding a coin that needs no new kind of fact is adding one file.
#![expect(clippy::print_stdout, reason = "a build script talks to cargo on its standard output")]
#![expect(clippy::format_push_string, reason = "the text is small, and `push_str` with `format!` cannot fail")]
#![expect(clippy::disallowed_methods, reason = "cargo hands a build script its directories in the environment")]

mod emit;
mod extra;
mod facts;
mod schema;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let data = root.join("data");
    println!("cargo::rerun-if-changed={}", data.display());
    println!("cargo::rerun-if-changed=build");
    match tables(&data) {
        Ok(text) => fs::write(out.join("tables.rs"), text).expect("OUT_DIR can be written"),
        Err(error) => {
            for line in error.lines() {
                println!("cargo::error={line}");
            }
        }
    }
}

/// The generated source: one static per file, and the list of them in the order of their file names.
fn tables(data: &Path) -> Result<String, String> {
    let listing = fs::read_dir(data).map_err(|e| format!("{}: {e}", data.display()))?;
    let mut files: Vec<PathBuf> = listing
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();

    let mut text = String::new();
    let mut names = Vec::new();
    for file in &files {
        let source = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let coin = schema::Document::parse(&source).map_err(|e| format!("{}: {e}", file.display()))?;
        let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if coin.id() != stem {
            return Err(format!("{}: coin.id is \"{}\", but the file is named \"{stem}\"", file.display(), coin.id()));
        }
        let name = stem.to_uppercase();
        text.push_str(&format!("static {name}: Coin = {};\n", emit::source(&coin)));
        names.push(format!("&{name}"));
    }
    text.push_str(&format!("pub(crate) static ALL: [&Coin; {}] = [{}];\n", names.len(), names.join(", ")));
    Ok(text)
}
