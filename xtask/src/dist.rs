//! `cargo xtask dist`: the archives that a maintainer ships, the same bit for bit wherever they are made.
//!
//! What happens, in order:
//!
//! 1. the commit is exported to a place of its own ([`commit`], [`place`]), with its native packages and with crates
//!    that are checked against `Cargo.lock`; what is not committed does not get in;
//! 2. cargo builds every executable of both shapes there, with flags that hide the place;
//! 3. what the linker made is read ([`elf`], [`pe`]) and judged ([`check`]): hardening, libraries, and the rooms;
//! 4. debug symbols go into files of their own ([`symbols`]);
//! 5. executables under every coin's names, licence texts ([`licences`]) and a bill of materials ([`sbom`]) are packed
//!    ([`archive`]), and `SHA256SUMS` is written;
//! 6. with `--verify` everything is done again elsewhere and compared, and with `--attest` an account of what was built
//!    from what is written ([`attest`]).

mod archive;
mod attest;
mod check;
mod commit;
mod elf;
mod inventory;
mod licences;
mod pe;
mod place;
mod sbom;
mod symbols;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::{ROLES, Role, packages};
use crate::depends::shared;
use crate::depends::toolchain::Toolchain;
use crate::depends::{self, Provided, Wish, hash, pack};
use crate::install::coins;
use crate::project::{Host, Project, cache_dir};
use crate::{flags, report};
use archive::Content;
use attest::Attestation;
use commit::Commit;
use place::Place;

/// Executables that have C or C++ code in them.
const WITH_NATIVE_CODE: [&str; 4] = ["d", "node", "wallet", "qt"];

/// How the files of a release end.
const ENDINGS: [&str; 3] = [".tar.gz", "-debug.tar.gz", ".cdx.json"];

/// What is released.
#[derive(Debug)]
struct Release {
    commit: Commit,
    host: Host,
    /// `bulkhead`, or the one coin.
    name: String,
    version: String,
    coins: Vec<String>,
}

/// Where a release is built and from what.
struct Site {
    dir: PathBuf,
    out: PathBuf,
    wish: Wish,
    /// Use what an earlier build of the same commit left there.
    go_on: bool,
}

impl flags::Dist {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let places = shared::Places::new(&self.cache)?;
        if places.store.is_some() && !shared::COMPILED_IN {
            return shared::start_again(project);
        }
        let commit = Commit::head(project.root())?;
        let host = Host::named(self.host.as_deref())?;
        let coin = self.coin.as_deref().unwrap_or("all");
        let release = Release {
            version: commit.release(&version(project)?),
            name: if coin == "all" { "bulkhead".to_owned() } else { coin.to_owned() },
            coins: coins(project, coin)?,
            commit,
            host,
        };
        let edited = Commit::differing(project.root())?;
        if edited > 0 {
            println!("note: {edited} files differ from the commit {} and are not in the release", release.commit.id);
        }
        let mut wish = Wish { system_tools: false, ..Wish::usual(host)? };
        wish.cache = cache_dir(places.folder.as_deref())?;
        wish.store = depends::open_store(&places, self.cache_key.as_deref())?;
        wish.jobs = self.jobs.unwrap_or(wish.jobs).max(1);
        wish.sources.clone_from(&self.sources);
        let work = project.target().join("dist").join(host.triplet);
        let _lock = depends::lock(&work.with_extension("lock"))?;
        let out = self.out.clone().unwrap_or_else(|| project.root().join("dist"));
        let out = out.join(format!("{}-{}", release.name, release.version));
        let first = Site { dir: work.join("first"), out: out.clone(), wish: wish.clone(), go_on: self.keep };
        let attestation = release.make(project, &first)?;
        if self.attest {
            fs::write(out.join(format!("{}.attestation.toml", release.base())), &attestation)?;
        }
        if self.verify {
            // Another depth of folders, an empty cache; sources are taken from where they are, for they have hashes.
            let dir = work.join("again/in/another/folder");
            let sources = wish.sources.clone().or_else(|| Some(wish.cache.join("sources")));
            let cache = work.join("again/cache");
            depends::empty(&cache)?;
            depends::empty(&work.join("again/out"))?;
            let again = Site {
                dir,
                out: work.join("again/out"),
                wish: Wish { sources, cache, store: None, ..wish },
                go_on: false,
            };
            let other = release.make(project, &again)?;
            compare(&release.files(&out)?, &release.files(&again.out)?)?;
            ensure!(attestation == other, "the files are identical, but the builds were not:\n{attestation}\n{other}");
            println!("identical: {} files of {}", release.files(&out)?.len(), release.base());
        }
        if !self.keep {
            fs::remove_dir_all(&work)?;
        }
        print!("{}", summary(&out)?);
        println!("in {}", out.display());
        Ok(())
    }
}

