//! Recipes: what a package is, where its source comes from, how it is built, and what it tells cargo.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::project::Host;

/// One `depends/packages/NAME.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Recipe {
    /// File name without its ending.
    pub(crate) name: String,
    /// The package's own version.
    pub(crate) version: String,
    /// SPDX expression.
    pub(crate) licence: String,
    /// Licence texts in the source, copied to `share/licenses/NAME/`.
    #[serde(default)]
    pub(crate) licence_files: Vec<String>,
    /// Packages that are built first and are part of this one's identity.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// Set for a tool of the building machine: what to look for on the system before building it.
    pub(crate) tool: Option<ToolKind>,
    /// Parts of this tool end up in executables, so that their bill of materials names it.
    #[serde(default)]
    pub(crate) linked: bool,
    /// Not installed, and not built unless a package that needs it is.
    #[serde(default)]
    pub(crate) build_only: bool,
    /// Only built with this option of `depends`.
    pub(crate) only_with: Option<Condition>,
    /// Only built for hosts that one of these selectors means; for every host if there are none.
    #[serde(default)]
    pub(crate) only_for: Vec<String>,
    /// A Rust compiler that it brings, in the prefix. Cargo is told to use it.
    pub(crate) rustc: Option<String>,
    /// Where the source comes from.
    pub(crate) source: Source,
    /// Changes to it, in order: files beside the recipe, as `git diff` writes them.
    #[serde(default)]
    pub(crate) patches: Vec<String>,
    /// How it is built.
    pub(crate) build: Build,
    /// Environment variables for cargo; `{prefix}` is the installed folder.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// What the file says, without comments and layout.
    #[serde(skip)]
    content: toml::Table,
    /// What the patches say: part of the identity.
    #[serde(skip)]
    pub(crate) changes: Vec<Vec<u8>>,
}

/// Tools that a system may already have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ToolKind {
    /// The library that bindgen reads C headers with.
    Libclang,
    /// The Cap'n Proto schema compiler.
    Capnp,
    /// Builds packages that are made for it.
    Cmake,
    /// Rust's standard library for the machine that is built for.
    RustStd,
    /// A compiler that no system has in the very version that is wanted.
    Compiler,
}

impl ToolKind {
    /// The command that installs the system's own.
    pub(crate) fn install(self) -> &'static str {
        match self {
            ToolKind::Libclang => "apt-get install libclang-dev",
            ToolKind::Capnp => "apt-get install capnproto",
            ToolKind::Cmake => "apt-get install cmake",
            ToolKind::RustStd => "rustup target add TARGET",
            ToolKind::Compiler => "no system has it",
        }
    }
}

/// Options that a recipe can be tied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    /// Separate processes were asked for.
    Multiprocess,
    /// The wallet was not left out.
    Wallet,
}

/// A pinned, hashed source.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Source {
    /// The source package of a Rust crate, fetched by cargo.
    Crate {
        /// Name of the crate.
        package: String,
        /// Exact version.
        version: String,
        /// Of the `.crate` file.
        sha256: String,
    },
    /// A wheel of a Python package, fetched by pip; one per building machine.
    Wheel {
        /// Name of the distribution.
        package: String,
        /// Exact version.
        version: String,
        /// By triplet of the building machine.
        files: BTreeMap<String, Wheel>,
    },
    /// The upstream archive of a Debian source package, fetched by apt.
    Debian {
        /// Name of the source package.
        package: String,
        /// Exact version with Debian's revision.
        version: String,
        /// File name of the upstream archive.
        file: String,
        /// Of that file.
        sha256: String,
    },
    /// Binary packages of Debian, fetched by apt and unpacked over one another; nothing is installed.
    DebianPackages {
        /// In the order of unpacking.
        files: Vec<DebianPackage>,
    },
}

/// One binary package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DebianPackage {
    /// Name of the package, with its architecture: `rustc-web:amd64`.
    pub(crate) package: String,
    /// Exact version with Debian's revision.
    pub(crate) version: String,
    /// File name, as apt writes it.
    pub(crate) file: String,
    /// Of the `.deb` file.
    pub(crate) sha256: String,
}

/// One wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wheel {
    /// Name of the file.
    pub(crate) file: String,
    /// pip's platform tag.
    pub(crate) platform: String,
    /// Of the `.whl` file.
    pub(crate) sha256: String,
}

/// The way a source becomes an installed tree.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "system", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Build {
    /// A static library from C++ or C files, compiled a few at a time as units that include them.
    Unity(Unity),
    /// Files are copied as they are.
    Copy {
        /// What goes where; a path in the source may hold `*` for one folder.
        files: Vec<Move>,
        /// Programs that the recipe itself holds, by their place in the prefix.
        #[serde(default)]
        scripts: BTreeMap<String, String>,
    },
    /// Rust's standard library for the host, from its sources, beside the compiler that is copied first.
    RustStd(RustStd),
    /// CMake: configure, build one target, copy files from the build folder.
    Cmake {
        /// Folder of `CMakeLists.txt` in the source.
        dir: String,
        /// Definitions, without `-D`.
        define: Vec<String>,
        /// What to build.
        target: String,
        /// What goes where, from the build folder.
        files: Vec<Move>,
    },
}

