//! Bitcoin Core's test vectors, for tests.
//!
//! The vectors are judges that we did not write, so they are read where they were published: in the package
//! `libbitcoinkernel-sys`, unpacked by cargo into its registry. The package is neither built nor copied. The variable
//! `BULKHEAD_VECTORS` names another directory, such as `src/test/data` of a checkout of Bitcoin Core.
//!
//! A file that is not found fails the test with the sentence that says what to run: a vector that is skipped silently
//! proves nothing.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Which directory holds the vectors.
const VARIABLE: &str = "BULKHEAD_VECTORS";

/// Where the vectors are inside the package.
const INSIDE: &str = "bitcoin/src/test/data";

const HELP: &str = "Bitcoin Core's test vectors are not on this machine. Run `cargo xtask vectors`, or set \
                    BULKHEAD_VECTORS to the directory src/test/data of a Bitcoin Core source tree.";

/// The directory of the vectors.
///
/// # Panics
/// If there is none; the message says what to run.
pub fn dir() -> PathBuf {
    variable(VARIABLE).map(PathBuf::from).or_else(|| in_registry(&cargo_home()?)).expect(HELP)
}

/// The bytes of one file.
///
/// # Panics
/// If the file is not there.
pub fn read(name: &str) -> Vec<u8> {
    let path = dir().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}. {HELP}", path.display()))
}

/// One file of JSON.
///
/// # Panics
/// If the file is not there, or is not JSON.
pub fn load(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap_or_else(|error| panic!("{name} is not JSON: {error}"))
}

/// Prints how many cases of a file ran, and fails if they are fewer than there are known to be.
///
/// # Panics
/// If cases are missing.
#[expect(clippy::print_stdout, reason = "the count is what a reader of the test's output looks for")]
pub fn ran(name: &str, cases: usize, known: usize) {
    println!("{name}: {cases} cases ran");
    assert!(cases >= known, "{name}: only {cases} cases ran of {known} that there are");
}

fn cargo_home() -> Option<PathBuf> {
    variable("CARGO_HOME").map(PathBuf::from).or_else(|| Some(Path::new(&variable("HOME")?).join(".cargo")))
}

#[expect(clippy::disallowed_methods, reason = "a helper of tests has no configuration to ask")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The newest unpacked package that carries vectors.
fn in_registry(cargo_home: &Path) -> Option<PathBuf> {
    let registries = std::fs::read_dir(cargo_home.join("registry/src")).ok()?;
    let packages = registries.flatten().filter_map(|registry| std::fs::read_dir(registry.path()).ok()).flatten();
    let carriers = packages.flatten().filter_map(|package| {
        let version = version_of(package.file_name().to_str()?)?;
        let data = package.path().join(INSIDE);
        data.is_dir().then_some((version, data))
    });
    carriers.max().map(|(_, data)| data)
}

fn version_of(package: &str) -> Option<Vec<u64>> {
    let version = package.strip_prefix("libbitcoinkernel-sys-")?.split('+').next()?;
    version.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version_of("libbitcoinkernel-sys-0.10.0+31.0") > version_of("libbitcoinkernel-sys-0.9.1"));
        assert_eq!(version_of("libbitcoinkernel-0.9.1"), None);
    }
}
