//! Files that are read as memory. The system has no error for a page that the disk does not give: it sends the process a
//! signal. This makes an orderly end of it.

use std::io;
use std::path::Path;

/// From now on the process ends with exit code 1 if a page of a file that is read as memory cannot be had, because the disk
/// fails or somebody cut the file short. `text` is written to standard error behind `Error: `, and to the end of `log`.
///
/// Nothing else is done: it is as if the process had been killed, and what is on disk must stand that. A second call
/// changes nothing. On Windows files are not read as memory, and this does nothing.
pub fn tell_of_lost_pages(text: &str, log: Option<&Path>) -> io::Result<()> {
    crate::system::pages::tell_of_lost(text, log)
}
