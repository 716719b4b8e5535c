//! Release archives: the same files give the same bytes, whoever packs them, wherever and whenever.
//!
//! Entries are sorted, belong to nobody, carry the commit's time and one of two modes. An executable that has many
//! names is in the archive once; the other names are hard links.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// What an archive will hold, by the name in it.
#[derive(Debug, Default)]
pub(crate) struct Content {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
enum Entry {
    File { from: PathBuf, executable: bool },
    Text(Vec<u8>),
    Link(String),
}

impl Content {
    /// A file.
    pub(crate) fn file(&mut self, name: &str, from: &Path, executable: bool) {
        self.entries.insert(name.to_owned(), Entry::File { from: from.to_owned(), executable });
    }

    /// A text that is in no file.
    pub(crate) fn text(&mut self, name: &str, text: impl Into<Vec<u8>>) {
        self.entries.insert(name.to_owned(), Entry::Text(text.into()));
    }

    /// One executable under several names. The first in order is the file, for links come after what they mean.
    pub(crate) fn executable(&mut self, names: &[String], from: &Path) {
        let mut names: Vec<&String> = names.iter().collect();
        names.sort();
        for (index, name) in names.iter().enumerate() {
            if index == 0 {
                self.file(name, from, true);
            } else {
                self.entries.insert((*name).clone(), Entry::Link(names[0].clone()));
            }
        }
    }

    /// Every file below `dir`, under `name/`, or at the top without a name. What may be run there may be run here.
    pub(crate) fn tree(&mut self, name: &str, dir: &Path) -> Result<()> {
        for path in crate::depends::pack::files(dir)? {
            let below = path.strip_prefix(dir).expect("the walk stays below its start");
            let below = below.to_str().context("a name that is not text")?.replace('\\', "/");
            let name = if name.is_empty() { below } else { format!("{name}/{below}") };
            self.file(&name, &path, is_executable(&path)?);
        }
        Ok(())
    }

    /// Packs everything below the folder `top` as a `.tar.gz` at `to`.
    pub(crate) fn pack(&self, top: &str, time: u64, to: &Path) -> Result<()> {
        let dir = to.parent().context("an archive lies in a folder")?;
        fs::create_dir_all(dir)?;
        let temporary = tempfile::NamedTempFile::new_in(dir).with_context(|| format!("writing {}", to.display()))?;
        let gzip = GzBuilder::new().mtime(0).operating_system(255);
        let mut tar = Builder::new(gzip.write(BufWriter::new(temporary), Compression::best()));
        for (name, entry) in &self.entries {
            let path = format!("{top}/{name}");
            append(&mut tar, &path, entry, top, time).with_context(|| format!("packing {name}"))?;
        }
        let mut writer = tar.into_inner()?.finish()?;
        writer.flush()?;
        let temporary = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        readable(temporary.path())?;
        temporary.persist(to)?;
        Ok(())
    }
}

/// A temporary file is its owner's alone; what is published is everybody's.
fn readable(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

fn is_executable(path: &Path) -> Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Ok(fs::metadata(path)?.permissions().mode() & 0o100 != 0)
    }
    #[cfg(not(unix))]
    Ok(false)
}

fn append(tar: &mut Builder<impl io::Write>, path: &str, entry: &Entry, top: &str, time: u64) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mode(0o644);
    match entry {
        Entry::File { from, executable } => {
            let file = File::open(from).with_context(|| format!("reading {}", from.display()))?;
            header.set_size(file.metadata()?.len());
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_entry_type(EntryType::Regular);
            tar.append_data(&mut header, path, file)?;
        }
        Entry::Text(text) => {
            header.set_size(u64::try_from(text.len())?);
            header.set_entry_type(EntryType::Regular);
            tar.append_data(&mut header, path, text.as_slice())?;
        }
        Entry::Link(target) => {
            header.set_size(0);
            header.set_mode(0o755);
            header.set_entry_type(EntryType::Link);
            tar.append_link(&mut header, path, format!("{top}/{target}"))?;
        }
    }
    Ok(())
}

