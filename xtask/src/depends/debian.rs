//! Upstream archives of Debian source packages, and binary packages, through apt with a root of its own.
//!
//! The machine may list no source packages, and its lists must not be touched. So apt is given a private state folder
//! and a copy of the machine's own sources with `deb-src` added; nothing is installed and no right is needed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use super::recipe::DebianPackage;
use super::source::run;

/// Downloads `file` of the source package `package` into `cache`.
pub(crate) fn fetch(package: &str, version: &str, file: &str, cache: &Path) -> Result<PathBuf> {
    let apt = Apt::new("deb-src", &[], cache)?;
    run(cmd!(apt.sh, "apt-get --quiet source --download-only {package}={version}"))?;
    apt.keep(file, cache)
}

/// Downloads binary packages into `cache`, those of other processors too.
pub(crate) fn fetch_packages(packages: &[DebianPackage], cache: &Path) -> Result<Vec<PathBuf>> {
    let mut processors: Vec<&str> =
        packages.iter().filter_map(|deb| deb.package.split_once(':')).map(|(_, of)| of).collect();
    processors.sort_unstable();
    processors.dedup();
    let apt = Apt::new("deb", &processors, cache)?;
    for DebianPackage { package, version, .. } in packages {
        run(cmd!(apt.sh, "apt-get --quiet download {package}={version}"))?;
    }
    packages.iter().map(|deb| apt.keep(&deb.file, cache)).collect()
}

/// An apt with state of its own; it is gone when this is dropped.
struct Apt {
    sh: Shell,
    dir: tempfile::TempDir,
}

impl Apt {
    /// Reads the lists of the machine's sources: `deb` or `deb-src`, for `processors` or else the machine's own.
    fn new(kind: &str, processors: &[&str], cache: &Path) -> Result<Apt> {
        fs::create_dir_all(cache)?;
        let dir = tempfile::tempdir_in(cache)?;
        for folder in ["lists/partial", "archives/partial", "parts", "download"] {
            fs::create_dir_all(dir.path().join(folder))?;
        }
        let listed = machine_sources(kind)?;
        ensure!(!listed.is_empty(), "this machine has no apt sources");
        fs::write(dir.path().join("parts/source.list"), listed.join("\n") + "\n")?;
        fs::write(dir.path().join("status"), "")?;
        let at = |folder: &str| dir.path().join(folder).display().to_string();
        let mut settings = format!(
            "Dir::State::Lists \"{}\";\nDir::State::status \"{}\";\nDir::Cache \"{}\";\n\
             Dir::Etc::SourceList \"/dev/null\";\nDir::Etc::SourceParts \"{}\";\nAPT::Sandbox::User \"\";\n\
             Acquire::Languages \"none\";\n",
            at("lists"),
            at("status"),
            at(""),
            at("parts")
        );
        if !processors.is_empty() {
            let _ = writeln!(settings, "APT::Architectures {{ \"{}\"; }};", processors.join("\"; \""));
        }
        let config = dir.path().join("apt.conf");
        fs::write(&config, settings)?;
        let sh = Shell::new()?;
        sh.change_dir(dir.path().join("download"));
        sh.set_var("APT_CONFIG", &config);
        run(cmd!(sh, "apt-get --quiet update"))?;
        Ok(Apt { sh, dir })
    }

    /// Moves a downloaded file to where it stays.
    fn keep(&self, file: &str, cache: &Path) -> Result<PathBuf> {
        let to = cache.join(file);
        let from = self.dir.path().join("download").join(file);
        fs::rename(from, &to).with_context(|| format!("apt did not bring {file}"))?;
        Ok(to)
    }
}

/// The machine's apt sources as one-line entries of `kind`.
fn machine_sources(kind: &str) -> Result<Vec<String>> {
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
            Some("sources") => entries.extend(from_stanzas(kind, &text)),
            Some("list") => entries.extend(from_lines(kind, &text)),
            _ => {}
        }
    }
    entries.dedup();
    Ok(entries)
}

/// `deb [options] URI suite component…` lines, as lines of `kind`.
fn from_lines(kind: &str, text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim().strip_prefix("deb ")).map(|rest| format!("{kind} {rest}")).collect()
}

/// Stanzas of `Types: URIs: Suites: Components: Signed-By:`, as lines of `kind`.
fn from_stanzas(kind: &str, text: &str) -> Vec<String> {
    let mut entries = Vec::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            let line = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        if field("Enabled").eq_ignore_ascii_case("no") {
            continue;
        }
        let mut options = Vec::new();
        for (name, option) in [("Signed-By", "signed-by"), ("Architectures", "arch")] {
            let value = field(name).split_whitespace().collect::<Vec<_>>().join(",");
            if !value.is_empty() {
                options.push(format!("{option}={value}"));
            }
        }
        let options = if options.is_empty() { String::new() } else { format!("[{}] ", options.join(" ")) };
        for uri in field("URIs").split_whitespace() {
            for suite in field("Suites").split_whitespace() {
                entries.push(format!("{kind} {options}{uri} {suite} {}", field("Components")));
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
        assert_eq!(from_lines("deb-src", lines), ["deb-src https://mirror.example/debian stable main contrib"]);
        let stanzas = "Types: deb\nURIs: https://mirror.example/debian\nSuites: stable stable-updates\n\
                       Components: main\nSigned-By: /usr/share/keyrings/k.gpg\n\nTypes: deb\nEnabled: no\nURIs: https://off\nSuites: s\n";
        assert_eq!(
            from_stanzas("deb-src", stanzas),
            [
                "deb-src [signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian stable main",
                "deb-src [signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian stable-updates main",
            ]
        );
    }
}
