//! SHA-256 of files and texts, and the identity of a package.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// Lower-case hex of the SHA-256 of `text`.
pub(crate) fn of_text(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Lower-case hex of the SHA-256 of `bytes`.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex of the SHA-256 of the file at `path`.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let read = || of_reader(&mut File::open(path)?);
    read().with_context(|| format!("reading {}", path.display()))
}

/// Lower-case hex of the SHA-256 of all that `reader` gives.
pub(crate) fn of_reader(reader: &mut impl io::Read) -> io::Result<String> {
    let mut state = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex(&state.finalize())),
            count => state.update(&buffer[..count]),
        }
    }
}

/// Refuses the file at `path` unless it has the hash `expected`.
pub(crate) fn check(path: &Path, expected: &str) -> Result<()> {
    let found = of_file(path)?;
    if found != expected {
        bail!(
            "{} is not what was pinned and is refused\n  expected sha256 {expected}\n  found    sha256 {found}\n  \
             delete the file and try again; if it comes back like this, do not use it",
            path.display()
        );
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a text cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of_text(""), empty);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&file).unwrap(), abc);
        check(&file, abc).unwrap();
        assert!(check(&file, empty).unwrap_err().to_string().contains("refused"));
    }
}
