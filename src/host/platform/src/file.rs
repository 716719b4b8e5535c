//! Files and directories that are either whole or not there.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::{sync_directory, sync_file};
use crate::entropy::{Entropy, random_u64};
use crate::system::files;

/// A file that takes the place of another one in a single step.
///
/// It is written under a name of its own beside the target; [`AtomicFile::commit`] brings it to the disk and renames
/// it. A crash leaves either the old content or the new one. Dropped without a commit, it disappears.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    target: PathBuf,
    temporary: PathBuf,
    committed: bool,
}

impl AtomicFile {
    /// Starts writing. The temporary file is the target's name with `suffix`, such as `.tmp` or `.new`; an old one that
    /// a crash has left is overwritten.
    pub fn create(target: &Path, suffix: &str) -> io::Result<Self> {
        let mut name = target.as_os_str().to_owned();
        name.push(suffix);
        let temporary = PathBuf::from(name);
        let file = File::create(&temporary)?;
        Ok(Self { file, target: target.to_owned(), temporary, committed: false })
    }

    /// The file itself, to set its mode or to seek in it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts the new content in the target's place, and returns when it will survive a power cut.
    pub fn commit(mut self) -> io::Result<()> {
        sync_file(&self.file)?;
        std::fs::rename(&self.temporary, &self.target)?;
        self.committed = true;
        sync_directory(parent_of(&self.target))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Replaces the content of `target` in a single step, through a file with `.tmp` after its name.
pub fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(target, ".tmp")?;
    file.write_all(content)?;
    file.commit()
}

/// A file, whatever path leads to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// Of a file that is open.
    pub fn of(file: &File) -> io::Result<Self> {
        files::id_of(file).map(|(device, number)| Self { device, number })
    }

    /// Of what is at a path. It is not opened in a way that would take locks from this process.
    pub fn at(path: &Path) -> io::Result<Self> {
        files::id_at(path).map(|(device, number)| Self { device, number })
    }
}

/// How to open a new file for writing that only its owner can read: mode 0600, where there are modes.
pub fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    files::make_private(options.write(true));
    options
}

/// Says who may read and write a file, where there are modes.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    files::set_mode(path, mode)
}

/// A path that came as bytes.
pub fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    files::path_from_bytes(bytes)
}

/// Where a path leads in the end, from the root and without links, in the form that people write.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path).map(files::as_people_write)
}

/// Creates a directory and its missing parents with mode 0700. Says whether it was created now.
pub fn create_private_directory(path: &Path) -> io::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut builder = DirBuilder::new();
    files::make_directories_private(builder.recursive(true));
    builder.create(path)?;
    Ok(true)
}

/// Whether a file can be created in `directory`. It must exist.
pub fn is_directory_writable(directory: &Path, entropy: &dyn Entropy) -> io::Result<bool> {
    if !directory.is_dir() {
        let text = format!("Path {} is not a directory", directory.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
    }
    let probe = directory.join(format!(".tmp_{}", random_u64(entropy)?));
    match File::create_new(&probe) {
        Ok(_) => {
            let _ = std::fs::remove_file(&probe);
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

/// The directory a path is in; the current one for a bare file name.
fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_commit_replaces_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("settings.json");
        replace(&target, b"{}").unwrap();
        replace(&target, b"{\"a\": 1}").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"{\"a\": 1}");
        assert_eq!(names(dir.path()), ["settings.json"]);
    }

    #[test]
    fn without_a_commit_the_old_content_stays() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("peers.dat");
        replace(&target, b"old").unwrap();
        let mut file = AtomicFile::create(&target, ".new").unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(file.file().metadata().unwrap().len(), 4);
        drop(file);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["peers.dat"]);
    }

    #[test]
    fn a_left_over_temporary_file_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("settings.json");
        std::fs::write(dir.path().join("settings.json.tmp"), b"a crash left this, and it is longer").unwrap();
        replace(&target, b"new").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn a_bare_name_has_the_current_directory_as_its_parent() {
        assert_eq!(parent_of(Path::new("x")), Path::new("."));
        assert_eq!(parent_of(Path::new("/a/x")), Path::new("/a"));
    }

    #[test]
    fn directories_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("regtest/wallets");
        assert!(create_private_directory(&path).unwrap());
        assert!(!create_private_directory(&path).unwrap());
        #[cfg(unix)]
        for made in [path.clone(), dir.path().join("regtest")] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::write(dir.path().join("file"), b"").unwrap();
        assert!(create_private_directory(&dir.path().join("file")).is_err());
    }

    #[test]
    fn a_file_is_the_same_by_every_path() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link, other) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
        let file = private_options().create_new(true).open(&path).unwrap();
        std::fs::hard_link(&path, &link).unwrap();
        std::fs::write(&other, b"").unwrap();
        assert_eq!(FileId::of(&file).unwrap(), FileId::at(&path).unwrap());
        assert_eq!(FileId::at(&path).unwrap(), FileId::at(&link).unwrap());
        assert_ne!(FileId::at(&path).unwrap(), FileId::at(&other).unwrap());
        assert!(FileId::at(&dir.path().join("absent")).is_err());
        FileId::at(dir.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn modes_are_set() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        private_options().create_new(true).open(&path).unwrap();
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        set_mode(&path, 0o640).unwrap();
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn writability_is_probed_without_a_trace() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_directory_writable(dir.path(), &SystemEntropy).unwrap());
        assert!(names(dir.path()).is_empty());
        assert!(is_directory_writable(&dir.path().join("absent"), &SystemEntropy).is_err());
    }
}
