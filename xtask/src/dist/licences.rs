//! The licence texts of everything that is linked, in one file.
//!
//! Most crates carry one of a few texts word for word, so each text is printed once, under the names of its crates.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::inventory::Component;

const STARTS: [&str; 6] = ["license", "licence", "copying", "unlicense", "notice", "copyright"];

/// The text for foreign crates, and for native packages whose texts are below `native` in folders of their names.
pub(crate) fn write(crates: &[Component], native: &Path) -> Result<String> {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = Vec::new();
    let mut list = String::new();
    for component in crates.iter().filter(|component| component.foreign) {
        let name = format!("{} {}", component.name, component.version);
        let _ = writeln!(list, "{name}: {}", component.licence.as_deref().unwrap_or("see its text"));
        let texts = texts(&component.dir).with_context(|| format!("licence of {name}"))?;
        if texts.is_empty() {
            without.push(name.clone());
        }
        for text in texts {
            by_text.entry(text).or_default().push(name.clone());
        }
    }
    if native.is_dir() {
        for path in crate::depends::pack::files(native)? {
            let package = path.strip_prefix(native).ok().and_then(|path| path.iter().next());
            let name = package.unwrap_or_default().to_string_lossy().into_owned();
            by_text.entry(normal(&fs::read(&path)?)).or_default().push(name);
        }
    }
    let mut sections: Vec<(Vec<String>, String)> = by_text
        .into_iter()
        .map(|(text, mut names)| {
            names.sort();
            names.dedup();
            (names, text)
        })
        .collect();
    sections.sort();
    let mut out = format!("The executables contain the following packages.\n\n{list}");
    if !without.is_empty() {
        let _ = write!(out, "\nThese carry no text of their own beside the expression above: {}\n", without.join(", "));
    }
    for (names, text) in sections {
        let _ = write!(out, "\n{}\n{}\n\n{text}\n", "=".repeat(78), names.join(", "));
    }
    Ok(out)
}

/// Licence texts that lie at the top of a crate, or in a folder for them.
fn texts(dir: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in [dir.to_owned(), dir.join("LICENSES")] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.sort();
        for path in paths.into_iter().filter(|path| path.is_file()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if folder != dir || STARTS.iter().any(|start| name.starts_with(start)) {
                found.push(normal(&fs::read(&path)?));
            }
        }
    }
    Ok(found)
}

/// The same text in the same form: line ends and blanks at line ends differ from crate to crate.
fn normal(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(dir: &Path, name: &str, licence: Option<&str>) -> Component {
        Component {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.map(str::to_owned),
            foreign: true,
            dir: dir.join(name),
            needs: vec![],
        }
    }

    #[test]
    fn each_text_is_there_once_with_all_its_crates() {
        let dir = tempfile::tempdir().unwrap();
        for (name, file, text) in
            [("a", "LICENSE-MIT", "Be free. \r\n"), ("b", "license.txt", "\nBe free.\n"), ("r", "COPYING", "Apache")]
        {
            fs::create_dir_all(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join(file), text).unwrap();
        }
        fs::create_dir_all(dir.path().join("c")).unwrap();
        fs::create_dir_all(dir.path().join("native")).unwrap();
        fs::rename(dir.path().join("r"), dir.path().join("native/r")).unwrap();
        let crates = [
            component(dir.path(), "a", Some("MIT")),
            component(dir.path(), "b", Some("MIT")),
            component(dir.path(), "c", Some("CC0-1.0")),
        ];
        let text = write(&crates, &dir.path().join("native")).unwrap();
        assert_eq!(text.matches("Be free.").count(), 1, "{text}");
        assert!(text.contains("a 1.0.0, b 1.0.0\n\nBe free."));
        assert!(text.contains("\nr\n\nApache") && text.contains("c 1.0.0: CC0-1.0"));
        assert!(text.contains("no text of their own beside the expression above: c 1.0.0"));
    }
}
