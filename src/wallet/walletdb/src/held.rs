//! The files that this process has locked.
//!
//! POSIX gives a file's locks to the process, and takes them all away as soon as the process closes *any* descriptor of
//! that file. SQLite knows that of its own descriptors. Whoever only wants to look at a file has to know it, too: a
//! look into a wallet that is open here would let the next process in. So this table is as global as what it mirrors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use platform::file::{FileId, private_options};

/// A file that is open.
#[derive(Default)]
struct Entry {
    times: usize,
    /// Other descriptors of it, which wait to be closed.
    kept: Vec<File>,
}

static HELD: Mutex<BTreeMap<FileId, Entry>> = Mutex::new(BTreeMap::new());

fn with_table<T>(work: impl FnOnce(&mut BTreeMap<FileId, Entry>) -> T) -> T {
    work(&mut HELD.lock().unwrap_or_else(PoisonError::into_inner))
}

/// An entry in the table, for as long as it lives. It has to be dropped after the file was closed.
#[derive(Debug)]
pub(crate) struct Held(Option<FileId>);

impl Held {
    /// Enters a file.
    pub(crate) fn enter(path: &Path) -> Self {
        let id = FileId::at(path).ok();
        if let Some(id) = id {
            with_table(|table| table.entry(id).or_default().times += 1);
        }
        Self(id)
    }

    /// Enters nothing.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(id) = self.0 else { return };
        with_table(|table| {
            if let Some(entry) = table.get_mut(&id) {
                entry.times -= 1;
                if entry.times == 0 {
                    table.remove(&id);
                }
            }
        });
    }
}

/// Whether a file is open as a wallet in this process. It must not be opened otherwise then: closing it would unlock it.
pub fn is_open_here(path: &Path) -> bool {
    FileId::at(path).is_ok_and(|id| with_table(|table| table.contains_key(&id)))
}

/// Copies a file, which may be a wallet that is open here, to a new one that only its owner can read.
pub fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let copied = private_options().create_new(true).open(to).and_then(|mut copy| {
        io::copy(&mut source, &mut copy)?;
        platform::disk::sync_file(&copy)
    });
    close(source);
    copied
}

/// Closes a file, later if it is open as a wallet.
fn close(file: File) {
    let id = FileId::of(&file);
    with_table(|table| {
        if let Some(entry) = id.ok().and_then(|id| table.get_mut(&id)) {
            entry.kept.push(file);
        }
    });
}
