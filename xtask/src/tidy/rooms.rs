//! The arrows between crates, from what cargo says about them.
//!
//! `bin → (node | wallet | gui) → bridge → host → base`, and no arrow between node, wallet and gui: they meet in
//! `bridge/interfaces`. Foreign crates that belong to one room are named by their only user.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Finding;
use crate::project::Project;

/// Foreign crates with a fixed place.
const PLACES: [(&str, &[&str]); 15] = [
    ("rocksdb", &["store"]),
    ("librocksdb-sys", &["store"]),
    ("rusqlite", &["walletdb"]),
    ("libsqlite3-sys", &["walletdb"]),
    ("capnp", &["ipc"]),
    ("capnp-rpc", &["ipc"]),
    ("capnp-futures", &["ipc"]),
    ("capnpc", &["ipc"]),
    ("landlock", &["platform"]),
    ("seccompiler", &["platform"]),
    ("command-fds", &["platform"]),
    ("eframe", &["views"]),
    ("egui", &["views"]),
    ("egui_extras", &["views"]),
    ("egui_kittest", &["views"]),
];

/// Foreign crates that a room never links: base is pure knowledge.
const NEVER: [(&str, &[&str]); 1] =
    [("base", &["tokio", "hyper", "nix", "libc", "rayon", "tracing", "rand", "socket2", "tempfile", "futures"])];

/// Foreign crates that the interfaces between processes never name.
const NEVER_IN_INTERFACES: [&str; 3] = ["tokio", "capnp", "futures"];

/// Arrows inside the node: who may name whom.
const IN_NODE: [(&str, &[&str]); 8] = [
    ("store", &[]),
    ("p2p", &[]),
    ("notify", &[]),
    ("chainstate", &["store"]),
    ("mempool", &["chainstate", "store"]),
    ("indexes", &["chainstate", "store"]),
    ("net", &["p2p"]),
    ("daemon", &["store", "p2p", "notify", "chainstate", "mempool", "indexes", "net"]),
];

/// The rooms that never meet but in the monolithic twins.
const APART: [&str; 3] = ["node", "wallet", "gui"];

/// The only packages that link two of them.
const TWINS: [&str; 2] = ["bin-d", "bin-qt"];

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    name: String,
    /// Its manifest, relative to the checkout.
    manifest: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

