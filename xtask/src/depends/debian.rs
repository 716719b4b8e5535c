//! Upstream archives of Debian source packages, through apt with a root of its own.
//!
//! The machine may list no source packages, and its lists must not be touched. So apt is given a private state folder
//! and a copy of the machine's own sources with `deb-src` added; nothing is installed and no right is needed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use super::source::run;

/// Downloads `file` of the source package `package` into `cache`.
pub(crate) fn fetch(package: &str, version: &str, file: &str, cache: &Path) -> Result<PathBuf> {
    fs::create_dir_all(cache)?;
    let dir = tempfile::tempdir_in(cache)?;
    for folder in ["lists/partial", "archives/partial", "parts", "download"] {
        fs::create_dir_all(dir.path().join(folder))?;
    }
    let listed = machine_sources()?;
    ensure!(!listed.is_empty(), "this machine has no apt sources");
    fs::write(dir.path().join("parts/source.list"), listed.join("\n") + "\n")?;
    let at = |folder: &str| dir.path().join(folder).display().to_string();
    let settings = format!(
        "Dir::State::Lists \"{}\";\nDir::Cache \"{}\";\nDir::Etc::SourceList \"/dev/null\";\n\
         Dir::Etc::SourceParts \"{}\";\nAPT::Sandbox::User \"\";\nAcquire::Languages \"none\";\n",
        at("lists"),
        at(""),
        at("parts")
    );
    let config = dir.path().join("apt.conf");
    fs::write(&config, settings)?;
    let sh = Shell::new()?;
    sh.change_dir(dir.path().join("download"));
    sh.set_var("APT_CONFIG", &config);
    run(cmd!(sh, "apt-get --quiet update"))?;
    run(cmd!(sh, "apt-get --quiet source --download-only {package}={version}"))?;
    let to = cache.join(file);
    fs::rename(dir.path().join("download").join(file), &to).with_context(|| format!("apt did not bring {file}"))?;
    Ok(to)
}

/// The machine's apt sources as one-line `deb-src` entries.
fn machine_sources() -> Result<Vec<String>> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        for part in parts {
            files.push(part?.path());
        }
    }
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        // apt reads no other endings, and people switch a file off by adding one.
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("sources") => entries.extend(from_stanzas(&text)),
            Some("list") => entries.extend(from_lines(&text)),
            _ => {}
        }
    }
    entries.dedup();
    Ok(entries)
}

/// `deb [options] URI suite component…` lines, as `deb-src`.
fn from_lines(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim().strip_prefix("deb ")).map(|rest| format!("deb-src {rest}")).collect()
}

/// Stanzas of `Types: URIs: Suites: Components: Signed-By:`, as `deb-src` lines.
fn from_stanzas(text: &str) -> Vec<String> {
    let mut entries = Vec::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            let line = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        if field("Enabled").eq_ignore_ascii_case("no") {
            continue;
        }
        let key = field("Signed-By");
        let options = if key.is_empty() { String::new() } else { format!("[signed-by={key}] ") };
        for uri in field("URIs").split_whitespace() {
            for suite in field("Suites").split_whitespace() {
                entries.push(format!("deb-src {options}{uri} {suite} {}", field("Components")));
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_apt_sources_become_source_entries() {
        let lines = "# note\ndeb https://mirror.example/debian stable main contrib\ndeb-src https://x y z\n";
        assert_eq!(from_lines(lines), ["deb-src https://mirror.example/debian stable main contrib"]);
        let stanzas = "Types: deb\nURIs: https://mirror.example/debian\nSuites: stable stable-updates\n\
                       Components: main\nSigned-By: /usr/share/keyrings/k.gpg\n\nTypes: deb\nEnabled: no\nURIs: https://off\nSuites: s\n";
        assert_eq!(
            from_stanzas(stanzas),
            [
                "deb-src [signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian stable main",
                "deb-src [signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian stable-updates main",
            ]
        );
    }
}
