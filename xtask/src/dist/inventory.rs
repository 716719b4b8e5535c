//! What is in an executable: our crates, foreign crates and native packages, from what cargo and the recipes say.
//!
//! Only what is linked counts. Build scripts and the macros of the compiler make code, but are not in it; they are in
//! the attestation by way of Cargo.lock's hash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// One crate that is linked into an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// SPDX expression, or nothing.
    pub(crate) licence: Option<String>,
    /// Whether it comes from a registry.
    pub(crate) foreign: bool,
    /// The folder of its manifest.
    pub(crate) dir: PathBuf,
    /// Where the component needs others of the inventory.
    pub(crate) needs: Vec<String>,
}

impl Component {
    /// Its name in package URLs, which is unique.
    pub(crate) fn url(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Arrow>,
}

#[derive(Deserialize)]
struct Arrow {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Asks cargo which crates are linked into the packages `roots` for `target`.
pub(crate) fn linked(mut cargo: Command, target: &str, roots: &[String]) -> Result<Vec<Component>> {
    cargo.args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", target]);
    let output = cargo.output().context("starting cargo")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    read(&output.stdout, roots)
}

fn read(metadata: &[u8], roots: &[String]) -> Result<Vec<Component>> {
    let Metadata { packages, resolve } = serde_json::from_slice(metadata).context("reading cargo's metadata")?;
    let packages: BTreeMap<&str, &Package> = packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let arrows: BTreeMap<&str, Vec<&str>> = resolve
        .nodes
        .iter()
        .map(|node| {
            (
                node.id.as_str(),
                node.deps.iter().filter(|arrow| is_linked(arrow, &packages)).map(|arrow| arrow.pkg.as_str()).collect(),
            )
        })
        .collect();
    let mut open: Vec<&str> = packages
        .values()
        .filter(|package| package.source.is_none() && roots.contains(&package.name))
        .map(|package| package.id.as_str())
        .collect();
    if open.len() != roots.len() {
        bail!("cargo does not know all of {}", roots.join(", "));
    }
    let mut seen: BTreeSet<&str> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        for &next in arrows.get(id).into_iter().flatten() {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    let component = |id: &&str| {
        let package = packages.get(id).with_context(|| format!("cargo names {id} but does not describe it"))?;
        let mut component = described(package);
        component.needs =
            arrows[id].iter().filter_map(|need| packages.get(need)).map(|need| described(need).url()).collect();
        component.needs.sort();
        component.needs.dedup();
        Ok(component)
    };
    let mut components: Vec<Component> = seen.iter().map(component).collect::<Result<_>>()?;
    components.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(components)
}

/// Whether an arrow is one of linking, not of building or testing, and does not lead to a macro of the compiler.
fn is_linked(arrow: &Arrow, packages: &BTreeMap<&str, &Package>) -> bool {
    let normal = arrow.dep_kinds.iter().any(|kind| kind.kind.is_none());
    let macros = packages.get(arrow.pkg.as_str()).is_some_and(|package| {
        package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    });
    normal && !macros
}

fn described(package: &Package) -> Component {
    Component {
        name: package.name.clone(),
        version: package.version.clone(),
        licence: package.license.clone(),
        foreign: package.source.is_some(),
        dir: package.manifest_path.parent().unwrap_or_else(|| Path::new("")).to_owned(),
        needs: Vec::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::dist) const METADATA: &str = r#"{
      "packages": [
        {"id":"d","name":"bin-d","version":"1.0.0","license":"MIT","source":null,"manifest_path":"/s/d/Cargo.toml","targets":[{"kind":["bin"]}]},
        {"id":"a","name":"a","version":"0.1.0+x","license":"MIT OR Apache-2.0","source":"registry","manifest_path":"/c/a/Cargo.toml","targets":[{"kind":["lib"]}]},
        {"id":"m","name":"m","version":"1.0.0","license":null,"source":"registry","manifest_path":"/c/m/Cargo.toml","targets":[{"kind":["proc-macro"]}]},
        {"id":"t","name":"t","version":"1.0.0","license":null,"source":"registry","manifest_path":"/c/t/Cargo.toml","targets":[{"kind":["lib"]}]},
        {"id":"z","name":"z","version":"1.0.0","license":null,"source":"registry","manifest_path":"/c/z/Cargo.toml","targets":[{"kind":["lib"]}]}
      ],
      "resolve": {"nodes": [
        {"id":"d","deps":[{"pkg":"a","dep_kinds":[{"kind":null}]},{"pkg":"m","dep_kinds":[{"kind":null}]},{"pkg":"t","dep_kinds":[{"kind":"dev"}]}]},
        {"id":"a","deps":[{"pkg":"z","dep_kinds":[{"kind":"build"},{"kind":null}]}]},
        {"id":"m","deps":[]},{"id":"t","deps":[]},{"id":"z","deps":[]}
      ]}
    }"#;

    pub(in crate::dist) fn components() -> Vec<Component> {
        read(METADATA.as_bytes(), &["bin-d".to_owned()]).unwrap()
    }

    #[test]
    fn only_what_is_linked_counts() {
        let components = components();
        let urls: Vec<String> = components.iter().map(Component::url).collect();
        assert_eq!(urls, ["pkg:cargo/a@0.1.0%2Bx", "pkg:cargo/bin-d@1.0.0", "pkg:cargo/z@1.0.0"]);
        assert_eq!(components[1].needs, ["pkg:cargo/a@0.1.0%2Bx"]);
        assert!(components[0].foreign && !components[1].foreign);
    }

    #[test]
    fn an_unknown_package_is_an_error() {
        assert!(read(METADATA.as_bytes(), &["bin-qt".to_owned()]).is_err());
    }
}
