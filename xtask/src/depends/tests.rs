//! The command as a whole, on a small recipe in a checkout of its own.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use super::*;

#[cfg(feature = "shared-cache")]
mod store;

/// A checkout with one recipe, whose source lies in `sources/`, and a cache.
struct Scene {
    root: PathBuf,
    /// Deletes it, unless another process made it.
    _owner: Option<tempfile::TempDir>,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let scene = Scene { root: dir.path().canonicalize().unwrap(), _owner: Some(dir) };
        let source = scene.at("unpacked/tiny-1.0.0");
        fs::create_dir_all(source.join("include")).unwrap();
        fs::write(source.join("include/tiny.h"), "int tiny();\n").unwrap();
        fs::write(source.join("tiny.cc"), "int tiny() { return 7; }\n").unwrap();
        fs::write(source.join("list"), "tiny.cc\n").unwrap();
        fs::write(source.join("COPYING"), "free\n").unwrap();
        let archive = scene.at("sources/tiny-1.0.0.crate");
        pack::pack(&scene.at("unpacked"), &archive).unwrap();
        scene.write_recipe("-DVERSION=1");
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write_recipe(&self, flag: &str) {
        let hash = hash::of_file(&self.at("sources/tiny-1.0.0.crate")).unwrap();
        let text = format!(
            "name = \"tiny\"\nversion = \"1.0\"\nlicence = \"MIT\"\nlicence-files = [\"COPYING\"]\n[source]\n\
             kind = \"crate\"\npackage = \"tiny\"\nversion = \"1.0.0\"\nsha256 = \"{hash}\"\n[build]\n\
             system = \"unity\"\nlibrary = \"lib/libtiny.a\"\nunits = 1\nlist = \"list\"\nbase = \".\"\nskip = []\n\
             extra = []\nheaders = [{{ from = \"include\", to = \"include\" }}]\ninclude = [\"include\"]\n\
             flags = [\"{flag}\"]\nrelease = []\ndebug = []\n[build.host]\n[env]\nTINY_LIB_DIR = \"{{prefix}}/lib\"\n"
        );
        fs::create_dir_all(self.at("depends/packages")).unwrap();
        fs::write(self.at("depends/packages/tiny.toml"), text).unwrap();
    }

    /// A helper that `tiny` needs to be built and that is not installed.
    fn add_helper(&self) {
        let tiny = fs::read_to_string(self.at("depends/packages/tiny.toml")).unwrap();
        let helper = tiny.replace("name = \"tiny\"", "name = \"helper\"\nbuild-only = true");
        let (head, _) = helper.split_once("[build]").unwrap();
        let build = "[build]\nsystem = \"copy\"\nfiles = [{ from = \"COPYING\", to = \"native/bin/helper\" }]\n";
        fs::write(self.at("depends/packages/helper.toml"), format!("{head}{build}")).unwrap();
        let tiny = tiny.replace("name = \"tiny\"", "name = \"tiny\"\nneeds = [\"helper\"]");
        fs::write(self.at("depends/packages/tiny.toml"), tiny).unwrap();
    }

    fn project(&self) -> Project {
        Project::at(&self.root).unwrap()
    }

    fn wish(&self) -> Wish {
        let shape = Shape { multiprocess: false, gui: true, wallet: true };
        Wish {
            host: Host::native().unwrap(),
            shape,
            debug: false,
            jobs: 1,
            sources: Some(self.at("sources")),
            cache: self.at("cache"),
            store: None,
            fallback: None,
            schema_compiler: false,
            system_tools: true,
        }
    }

    /// Where each package came from.
    fn fill(&self) -> Result<Vec<String>> {
        let packages = plan::packages(&self.project(), &self.wish())?;
        let rows = fill_cache(&self.project(), &self.wish(), &packages)?;
        Ok(rows.into_iter().map(|row| row[3].clone()).collect())
    }

