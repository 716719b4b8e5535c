//! Which packages a wish means, and the identity of each.
//!
//! An identity is a hash of everything that can change the package: the recipe's text, the source's hash, patches, the
//! identities of its needs, the compiler, the host and the options. Equal identities mean equal packages, so the
//! cache never has to be told that something changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Deserialize;

use super::recipe::{Build, Condition, Recipe, Source, ToolKind};
use super::toolchain::Toolchain;
use super::{Wish, hash, source, tools};
use crate::project::{Host, Project};

/// Raised when the code that builds packages changes what it makes.
const BUILDER: u32 = 1;

/// A package of the plan.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// Its recipe.
    pub(crate) recipe: Recipe,
    /// Sixteen hex digits that name it in the cache, or `-` for what the system has.
    pub(crate) id: String,
    /// What went into the identity, for people.
    pub(crate) inputs: String,
    /// Built, or found.
    pub(crate) origin: Origin,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From its recipe, by way of the cache.
    Recipe,
    /// The system has it, at this place.
    System(PathBuf),
}

impl Package {
    /// `NAME-VERSION-ID`: what it is called in caches.
    pub(crate) fn full_name(&self) -> String {
        format!("{}-{}-{}", self.recipe.name, self.recipe.version, self.id)
    }

    /// Its archive in the cache.
    pub(crate) fn archive(&self, cache: &Path) -> PathBuf {
        cache.join("built").join(self.full_name() + ".tar.gz")
    }
}

/// The packages that `wish` means, in order of need.
pub(crate) fn packages(project: &Project, wish: &Wish) -> Result<Vec<Package>> {
    let recipes = Recipe::load(&project.depends().join("packages"))?;
    check_lock(project, &recipes)?;
    let mut plan: Vec<Package> = Vec::new();
    for recipe in recipes {
        let wanted = match recipe.only_with {
            Some(Condition::Multiprocess) => wish.shape.multiprocess && wish.schema_compiler,
            Some(Condition::Wallet) => wish.shape.wallet,
            None => true,
        };
        if !wanted {
            continue;
        }
        if !recipe.only_for.is_empty() && !recipe.only_for.iter().any(|selector| wish.host.matches(selector)) {
            continue;
        }
        // What comes with this machine's own toolchain needs no recipe.
        if recipe.tool == Some(ToolKind::RustStd) && wish.host.is_native() {
            continue;
        }
        let tool = recipe.tool.filter(|_| wish.system_tools);
        if let Some(path) = tool.and_then(|tool| tools::on_system(tool, wish.host, &project.depends())) {
            let (id, inputs) = ("-".to_owned(), String::new());
            plan.push(Package { recipe, id, inputs, origin: Origin::System(path) });
            continue;
        }
        let inputs = inputs(&recipe, wish, &plan)?;
        let id = hash::of_text(&inputs)[..16].to_owned();
        plan.push(Package { recipe, id, inputs, origin: Origin::Recipe });
    }
    Ok(plan)
}

/// The package called `name` with all that it needs, in order of need.
pub(crate) fn with_needs(plan: Vec<Package>, name: &str) -> Vec<Package> {
    let mut wanted = vec![name.to_owned()];
    let mut kept: Vec<Package> = Vec::new();
    for package in plan.into_iter().rev() {
        if wanted.contains(&package.recipe.name) {
            wanted.extend(package.recipe.needs.iter().cloned());
            kept.push(package);
        }
    }
    kept.reverse();
    kept
}

/// Everything that can change the package, one thing a line.
fn inputs(recipe: &Recipe, wish: &Wish, before: &[Package]) -> Result<String> {
    let host = if recipe.tool.is_some() { Host::native()? } else { wish.host };
    let mut lines = vec![
        format!("package {} {} ({})", recipe.name, recipe.version, recipe.licence),
        format!("recipe {}", hash::of_text(&recipe.content(host)?)),
        format!("source {}", source::pinned(recipe)?),
        format!("host {}", host.triplet),
        format!("builder {BUILDER}"),
    ];
    for (name, change) in recipe.patches.iter().zip(&recipe.changes) {
        lines.push(format!("patch {name} {}", hash::of_bytes(change)));
    }
    if matches!(recipe.build, Build::RustStd(_)) {
        lines.push(format!("target {}", wish.host.target));
    }
    if matches!(recipe.build, Build::Unity(_) | Build::Cmake { .. }) {
        lines.push(format!("compiler {}", Toolchain::find(host)?.identity));
        lines.push(format!("debug {}", wish.debug));
    }
    for package in before.iter().filter(|package| recipe.needs.contains(&package.recipe.name)) {
        lines.push(format!("needs {} {}", package.recipe.name, package.id));
    }
    Ok(lines.join("\n") + "\n")
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// A library must be of the very version that the locked crate binds.
fn check_lock(project: &Project, recipes: &[Recipe]) -> Result<()> {
    let Ok(text) = fs::read_to_string(project.root().join("Cargo.lock")) else { return Ok(()) };
    let lock: Lock = toml::from_str(&text)?;
    for recipe in recipes {
        let Source::Crate { package, version, sha256 } = &recipe.source else { continue };
        let wrong = lock.package.iter().find(|locked| {
            &locked.name == package
                && (&locked.version != version || locked.checksum.as_ref().is_some_and(|checksum| checksum != sha256))
        });
        if let Some(locked) = wrong {
            bail!(
                "depends/packages/{}.toml pins {package} {version}, but Cargo.lock has {}; \
                 change the recipe to version = \"{}\", sha256 = \"{}\"",
                recipe.name,
                locked.version,
                locked.version,
                locked.checksum.as_deref().unwrap_or("?")
            );
        }
    }
    Ok(())
}