impl Dependency {
    fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Member {
    /// The folder that holds its folder: `base` for `src/base/coin`.
    fn room(&self) -> &str {
        let parts: Vec<&str> = self.manifest.split('/').collect();
        match parts.as_slice() {
            ["src", room, _, "Cargo.toml"] => room,
            [top, ..] => top,
            [] => "",
        }
    }

    fn folder(&self) -> &str {
        self.manifest.rsplit('/').nth(1).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: String,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

/// Asks cargo about the crates of the workspace.
pub(crate) fn load(project: &Project) -> Result<Vec<Member>> {
    let sh = project.shell()?;
    let cargo = project.cargo(&sh).args(["metadata", "--quiet", "--format-version=1", "--no-deps"]);
    let metadata = cargo.read().context("cargo cannot read the workspace")?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("reading cargo's metadata")?;
    let relative = |path: String| {
        let path = path.strip_prefix(&metadata.workspace_root).unwrap_or(&path).replace('\\', "/");
        path.trim_start_matches('/').to_owned()
    };
    let member = |Package { name, manifest_path, dependencies }| {
        let manifest = relative(manifest_path);
        Member { name, manifest, dependencies }
    };
    Ok(metadata.packages.into_iter().map(member).collect())
}

/// Every arrow that should not be there.
pub(crate) fn check(members: &[Member]) -> Vec<Finding> {
    let by_name: BTreeMap<&str, &Member> = members.iter().map(|member| (member.name.as_str(), member)).collect();
    let mut findings = Vec::new();
    for member in members {
        findings.extend(misnamed(member));
        for dependency in &member.dependencies {
            let wrong = match by_name.get(dependency.name.as_str()) {
                Some(target) => wrong_arrow(member, target, dependency.is_dev()),
                None => wrong_place(member, dependency),
            };
            if let Some((what, remedy)) = wrong {
                findings.push(Finding::new(&member.manifest, 0, what, remedy));
            }
        }
        findings.extend(two_rooms(member, &by_name));
    }
    findings
}

fn misnamed(member: &Member) -> Option<Finding> {
    let expected = match member.room() {
        "bin" => format!("bin-{}", member.folder()),
        _ => member.folder().to_owned(),
    };
    (member.name != expected).then(|| {
        let what = format!("the package is called `{}`, its folder says `{expected}`", member.name);
        Finding::new(&member.manifest, 0, what, "call the package like its folder, without a prefix (`bin-` in bin)")
    })
}

/// How far a room is from the ground; arrows go down.
fn height(room: &str) -> Option<u8> {
    match room {
        "base" => Some(0),
        "host" => Some(1),
        "bridge" => Some(2),
        "node" | "wallet" | "gui" => Some(3),
        "bin" => Some(4),
        _ => None,
    }
}

fn wrong_arrow(from: &Member, to: &Member, dev: bool) -> Option<(String, &'static str)> {
    let (room, target) = (from.room(), to.room());
    let arrow = format!("{room}/{} names {target}/{}", from.folder(), to.folder());
    match (height(room), height(target)) {
        _ if target == "testkit" && room != "testkit" && room != "test" => {
            (!dev).then(|| (format!("{arrow} outside tests"), "move it to [dev-dependencies]"))
        }
        // Test crates and the harness drive executables; testkit may build anything for tests.
        _ if room == "testkit" => None,
        _ if APART.contains(&target) && (room == "test" || room == "xtask") => {
            Some((arrow, "drive the executables as processes instead"))
        }
        (None, _) => None,
        (Some(_), None) => Some((arrow, "nothing in src/ links the harness or the suites")),
        // What it shows it is told through plain traits; how they travel is the executable's business.
        _ if room == "gui" && target == "bridge" && to.folder() != "interfaces" => {
            Some((arrow, "the GUI knows bridge/interfaces alone: let bin/gui bring the rest along"))
        }
        (Some(above), Some(below)) if above > below => None,
        (Some(_), Some(_)) if room == target => {
            let allowed = IN_NODE.iter().find(|(name, _)| *name == from.folder());
            let forbidden = room == "node" && allowed.is_none_or(|(_, names)| !names.contains(&to.folder()));
            forbidden
                .then_some((arrow, "follow the arrows of the node in doc/architecture.md, or change them with an ADR"))
        }
        _ if APART.contains(&room) && APART.contains(&target) => {
            Some((arrow, "node, wallet and gui meet in bridge/interfaces: name a trait there"))
        }
        _ => Some((arrow, "arrows go bin, node|wallet|gui, bridge, host, base: move the shared part down")),
    }
}

fn wrong_place(member: &Member, dependency: &Dependency) -> Option<(String, &'static str)> {
    let name = dependency.name.as_str();
    let what = format!("{}/{} depends on {name}", member.room(), member.folder());
    let place = PLACES.iter().find(|(foreign, _)| *foreign == name);
    if place.is_some_and(|(_, users)| !users.contains(&member.name.as_str())) {
        return Some((what, "the crate has one place in the workspace (doc/architecture.md): go through it"));
    }
    let never = NEVER.iter().any(|(room, names)| *room == member.room() && names.contains(&name));
    if never && !dependency.is_dev() {
        return Some((what, "base is pure knowledge: take the effect as an argument, or move up a room"));
    }
    if member.name == "interfaces" && NEVER_IN_INTERFACES.contains(&name) {
        return Some((what, "interfaces are plain synchronous traits and plain data"));
    }
    None
}

/// An executable that links two rooms, unless it is a monolithic twin.
fn two_rooms(member: &Member, by_name: &BTreeMap<&str, &Member>) -> Option<Finding> {
    if member.room() != "bin" || TWINS.contains(&member.name.as_str()) {
        return None;
    }
    let mut linked: BTreeSet<&str> = BTreeSet::new();
    let mut open = vec![member];
    while let Some(next) = open.pop() {
        let normal = next.dependencies.iter().filter(|dependency| !dependency.is_dev());
        for target in normal.filter_map(|dependency| by_name.get(dependency.name.as_str())) {
            if linked.insert(target.name.as_str()) {
                open.push(target);
            }
        }
    }
    let rooms: BTreeSet<&str> = linked
        .iter()
        .filter_map(|name| by_name.get(name))
        .map(|target| target.room())
        .filter(|room| APART.contains(room))
        .collect();
    (rooms.len() > 1).then(|| {
        let what = format!("{} links {}", member.name, rooms.into_iter().collect::<Vec<_>>().join(" and "));
        Finding::new(&member.manifest, 0, what, "only bin/d and bin/qt link two rooms: start the other process instead")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, dependencies: &[&str]) -> Member {
        let folder = path.rsplit('/').next().unwrap();
        let name = if path.starts_with("src/bin/") { format!("bin-{folder}") } else { folder.to_owned() };
        let dependency = |text: &&str| match text.strip_prefix("dev:") {
            Some(name) => Dependency { name: name.to_owned(), kind: Some("dev".to_owned()) },
            None => Dependency { name: (*text).to_owned(), kind: None },
        };
        let dependencies = dependencies.iter().map(dependency).collect();
        Member { name, manifest: format!("{path}/Cargo.toml"), dependencies }
    }

    fn whats(path: &str, dependencies: &[&str]) -> Vec<String> {
        let ground = [
            "src/base/coin",
            "src/host/config",
            "src/bridge/interfaces",
            "src/bridge/ipc",
            "src/node/store",
            "src/node/chainstate",
            "src/node/p2p",
            "src/node/daemon",
            "src/wallet/engine",
            "src/gui/views",
            "src/testkit/testkit",
            "xtask",
        ];
        let mut members: Vec<Member> =
            ground.iter().filter(|known| **known != path).map(|path| member(path, &[])).collect();
        members.push(member(path, dependencies));
        check(&members).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn arrows_go_down() {
        assert_eq!(whats("src/bridge/rpc", &["config", "coin", "interfaces"]), [""; 0]);
        assert_eq!(whats("src/base/script", &["coin", "dev:testkit"]), [""; 0]);
        assert_eq!(whats("src/base/script", &["config"]), ["base/script names host/config"]);
        assert_eq!(whats("src/bridge/rpc", &["store"]), ["bridge/rpc names node/store"]);
        assert_eq!(whats("src/host/logging", &["xtask"]), ["host/logging names xtask/xtask"]);
    }

    #[test]
    fn rooms_do_not_name_one_another() {
        assert_eq!(whats("src/wallet/signer", &["p2p"]), ["wallet/signer names node/p2p"]);
        assert_eq!(whats("src/gui/model", &["dev:engine"]), ["gui/model names wallet/engine"]);
        assert_eq!(whats("test/functional", &["daemon"]), ["test/functional names node/daemon"]);
        assert_eq!(whats("test/functional", &["coin", "testkit"]), [""; 0]);
    }

    #[test]
    fn the_gui_knows_the_interfaces_alone() {
        assert_eq!(whats("src/gui/model", &["interfaces", "coin", "config"]), [""; 0]);
        assert_eq!(whats("src/gui/model", &["ipc"]), ["gui/model names bridge/ipc"]);
        assert_eq!(whats("src/gui/model", &["egui"]), ["gui/model depends on egui"]);
        assert_eq!(whats("src/bin/gui", &["views", "ipc"]), [""; 0]);
        assert_eq!(whats("src/bin/gui", &["views", "daemon"]), ["bin-gui links gui and node"]);
    }

    #[test]
    fn the_node_has_arrows_of_its_own() {
        assert_eq!(whats("src/node/mempool", &["chainstate", "store"]), [""; 0]);
        assert_eq!(whats("src/node/net", &["p2p", "chainstate"]), ["node/net names node/chainstate"]);
        assert_eq!(whats("src/node/newcomer", &["store"]), ["node/newcomer names node/store"]);
    }

    #[test]
    fn testkit_is_for_tests() {
        assert_eq!(whats("src/node/mempool", &["testkit"]), ["node/mempool names testkit/testkit outside tests"]);
        assert_eq!(whats("src/testkit/simnet", &["testkit", "daemon", "engine"]), [""; 0]);
    }

    #[test]
    fn only_the_twins_link_two_rooms() {
        assert_eq!(whats("src/bin/d", &["daemon", "engine"]), [""; 0]);
        assert_eq!(whats("src/bin/node", &["daemon", "ipc"]), [""; 0]);
        assert_eq!(whats("src/bin/node", &["daemon", "engine"]), ["bin-node links node and wallet"]);
    }

    #[test]
    fn foreign_crates_have_their_place() {
        assert_eq!(whats("src/node/store", &["rocksdb"]), [""; 0]);
        assert_eq!(whats("src/node/mempool", &["rocksdb"]), ["node/mempool depends on rocksdb"]);
        assert_eq!(whats("src/bridge/rpc", &["capnp"]), ["bridge/rpc depends on capnp"]);
        assert_eq!(whats("src/bridge/interfaces", &["tokio"]), ["bridge/interfaces depends on tokio"]);
        assert_eq!(whats("src/base/coin", &["tokio"]), ["base/coin depends on tokio"]);
        assert_eq!(whats("src/base/coin", &["dev:tempfile"]), [""; 0]);
    }

    #[test]
    fn a_package_is_called_like_its_folder() {
        let mut odd = member("src/base/coin", &[]);
        odd.name = "bulkhead-coin".to_owned();
        assert_eq!(check(&[odd])[0].what, "the package is called `bulkhead-coin`, its folder says `coin`");
    }
}