/// Settings of a build of Rust's standard library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RustStd {
    /// What goes where before: the compiler, which the recipe's `rustc` names.
    pub(crate) files: Vec<Move>,
    /// Programs that the recipe itself holds, by their place in the prefix.
    pub(crate) scripts: BTreeMap<String, String>,
    /// Folder of the library's workspace in the source.
    pub(crate) library: String,
    /// Folder of the compiler's libraries in the prefix.
    pub(crate) rustlib: String,
    /// Features of the library.
    pub(crate) features: Vec<String>,
}

/// What a library is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Language {
    /// C++.
    #[default]
    #[serde(rename = "c++")]
    Cxx,
    /// C.
    #[serde(rename = "c")]
    C,
}

impl Language {
    /// How its files end.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Cxx => "cc",
            Self::C => "c",
        }
    }
}

/// Settings of a unity build.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unity {
    /// The library to make, in the prefix.
    pub(crate) library: String,
    /// Number of units.
    pub(crate) units: usize,
    /// What it is written in.
    #[serde(default)]
    pub(crate) language: Language,
    /// File of the source that lists its files, if one does.
    pub(crate) list: Option<String>,
    /// Folder that the listed files are relative to.
    #[serde(default)]
    pub(crate) base: String,
    /// Listed files to leave out.
    #[serde(default)]
    pub(crate) skip: Vec<String>,
    /// More files, relative to the source.
    pub(crate) extra: Vec<String>,
    /// Folders of headers to install.
    pub(crate) headers: Vec<Move>,
    /// Include folders.
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// Compiler flags, always.
    pub(crate) flags: Vec<String>,
    /// Compiler flags, without `--debug`.
    pub(crate) release: Vec<String>,
    /// Compiler flags, with `--debug`.
    pub(crate) debug: Vec<String>,
    /// More of these by host selector; every selector that matches counts, in order of name.
    pub(crate) host: BTreeMap<String, OnHost>,
}

/// What a unity build does differently for some hosts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OnHost {
    /// Compiler flags.
    pub(crate) flags: Vec<String>,
    /// Listed files to leave out.
    pub(crate) skip: Vec<String>,
    /// More files, relative to the base. Each is a unit of its own.
    pub(crate) alone: Vec<String>,
}

impl Unity {
    /// What holds for `host`, besides what holds for all.
    pub(crate) fn on(&self, host: Host) -> impl Iterator<Item = &OnHost> {
        self.host.iter().filter(move |(selector, _)| host.matches(selector)).map(|(_, settings)| settings)
    }
}

/// A file or folder to copy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// In the source or the build folder.
    pub(crate) from: String,
    /// In the prefix.
    pub(crate) to: String,
}

impl Recipe {
    /// Parses the recipe called `name`.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Recipe> {
        let mut recipe: Recipe = toml::from_str(text).with_context(|| format!("recipe {name}"))?;
        ensure!(recipe.name == name, "recipe {name}: it calls itself `{}`", recipe.name);
        let hex = |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let hashes: Vec<&str> = match &recipe.source {
            Source::Crate { sha256, .. } | Source::Debian { sha256, .. } => vec![sha256],
            Source::Wheel { files, .. } => files.values().map(|wheel| wheel.sha256.as_str()).collect(),
            Source::DebianPackages { files } => files.iter().map(|package| package.sha256.as_str()).collect(),
        };
        ensure!(hashes.iter().all(|hash| hex(hash)), "recipe {name}: a hash is not 64 lower-case hex digits");
        if let Build::Unity(unity) = &recipe.build {
            ensure!(unity.units > 0, "recipe {name}: no units");
        }
        recipe.content = toml::from_str(text)?;
        Ok(recipe)
    }

    /// What the file says to builders for `host`: part of the identity. What is said to others is left out, so that a
    /// recipe that learns a host leaves the packages of the others alone.
    pub(crate) fn content(&self, host: Host) -> Result<String> {
        let mut content = self.content.clone();
        let build = content.get_mut("build").and_then(|build| build.as_table_mut());
        if let Some(hosts) = build.and_then(|build| build.get_mut("host")?.as_table_mut()) {
            hosts.retain(|selector, _| host.matches(selector));
        }
        Ok(serde_json::to_string(&content)?)
    }

    /// Reads every recipe of a folder, in order of need: each after the ones that it needs.
    pub(crate) fn load(dir: &Path) -> Result<Vec<Recipe>> {
        let mut recipes = BTreeMap::new();
        for entry in fs::read_dir(dir).with_context(|| format!("no recipes in {}", dir.display()))? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != "toml") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).with_context(|| format!("recipe {name}"))?;
            let mut recipe = Recipe::parse(&name, &text)?;
            let read =
                |patch: &String| fs::read(dir.join(patch)).with_context(|| format!("recipe {name}: its patch {patch}"));
            recipe.changes = recipe.patches.iter().map(read).collect::<Result<_>>()?;
            recipes.insert(name, recipe);
        }
        in_order(recipes)
    }
}

