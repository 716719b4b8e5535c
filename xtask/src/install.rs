//! `cargo xtask install`: gives the executables every coin's names.
//!
//! Each role is copied once and hard-linked under the other names, or copied where links cannot be made. The copy is
//! made beside its place and renamed, so that a running executable is never written to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::{Built, plan};
use crate::depends::prefix::Shape;
use crate::flags;
use crate::project::{Host, Project};

impl flags::Install {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let coins = coins(project, &self.coin)?;
        let everything = Shape { multiprocess: true, gui: true, wallet: true };
        let mut built = plan(project, Host::native()?, self.release, everything);
        let dir = built.dir.clone();
        built.roles.retain(|role| dir.join(role.neutral(built.host)).is_file());
        ensure!(
            !built.roles.is_empty(),
            "nothing to install in {}: run `cargo xtask build{}` first",
            dir.display(),
            if self.release { " --release" } else { "" }
        );
        let installed = install(&built, &coins, &self.prefix.join("bin"))?;
        println!("{} files in {}", installed.len(), self.prefix.join("bin").display());
        Ok(())
    }
}

/// The coins that `name` means: one, or all. A coin is a file of data in `base/coin`.
pub(crate) fn coins(project: &Project, name: &str) -> Result<Vec<String>> {
    let dir = project.root().join("src/base/coin/data");
    let mut known = BTreeSet::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("no coins in {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            known.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    match name {
        "all" => Ok(known.into_iter().collect()),
        _ if known.contains(name) => Ok(vec![name.to_owned()]),
        _ => bail!("unknown coin `{name}`; known: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// Installs what was built into `bin`; returns the files.
pub(crate) fn install(built: &Built, coins: &[String], bin: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(bin).with_context(|| format!("making {}", bin.display()))?;
    let mut installed = Vec::new();
    for role in &built.roles {
        let source = built.dir.join(role.neutral(built.host));
        let mut first: Option<PathBuf> = None;
        for coin in coins {
            let to = bin.join(role.named(coin, built.host));
            place(first.as_deref(), &source, &to).with_context(|| format!("installing {}", to.display()))?;
            first.get_or_insert_with(|| to.clone());
            installed.push(to);
        }
    }
    Ok(installed)
}

/// Puts a link to `first`, or else a copy of `source`, at `to`, replacing what is there in one step.
fn place(first: Option<&Path>, source: &Path, to: &Path) -> Result<()> {
    let mut name = to.file_name().context("a file has a name")?.to_owned();
    name.push(".installing");
    let fresh = to.with_file_name(name);
    if fresh.exists() {
        fs::remove_file(&fresh)?;
    }
    let linked = first.is_some_and(|first| fs::hard_link(first, &fresh).is_ok());
    if !linked {
        fs::copy(source, &fresh)?;
    }
    // Renaming one link over another of the same file does nothing, so the old name goes first.
    if to.exists() {
        fs::remove_file(to)?;
    }
    fs::rename(&fresh, to)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::ROLES;

    fn scene() -> (tempfile::TempDir, Built) {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::native().unwrap();
        for role in ROLES {
            fs::write(dir.path().join(role.neutral(host)), role.suffix).unwrap();
        }
        let built = Built { host, roles: ROLES.to_vec(), dir: dir.path().to_owned() };
        (dir, built)
    }

    #[cfg(unix)]
    #[test]
    fn every_coin_gets_every_name_and_a_role_is_one_file() {
        use std::os::unix::fs::MetadataExt as _;
        let (dir, built) = scene();
        let coins = ["bitcoin".to_owned(), "freicoin".to_owned()];
        let bin = dir.path().join("prefix/bin");
        for _ in 0..2 {
            assert_eq!(install(&built, &coins, &bin).unwrap().len(), 14);
        }
        let inode = |name: &str| fs::metadata(bin.join(name)).unwrap().ino();
        assert_eq!(inode("bitcoin-node"), inode("freicoin-node"));
        assert_ne!(inode("bitcoind"), inode("bitcoin-node"));
        assert_eq!(fs::read_to_string(bin.join("freicoind")).unwrap(), "d");
        assert_eq!(fs::read_dir(&bin).unwrap().count(), 14);
    }

    #[test]
    fn a_new_build_replaces_the_old_one_under_every_name() {
        let (dir, built) = scene();
        let coins = ["bitcoin".to_owned(), "freicoin".to_owned()];
        let bin = dir.path().join("bin");
        install(&built, &coins, &bin).unwrap();
        fs::write(dir.path().join("bulkheadd"), "newer").unwrap();
        install(&built, &coins, &bin).unwrap();
        for name in ["bitcoind", "freicoind"] {
            assert_eq!(fs::read_to_string(bin.join(name)).unwrap(), "newer");
        }
    }

    #[test]
    fn coins_are_the_files_of_data() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("src/base/coin/data");
        fs::create_dir_all(&data).unwrap();
        for name in ["freicoin.toml", "bitcoin.toml", "notes.md"] {
            fs::write(data.join(name), "").unwrap();
        }
        let project = Project::at(dir.path()).unwrap();
        assert_eq!(coins(&project, "all").unwrap(), ["bitcoin", "freicoin"]);
        assert_eq!(coins(&project, "freicoin").unwrap(), ["freicoin"]);
        assert!(coins(&project, "dogecoin").unwrap_err().to_string().contains("known: bitcoin, freicoin"));
    }
}
