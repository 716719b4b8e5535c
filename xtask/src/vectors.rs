//! `cargo xtask vectors`: Bitcoin Core's test vectors, from a package that ships its source.
//!
//! `xtask/vectors/` pins the package by its checksum in a `Cargo.lock`; cargo fetches, checks and unpacks it. Nothing of
//! it is compiled. Tests find the folder through `BULKHEAD_VECTORS`, which `cargo xtask test` sets.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::flags;
use crate::project::Project;

/// The variable that tells tests where the vectors are.
pub(crate) const VARIABLE: &str = "BULKHEAD_VECTORS";

/// The package, and the folder of vectors in it.
const PACKAGE: &str = "libbitcoinkernel-sys";
const FOLDER: &str = "bitcoin/src/test/data";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

impl flags::Vectors {
    /// Runs the command.
    #[allow(clippy::unused_self, reason = "every command has this form")]
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        println!("{}", fetch(project)?.display());
        Ok(())
    }
}

/// Makes sure that the vectors are on this machine; returns their folder.
pub(crate) fn fetch(project: &Project) -> Result<PathBuf> {
    let manifest = project.root().join("xtask/vectors/Cargo.toml");
    let sh = project.shell()?;
    let cargo = project.cargo(&sh).args(["metadata", "--quiet", "--locked", "--format-version=1", "--manifest-path"]);
    let metadata = cargo.arg(&manifest).read();
    folder(&metadata.context("cargo could not fetch the package of the test vectors; is there a network?")?)
}

/// The folder of vectors, from cargo's description of the packages.
fn folder(metadata: &str) -> Result<PathBuf> {
    let metadata: Metadata = serde_json::from_str(metadata).context("reading cargo's metadata")?;
    let package = metadata.packages.iter().find(|package| package.name == PACKAGE);
    let manifest = &package.with_context(|| format!("{PACKAGE} is not in xtask/vectors/Cargo.lock"))?.manifest_path;
    let dir = manifest.parent().unwrap_or(Path::new("")).join(FOLDER);
    ensure!(dir.is_dir(), "{PACKAGE} has no {FOLDER}");
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_lies_beside_the_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("Cargo.toml");
        let text = format!("{{\"packages\":[{{\"name\":\"{PACKAGE}\",\"manifest_path\":{manifest:?}}}]}}");
        assert!(folder(&text).unwrap_err().to_string().contains(FOLDER));
        std::fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
        assert_eq!(folder(&text).unwrap(), dir.path().join(FOLDER));
        assert!(folder("{\"packages\":[]}").unwrap_err().to_string().contains("Cargo.lock"));
    }
}