impl Release {
    fn base(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.host.triplet)
    }

    /// The files of this release and host in `out`.
    fn files(&self, out: &Path) -> Result<BTreeMap<String, PathBuf>> {
        let source = format!("{}-{}-src", self.name, self.version);
        let mut found = BTreeMap::new();
        for path in pack::files(out)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Not what begins alike: one host's name may go on where another's ends.
            let ending = name.strip_prefix(&self.base()).or_else(|| name.strip_prefix(&source));
            if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
                found.insert(name, path);
            }
        }
        Ok(found)
    }

    /// Builds, checks and packs everything; returns the attestation.
    fn make(&self, project: &Project, site: &Site) -> Result<String> {
        let mut place = Place::prepare(project, &self.commit, self.host, &site.dir, site.go_on)?;
        fs::create_dir_all(&site.out)?;
        let source = format!("{}-{}", self.name, self.version);
        let mut sources = Content::default();
        sources.tree("", place.project.root())?;
        sources.pack(&source, self.commit.time, &site.out.join(format!("{source}-src.tar.gz")))?;
        let native = depends::provide(&place.project, &site.wish)?;
        place.take_compiler()?;
        let count = place.bring_crates()?;
        println!("{count} crates are what Cargo.lock says");
        let roles: Vec<Role> = ROLES.into_iter().filter(|role| role.is_made(&place.project, self.host)).collect();
        compile(&place, &roles, self.host, site.wish.jobs)?;
        let toolchain = place.toolchain()?;
        let packages: Vec<String> = roles.iter().map(|role| format!("bin-{}", role.folder)).collect();
        let crates = inventory::linked(place.cargo()?, self.host.target, &packages)?;
        let lock = fs::read_to_string(place.project.root().join("Cargo.lock"))?;
        let libraries: Vec<Provided> = native.iter().filter(|package| !package.tool).cloned().collect();
        let bill = sbom::write(
            &self.name,
            &self.version,
            self.host.triplet,
            &self.commit,
            &crates,
            &libraries,
            &place::locked_crates(&lock)?,
        )?;
        let texts = depends::prefix::dir(&place.project, self.host).join("share/licenses");
        let mut content = Content::default();
        let mut debug = Content::default();
        for role in &roles {
            let name = role.neutral(self.host);
            let split = self.split(role, &toolchain, &place.outputs().join(&name), &site.dir)?;
            let names: Vec<String> =
                self.coins.iter().map(|coin| format!("bin/{}", role.named(coin, self.host))).collect();
            content.executable(&names, &split.stripped);
            let symbols = split.debug.file_name().unwrap_or_default().to_string_lossy().into_owned();
            debug.file(&format!("bin/{symbols}"), &split.debug, false);
        }
        let root = place.project.root();
        for name in ["LICENSE", "README.md"] {
            content.file(name, &root.join(name), false);
        }
        content.tree("doc", &root.join("doc"))?;
        content.text("share/licenses/THIRD-PARTY.txt", licences::write(&crates, &texts)?);
        content.text("share/sbom.cdx.json", bill.clone());
        let base = self.base();
        content.pack(&source, self.commit.time, &site.out.join(format!("{base}.tar.gz")))?;
        debug.pack(&source, self.commit.time, &site.out.join(format!("{base}-debug.tar.gz")))?;
        fs::write(site.out.join(format!("{base}.cdx.json")), bill)?;
        write_sums(&site.out)?;
        let mut outputs = BTreeMap::new();
        for (name, path) in self.files(&site.out)? {
            outputs.insert(name, hash::of_file(&path)?);
        }
        let attestation = Attestation {
            release: &base,
            commit: &self.commit,
            host: self.host.triplet,
            lock: &hash::of_text(&lock),
            rustc: &place.compiler()?,
            cxx: &toolchain.identity,
            linker: &toolchain.linker(),
            native: &native,
            outputs: &outputs,
        };
        Ok(attestation.text())
    }

    /// Judges an executable, takes its symbols away, and judges what is left.
    fn split(&self, role: &Role, toolchain: &Toolchain, file: &Path, dir: &Path) -> Result<symbols::Split> {
        let name = role.neutral(self.host);
        let read = |path: &Path| {
            check::Facts::read(self.host, &fs::read(path)?).with_context(|| format!("reading {}", path.display()))
        };
        let facts = read(file)?;
        let mut faults = check::linked(role.folder, self.host, &facts);
        faults.extend(check::protector(WITH_NATIVE_CODE.contains(&role.folder), &facts));
        let split = symbols::split(toolchain, file, &dir.join("split"))?;
        faults.extend(check::shipped(self.host, &read(&split.stripped)?));
        faults
            .extend(check::places(&fs::read(&split.stripped)?, &[dir.to_owned(), depends::source::user_cargo_home()?]));
        ensure!(faults.is_empty(), "{name} is not fit to be shipped:\n  {}", faults.join("\n  "));
        Ok(split)
    }
}

