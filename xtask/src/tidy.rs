//! `cargo xtask tidy`: the conventions of doc/style.md as checks.
//!
//! Each check is a function from text to findings, so that each is tested without a checkout: [`rooms`] reads what
//! cargo says about the crates, [`manifests`] their manifests, [`sources`] Rust files, [`texts`] every file. A finding
//! names the file and the line, what is wrong, and what to do.

mod lex;
mod manifests;
mod rooms;
mod sources;
mod texts;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::depends::pack;
use crate::flags;
use crate::project::Project;

/// Something to be put right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the checkout, with `/` between folders.
    file: String,
    /// From one; zero for the file as a whole.
    line: usize,
    /// What is wrong.
    what: String,
    /// What to do about it.
    remedy: &'static str,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>, remedy: &'static str) -> Finding {
        Finding { file: file.to_owned(), line, what: what.into(), remedy }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = if self.line == 0 { String::new() } else { format!(":{}", self.line) };
        write!(out, "{}{line}: {}\n    {}", self.file, self.what, self.remedy)
    }
}

impl flags::Tidy {
    /// Runs the command.
    #[allow(clippy::unused_self, reason = "every command has this form")]
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        check(project)?;
        println!("tidy");
        Ok(())
    }
}

/// Runs every check; findings are printed.
pub(crate) fn check(project: &Project) -> Result<()> {
    let findings = findings(project)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 finding"),
        count => bail!("{count} findings"),
    }
}

fn findings(project: &Project) -> Result<Vec<Finding>> {
    let mut findings = rooms::check(&rooms::load(project)?);
    let mut decisions = Vec::new();
    for file in tracked(project)? {
        let Ok(bytes) = fs::read(project.root().join(&file)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let ending = Path::new(&file).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending {
            "rs" => findings.extend(sources::check(&file, &text)),
            "md" if file.starts_with("doc/adr/") && !file.ends_with("README.md") => {
                decisions.push((file.clone(), text.clone()));
            }
            _ if file.ends_with("Cargo.toml") => findings.extend(manifests::check(&file, &text)),
            _ => {}
        }
        findings.extend(texts::check(&file, &text));
    }
    findings.extend(texts::check_decisions(&decisions));
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// Every file of the checkout that git keeps or would keep, relative to its root.
fn tracked(project: &Project) -> Result<Vec<String>> {
    let sh = project.shell()?;
    let git = cmd!(sh, "git ls-files -z --cached --others --exclude-standard").quiet().ignore_stderr();
    if let Ok(names) = git.read() {
        return Ok(names.split_terminator('\0').map(str::to_owned).collect());
    }
    // An unpacked archive has no git: everything but outputs.
    let root = project.root();
    let names = pack::files(root)?.into_iter().filter_map(|path| {
        let name = path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/");
        let output = ["target/", "dist/"].iter().any(|dir| name.starts_with(dir));
        let ours = ["depends/packages/", "depends/Makefile", "depends/README.md"];
        let built = name.starts_with("depends/") && !ours.iter().any(|start| name.starts_with(start));
        (!output && !built).then_some(name)
    });
    Ok(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_the_place_the_fault_and_the_remedy() {
        let finding = Finding::new("src/a.rs", 7, "it is wrong", "put it right");
        assert_eq!(finding.to_string(), "src/a.rs:7: it is wrong\n    put it right");
        assert!(Finding::new("src/a.rs", 0, "long", "split").to_string().starts_with("src/a.rs: long"));
    }

    #[test]
    fn a_checkout_without_git_is_read_too() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["src/a.rs", "target/x", "depends/packages/p.toml", "depends/t/lib/x.a"] {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), "").unwrap();
        }
        let project = Project::at(dir.path()).unwrap();
        assert_eq!(tracked(&project).unwrap(), ["depends/packages/p.toml", "src/a.rs"]);
    }
}
