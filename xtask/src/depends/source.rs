//! Sources: found in a folder, in the cache or through a package manager's own client, and checked against the recipe.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use super::recipe::{Recipe, Source, Wheel};
use super::{hash, pack};
use crate::project::{Host, Project};

/// Places to look in, before and after a download.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `--sources`: looked in first, never written to.
    pub(crate) given: Option<PathBuf>,
    /// The cache's own folder of sources.
    pub(crate) cache: PathBuf,
}

/// The pinned hash of a recipe's source on this building machine.
pub(crate) fn pinned(recipe: &Recipe) -> Result<&str> {
    match &recipe.source {
        Source::Crate { sha256, .. } | Source::Debian { sha256, .. } => Ok(sha256),
        Source::Wheel { files, .. } => Ok(&wheel(recipe, files)?.sha256),
    }
}

/// The verified source file of `recipe`.
pub(crate) fn obtain(project: &Project, recipe: &Recipe, places: &Places) -> Result<PathBuf> {
    let sha256 = pinned(recipe)?;
    let name = file_name(recipe)?;
    for path in places.given.iter().chain([&places.cache]).map(|dir| dir.join(&name)) {
        if path.is_file() {
            hash::check(&path, sha256)?;
            return Ok(path);
        }
    }
    let found = match &recipe.source {
        Source::Crate { package, version, .. } => fetch_crate(project, package, version),
        Source::Wheel { package, version, files } => {
            fetch_wheel(package, version, wheel(recipe, files)?, &places.cache)
        }
        Source::Debian { package, version, file, .. } => super::debian::fetch(package, version, file, &places.cache),
    };
    let found = found.with_context(|| {
        let system = recipe.tool.map(|tool| format!("\n  or use the system's own: {}", tool.install()));
        format!(
            "the source of {} {} cannot be had here\n  put {name} (sha256 {sha256}) into a folder and name it with \
             --sources{}\n  the reason",
            recipe.name,
            recipe.version,
            system.unwrap_or_default()
        )
    })?;
    hash::check(&found, sha256)?;
    Ok(found)
}

/// Unpacks a verified source into `to` and returns its top folder.
pub(crate) fn unpack(recipe: &Recipe, file: &Path, to: &Path) -> Result<PathBuf> {
    match &recipe.source {
        Source::Crate { package, version, .. } => {
            pack::unpack_source(file, to)?;
            Ok(to.join(format!("{package}-{version}")))
        }
        Source::Debian { .. } => {
            pack::unpack_source(file, to)?;
            let mut folders = fs::read_dir(to)?.collect::<Result<Vec<_>, _>>()?;
            match folders.pop() {
                Some(folder) if folders.is_empty() => Ok(folder.path()),
                _ => bail!("{} does not hold exactly one folder", file.display()),
            }
        }
        Source::Wheel { .. } => {
            fs::create_dir_all(to)?;
            let (sh, python) = (Shell::new()?, python()?);
            run(cmd!(sh, "{python} -m zipfile -e {file} {to}"))?;
            Ok(to.to_owned())
        }
    }
}

/// Runs a client quietly; its output is the error's text.
pub(crate) fn run(command: Cmd<'_>) -> Result<()> {
    let line = command.to_string();
    let name = line.split(' ').next().unwrap_or_default();
    let output = command.quiet().ignore_status().output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<&str> = text.lines().rev().take(12).collect();
        bail!("{name} failed ({}): {}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join("\n  "));
    }
    Ok(())
}

/// The name of the source file on this building machine.
fn file_name(recipe: &Recipe) -> Result<String> {
    match &recipe.source {
        Source::Crate { package, version, .. } => Ok(format!("{package}-{version}.crate")),
        Source::Debian { file, .. } => Ok(file.clone()),
        Source::Wheel { files, .. } => Ok(wheel(recipe, files)?.file.clone()),
    }
}

fn wheel<'a>(recipe: &Recipe, files: &'a std::collections::BTreeMap<String, Wheel>) -> Result<&'a Wheel> {
    let machine = Host::native()?.triplet;
    files.get(machine).with_context(|| format!("recipe {} has no file for building on {machine}", recipe.name))
}