fn in_order(mut waiting: BTreeMap<String, Recipe>) -> Result<Vec<Recipe>> {
    let mut ordered: Vec<Recipe> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting
            .values()
            .find(|recipe| recipe.needs.iter().all(|need| ordered.iter().any(|done| &done.name == need)))
            .map(|recipe| recipe.name.clone());
        let name = ready.with_context(|| {
            let names: Vec<&str> = waiting.keys().map(String::as_str).collect();
            format!("recipes need one another in a circle, or need one that is not there: {}", names.join(", "))
        })?;
        ordered.extend(waiting.remove(&name));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, needs: &str) -> String {
        format!(
            "name = \"{name}\"\nversion = \"1\"\nlicence = \"MIT\"\nneeds = {needs}\n[source]\nkind = \"crate\"\n\
             package = \"p\"\nversion = \"1\"\nsha256 = \"{}\"\n[build]\nsystem = \"copy\"\nfiles = []\n",
            "0".repeat(64)
        )
    }

    fn set(recipes: &[(&str, &str)]) -> BTreeMap<String, Recipe> {
        recipes
            .iter()
            .map(|(name, needs)| ((*name).to_owned(), Recipe::parse(name, &text(name, needs)).unwrap()))
            .collect()
    }

    #[test]
    fn a_recipe_comes_after_its_needs() {
        let ordered = in_order(set(&[("a", "[\"c\"]"), ("b", "[]"), ("c", "[\"b\"]")])).unwrap();
        let names: Vec<&str> = ordered.iter().map(|recipe| recipe.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "a"]);
    }

    #[test]
    fn circles_and_strangers_are_named() {
        for needs in ["[\"b\"]", "[\"nobody\"]"] {
            let error = in_order(set(&[("a", needs), ("b", "[\"a\"]")])).unwrap_err().to_string();
            assert!(error.contains("a, b"), "{error}");
        }
    }

    #[test]
    fn comments_and_layout_are_not_content() {
        let text = text("a", "[]");
        let host = Host::named(Some("aarch64-linux-gnu")).unwrap();
        let content = |text: &str| Recipe::parse("a", text).unwrap().content(host).unwrap();
        assert_eq!(content(&text), content(&format!("# note\n{}", text.replace(" = ", "  =  "))));
        assert_ne!(content(&text), content(&text.replace("\"MIT\"", "\"ISC\"")));
    }

    #[test]
    fn what_a_recipe_says_about_other_hosts_is_not_content() {
        let (head, _) = text("a", "[]").split_once("[build]").map(|(head, tail)| (head.to_owned(), tail)).unwrap();
        let unity = "[build]\nsystem = \"unity\"\nlibrary = \"l\"\nunits = 1\nlist = \"l\"\nbase = \".\"\nskip = []\n\
                     extra = []\nheaders = []\ninclude = []\nflags = []\nrelease = []\ndebug = []\n\
                     [build.host.linux]\nflags = [\"-DLINUX\"]\n";
        let linux = format!("{head}{unity}");
        let both = format!("{linux}[build.host.windows]\nflags = [\"-DWINDOWS\"]\n");
        let content = |text: &str, host: &str| {
            let recipe = Recipe::parse("a", text).unwrap();
            recipe.content(Host::named(Some(host)).unwrap()).unwrap()
        };
        assert_eq!(content(&linux, "x86_64-linux-gnu"), content(&both, "x86_64-linux-gnu"));
        assert_ne!(content(&linux, "x86_64-w64-mingw32"), content(&both, "x86_64-w64-mingw32"));
    }

    #[test]
    fn a_wrong_name_key_or_hash_is_refused() {
        let good = text("a", "[]");
        Recipe::parse("a", &good).unwrap();
        assert!(Recipe::parse("b", &good).unwrap_err().to_string().contains("calls itself"));
        assert!(Recipe::parse("a", &good.replace("licence", "license")).is_err());
        assert!(Recipe::parse("a", &good.replace("sha256 = \"00", "sha256 = \"0G")).is_err());
    }

    #[test]
    fn the_recipes_of_the_repository_are_sound() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../depends/packages");
        let recipes = Recipe::load(&dir).unwrap();
        assert!(recipes.iter().any(|recipe| recipe.name == "rocksdb"));
        // Whoever ships what has the blessing of its authors has nothing to show.
        let shows = |recipe: &Recipe| !recipe.licence_files.is_empty() || recipe.licence == "blessing";
        assert!(recipes.iter().all(shows));
    }
}
