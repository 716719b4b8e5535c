//! `cargo xtask build`: compiles the executables of the shape that `depends` was told.
//!
//! One physical file is built per role, under a neutral name; `install` gives it the coins' names.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::depends;
use crate::depends::prefix::{self, Shape};
use crate::flags;
use crate::project::{Host, Project};

/// One executable: its package, its file, and how it is called for a coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    /// Folder under `src/bin/`; the package is `bin-FOLDER`.
    pub(crate) folder: &'static str,
    /// What the file is called after the coin's name: `bitcoin` + `-node`, `bitcoin` + `d`.
    pub(crate) suffix: &'static str,
    /// Part of the multiprocess shape only.
    multiprocess: bool,
    /// Left out by `--no-gui`.
    gui: bool,
    /// Left out by `--no-wallet`.
    wallet: bool,
}

const fn role(folder: &'static str, suffix: &'static str) -> Role {
    Role { folder, suffix, multiprocess: false, gui: false, wallet: false }
}

/// Every executable that Bulkhead ships.
pub(crate) const ROLES: [Role; 7] = [
    role("d", "d"),
    role("cli", "-cli"),
    role("coin", ""),
    Role { multiprocess: true, ..role("node", "-node") },
    Role { wallet: true, ..role("wallet", "-wallet") },
    Role { multiprocess: true, gui: true, ..role("gui", "-gui") },
    Role { gui: true, ..role("qt", "-qt") },
];

impl Role {
    /// The file that cargo makes.
    pub(crate) fn neutral(self, host: Host) -> String {
        self.named("bulkhead", host)
    }

    /// The file's name for `coin`.
    pub(crate) fn named(self, coin: &str, host: Host) -> String {
        let ending = if host.family == "windows" { ".exe" } else { "" };
        format!("{coin}{}{ending}", self.suffix)
    }

    /// Whether it belongs to a shape.
    pub(crate) fn is_in(self, shape: Shape) -> bool {
        (shape.multiprocess || !self.multiprocess) && (shape.gui || !self.gui) && (shape.wallet || !self.wallet)
    }

    /// Whether it draws windows.
    pub(crate) fn has_windows(self) -> bool {
        self.gui
    }

    /// Whether its package is in this checkout, and `host` can run it. Nobody has tried windows where a process cannot have
    /// others beside it.
    pub(crate) fn is_made(self, project: &Project, host: Host) -> bool {
        (host.is_multiprocess() || !(self.multiprocess || self.gui))
            && project.root().join("src/bin").join(self.folder).join("Cargo.toml").is_file()
    }
}

/// What was built.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    /// For this machine.
    pub(crate) host: Host,
    /// These executables.
    pub(crate) roles: Vec<Role>,
    /// Lying here under their neutral names.
    pub(crate) dir: PathBuf,
}

impl flags::Build {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let built = build(project, Host::named(self.host.as_deref())?, self.release)?;
        for role in &built.roles {
            println!("{}", built.dir.join(role.neutral(built.host)).display());
        }
        Ok(())
    }
}

/// Makes sure of the native packages and compiles.
pub(crate) fn build(project: &Project, host: Host, release: bool) -> Result<Built> {
    build_some(project, host, release, |_| true)
}

/// The same for some of the executables.
pub(crate) fn build_some(project: &Project, host: Host, release: bool, wanted: fn(&Role) -> bool) -> Result<Built> {
    let shape = depends::ensure(project, host)?;
    let mut built = plan(project, host, release, shape);
    built.roles.retain(wanted);
    if built.roles.is_empty() {
        bail!("this checkout has no executables: src/bin is empty");
    }
    let sh = project.shell()?;
    let mut cargo = project.cargo(&sh).arg("build");
    if !host.is_native() {
        cargo = cargo.arg("--config").arg(prefix::config(project, host));
    }
    if release {
        cargo = cargo.arg("--release");
    }
    cargo.args(packages(&built.roles, host)).run().context("the executables do not compile")?;
    Ok(built)
}

/// Which packages cargo is to compile, and how.
pub(crate) fn packages(roles: &[Role], host: Host) -> Vec<String> {
    let mut options: Vec<String> = roles.iter().map(|role| format!("--package=bin-{}", role.folder)).collect();
    if !host.is_multiprocess() {
        // The only feature of an executable is the way to other processes.
        options.push("--no-default-features".to_owned());
    }
    options
}

/// What a build of `shape` makes, and where.
pub(crate) fn plan(project: &Project, host: Host, release: bool, shape: Shape) -> Built {
    let roles = ROLES.into_iter().filter(|role| role.is_in(shape) && role.is_made(project, host)).collect();
    let mut dir = project.target();
    if !host.is_native() {
        dir.push(host.target);
    }
    dir.push(if release { "release" } else { "debug" });
    Built { host, roles, dir }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(shape: Shape) -> Vec<String> {
        let host = Host::named(Some("x86_64-linux-gnu")).unwrap();
        ROLES.into_iter().filter(|role| role.is_in(shape)).map(|role| role.named("freicoin", host)).collect()
    }

    #[test]
    fn the_shape_decides_what_is_built() {
        let all = Shape { multiprocess: true, gui: true, wallet: true };
        let everything = [
            "freicoind",
            "freicoin-cli",
            "freicoin",
            "freicoin-node",
            "freicoin-wallet",
            "freicoin-gui",
            "freicoin-qt",
        ];
        assert_eq!(names(all), everything);
        let monolithic = Shape { multiprocess: false, ..all };
        assert_eq!(names(monolithic), ["freicoind", "freicoin-cli", "freicoin", "freicoin-wallet", "freicoin-qt"]);
        let bare = Shape { multiprocess: true, gui: false, wallet: false };
        assert_eq!(names(bare), ["freicoind", "freicoin-cli", "freicoin", "freicoin-node"]);
    }

    #[test]
    fn windows_has_no_separate_processes() {
        let host = Host::named(Some("x86_64-w64-mingw32")).unwrap();
        let project = Project::locate().unwrap();
        let shape = Shape { multiprocess: true, gui: true, wallet: true };
        let roles = plan(&project, host, true, shape).roles;
        let names: Vec<String> = roles.iter().map(|role| role.named("bitcoin", host)).collect();
        assert_eq!(names, ["bitcoind.exe", "bitcoin-cli.exe", "bitcoin.exe", "bitcoin-wallet.exe"]);
        assert_eq!(packages(&roles[1..2], host), ["--package=bin-cli", "--no-default-features"]);
        assert_eq!(packages(&roles[1..2], Host::native().unwrap()), ["--package=bin-cli"]);
    }

    #[test]
    fn windows_files_have_their_ending() {
        let host = Host::named(Some("x86_64-w64-mingw32")).unwrap();
        assert_eq!(ROLES[0].neutral(host), "bulkheadd.exe");
    }
}