    fn install(&self) -> Result<PathBuf> {
        self.fill()?;
        let packages = plan::packages(&self.project(), &self.wish())?;
        prefix::install(&self.project(), &self.wish(), &packages)
    }

    fn archive(&self) -> PathBuf {
        plan::packages(&self.project(), &self.wish()).unwrap()[0].archive(&self.at("cache"))
    }
}

#[test]
fn a_package_is_built_once_and_installed_with_its_settings() {
    let scene = Scene::new();
    assert_eq!(scene.fill().unwrap(), ["built"]);
    assert_eq!(scene.fill().unwrap(), ["cache"]);
    let dir = scene.install().unwrap();
    for name in ["lib/libtiny.a", "include/tiny.h", "share/licenses/tiny/COPYING", "share/packages/tiny.txt"] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    let config: toml::Table = toml::from_str(&fs::read_to_string(dir.join("share/config.toml")).unwrap()).unwrap();
    assert_eq!(config["env"]["TINY_LIB_DIR"].as_str().unwrap(), dir.join("lib").to_str().unwrap());
    assert!(scene.at("depends/native/share/config.toml").is_file());
    let packages = plan::packages(&scene.project(), &scene.wish()).unwrap();
    assert!(prefix::is_current(&scene.project(), &scene.wish(), &packages));
    fs::remove_file(dir.join("lib/libtiny.a")).unwrap();
    assert!(!prefix::is_current(&scene.project(), &scene.wish(), &packages));
    assert!(scene.install().unwrap().join("lib/libtiny.a").is_file());
}

#[test]
fn a_changed_recipe_is_built_again() {
    let scene = Scene::new();
    let before = scene.archive();
    scene.fill().unwrap();
    scene.write_recipe("-DVERSION=2");
    assert_ne!(before, scene.archive());
    assert_eq!(scene.fill().unwrap(), ["built"]);
}

#[test]
fn a_changed_recipe_leaves_what_does_not_need_it_alone() {
    let scene = Scene::new();
    let tiny = fs::read_to_string(scene.at("depends/packages/tiny.toml")).unwrap();
    for (name, needs) in [("above", "[\"tiny\"]"), ("beside", "[]")] {
        let recipe = tiny.replace("name = \"tiny\"", &format!("name = \"{name}\"\nneeds = {needs}"));
        let recipe = recipe.replace("libtiny", &format!("lib{name}"));
        fs::write(scene.at("depends/packages").join(format!("{name}.toml")), recipe).unwrap();
    }
    assert_eq!(scene.fill().unwrap(), ["built", "built", "built"]);
    scene.write_recipe("-DVERSION=2");
    let names: Vec<String> = plan::packages(&scene.project(), &scene.wish())
        .unwrap()
        .into_iter()
        .map(|package| package.recipe.name)
        .collect();
    let from = scene.fill().unwrap();
    let mut pairs: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(from.iter().map(String::as_str)).collect();
    pairs.sort_unstable();
    assert_eq!(pairs, [("above", "built"), ("beside", "cache"), ("tiny", "built")]);
}

#[test]
fn a_patch_changes_source_and_identity_or_is_refused() {
    let scene = Scene::new();
    let plain = scene.archive();
    let recipe = fs::read_to_string(scene.at("depends/packages/tiny.toml")).unwrap();
    let patched = recipe.replace("licence-files", "patches = [\"tiny-eight.patch\"]\nlicence-files");
    fs::write(scene.at("depends/packages/tiny.toml"), patched).unwrap();
    let missing = format!("{:#}", scene.fill().unwrap_err());
    assert!(missing.contains("tiny-eight.patch"), "{missing}");
    let patch = |old: &str| {
        let text =
            format!("--- a/include/tiny.h\n+++ b/include/tiny.h\n@@ -1 +1 @@\n-{old}\n+int tiny(); // patched\n");
        fs::write(scene.at("depends/packages/tiny-eight.patch"), text).unwrap();
    };
    patch("long tiny();");
    let unfit = (scene.archive(), format!("{:#}", scene.fill().unwrap_err()));
    assert!(unfit.1.contains("the patch tiny-eight.patch of tiny"), "{}", unfit.1);
    patch("int tiny();");
    let fit = scene.archive();
    assert!(plain != fit && unfit.0 != fit, "a patch is part of the identity");
    let header = scene.install().unwrap().join("include/tiny.h");
    assert_eq!(fs::read_to_string(header).unwrap(), "int tiny(); // patched\n");
}