/// The names in two archives whose contents differ; for the report of a build that is not the same.
pub(crate) fn differences(one: &Path, other: &Path) -> Result<Vec<String>> {
    let (one, other) = (members(one)?, members(other)?);
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    Ok(names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect())
}

/// Hash, mode and link of each entry.
fn members(archive: &Path) -> Result<BTreeMap<String, (String, u32, String)>> {
    let file = File::open(archive).with_context(|| format!("reading {}", archive.display()))?;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut members = BTreeMap::new();
    for entry in tar.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        let link = entry.link_name()?.map(|link| link.display().to_string()).unwrap_or_default();
        let mode = entry.header().mode()?;
        let hash = crate::depends::hash::of_reader(&mut entry)?;
        ensure!(members.insert(name.clone(), (hash, mode, link)).is_none(), "{name} is there twice");
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("node"), "program").unwrap();
        fs::create_dir(dir.path().join("doc")).unwrap();
        fs::write(dir.path().join("doc/b.md"), "b").unwrap();
        fs::write(dir.path().join("doc/a.md"), "a").unwrap();
        dir
    }

    fn packed(dir: &Path, to: &Path) {
        let mut content = Content::default();
        content.text("LICENSE", "free");
        content.tree("doc", &dir.join("doc")).unwrap();
        let names = ["bin/freicoin-node", "bin/bitcoin-node"].map(str::to_owned);
        content.executable(&names, &dir.join("node"));
        content.pack("bulkhead-1", 1_700_000_000, to).unwrap();
    }

    #[test]
    fn equal_files_give_equal_bytes() {
        let out = tempfile::tempdir().unwrap();
        for name in ["1.tar.gz", "2.tar.gz"] {
            packed(scene().path(), &out.path().join(name));
        }
        let read = |name: &str| fs::read(out.path().join(name)).unwrap();
        assert_eq!(read("1.tar.gz"), read("2.tar.gz"));
        assert!(differences(&out.path().join("1.tar.gz"), &out.path().join("2.tar.gz")).unwrap().is_empty());
    }

    #[test]
    fn entries_are_sorted_and_nobodys_and_carry_the_commits_time() {
        let out = tempfile::tempdir().unwrap();
        packed(scene().path(), &out.path().join("x.tar.gz"));
        let file = File::open(out.path().join("x.tar.gz")).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let mut names = Vec::new();
        for entry in tar.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (1_700_000_000, 0, 0));
            assert_eq!(header.username().unwrap().unwrap_or_default(), "");
            names.push(entry.path().unwrap().display().to_string());
        }
        let expected = ["LICENSE", "bin/bitcoin-node", "bin/freicoin-node", "doc/a.md", "doc/b.md"];
        assert_eq!(names, expected.map(|name| format!("bulkhead-1/{name}")));
    }

    #[cfg(unix)]
    #[test]
    fn names_of_one_executable_are_one_file_after_unpacking() {
        use std::os::unix::fs::MetadataExt as _;
        let out = tempfile::tempdir().unwrap();
        packed(scene().path(), &out.path().join("x.tar.gz"));
        crate::depends::pack::unpack_source(&out.path().join("x.tar.gz"), &out.path().join("to")).unwrap();
        let meta = |name: &str| fs::metadata(out.path().join("to/bulkhead-1").join(name)).unwrap();
        assert_eq!(meta("bin/bitcoin-node").ino(), meta("bin/freicoin-node").ino());
        assert_eq!((meta("bin/freicoin-node").mode() & 0o777, meta("doc/a.md").mode() & 0o777), (0o755, 0o644));
    }

    #[test]
    fn a_difference_is_named() {
        let (out, dir) = (tempfile::tempdir().unwrap(), scene());
        packed(dir.path(), &out.path().join("1.tar.gz"));
        fs::write(dir.path().join("doc/b.md"), "B").unwrap();
        packed(dir.path(), &out.path().join("2.tar.gz"));
        let found = differences(&out.path().join("1.tar.gz"), &out.path().join("2.tar.gz")).unwrap();
        assert_eq!(found, ["bulkhead-1/doc/b.md"]);
    }
}
