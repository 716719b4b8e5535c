//! The parts of a release that need no compiler.

use super::*;

fn release(checkout: &Path) -> Release {
    let commit = Commit::head(checkout).unwrap();
    let host = Host::native().unwrap();
    Release { version: commit.release("1.2.3"), commit, host, name: "bulkhead".into(), coins: vec!["bitcoin".into()] }
}

fn files(dir: &Path, texts: &[(&str, &str)]) -> BTreeMap<String, PathBuf> {
    let write = |(name, text): &(&str, &str)| {
        fs::write(dir.join(name), text).unwrap();
        ((*name).to_owned(), dir.join(name))
    };
    texts.iter().map(write).collect()
}

#[test]
fn a_release_knows_its_own_files() {
    let (checkout, out) = (commit::tests::checkout(), tempfile::tempdir().unwrap());
    let release = release(checkout.path());
    let host = release.host.triplet;
    let ours = [format!("bulkhead-1.2.3-{host}.tar.gz"), "bulkhead-1.2.3-src.tar.gz".to_owned()];
    let longer = format!("bulkhead-1.2.3-{host}.2.28.tar.gz");
    for name in [ours[0].as_str(), &ours[1], "SHA256SUMS", "bulkhead-1.2.3-other.tar.gz", &longer] {
        fs::write(out.path().join(name), name).unwrap();
    }
    fs::write(out.path().join(format!("bulkhead-1.2.3-{host}.attestation.toml")), "").unwrap();
    let mut found: Vec<String> = release.files(out.path()).unwrap().into_keys().collect();
    found.sort();
    let mut expected = ours.to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn sums_are_what_sha256sum_reads() {
    let out = tempfile::tempdir().unwrap();
    files(out.path(), &[("b.tar.gz", "abc"), ("a.cdx.json", ""), ("x.attestation.toml", "no")]);
    write_sums(out.path()).unwrap();
    assert_eq!(
        fs::read_to_string(out.path().join("SHA256SUMS")).unwrap(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.cdx.json\n\
         ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b.tar.gz\n"
    );
    assert!(summary(out.path()).unwrap().contains("ba7816bf8f01cfea  3      b.tar.gz"));
}

#[test]
fn two_builds_that_differ_are_told_apart_file_by_file() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = files(one.path(), &[("a.json", "1"), ("b.json", "2")]);
    compare(&first, &files(other.path(), &[("a.json", "1"), ("b.json", "2")])).unwrap();
    let error = compare(&first, &files(other.path(), &[("a.json", "1"), ("b.json", "3")])).unwrap_err().to_string();
    assert!(error.contains("b.json differs") && !error.contains("a.json"), "{error}");
    let error = compare(&first, &files(other.path(), &[("a.json", "1")])).unwrap_err().to_string();
    assert!(error.contains("b.json was made only once"), "{error}");
}

#[test]
fn the_version_is_the_workspaces() {
    let project = Project::locate().unwrap();
    assert!(version(&project).unwrap().split('.').count() == 3);
}

/// A checkout of a small workspace with two executables and two coins, and a cache.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { dir: tempfile::tempdir().unwrap() };
        let manifest =
            "[workspace]\nresolver = \"3\"\nmembers = [\"src/bin/*\"]\n[workspace.package]\nversion = \"1.2.3\"\n";
        scene.write("Cargo.toml", manifest);
        scene.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"bin-cli\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"bin-coin\"\nversion = \"1.2.3\"\n");
        for (folder, neutral) in [("cli", "bulkhead-cli"), ("coin", "bulkhead")] {
            let manifest = format!(
                "[package]\nname = \"bin-{folder}\"\nversion.workspace = true\nedition = \"2024\"\nlicense = \"MIT\"\n\
                 [[bin]]\nname = \"{neutral}\"\npath = \"src/main.rs\"\n"
            );
            scene.write(&format!("src/bin/{folder}/Cargo.toml"), &manifest);
            scene.write(
                &format!("src/bin/{folder}/src/main.rs"),
                "fn main() {\n    println!(\"{} {}\", file!(), std::env::args().count());\n}\n",
            );
        }
        for coin in ["bitcoin", "freicoin"] {
            scene.write(&format!("src/base/coin/data/{coin}.toml"), "");
        }
        for name in ["LICENSE", "README.md", "doc/a.md", "depends/packages/README"] {
            scene.write(name, name);
        }
        commit::tests::commit_all(&scene.checkout());
        scene
    }

    fn checkout(&self) -> PathBuf {
        self.dir.path().join("checkout")
    }

    /// Builds the release in `PLACE`, into `OUT-PLACE`.
    fn make(&self, place: &str) -> Result<(BTreeMap<String, PathBuf>, String)> {
        let project = Project::at(&self.checkout())?;
        let commit = Commit::head(project.root())?;
        let host = Host::native()?;
        let release = Release {
            version: commit.release(&version(&project)?),
            commit,
            host,
            name: "bulkhead".to_owned(),
            coins: coins(&project, "all")?,
        };
        let cache = self.dir.path().join("cache");
        let out = self.dir.path().join(format!("out-{}", place.replace('/', "-")));
        let wish = Wish { cache, system_tools: false, ..Wish::usual(host)? };
        let attestation =
            release.make(&project, &Site { dir: self.dir.path().join(place), out: out.clone(), wish, go_on: false })?;
        Ok((release.files(&out)?, attestation))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.checkout().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_small_release_is_the_same_from_two_places_and_runs() {
    let scene = Scene::new();
    let (one, attestation) = scene.make("one").unwrap();
    let (other, second) = scene.make("another/place/far/down").unwrap();
    compare(&one, &other).unwrap();
    assert_eq!(attestation, second);
    let base = format!("bulkhead-1.2.3-{}", Host::native().unwrap().triplet);
    let expected = [format!("{base}-debug.tar.gz"), format!("{base}.cdx.json"), format!("{base}.tar.gz")];
    assert!(expected.iter().all(|name| one.contains_key(name)) && one.contains_key("bulkhead-1.2.3-src.tar.gz"));
    let to = scene.dir.path().join("unpacked");
    pack::unpack_source(&one[&expected[2]], &to).unwrap();
    let top = to.join("bulkhead-1.2.3");
    for name in ["LICENSE", "README.md", "doc/a.md", "share/licenses/THIRD-PARTY.txt", "share/sbom.cdx.json"] {
        assert!(top.join(name).is_file(), "{name}");
    }
    for name in ["bitcoin", "bitcoin-cli", "freicoin", "freicoin-cli"] {
        let output = std::process::Command::new(top.join("bin").join(name)).arg("x").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.starts_with("src/bin/c") && said.ends_with("main.rs 2\n"), "{name}: {said}");
    }
}

#[test]
fn what_is_no_release_is_not_made() {
    let scene = Scene::new();
    scene.write("src/bin/cli/src/main.rs", "fn main() { nonsense }\n");
    commit::tests::commit_all(&scene.checkout());
    let error = scene.make("place").unwrap_err().to_string();
    assert!(error.contains("do not compile"), "{error}");
    assert_eq!(fs::read_dir(scene.dir.path().join("out-place")).unwrap().count(), 1, "only the sources were packed");
}
