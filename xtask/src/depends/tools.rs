//! Tools of the building machine that may be there already: looked for before anything is downloaded.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::recipe::ToolKind;
use super::toolchain::read;
use crate::project::Host;

/// Where the system has the tool: a folder for a library, a file for a program.
///
/// What lies in `own` was built from a recipe earlier, and cargo's settings may point at it: that is not the system's.
pub(crate) fn on_system(tool: ToolKind, host: Host, own: &Path) -> Option<PathBuf> {
    let found = match tool {
        ToolKind::Libclang => libclang().collect::<Vec<_>>(),
        ToolKind::Capnp => programs("capnp"),
        ToolKind::Cmake => programs("cmake"),
        ToolKind::RustStd => rust_std(host).into_iter().collect(),
        ToolKind::Compiler => Vec::new(),
    };
    found.into_iter().find(|path| !path.starts_with(own))
}

/// Folders that hold libclang, of the places where bindgen looks.
fn libclang() -> impl Iterator<Item = PathBuf> {
    let set = env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let asked = read("llvm-config", &["--libdir"]).map(PathBuf::from);
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm"))
        .map(|entry| entry.path().join("lib"))
        .collect();
    versions.sort();
    let usual = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    set.into_iter()
        .chain(asked)
        .chain(versions.into_iter().rev())
        .chain(usual.map(PathBuf::from))
        .filter(|dir| holds_libclang(dir))
}

/// Whether a folder holds the C interface of libclang (not only `libclang-cpp`).
fn holds_libclang(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return dir.is_file() };
    entries.filter_map(Result::ok).any(|entry| is_libclang(&entry.file_name().to_string_lossy()))
}

fn is_libclang(name: &str) -> bool {
    let library = name.split('.').skip(1).any(|ending| ending == "so");
    library && (name.starts_with("libclang.so") || (name.starts_with("libclang-") && !name.starts_with("libclang-cpp")))
}

/// Where the Rust toolchain has its standard library for `host`, if it has one.
fn rust_std(host: Host) -> Option<PathBuf> {
    let dir = PathBuf::from(read("rustc", &["--print", "target-libdir", "--target", host.target])?);
    let mut files = fs::read_dir(&dir).ok()?.filter_map(Result::ok);
    files.any(|file| file.file_name().to_string_lossy().starts_with("libstd-")).then_some(dir)
}

fn programs(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let files = env::split_paths(&path).map(|dir| dir.join(name)).filter(|file| file.is_file());
    // A file of that name may be somebody's shim that leads nowhere.
    files.filter(|file| read(&file.to_string_lossy(), &["--version"]).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_interface_is_told_from_the_others() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so", "libclang-14.so.1"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang.a", "libLLVM.so", "libclangBasic.a"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(!programs("ar").is_empty());
        assert!(programs("no-such-program-here").is_empty());
    }

    #[test]
    fn what_was_built_here_is_not_the_systems() {
        let archiver = programs("ar");
        let folder = archiver[0].parent().unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("libclang.so"), "").unwrap();
        assert!(holds_libclang(dir.path()) && !holds_libclang(folder));
        assert_eq!(on_system(ToolKind::Libclang, Host::native().unwrap(), Path::new("/")), None);
    }

    #[test]
    fn the_toolchain_has_a_standard_library_for_its_own_machine() {
        assert!(rust_std(Host::native().unwrap()).is_some());
        let nowhere = Host { target: "no-such-target", ..Host::native().unwrap() };
        assert_eq!(rust_std(nowhere), None);
    }
}
