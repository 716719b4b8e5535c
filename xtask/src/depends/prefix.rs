//! The installed folder `depends/<triplet>/`, and the settings through which cargo finds it.
//!
//! `share/config.toml` is a cargo configuration: `cargo build --config depends/<triplet>/share/config.toml` uses it. For
//! the machine's own triplet `depends/native` points at the folder, and the repository's `.cargo/config.toml` includes
//! it if it is there, so that plain `cargo build` and editors use it too. `share/installed.toml` says what is in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::plan::{Origin, Package};
use super::recipe::{Build, ToolKind};
use super::steps::write_script;
use super::toolchain::Toolchain;
use super::{Wish, empty, lock, pack};
use crate::project::{Host, Project};

/// Which executables are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// Separate processes besides the monolithic daemon.
    pub(crate) multiprocess: bool,
    /// The desktop GUI.
    pub(crate) gui: bool,
    /// The wallet.
    pub(crate) wallet: bool,
}

/// What an installed folder says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Installed {
    /// The shape that was asked for.
    pub(crate) shape: Shape,
    /// Whether packages have debug information.
    pub(crate) debug: bool,
    /// Whether the schema compiler was asked for.
    pub(crate) schema_compiler: bool,
    /// Whether tools of the system were taken.
    pub(crate) system_tools: bool,
    /// Identity by package.
    pub(crate) packages: BTreeMap<String, String>,
}

/// The installed folder of `host`.
pub(crate) fn dir(project: &Project, host: Host) -> PathBuf {
    project.depends().join(host.triplet)
}

/// The cargo configuration of `host`.
pub(crate) fn config(project: &Project, host: Host) -> PathBuf {
    dir(project, host).join("share/config.toml")
}

/// What is installed for `host`, if anything.
pub(crate) fn installed(project: &Project, host: Host) -> Option<Installed> {
    let text = fs::read_to_string(dir(project, host).join("share/installed.toml")).ok()?;
    toml::from_str(&text).ok()
}

/// Whether the folder holds exactly what the plan says.
pub(crate) fn is_current(project: &Project, wish: &Wish, packages: &[Package]) -> bool {
    let prefix = dir(project, wish.host);
    let libraries = packages.iter().filter_map(|package| match &package.recipe.build {
        Build::Unity(unity) => Some(prefix.join(&unity.library)),
        _ => None,
    });
    let text = fs::read_to_string(config(project, wish.host)).unwrap_or_default();
    installed(project, wish.host) == Some(describe(wish, packages))
        && libraries.into_iter().all(|library| library.is_file())
        && settings(&prefix, wish, packages).is_ok_and(|settings| settings == text)
        && link_script(wish).is_ok_and(|script| {
            script.is_none_or(|(name, text)| fs::read_to_string(prefix.join(name)).is_ok_and(|now| now == text))
        })
}

fn link_script(wish: &Wish) -> Result<Option<(&'static str, String)>> {
    Ok(Toolchain::find(wish.host)?.link_script(wish.host))
}

fn describe(wish: &Wish, packages: &[Package]) -> Installed {
    Installed {
        shape: wish.shape,
        debug: wish.debug,
        schema_compiler: wish.schema_compiler,
        system_tools: wish.system_tools,
        packages: packages.iter().map(|package| (package.recipe.name.clone(), package.id.clone())).collect(),
    }
}

/// Unpacks the packages, writes the settings and moves the folder into place.
pub(crate) fn install(project: &Project, wish: &Wish, packages: &[Package]) -> Result<PathBuf> {
    let _lock = lock(&project.depends().join(".lock"))?;
    let to = dir(project, wish.host);
    if !is_current(project, wish, packages) {
        let fresh = project.depends().join(format!(".{}.new", wish.host.triplet));
        let old = project.depends().join(format!(".{}.old", wish.host.triplet));
        empty(&fresh)?;
        for name in ["bin", "include", "lib", "share"] {
            fs::create_dir_all(fresh.join(name))?;
        }
        let built = packages.iter().filter(|package| package.origin == Origin::Recipe);
        for package in built.filter(|package| !package.recipe.build_only) {
            pack::unpack(&package.archive(&wish.cache), &fresh)?;
        }
        if let Some((name, text)) = link_script(wish)? {
            write_script(&fresh.join(name), &text)?;
        }
        fs::write(fresh.join("share/config.toml"), settings(&to, wish, packages)?)?;
        fs::write(fresh.join("share/installed.toml"), serialise(&describe(wish, packages)))?;
        if to.exists() {
            empty(&old)?;
            fs::rename(&to, old.join("it"))?;
        }
        fs::rename(&fresh, &to).with_context(|| format!("moving into {}", to.display()))?;
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
    }
    if wish.host.is_native() {
        point_native(&project.depends().join("native"), wish.host.triplet)?;
    }
    Ok(to)
}

