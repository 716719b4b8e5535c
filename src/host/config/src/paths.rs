//! Directories: what the environment says, where data lives by default, how paths in options are read.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use coin::Coin;

/// The system whose conventions for data directories apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and its relatives: a dot directory in the home directory.
    Unix,
    /// macOS: the library's application support.
    MacOs,
    /// Windows: the user's application data.
    Windows,
}

/// What the programs take from their environment. Tests make their own.
#[derive(Debug, Clone)]
pub struct Env {
    /// The system.
    pub system: System,
    /// `HOME`.
    pub home: Option<OsString>,
    /// `APPDATA`, on Windows.
    pub app_data: Option<OsString>,
    /// `LOCALAPPDATA`, on Windows.
    pub local_app_data: Option<OsString>,
    /// The working directory, at which relative paths start.
    pub working_directory: PathBuf,
    /// Where temporary directories are made.
    pub temporary_directory: PathBuf,
    /// The process id, which makes names of temporary directories differ.
    pub process_id: u32,
}

impl Env {
    /// The real environment. This is the only place that reads it.
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    pub fn from_process() -> Self {
        let system = if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Unix
        };
        Self {
            system,
            home: std::env::var_os("HOME"),
            app_data: std::env::var_os("APPDATA"),
            local_app_data: std::env::var_os("LOCALAPPDATA"),
            working_directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            temporary_directory: std::env::temp_dir(),
            process_id: std::process::id(),
        }
    }

    /// An environment of its own under one directory, for tests: `home`, the working directory and temporary files.
    pub fn rooted_at(directory: &Path) -> Self {
        Self {
            system: System::Unix,
            home: Some(directory.join("home").into()),
            app_data: Some(directory.join("roaming").into()),
            local_app_data: Some(directory.join("local").into()),
            working_directory: directory.to_owned(),
            temporary_directory: directory.to_owned(),
            process_id: 1,
        }
    }

    /// A relative path from the working directory.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.working_directory.join(path)
    }
}

/// The coin's data directory when none is given.
pub fn default_data_dir(coin: &Coin, env: &Env) -> PathBuf {
    match env.system {
        System::Unix => expand(coin.datadir_unix, env),
        System::MacOs => expand(coin.datadir_macos, env),
        System::Windows => {
            // An old directory is kept where it is.
            let legacy = coin.windows_legacy_datadir.map(|legacy| expand(legacy, env));
            legacy.filter(|legacy| legacy.exists()).unwrap_or_else(|| expand(coin.datadir_windows, env))
        }
    }
}

/// Fills in `~`, `%APPDATA%` and `%LOCALAPPDATA%`. What the environment does not say is the root.
fn expand(pattern: &str, env: &Env) -> PathBuf {
    let (base, rest) = if let Some(rest) = pattern.strip_prefix('~') {
        (&env.home, rest)
    } else if let Some(rest) = pattern.strip_prefix("%APPDATA%") {
        (&env.app_data, rest)
    } else if let Some(rest) = pattern.strip_prefix("%LOCALAPPDATA%") {
        (&env.local_app_data, rest)
    } else {
        return PathBuf::from(pattern);
    };
    let base = base.as_deref().filter(|base| !base.is_empty()).map_or_else(|| Path::new("/"), Path::new);
    rest.split(['/', '\\']).filter(|part| !part.is_empty()).fold(base.to_owned(), |path, part| path.join(part))
}

/// Removes `.`, `..` and doubled or trailing slashes without asking the disk.
pub fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match result.components().next_back() {
                Some(Component::Normal(_)) => {
                    result.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => result.push(component),
            },
            component => result.push(component),
        }
    }
    if result.as_os_str().is_empty() && !path.as_os_str().is_empty() {
        result.push(".");
    }
    result
}

/// Both paths lead to the same file.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    match (std::fs::canonicalize(one), std::fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other || same_inode(&one, &other),
        _ => false,
    }
}

#[cfg(unix)]
fn same_inode(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(not(unix))]
fn same_inode(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(system: System) -> Env {
        Env { system, home: Some("/home/u".into()), ..Env::rooted_at(Path::new("/home/u")) }
    }

    #[test]
    fn default_directories_by_coin_and_system() {
        let all: Vec<String> = coin::all()
            .iter()
            .flat_map(|coin| {
                [System::Unix, System::MacOs, System::Windows]
                    .map(|system| default_data_dir(coin, &env(system)).display().to_string())
            })
            .collect();
        assert!(all.contains(&"/home/u/.bitcoin".into()));
        assert!(all.contains(&"/home/u/Library/Application Support/Syscoin".into()));
        assert!(all.contains(&"/home/u/local/Bitcoin".into()));
        assert!(all.contains(&"/home/u/roaming/Freicoin".into()));
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn an_old_windows_directory_is_kept() {
        let roaming = tempfile::tempdir().unwrap();
        let mut env = env(System::Windows);
        env.app_data = Some(roaming.path().into());
        let bitcoin = coin::by_id("bitcoin").unwrap();
        assert_eq!(default_data_dir(bitcoin, &env), Path::new("/home/u/local/Bitcoin"));
        std::fs::create_dir(roaming.path().join("Bitcoin")).unwrap();
        assert_eq!(default_data_dir(bitcoin, &env), roaming.path().join("Bitcoin"));
    }

    #[test]
    fn without_a_home_the_root_is_used() {
        let mut env = env(System::Unix);
        for home in [None, Some(OsString::new())] {
            env.home = home;
            assert_eq!(default_data_dir(coin::by_id("bitcoin").unwrap(), &env), Path::new("/.bitcoin"));
        }
    }

    // Vectors of Bitcoin Core's unit test of path arguments.
    #[test]
    fn paths_are_normalised() {
        for (given, normalised) in [
            ("/home/user/.bitcoin", "/home/user/.bitcoin"),
            ("/x/../home/user/.bitcoin", "/home/user/.bitcoin"),
            ("/home/./user/.bitcoin", "/home/user/.bitcoin"),
            ("/home/user/.bitcoin/", "/home/user/.bitcoin"),
            ("/home/user/.bitcoin//", "/home/user/.bitcoin"),
            ("/home/user/.bitcoin/.", "/home/user/.bitcoin"),
            ("/home/user/.bitcoin/./", "/home/user/.bitcoin"),
            ("/home/user/.bitcoin/.//", "/home/user/.bitcoin"),
            ("/", "/"),
            ("/..", "/"),
            ("a/..", "."),
            (".", "."),
            ("..", ".."),
            ("../a", "../a"),
            ("", ""),
        ] {
            assert_eq!(normal(Path::new(given)), Path::new(normalised), "{given}");
        }
    }
}
