//! Names, paths and the kinds of files.

use super::*;
use coin::ChainKind;

fn format(chain: ChainKind) -> Format {
    let bitcoin = coin::by_id("bitcoin").unwrap();
    Format::for_chain(bitcoin, bitcoin.chain(chain).unwrap())
}

#[test]
fn a_name_is_a_path_below_the_wallet_directory_or_an_absolute_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| wallet_path(directory.path(), name);
    assert_eq!(path("").unwrap(), directory.path());
    assert_eq!(path("w").unwrap(), directory.path().join("w"));
    assert_eq!(path("sub/w").unwrap(), directory.path().join("sub/w"));
    assert_eq!(path("w/").unwrap(), directory.path().join("w/"));
    assert_eq!(path("sub//w").unwrap(), directory.path().join("sub/w"));
    assert_eq!(path("..w").unwrap(), directory.path().join("..w"));
    let elsewhere = tempfile::tempdir().unwrap();
    let absolute = elsewhere.path().join("extern/w");
    assert_eq!(path(absolute.to_str().unwrap()).unwrap(), absolute);
}

#[test]
fn names_that_wander_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = |name: &str| wallet_path(directory.path(), name).unwrap_err();
    for name in ["./w", "w/.", "a/./b", "a/../b", "a/..", "../", "./", "/..", "/a/..", "/.", "//../a"] {
        assert_eq!(error(name), NameError::NotNormalized, "{name}");
    }
    for name in [".", "..", "../w", "../../w"] {
        assert_eq!(error(name), NameError::Relative, "{name}");
    }
    for name in ["/", "//"] {
        assert_eq!(error(name), NameError::Root, "{name}");
    }
}

#[test]
fn the_separators_of_windows_count_there() {
    for (name, path, is_absolute) in [
        (r"a\b", "a/b", false),
        (r"..\w", "../w", false),
        (r"C:\w", "/w", true),
        ("C:w", "w", true),
        (r"\\server\share\w", "//server/share/w", true),
        ("/w", "/w", true),
        ("é:w", "é:w", false),
    ] {
        assert_eq!(in_slashes(name, true), (path.into(), is_absolute), "{name}");
    }
    assert_eq!(in_slashes(r"a\b", false), (r"a\b".into(), false));
    assert_eq!(in_slashes("C:w", false), ("C:w".into(), false));
}

#[test]
fn what_is_there_has_to_be_a_directory_or_a_file_of_the_wallet_directory() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("w")).unwrap();
    fs::write(at("file"), b"").unwrap();
    fs::write(at("w/file"), b"").unwrap();
    std::os::unix::fs::symlink(at("w"), at("link")).unwrap();
    std::os::unix::fs::symlink(at("file"), at("link_to_file")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
    for name in ["w", "file", "link", "new", "file/below"] {
        assert!(wallet_path(directory.path(), name).is_ok(), "{name}");
    }
    for name in ["w/file", "link_to_file", "dangling"] {
        let text = wallet_path(directory.path(), name).unwrap_err().to_string();
        assert!(text.starts_with(&format!("Invalid -wallet path '{name}'. -wallet path should point to a")), "{text}");
        assert!(text.ends_with(&format!("data file in -walletdir (\"{}\")", directory.path().display())), "{text}");
    }
}

#[test]
fn files_are_told_apart_by_their_first_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (main, regtest) = (format(ChainKind::Main), format(ChainKind::Regtest));

    let mut sqlite = vec![0; 512];
    sqlite[..16].copy_from_slice(b"SQLite format 3\0");
    sqlite[68..72].copy_from_slice(&regtest.magic());
    fs::write(at("sqlite"), &sqlite).unwrap();
    fs::write(at("short"), &sqlite[..511]).unwrap();
    assert!(is_sqlite_file(&at("sqlite"), &regtest).unwrap());
    assert!(!is_sqlite_file(&at("sqlite"), &main).unwrap(), "another network's");
    assert!(!is_sqlite_file(&at("short"), &regtest).unwrap());
    assert!(!is_sqlite_file(&at("absent"), &regtest).unwrap());
    assert!(!is_sqlite_file(&at("sqlite/below"), &regtest).unwrap());
    assert!(!is_sqlite_file(directory.path(), &regtest).unwrap());

    for (name, magic) in [("little", [0x62, 0x31, 5, 0]), ("big", [0, 5, 0x31, 0x62])] {
        let mut tree = vec![0; 4096];
        tree[12..16].copy_from_slice(&magic);
        fs::write(at(name), &tree).unwrap();
        assert!(is_bdb_file(&at(name)).unwrap());
        fs::write(at(name), &tree[..4095]).unwrap();
        assert!(!is_bdb_file(&at(name)).unwrap());
    }
    assert!(!is_bdb_file(&at("sqlite")).unwrap());

    std::os::unix::fs::symlink(at("loop"), at("loop")).unwrap();
    assert!(is_bdb_file(&at("loop")).is_err());
    assert!(is_sqlite_file(&at("loop"), &main).is_err());
}
