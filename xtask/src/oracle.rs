//! `test/oracle`: other people's programs as judges, in a workspace of their own with its own lock and output folder.
//!
//! One crate there holds our rules against Bitcoin Core's kernel. Its C++ half takes minutes to build, so only `test --all`,
//! `fuzz --diff` and `bench script` ask for it. What it needs on the machine is named in one sentence. Another one,
//! `typed`, reads what our daemon answers as other people's clients do; it needs our executables and no C++.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::functional;
use crate::project::Project;

/// The variable that names the daemon whose answers are read.
const DAEMON: &str = "BULKHEAD_DAEMON";

/// The header that says that Boost is there.
const BOOST: &str = "boost/version.hpp";

/// Where compilers look for headers by themselves.
const INCLUDES: [&str; 3] = ["/usr/include", "/usr/local/include", "/opt/homebrew/include"];

/// A cargo command of the crate with the kernel, once everything that its build needs is there.
pub(crate) fn cargo(project: &Project, words: &[&str]) -> Result<Command> {
    let missing = missing();
    if !missing.is_empty() {
        bail!(
            "Bitcoin Core's kernel cannot be built without {}; on Debian: apt-get install cmake g++ libboost-dev",
            missing.join(", ")
        );
    }
    there(project, words)
}

/// The command that reads the answers of our daemon, which is built first.
pub(crate) fn typed(project: &Project) -> Result<Command> {
    let bin = functional::executables(project, false)?;
    let daemon = bin.canonicalize().with_context(|| format!("no executables in {}", bin.display()))?.join("bitcoind");
    let mut cargo = there(project, &["test", "--package", "typed", "--", "--nocapture"])?;
    cargo.env(DAEMON, daemon);
    Ok(cargo)
}

fn there(project: &Project, words: &[&str]) -> Result<Command> {
    let sh = project.shell()?;
    let mut cargo = Command::from(project.cargo(&sh).args(words));
    // Its output folder is set by the configuration that lies there.
    cargo.current_dir(project.root().join("test/oracle")).env_remove("CARGO_TARGET_DIR");
    Ok(cargo)
}

fn missing() -> Vec<&'static str> {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let mut missing = Vec::new();
    if !starts("cmake") {
        missing.push("CMake");
    }
    if !starts(&compiler) {
        missing.push("a C++ compiler");
    }
    if !has_boost() {
        missing.push("the headers of Boost");
    }
    missing
}

fn starts(program: &str) -> bool {
    let mut words = program.split_whitespace();
    let Some(name) = words.next() else { return false };
    let quiet = Command::new(name).args(words).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn has_boost() -> bool {
    // Whoever sets one of these has a Boost that only CMake finds.
    let told = ["Boost_ROOT", "BOOST_ROOT", "Boost_DIR", "CMAKE_PREFIX_PATH"];
    told.iter().any(|name| env::var_os(name).is_some())
        || INCLUDES.iter().any(|dir| Path::new(dir).join(BOOST).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_there_or_not() {
        assert!(starts("cargo"));
        assert!(!starts("no-program-of-this-name --with-a-word"));
        assert!(!starts(""));
    }
}