/// Lets cargo fetch a crate and returns the `.crate` file that it keeps.
fn fetch_crate(project: &Project, package: &str, version: &str) -> Result<PathBuf> {
    if let Some(path) = kept_crate(package, version)? {
        return Ok(path);
    }
    let dir = tempfile::tempdir()?;
    fs::create_dir(dir.path().join("src"))?;
    fs::write(dir.path().join("src/lib.rs"), "")?;
    fs::write(
        dir.path().join("Cargo.toml"),
        format!(
            "[package]\nname = \"source\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{package} = \"={version}\"\n"
        ),
    )?;
    let sh = project.shell()?;
    run(project.cargo(&sh).args(["fetch", "--quiet", "--manifest-path"]).arg(dir.path().join("Cargo.toml")))?;
    kept_crate(package, version)?.with_context(|| format!("cargo fetched {package} {version} but does not keep it"))
}

/// The `.crate` file in cargo's own cache.
fn kept_crate(package: &str, version: &str) -> Result<Option<PathBuf>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let registries = home.context("neither CARGO_HOME nor HOME is set")?.join("registry/cache");
    let Ok(registries) = fs::read_dir(registries) else { return Ok(None) };
    for registry in registries {
        let path = registry?.path().join(format!("{package}-{version}.crate"));
        if path.is_file() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Lets pip fetch a wheel, with its hash required, into the cache.
fn fetch_wheel(package: &str, version: &str, wheel: &Wheel, cache: &Path) -> Result<PathBuf> {
    let python = python()?;
    let has_pip = super::toolchain::read(python, &["-m", "pip", "--version"]).is_some();
    ensure!(has_pip, "{python} has no pip; install it with: apt-get install python3-pip");
    fs::create_dir_all(cache)?;
    let dir = tempfile::tempdir_in(cache)?;
    let pins = dir.path().join("pins.txt");
    fs::write(&pins, format!("{package}=={version} --hash=sha256:{}\n", wheel.sha256))?;
    let (sh, platform, to) = (Shell::new()?, &wheel.platform, dir.path());
    let pip = cmd!(sh, "{python} -m pip --disable-pip-version-check download --quiet --no-deps --require-hashes");
    let pip = pip.args(["--only-binary", ":all:", "--platform", platform, "--requirement"]).arg(&pins);
    run(pip.arg("--dest").arg(to))?;
    let to = cache.join(&wheel.file);
    fs::rename(dir.path().join(&wheel.file), &to).with_context(|| format!("pip did not bring {}", wheel.file))?;
    Ok(to)
}

/// The Python that carries pip.
fn python() -> Result<&'static str> {
    let works = |name: &&str| super::toolchain::read(name, &["--version"]).is_some();
    ["python3", "python"].into_iter().find(works).context("no Python; install it with: apt-get install python3-pip")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(sha256: &str) -> Recipe {
        let text = format!(
            "name = \"p\"\nversion = \"1\"\nlicence = \"MIT\"\n[source]\nkind = \"crate\"\npackage = \"p\"\n\
             version = \"1.0.0\"\nsha256 = \"{sha256}\"\n[build]\nsystem = \"copy\"\nfiles = []\n"
        );
        Recipe::parse("p", &text).unwrap()
    }

    fn project() -> Project {
        Project::locate().unwrap()
    }

    #[test]
    fn a_given_folder_is_looked_in_first() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p-1.0.0.crate");
        fs::write(&file, "source").unwrap();
        let places = Places { given: Some(dir.path().to_owned()), cache: dir.path().join("cache") };
        let recipe = recipe(&hash::of_text("source"));
        assert_eq!(obtain(&project(), &recipe, &places).unwrap(), file);
    }

    #[test]
    fn a_flipped_byte_in_a_source_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("p-1.0.0.crate"), "sourcf").unwrap();
        let places = Places { given: None, cache: dir.path().to_owned() };
        let error = obtain(&project(), &recipe(&hash::of_text("source")), &places).unwrap_err().to_string();
        assert!(error.contains("p-1.0.0.crate") && error.contains("refused"), "{error}");
    }
}