#[test]
fn options_are_part_of_the_identity() {
    let scene = Scene::new();
    let plain = plan::packages(&scene.project(), &scene.wish()).unwrap();
    let debug = plan::packages(&scene.project(), &Wish { debug: true, ..scene.wish() }).unwrap();
    assert_ne!(plain[0].id, debug[0].id);
    assert!(plain[0].inputs.contains("compiler ") && plain[0].inputs.contains("debug false"));
}

#[test]
fn what_is_only_for_building_is_built_when_it_is_needed_and_not_installed() {
    let scene = Scene::new();
    let alone = scene.archive();
    scene.add_helper();
    let plan = plan::packages(&scene.project(), &scene.wish()).unwrap();
    let names: Vec<&str> = plan.iter().map(|package| package.recipe.name.as_str()).collect();
    assert_eq!(names, ["helper", "tiny"]);
    assert_ne!(plan[1].archive(&scene.at("cache")), alone, "a need is part of the identity");
    assert_eq!(scene.fill().unwrap(), ["built", "built"]);
    assert_eq!(scene.fill().unwrap(), ["cache"], "only tiny is looked at");
    let dir = scene.install().unwrap();
    assert!(dir.join("lib/libtiny.a").is_file() && !dir.join("native").exists());
    assert_eq!(plan::with_needs(plan.clone(), "tiny").len(), 2);
    assert_eq!(plan::with_needs(plan.clone(), "helper").len(), 1);
    assert_eq!(plan::with_needs(plan, "nobody").len(), 0);
}

#[test]
fn a_tampered_archive_installs_nothing_and_leaves_what_was_there() {
    let scene = Scene::new();
    scene.install().unwrap();
    scene.write_recipe("-DVERSION=3");
    scene.fill().unwrap();
    let archive = scene.archive();
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, bytes).unwrap();
    let error = scene.install().unwrap_err().to_string();
    assert!(error.contains("tiny-1.0-") && error.contains("refused"), "{error}");
    let kept = prefix::installed(&scene.project(), Host::native().unwrap()).unwrap();
    assert!(kept.packages.contains_key("tiny"));
    fs::remove_file(&archive).unwrap();
    scene.install().unwrap();
}

#[test]
fn a_failed_build_leaves_no_archive_and_no_folder() {
    let scene = Scene::new();
    scene.write_recipe("-Dint=nonsense");
    let error = format!("{:#}", scene.fill().unwrap_err());
    assert!(error.contains("building tiny 1.0") && error.contains("full output"), "{error}");
    assert!(!pack::exists(&scene.archive()));
    assert_eq!(fs::read_dir(scene.at("cache/work")).unwrap().count(), 0);
}

#[test]
fn what_a_killed_build_left_is_no_obstacle() {
    let scene = Scene::new();
    let id = plan::packages(&scene.project(), &scene.wish()).unwrap()[0].id.clone();
    fs::create_dir_all(scene.at("cache/work").join(&id).join("source/tiny-1.0.0")).unwrap();
    fs::write(scene.at("cache/work").join(&id).join("source/tiny-1.0.0/tiny.cc"), "half").unwrap();
    // An archive without its hash is one whose writer was killed between the two.
    fs::create_dir_all(scene.at("cache/built")).unwrap();
    fs::write(scene.archive(), "half").unwrap();
    assert_eq!(scene.fill().unwrap(), ["built"]);
    assert!(scene.install().unwrap().join("lib/libtiny.a").is_file());
}