/// Makes `link` a relative symbolic link to `triplet`.
fn point_native(link: &Path, triplet: &str) -> Result<()> {
    if fs::read_link(link).is_ok_and(|target| target == Path::new(triplet)) {
        return Ok(());
    }
    if link.symlink_metadata().is_ok() {
        fs::remove_file(link)?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(triplet, link).with_context(|| format!("linking {}", link.display()))?;
    Ok(())
}

fn serialise(installed: &Installed) -> String {
    let Shape { multiprocess, gui, wallet } = installed.shape;
    let mut text = format!(
        "debug = {}\nschema_compiler = {}\nsystem_tools = {}\n\n[shape]\nmultiprocess = {multiprocess}\ngui = {gui}\nwallet = {wallet}\n\n[packages]\n",
        installed.debug, installed.schema_compiler, installed.system_tools
    );
    for (name, id) in &installed.packages {
        let _ = writeln!(text, "{name} = \"{id}\"");
    }
    text
}

/// The cargo configuration for a folder that will be at `prefix`.
fn settings(prefix: &Path, wish: &Wish, packages: &[Package]) -> Result<String> {
    let toolchain = Toolchain::find(wish.host)?.at(prefix);
    let mut env: BTreeMap<String, String> = BTreeMap::new();
    let here = prefix.display().to_string();
    for package in packages {
        match (&package.origin, package.recipe.tool) {
            (Origin::System(path), Some(ToolKind::Libclang)) => {
                env.insert("LIBCLANG_PATH".to_owned(), path.display().to_string());
            }
            (Origin::System(path), Some(ToolKind::Capnp)) => {
                env.insert("BULKHEAD_CAPNP".to_owned(), path.display().to_string());
            }
            (Origin::System(_), _) => {}
            (Origin::Recipe, _) => {
                let filled =
                    package.recipe.env.iter().map(|(name, value)| (name.clone(), value.replace("{prefix}", &here)));
                env.extend(filled);
            }
        }
    }
    if let Some(headers) = &toolchain.c_headers {
        // A libclang that came alone has no stddef.h; the compiler's own is searched after everything else.
        env.insert("BINDGEN_EXTRA_CLANG_ARGS".to_owned(), format!("-idirafter {}", headers.display()));
    }
    let mut text = String::from("# Written by `cargo xtask depends`; do not edit.\n");
    if !wish.host.is_native() {
        let target = wish.host.target;
        let _ = writeln!(text, "[build]\ntarget = \"{target}\"");
        let brought = packages.iter().filter(|package| package.origin == Origin::Recipe);
        for rustc in brought.filter_map(|package| package.recipe.rustc.as_ref()) {
            let _ = writeln!(text, "rustc = {}", quoted(&format!("{here}/{rustc}")));
        }
        let _ = write!(text, "\n[target.{target}]\n");
        let linker =
            toolchain.link_script(wish.host).map_or_else(|| toolchain.cc(), |(name, _)| format!("{here}/{name}"));
        let _ = writeln!(text, "linker = {}\nar = {}", quoted(&linker), quoted(&toolchain.ar));
        let flags: Vec<String> = Toolchain::link_flags(wish.host).iter().map(|flag| quoted(flag)).collect();
        if !flags.is_empty() {
            let _ = writeln!(text, "rustflags = [{}]", flags.join(", "));
        }
        text.push('\n');
        // Build scripts know where the usual cross compilers are, but not which of two, nor what a recipe brings.
        let target = target.replace('-', "_");
        env.insert(format!("CC_{target}"), toolchain.cc());
        env.insert(format!("CXX_{target}"), toolchain.cxx.clone());
    }
    text += "[env]\n";
    for (name, value) in env {
        let _ = writeln!(text, "{name} = {}", quoted(&value));
    }
    Ok(text)
}

/// A TOML string.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
