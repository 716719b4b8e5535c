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
    /// `--fallback`: where files lie by name, asked when the package manager does not have them.
    pub(crate) fallback: Option<String>,
}

/// One file of a source: its name and its pinned hash.
struct Pinned {
    name: String,
    sha256: String,
}

/// The files of a recipe's source on this building machine.
fn files(recipe: &Recipe) -> Result<Vec<Pinned>> {
    let one = |name: String, sha256: &str| vec![Pinned { name, sha256: sha256.to_owned() }];
    Ok(match &recipe.source {
        Source::Crate { package, version, sha256 } => one(format!("{package}-{version}.crate"), sha256),
        Source::Debian { file, sha256, .. } => one(file.clone(), sha256),
        Source::Wheel { files, .. } => {
            let wheel = wheel(recipe, files)?;
            one(wheel.file.clone(), &wheel.sha256)
        }
        Source::DebianPackages { files } => files.iter().flat_map(|deb| one(deb.file.clone(), &deb.sha256)).collect(),
    })
}

/// The pinned hash of a recipe's source on this building machine; of the list of hashes if it has many files.
pub(crate) fn pinned(recipe: &Recipe) -> Result<String> {
    let files = files(recipe)?;
    match files.as_slice() {
        [file] => Ok(file.sha256.clone()),
        files => Ok(hash::of_text(&files.iter().map(|file| file.sha256.clone() + "\n").collect::<String>())),
    }
}

/// The verified source files of `recipe`.
pub(crate) fn obtain(project: &Project, recipe: &Recipe, places: &Places) -> Result<Vec<PathBuf>> {
    let pinned = files(recipe)?;
    let mut found = Vec::new();
    for file in &pinned {
        let mut there = places.given.iter().chain([&places.cache]).map(|dir| dir.join(&file.name));
        let Some(path) = there.find(|path| path.is_file()) else { break };
        hash::check(&path, &file.sha256)?;
        found.push(path);
    }
    if found.len() == pinned.len() {
        return Ok(found);
    }
    let found = download(project, recipe, places).or_else(|error| fall_back(&pinned, places, error));
    let found = found.with_context(|| {
        let system = recipe.tool.map(|tool| format!("\n  or use the system's own: {}", tool.install()));
        let put: Vec<String> = pinned.iter().map(|file| format!("{} (sha256 {})", file.name, file.sha256)).collect();
        format!(
            "the source of {} {} cannot be had here\n  put {} into a folder and name it with \
             --sources{}\n  the reason",
            recipe.name,
            recipe.version,
            put.join(", "),
            system.unwrap_or_default()
        )
    })?;
    for (path, file) in found.iter().zip(&pinned) {
        hash::check(path, &file.sha256)?;
    }
    Ok(found)
}

/// Asks the fallback for every file; without one, or if it has none, `error` stands.
fn fall_back(pinned: &[Pinned], places: &Places, error: anyhow::Error) -> Result<Vec<PathBuf>> {
    let Some(url) = &places.fallback else { return Err(error) };
    let fetch = |file: &Pinned| -> Result<PathBuf> {
        fs::create_dir_all(&places.cache)?;
        let temporary = tempfile::NamedTempFile::new_in(&places.cache)?;
        let from = format!("{}/{}", url.trim_end_matches('/'), file.name.replace('%', "%25"));
        // Python is here in any case, because pip is one of the clients.
        let copy = "import shutil, sys, urllib.request as u\n\
                    with u.urlopen(sys.argv[1]) as i, open(sys.argv[2], 'wb') as o: shutil.copyfileobj(i, o)";
        let (sh, path, python) = (Shell::new()?, temporary.path(), python()?);
        run(cmd!(sh, "{python} -c {copy} {from} {path}"))?;
        hash::check(path, &file.sha256).with_context(|| format!("what {from} gave"))?;
        let to = places.cache.join(&file.name);
        temporary.persist(&to)?;
        Ok(to)
    };
    pinned.iter().map(fetch).collect::<Result<_>>().with_context(|| format!("{error:#}; and the fallback"))
}

/// Lets the package manager that knows the source bring it.
fn download(project: &Project, recipe: &Recipe, places: &Places) -> Result<Vec<PathBuf>> {
    let one = match &recipe.source {
        Source::Crate { package, version, .. } => fetch_crate(project, package, version)?,
        Source::Wheel { package, version, files } => {
            fetch_wheel(package, version, wheel(recipe, files)?, &places.cache)?
        }
        Source::Debian { package, version, file, .. } => super::debian::fetch(package, version, file, &places.cache)?,
        Source::DebianPackages { files } => return super::debian::fetch_packages(files, &places.cache),
    };
    Ok(vec![one])
}

