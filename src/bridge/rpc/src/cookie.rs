//! The cookie: a file with a random password, for clients that may read the data directory.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use platform::Entropy;
use platform::entropy::random_bytes;
use primitives::hex;
use thiserror::Error;
use tracing::{info, warn};

/// The user whose password the file holds.
pub const COOKIE_USER: &str = "__cookie__";
/// The usual name of the file.
pub const COOKIE_FILE: &str = ".cookie";
/// No cookie is longer.
const MAX_COOKIE: u64 = 4096;

/// Why there is no cookie.
#[derive(Debug, Error)]
pub enum CookieError {
    /// `-rpccookieperms` is no word that is known.
    #[error("Invalid -rpccookieperms={0}; must be one of 'owner', 'group', or 'all'.")]
    InvalidPermissions(String),
    /// The temporary file cannot be written.
    #[error("Unable to open cookie authentication file {0} for writing")]
    Open(PathBuf, #[source] io::Error),
    /// It cannot be renamed.
    #[error("Unable to rename cookie authentication file {0} to {1}")]
    Rename(PathBuf, PathBuf, #[source] io::Error),
    /// Others cannot be let in.
    #[error("Unable to set permissions on cookie authentication file {0}")]
    Permissions(PathBuf, #[source] io::Error),
    /// There is no randomness.
    #[error("no random bytes for the cookie: {0}")]
    Entropy(#[source] io::Error),
}

/// A cookie that this process made. Dropping it deletes the file.
#[derive(Debug)]
pub struct Cookie {
    path: PathBuf,
    password: String,
}

impl Cookie {
    /// Writes a new one. `perms` is `owner`, `group` or `all`; none is `owner`. The file appears at once and whole.
    pub fn generate(path: &Path, perms: Option<&str>, entropy: &dyn Entropy) -> Result<Self, CookieError> {
        let mode = match perms {
            None | Some("owner") => 0o600,
            Some("group") => 0o640,
            Some("all") => 0o644,
            Some(other) => return Err(CookieError::InvalidPermissions(other.to_owned())),
        };
        let password = hex::encode(&random_bytes::<32>(entropy).map_err(CookieError::Entropy)?);
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        write_private(&temporary, &format!("{COOKIE_USER}:{password}"))
            .map_err(|error| CookieError::Open(temporary.clone(), error))?;
        fs::rename(&temporary, path).map_err(|error| CookieError::Rename(temporary, path.to_owned(), error))?;
        let cookie = Self { path: path.to_owned(), password };
        // Wider permissions come last: until then nobody else could open the file.
        platform::file::set_mode(path, mode).map_err(|error| CookieError::Permissions(path.to_owned(), error))?;
        info!("Generated RPC authentication cookie {}", path.display());
        info!("Permissions used for cookie: {}", symbolic(mode));
        Ok(cookie)
    }

    /// Its user.
    pub fn user(&self) -> &'static str {
        COOKIE_USER
    }

    /// Its password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Cookie {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!("Unable to remove random auth cookie file {}: {error}", self.path.display());
        }
    }
}

/// What a client sends: `USER:PASSWORD` from the first line of the file.
pub fn read_cookie(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_COOKIE).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or("").to_owned())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A file that was left behind may have other permissions, so it is never written into.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    platform::file::private_options().create_new(true).open(path)?.write_all(text.as_bytes())
}

/// Permissions as `ls` prints them.
fn symbolic(mode: u32) -> String {
    let letters = "rwxrwxrwx".chars().zip((0..9).rev());
    letters.map(|(letter, bit)| if mode >> bit & 1 == 1 { letter } else { '-' }).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use platform::SystemEntropy;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_cookie_lives_as_long_as_its_value() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(COOKIE_FILE);
        for (perms, mode) in [(None, 0o600), (Some("owner"), 0o600), (Some("group"), 0o640), (Some("all"), 0o644)] {
            let cookie = Cookie::generate(&path, perms, &SystemEntropy).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
            assert_eq!(read_cookie(&path).unwrap(), format!("__cookie__:{}", cookie.password()));
            assert_eq!(cookie.password().len(), 64);
            drop(cookie);
            assert!(!path.exists());
        }
        assert_eq!(symbolic(0o640), "rw-r-----");
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(COOKIE_FILE);
        fs::create_dir(directory.path().join(".cookie.tmp")).unwrap();
        let error = Cookie::generate(&path, None, &SystemEntropy).unwrap_err().to_string();
        assert!(error.starts_with("Unable to open cookie authentication file "), "{error}");
        assert!(!path.exists());
        let error = Cookie::generate(&path, Some("world"), &SystemEntropy).unwrap_err().to_string();
        assert_eq!(error, "Invalid -rpccookieperms=world; must be one of 'owner', 'group', or 'all'.");
        assert!(read_cookie(&path).is_err());
    }

    #[test]
    fn an_old_temporary_file_does_not_lend_its_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let (path, temporary) = (directory.path().join("c"), directory.path().join("c.tmp"));
        fs::write(&temporary, "old").unwrap();
        fs::set_permissions(&temporary, Permissions::from_mode(0o666)).unwrap();
        let _cookie = Cookie::generate(&path, None, &SystemEntropy).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
