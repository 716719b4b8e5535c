//! Unix sockets that only their owner can use.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use platform::socket::{LocalListener, LocalSocket};
pub(crate) use tokio::net::unix::{OwnedReadHalf as ReadHalf, OwnedWriteHalf as WriteHalf};
pub(crate) use tokio::net::{UnixListener as Listening, UnixStream as Stream};

use crate::error::{Error, MAX_PATH};

/// A socket file. Dropping it removes the file, if it is still ours.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|now| (now.dev(), now.ino()) == self.identity) {
            // Somebody else may have been faster.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Listens at a path. The file appears when it accepts, never before, and nobody else can open it.
pub(crate) fn bind(path: &Path) -> Result<(LocalListener, SocketFile), Error> {
    let failed = |error: io::Error| Error::Bind(path.to_owned(), error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
    let mode = fs::metadata(parent).map_err(failed)?.permissions().mode();
    if mode & 0o1002 == 0o0002 {
        return Err(Error::OpenDirectory(path.to_owned()));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(Error::NotASocket(path.to_owned())),
        // Whoever listens there sees a connection that ends at once, and must live with that.
        Ok(_) => match LocalSocket::connect(path) {
            Ok(_) => return Err(Error::AddressInUse(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Bound under another name first: its permissions are right before anybody can know it.
    let hidden = parent.join(format!(".{:x}", std::process::id()));
    let hidden = if hidden.as_os_str().len() > MAX_PATH { path } else { &hidden };
    if hidden != path {
        drop(fs::remove_file(hidden));
    }
    let listener = LocalListener::bind(hidden).map_err(failed)?;
    let finish = || {
        fs::set_permissions(hidden, fs::Permissions::from_mode(0o600))?;
        let ours = fs::symlink_metadata(hidden)?;
        listener.set_nonblocking(true)?;
        if hidden != path {
            fs::rename(hidden, path)?;
        }
        Ok((ours.dev(), ours.ino()))
    };
    match finish() {
        Ok(identity) => Ok((listener, SocketFile { path: path.to_owned(), identity })),
        Err(error) => {
            drop(fs::remove_file(hidden));
            Err(failed(error))
        }
    }
}

/// Connects to a path, if its listener is ours or the administrator's.
pub(crate) fn connect(path: &Path) -> Result<LocalSocket, Error> {
    let failed = |error: io::Error| Error::Connect(path.to_owned(), error);
    let stream = LocalSocket::connect(path).map_err(failed)?;
    match peer_is_trusted(&stream) {
        Ok(true) => Ok(stream),
        Ok(false) => Err(Error::WrongUser(path.to_owned())),
        Err(error) => Err(failed(error)),
    }
}

/// Whether the other end runs as this user, or as the administrator, who can do anything anyway.
pub(crate) fn peer_is_trusted(stream: &LocalSocket) -> io::Result<bool> {
    let uid = peer_uid(stream)?;
    Ok(uid == 0 || uid == nix::unistd::geteuid().as_raw())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer_uid(stream: &LocalSocket) -> io::Result<u32> {
    let credentials = nix::sys::socket::getsockopt(stream, nix::sys::socket::sockopt::PeerCredentials)?;
    Ok(credentials.uid())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn peer_uid(stream: &LocalSocket) -> io::Result<u32> {
    let (uid, _) = nix::unistd::getpeereid(stream)?;
    Ok(uid.as_raw())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::bind;
    use crate::error::Error;

    #[test]
    fn only_the_owner_can_open_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/node.sock");
        let (listener, file) = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        UnixStream::connect(&path).unwrap();
        drop((listener, file));
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.sock");
        let live = UnixListener::bind(&path).unwrap();
        assert!(matches!(bind(&path), Err(Error::AddressInUse(_))));
        drop(live);
        assert!(path.exists());
        let (_listener, file) = bind(&path).unwrap();
        // Someone else's socket under our name stays.
        fs::remove_file(&path).unwrap();
        let _theirs = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.sock");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(bind(&path), Err(Error::NotASocket(_))));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(bind(&dir.path().join("other.sock")), Err(Error::OpenDirectory(_))));
    }
}