/// Lets cargo make the executables.
fn compile(place: &Place, roles: &[Role], host: Host, jobs: usize) -> Result<()> {
    let started = Instant::now();
    let mut cargo = place.cargo()?;
    cargo.arg("build").args(place.cargo_options()).args(["--jobs", &jobs.to_string()]);
    cargo.args(packages(roles, host));
    ensure!(cargo.status().context("starting cargo")?.success(), "the executables do not compile");
    println!("compiled {} executables in {} s", roles.len(), report::seconds(started.elapsed()));
    Ok(())
}

/// The version of the workspace.
fn version(project: &Project) -> Result<String> {
    let text = fs::read_to_string(project.root().join("Cargo.toml"))?;
    let manifest: toml::Table = toml::from_str(&text).context("the root manifest")?;
    let version =
        manifest.get("workspace").and_then(|table| table.get("package")).and_then(|table| table.get("version"));
    Ok(version.and_then(toml::Value::as_str).context("the root manifest has no version")?.to_owned())
}

/// Writes `SHA256SUMS` over everything in `out` that is shipped.
fn write_sums(out: &Path) -> Result<()> {
    let mut text = String::new();
    for path in pack::files(out)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".tar.gz") || name.ends_with(".cdx.json") {
            let _ = writeln!(text, "{}  {name}", hash::of_file(&path)?);
        }
    }
    fs::write(out.join("SHA256SUMS"), text)?;
    Ok(())
}

/// Refuses two sets of files that are not the same, and says where they differ.
fn compare(one: &BTreeMap<String, PathBuf>, other: &BTreeMap<String, PathBuf>) -> Result<()> {
    let mut faults = Vec::new();
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for name in names {
        match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) if hash::of_file(one)? == hash::of_file(other)? => {}
            (Some(one), Some(other)) if name.ends_with(".tar.gz") => {
                let members = archive::differences(one, other)?;
                faults.push(format!("{name} differs in: {}", members.join(", ")));
            }
            (Some(_), Some(_)) => faults.push(format!("{name} differs")),
            _ => faults.push(format!("{name} was made only once")),
        }
    }
    if !faults.is_empty() {
        bail!("two builds of one commit are not identical:\n  {}", faults.join("\n  "));
    }
    Ok(())
}

/// A table of the files in `out`.
fn summary(out: &Path) -> Result<String> {
    let mut rows = Vec::new();
    for line in fs::read_to_string(out.join("SHA256SUMS"))?.lines() {
        let Some((hash, name)) = line.split_once("  ") else { continue };
        rows.push(vec![hash[..16].to_owned(), fs::metadata(out.join(name))?.len().to_string(), name.to_owned()]);
    }
    Ok(report::table(&["sha256", "bytes", "file"], &rows))
}

#[cfg(test)]
mod tests;
