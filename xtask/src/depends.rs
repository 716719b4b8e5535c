//! `cargo xtask depends`: native packages from pinned sources, built once for every checkout of the machine.
//!
//! What happens, in order:
//!
//! 1. the recipes are read ([`recipe`]) and the tools that the system has already are left out ([`tools`]);
//! 2. each package gets an identity from its recipe, its source's hash, its needs, the compiler and the host ([`plan`]);
//! 3. a package whose identity is in the cache is taken from there ([`pack`]); otherwise its source is obtained and
//!    checked ([`source`]), built in a folder of the cache ([`steps`]) and packed;
//! 4. all packages are unpacked beside `depends/<triplet>/` and moved into place with the settings for cargo ([`prefix`]).
//!
//! A lock per identity makes two builders wait for each other, and a lock per checkout does the same for step 4. A
//! build that is killed leaves a folder that the next one empties, and nothing else.

mod debian;
pub(crate) mod hash;
pub(crate) mod pack;
mod plan;
pub(crate) mod prefix;
pub(crate) mod recipe;
pub(crate) mod shared;
mod sharing;
pub(crate) mod source;
mod standard;
mod steps;
pub(crate) mod toolchain;
mod tools;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::flags;
use crate::project::{Host, Project, cache_dir};
use crate::report;
use plan::{Origin, Package};
use prefix::Shape;
use recipe::Recipe;
pub(crate) use sharing::{Store, open_store};
use sharing::{bring, new_key, offer};
use toolchain::Toolchain;

/// What is asked of `depends`.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The machine to build for.
    pub(crate) host: Host,
    /// Which executables will be built.
    pub(crate) shape: Shape,
    /// With debug information.
    pub(crate) debug: bool,
    /// Compilers at once.
    pub(crate) jobs: usize,
    /// Folder of sources to look in first.
    pub(crate) sources: Option<PathBuf>,
    /// The cache of this machine.
    pub(crate) cache: PathBuf,
    /// The cache that machines share.
    pub(crate) store: Option<Arc<Store>>,
    /// Where sources that their package manager does not have may be.
    pub(crate) fallback: Option<String>,
    /// Build the schema compiler too, when separate processes are asked for.
    pub(crate) schema_compiler: bool,
    /// Take tools that the system has.
    pub(crate) system_tools: bool,
}

impl Wish {
    /// What `build`, `run` and `test` ask for when nothing was built yet: everything, without optional tools.
    pub(crate) fn usual(host: Host) -> Result<Wish> {
        let shape = Shape { multiprocess: host.is_multiprocess(), gui: true, wallet: true };
        let cache = cache_dir(None)?;
        Ok(Wish {
            host,
            shape,
            debug: false,
            jobs: processors(),
            sources: None,
            cache,
            store: None,
            fallback: None,
            schema_compiler: false,
            system_tools: true,
        })
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl flags::Depends {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        if let Some(path) = &self.new_cache_key {
            return if shared::COMPILED_IN { new_key(path) } else { shared::start_again(project) };
        }
        let places = shared::Places::new(&self.cache)?;
        if places.store.is_some() && !shared::COMPILED_IN {
            return shared::start_again(project);
        }
        let multiprocess = self.multiprocess && !self.no_multiprocess;
        let host = Host::named(self.host.as_deref())?;
        if multiprocess && !host.is_multiprocess() {
            bail!("{} has the monolithic executables only: leave --multiprocess out", host.triplet);
        }
        let wish = Wish {
            host,
            shape: Shape { multiprocess, gui: !self.no_gui, wallet: !self.no_wallet },
            debug: self.debug,
            jobs: self.jobs.unwrap_or_else(processors).max(1),
            sources: self.sources.clone(),
            cache: cache_dir(places.folder.as_deref())?,
            store: open_store(&places, self.cache_key.as_deref())?,
            fallback: self.fallback.clone(),
            schema_compiler: true,
            system_tools: !self.no_system,
        };
        let mut packages = plan::packages(project, &wish)?;
        if let Some(only) = &self.only {
            packages = plan::with_needs(packages, only);
            if packages.is_empty() {
                bail!("no recipe `{only}` for these options in depends/packages");
            }
        }
        if self.print_ids {
            for package in &packages {
                println!("{} {} {}", package.recipe.name, package.recipe.version, package.id);
            }
            return Ok(());
        }
        let rows = fill_cache(project, &wish, &packages)?;
        print!("{}", report::table(&["package", "version", "id", "from", "seconds"], &rows));
        if self.only.is_none() {
            let dir = prefix::install(project, &wish, &packages)?;
            println!("installed in {}", dir.display());
        }
        Ok(())
    }
}

/// Makes sure that `depends/<triplet>/` holds what the recipes say, keeping the shape of what is there.
///
/// Silent and quick when there is nothing to do.
pub(crate) fn ensure(project: &Project, host: Host) -> Result<Shape> {
    let mut wish = Wish::usual(host)?;
    if let Some(installed) = prefix::installed(project, host) {
        wish.shape = installed.shape;
        wish.debug = installed.debug;
        wish.schema_compiler = installed.schema_compiler;
        wish.system_tools = installed.system_tools;
    }
    let packages = plan::packages(project, &wish)?;
    if !prefix::is_current(project, &wish, &packages) {
        let rows = fill_cache(project, &wish, &packages)?;
        print!("{}", report::table(&["package", "version", "id", "from", "seconds"], &rows));
        prefix::install(project, &wish, &packages)?;
    }
    Ok(wish.shape)
}

/// A native package that a checkout was given, for the account of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provided {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// SPDX expression.
    pub(crate) licence: String,
    /// Its identity.
    pub(crate) id: String,
    /// Hash of its source.
    pub(crate) source: String,
    /// Hash of the built archive.
    pub(crate) archive: String,
    /// Helps to build and is not linked.
    pub(crate) tool: bool,
}