#[test]
fn two_builders_make_it_once() {
    let scene = Scene::new();
    let mut origins: Vec<String> = thread::scope(|scope| {
        let builders: Vec<_> = (0..2).map(|_| scope.spawn(|| scene.fill().unwrap())).collect();
        builders.into_iter().flat_map(|builder| builder.join().unwrap()).collect()
    });
    origins.sort();
    assert_eq!(origins, ["built", "cache"]);
}

#[test]
fn a_lock_is_waited_for() {
    let scene = Scene::new();
    let path: &Path = &scene.at("cache/locks/x");
    let held = lock(path).unwrap();
    let released = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let _lock = lock(path).unwrap();
            released.load(Ordering::SeqCst)
        });
        released.store(true, Ordering::SeqCst);
        drop(held);
        assert!(waiter.join().unwrap(), "the lock was taken while it was held");
    });
}

#[test]
fn a_recipe_that_binds_another_version_than_the_lock_file_is_refused() {
    let scene = Scene::new();
    let lock = "[[package]]\nname = \"tiny\"\nversion = \"1.0.1\"\nchecksum = \"abc\"\n";
    fs::write(scene.at("Cargo.lock"), lock).unwrap();
    let error = scene.fill().unwrap_err().to_string();
    assert!(error.contains("tiny.toml") && error.contains("1.0.1") && error.contains("abc"), "{error}");
}

/// The variable that names the scene of another process.
const SCENE: &str = "BULKHEAD_TEST_SCENE";

/// A shell that will play `script` with `$0 "$@"` being a process that fills the cache of `scene`.
fn process(scene: &Scene, script: &str) -> std::process::Command {
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    shell.args(["--exact", "depends::tests::a_process_of_its_own", "--ignored"]).env(SCENE, &scene.root);
    shell.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    shell
}

#[test]
#[ignore = "slow tests run it as a process of its own"]
fn a_process_of_its_own() {
    let scene = match std::env::var_os(SCENE) {
        Some(root) => Scene { root: root.into(), _owner: None },
        None => Scene::new(),
    };
    assert_eq!(scene.fill().unwrap(), ["built"]);
}

#[cfg(unix)]
#[test]
fn a_build_that_is_killed_leaves_a_usable_state() {
    let scene = Scene::new();
    // A compiler that never ends, so that the kill comes in the middle of its work.
    let slow = scene.at("slow-compiler");
    fs::write(&slow, "#!/bin/sh\ncase \"$1\" in -*version|-dump*|-print*) exec g++ \"$@\";; esac\nwhile [ -e \"$0\" ]; do sleep 0.05; done\n")
        .unwrap();
    fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut child = process(&scene, "exec \"$0\" \"$@\"").env("CXX", &slow).spawn().unwrap();
    let started = || fs::read_dir(scene.at("cache/logs")).is_ok_and(|mut logs| logs.next().is_some());
    while !started() {
        assert_eq!(child.try_wait().unwrap(), None, "the build ended before it was killed");
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::read_dir(scene.at("cache/work")).unwrap().count() == 1, "a killed build leaves its folder");
    assert!(!scene.at("cache/built").exists());
    assert_eq!(scene.fill().unwrap(), ["built"]);
    assert!(scene.install().unwrap().join("lib/libtiny.a").is_file());
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_at_any_moment_leaves_a_usable_state() {
    let scene = Scene::new();
    let mut failures = 0;
    // No file may be longer than this, as if the disk were full: first the compiler fails, then the archive.
    for limit in [0, 1, 2, 4, 8, 16, 32, 64, 1024] {
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        if process(&scene, &script).status().unwrap().success() {
            break;
        }
        failures += 1;
        assert!(!pack::exists(&scene.archive()), "half an archive looks whole");
    }
    assert!(failures > 0);
    scene.fill().unwrap();
    assert!(scene.install().unwrap().join("lib/libtiny.a").is_file());
}