/// Unpacks a verified source into `to` and returns its top folder.
pub(crate) fn unpack(recipe: &Recipe, files: &[PathBuf], to: &Path) -> Result<PathBuf> {
    let file = files.first().context("a source has a file")?;
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
        Source::DebianPackages { .. } => {
            fs::create_dir_all(to)?;
            let sh = Shell::new()?;
            for file in files {
                run(cmd!(sh, "dpkg-deb --extract {file} {to}"))?;
            }
            Ok(to.to_owned())
        }
    }
}

/// Applies the recipe's patches to its unpacked source; one that does not fit exactly is refused by name.
pub(crate) fn patch(recipe: &Recipe, source: &Path) -> Result<()> {
    for (name, change) in recipe.patches.iter().zip(&recipe.changes) {
        let sh = Shell::new()?;
        sh.change_dir(source);
        // Below a checkout git would look for the files in that one.
        let above = source.parent().context("a source lies in a folder")?.canonicalize()?;
        let git = cmd!(sh, "git apply --whitespace=nowarn -").env("GIT_CEILING_DIRECTORIES", above);
        run(git.stdin(change)).with_context(|| format!("the patch {name} of {}", recipe.name))?;
    }
    Ok(())
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

/// Cargo's own folder.
pub(crate) fn user_cargo_home() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    home.context("neither CARGO_HOME nor HOME is set")
}

/// The `.crate` file in cargo's own cache.
fn kept_crate(package: &str, version: &str) -> Result<Option<PathBuf>> {
    let registries = user_cargo_home()?.join("registry/cache");
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
        let places = Places { given: Some(dir.path().to_owned()), cache: dir.path().join("cache"), fallback: None };
        let recipe = recipe(&hash::of_text("source"));
        assert_eq!(obtain(&project(), &recipe, &places).unwrap(), [file]);
    }

    #[test]
    fn a_fallback_is_asked_last_and_believed_no_more_than_others() {
        let dir = tempfile::tempdir().unwrap();
        let mirror = dir.path().join("mirror");
        fs::create_dir(&mirror).unwrap();
        let pinned = [Pinned { name: "p-1.0.0.crate".into(), sha256: hash::of_text("source") }];
        let places = |fallback: Option<String>| Places { given: None, cache: dir.path().join("cache"), fallback };
        let ask = |places: &Places| fall_back(&pinned, places, anyhow::anyhow!("the registry has none"));
        assert_eq!(ask(&places(None)).unwrap_err().to_string(), "the registry has none");
        let there = places(Some(format!("file://{}/", mirror.display())));
        let error = format!("{:#}", ask(&there).unwrap_err());
        assert!(error.contains("the registry has none; and the fallback"), "{error}");
        fs::write(mirror.join("p-1.0.0.crate"), "sourcf").unwrap();
        let error = format!("{:#}", ask(&there).unwrap_err());
        assert!(error.contains("p-1.0.0.crate gave") && error.contains("refused"), "{error}");
        assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 0, "nothing is kept of it");
        fs::write(mirror.join("p-1.0.0.crate"), "source").unwrap();
        assert_eq!(ask(&there).unwrap(), [dir.path().join("cache/p-1.0.0.crate")]);
    }

    #[test]
    fn each_file_of_a_source_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let list = ["compiler.deb", "library.deb"]
            .map(|file| {
                let hash = hash::of_text(file);
                format!(
                    "[[source.files]]\npackage = \"p:amd64\"\nversion = \"1\"\nfile = \"{file}\"\nsha256 = \"{hash}\"\n"
                )
            })
            .concat();
        let text = format!(
            "name = \"p\"\nversion = \"1\"\nlicence = \"MIT\"\n[source]\nkind = \"debian-packages\"\n{list}\
             [build]\nsystem = \"copy\"\nfiles = []\n"
        );
        let recipe = Recipe::parse("p", &text).unwrap();
        let places = Places { given: Some(dir.path().to_owned()), cache: dir.path().join("cache"), fallback: None };
        for file in ["compiler.deb", "library.deb"] {
            fs::write(dir.path().join(file), file).unwrap();
        }
        assert_eq!(obtain(&project(), &recipe, &places).unwrap().len(), 2);
        fs::write(dir.path().join("library.deb"), "library.dec").unwrap();
        let error = obtain(&project(), &recipe, &places).unwrap_err().to_string();
        assert!(error.contains("library.deb") && error.contains("refused"), "{error}");
        let other = Recipe::parse("p", &text.replace(&hash::of_text("library.deb"), &"0".repeat(64))).unwrap();
        assert_ne!(pinned(&recipe).unwrap(), pinned(&other).unwrap(), "every hash is part of the identity");
    }

    #[test]
    fn a_flipped_byte_in_a_source_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("p-1.0.0.crate"), "sourcf").unwrap();
        let places = Places { given: None, cache: dir.path().to_owned(), fallback: None };
        let error = obtain(&project(), &recipe(&hash::of_text("source")), &places).unwrap_err().to_string();
        assert!(error.contains("p-1.0.0.crate") && error.contains("refused"), "{error}");
    }
}