impl Provided {
    /// Its name in package URLs.
    pub(crate) fn url(&self) -> String {
        format!("pkg:generic/{}@{}", self.name, self.version)
    }
}

/// Installs the packages that `wish` means in a checkout, and says exactly what they are.
pub(crate) fn provide(project: &Project, wish: &Wish) -> Result<Vec<Provided>> {
    let packages = plan::packages(project, wish)?;
    let rows = fill_cache(project, wish, &packages)?;
    print!("{}", report::table(&["package", "version", "id", "from", "seconds"], &rows));
    prefix::install(project, wish, &packages)?;
    let installed = packages.iter().filter(|package| package.origin == Origin::Recipe && !package.recipe.build_only);
    installed
        .map(|package| {
            let Recipe { name, version, licence, .. } = &package.recipe;
            Ok(Provided {
                name: name.clone(),
                version: version.clone(),
                licence: licence.clone(),
                id: package.id.clone(),
                source: source::pinned(&package.recipe)?,
                archive: hash::of_file(&package.archive(&wish.cache))?,
                tool: package.recipe.tool.is_some() && !package.recipe.linked,
            })
        })
        .collect()
}

/// Builds every package that the cache lacks; returns the rows of the summary.
fn fill_cache(project: &Project, wish: &Wish, packages: &[Package]) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for (index, package) in packages.iter().enumerate() {
        let wanted = |later: &&Package| {
            later.recipe.needs.contains(&package.recipe.name)
                && later.origin == Origin::Recipe
                && !pack::exists(&later.archive(&wish.cache))
        };
        if package.recipe.build_only && !packages[index..].iter().any(|later| wanted(&later)) {
            continue;
        }
        let started = Instant::now();
        let from = match &package.origin {
            Origin::System(path) => path.display().to_string(),
            Origin::Recipe => one(project, wish, packages, package)?.to_owned(),
        };
        let Recipe { name, version, .. } = &package.recipe;
        let version = if matches!(package.origin, Origin::System(_)) { "-" } else { version };
        rows.push(vec![name.clone(), version.to_owned(), package.id.clone(), from, report::seconds(started.elapsed())]);
    }
    Ok(rows)
}

/// Makes sure that one package is in the cache; says whether it was.
fn one(project: &Project, wish: &Wish, packages: &[Package], package: &Package) -> Result<&'static str> {
    let archive = package.archive(&wish.cache);
    if pack::exists(&archive) {
        return Ok("cache");
    }
    let _lock = lock(&wish.cache.join("locks").join(&package.id))?;
    if pack::exists(&archive) {
        return Ok("cache"); // another builder made it while this one waited
    }
    if bring(wish, package, &archive)? {
        return Ok("shared cache");
    }
    let work = wish.cache.join("work").join(&package.id);
    empty(&work)?;
    let log = wish.cache.join("logs").join(format!("{}-{}.log", package.recipe.name, package.id));
    fs::create_dir_all(log.parent().context("the log lies in a folder")?)?;
    let build = || {
        let needs = work.join("needs");
        for need in packages.iter().filter(|need| package.recipe.needs.contains(&need.recipe.name)) {
            if need.origin == Origin::Recipe {
                pack::unpack(&need.archive(&wish.cache), &needs)?;
            }
        }
        make(project, wish, package, &work, &log)?;
        pack::pack(&work.join("stage"), &archive)
    };
    let result = build();
    // The folder goes in any case: what can be said about a failure is in the log.
    let removed = fs::remove_dir_all(&work);
    result.with_context(|| {
        let shown = if log.is_file() { format!("\n  full output: {}", log.display()) } else { String::new() };
        format!("building {} {}{shown}", package.recipe.name, package.recipe.version)
    })?;
    removed?;
    offer(wish, package, &archive)?;
    Ok("built")
}

fn make(project: &Project, wish: &Wish, package: &Package, work: &Path, log: &Path) -> Result<()> {
    let recipe = &package.recipe;
    let places = source::Places {
        given: wish.sources.clone(),
        cache: wish.cache.join("sources"),
        fallback: wish.fallback.clone(),
    };
    let files = source::obtain(project, recipe, &places)?;
    let source = source::unpack(recipe, &files, &work.join("source"))?;
    source::patch(recipe, &source)?;
    let stage = work.join("stage");
    fs::create_dir_all(&stage)?;
    let host = if recipe.tool.is_some() { Host::native()? } else { wish.host };
    let toolchain = Toolchain::find(host)?.at(&work.join("needs"));
    let site = steps::Site {
        host,
        target: wish.host.target,
        toolchain: &toolchain,
        source: &source,
        stage: &stage,
        jobs: wish.jobs,
        debug: wish.debug,
        programs: Some(work.join("needs/native/bin")).filter(|dir| dir.is_dir()),
        log,
    };
    steps::build(recipe, &site)?;
    let note = stage.join("share/packages").join(format!("{}.txt", recipe.name));
    fs::create_dir_all(note.parent().context("the note lies in a folder")?)?;
    fs::write(&note, &package.inputs)?;
    Ok(())
}

/// An empty folder at `dir`, whatever a killed build left there.
pub(crate) fn empty(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("emptying {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))
}

/// Takes the lock file at `path`; says so when somebody else has it. It is released when the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    fs::create_dir_all(path.parent().context("a lock lies in a folder")?)?;
    let file = File::create(path).with_context(|| format!("opening the lock {}", path.display()))?;
    if file.try_lock().is_err() {
        println!("waiting for another build that holds {}", path.display());
        file.lock().with_context(|| format!("waiting for {}", path.display()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
