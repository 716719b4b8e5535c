//! Archives of built packages: packed the same way every time, refused when a byte has changed.
//!
//! `NAME-VERSION-ID.tar.gz` lies in the cache beside `NAME-VERSION-ID.tar.gz.sha256`. The hash is written after the
//! archive is complete, and both are moved into place, so a killed build leaves no archive that looks whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, HeaderMode};

use super::hash;

/// Where the hash of `archive` is written.
pub(crate) fn sidecar(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

/// Packs the tree `from` into `archive` and its hash beside it.
pub(crate) fn pack(from: &Path, archive: &Path) -> Result<()> {
    let dir = archive.parent().context("an archive lies in a folder")?;
    fs::create_dir_all(dir)?;
    let temporary = tempfile::NamedTempFile::new_in(dir).context("writing to the cache")?;
    let gzip = GzEncoder::new(BufWriter::new(temporary), Compression::fast());
    let mut tar = Builder::new(gzip);
    tar.mode(HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    for path in files(from)? {
        let name = path.strip_prefix(from).expect("the walk stays below its start");
        tar.append_path_with_name(&path, name).with_context(|| format!("packing {}", path.display()))?;
    }
    let mut writer = tar.into_inner()?.finish()?;
    writer.flush()?;
    let temporary = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    temporary.as_file().sync_all()?;
    let hash = hash::of_file(temporary.path())?;
    let mut note = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(note, "{hash}")?;
    note.as_file().sync_all()?;
    temporary.persist(archive)?;
    note.persist(sidecar(archive))?;
    Ok(())
}

/// Puts an archive that another machine packed, and whose hash was checked, where one that was packed here would be.
#[cfg(feature = "shared-cache")]
pub(crate) fn adopt(bytes: &[u8], hash: &str, archive: &Path) -> Result<()> {
    let dir = archive.parent().context("an archive lies in a folder")?;
    fs::create_dir_all(dir)?;
    let mut temporary = tempfile::NamedTempFile::new_in(dir).context("writing to the cache")?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    let mut note = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(note, "{hash}")?;
    note.as_file().sync_all()?;
    temporary.persist(archive)?;
    note.persist(sidecar(archive))?;
    Ok(())
}

/// Whether `archive` and its hash are there.
pub(crate) fn exists(archive: &Path) -> bool {
    archive.is_file() && sidecar(archive).is_file()
}

/// Checks `archive` against its hash and unpacks it into `to`.
pub(crate) fn unpack(archive: &Path, to: &Path) -> Result<()> {
    let note = fs::read_to_string(sidecar(archive)).with_context(|| format!("no hash of {}", archive.display()))?;
    hash::check(archive, note.trim())?;
    unpack_source(archive, to)
}

/// Unpacks a `.tar.gz` whose hash was checked by the caller.
pub(crate) fn unpack_source(archive: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let file = File::open(archive).with_context(|| format!("reading {}", archive.display()))?;
    let mut tar = Archive::new(GzDecoder::new(file));
    tar.set_preserve_mtime(false);
    tar.unpack(to).with_context(|| format!("unpacking {}", archive.display()))
}

/// Every file and link below `dir`, sorted, so that archives do not depend on the file system's order.
pub(crate) fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("lib/deep")).unwrap();
        fs::write(dir.path().join("lib/deep/b"), "bb").unwrap();
        fs::write(dir.path().join("lib/a"), "a").unwrap();
        dir
    }

    #[test]
    fn the_same_tree_packs_to_the_same_bytes() {
        let out = tempfile::tempdir().unwrap();
        for name in ["1.tar.gz", "2.tar.gz"] {
            pack(tree().path(), &out.path().join(name)).unwrap();
        }
        assert_eq!(fs::read(out.path().join("1.tar.gz")).unwrap(), fs::read(out.path().join("2.tar.gz")).unwrap());
    }

    #[test]
    fn what_was_packed_comes_back() {
        let out = tempfile::tempdir().unwrap();
        let archive = out.path().join("x.tar.gz");
        pack(tree().path(), &archive).unwrap();
        unpack(&archive, &out.path().join("to")).unwrap();
        assert_eq!(fs::read_to_string(out.path().join("to/lib/deep/b")).unwrap(), "bb");
    }

    #[test]
    fn a_flipped_byte_is_refused_and_nothing_is_unpacked() {
        let out = tempfile::tempdir().unwrap();
        let archive = out.path().join("x.tar.gz");
        pack(tree().path(), &archive).unwrap();
        let good = fs::read(&archive).unwrap();
        for place in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            fs::write(&archive, bad).unwrap();
            let error = unpack(&archive, &out.path().join("to")).unwrap_err().to_string();
            assert!(error.contains("x.tar.gz") && error.contains("refused"), "{error}");
            assert!(!out.path().join("to").exists());
        }
    }

    #[test]
    fn an_archive_without_its_hash_does_not_count() {
        let out = tempfile::tempdir().unwrap();
        let archive = out.path().join("x.tar.gz");
        pack(tree().path(), &archive).unwrap();
        assert!(exists(&archive));
        fs::remove_file(sidecar(&archive)).unwrap();
        assert!(!exists(&archive));
        assert!(unpack(&archive, &out.path().join("to")).is_err());
    }
}
