//! `-ipcbind=` and `-ipcconnect=`.

use std::path::{Path, PathBuf};

use platform::socket::HAS_LOCAL_SOCKETS;

use crate::error::{Error, MAX_PATH};

/// Where a process listens, or whom it connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket; without a path the usual one of the data directory.
    Unix(Option<PathBuf>),
    /// A TCP endpoint.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
}

/// What `-ipcconnect` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connect {
    /// Nothing: `-noipcconnect`, `0` or the empty text.
    Off,
    /// The usual socket if somebody answers there, else nothing.
    Auto,
    /// This, or an error.
    To(Address),
}

impl Address {
    /// Reads `unix`, `unix:PATH` or `tcp:HOST:PORT`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unrecognized = || Error::UnrecognizedAddress(text.to_owned());
        match text.split_once(':') {
            None if text == "unix" => Ok(Self::Unix(None)),
            Some(("unix", "")) => Ok(Self::Unix(None)),
            Some(("unix", path)) => Ok(Self::Unix(Some(path.into()))),
            Some(("tcp", rest)) => {
                let (host, port) = rest.rsplit_once(':').ok_or_else(unrecognized)?;
                let port = port.parse().map_err(|_| unrecognized())?;
                let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                if host.is_empty() {
                    return Err(unrecognized());
                }
                Ok(Self::Tcp { host: host.to_owned(), port })
            }
            _ => Err(unrecognized()),
        }
    }

    /// The path of the socket. A relative one is below the data directory; the usual one is `ROLE.sock` there.
    pub fn socket_path(&self, data_dir: &Path, role: &str) -> Result<PathBuf, Error> {
        let path = match self {
            Self::Unix(_) if !HAS_LOCAL_SOCKETS => return Err(Error::NoUnixSockets),
            Self::Unix(None) => data_dir.join(format!("{role}.sock")),
            Self::Unix(Some(path)) => data_dir.join(path),
            Self::Tcp { host, port } => return Err(Error::TcpNeedsEncryption(format!("tcp:{host}:{port}"))),
        };
        let length = path.as_os_str().len();
        if length > MAX_PATH { Err(Error::PathTooLong(path, length)) } else { Ok(path) }
    }
}

impl Connect {
    /// Reads the value of `-ipcconnect`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "" | "0" => Self::Off,
            "auto" => Self::Auto,
            _ => Self::To(Address::parse(text)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Address, Connect};
    use crate::error::Error;

    #[test]
    fn addresses() {
        let dir = Path::new("/data");
        let path = |text: &str| Address::parse(text).unwrap().socket_path(dir, "node").unwrap();
        assert_eq!(path("unix"), Path::new("/data/node.sock"));
        assert_eq!(path("unix:"), Path::new("/data/node.sock"));
        assert_eq!(path("unix:a/b.sock"), Path::new("/data/a/b.sock"));
        assert_eq!(path("unix:/run/x:y"), Path::new("/run/x:y"));
        for bad in ["", "unixx", "node.sock", "tcp:", "tcp:host", "tcp:host:99999", "tcp::1"] {
            let error = Address::parse(bad).unwrap_err();
            assert_eq!(error.to_string(), format!("Unrecognized address '{bad}'"));
        }
    }

    #[test]
    fn tcp_is_read_and_refused() {
        let address = Address::parse("tcp:[::1]:8336").unwrap();
        assert_eq!(address, Address::Tcp { host: "::1".into(), port: 8336 });
        let error = address.socket_path(Path::new("/"), "node").unwrap_err();
        assert!(error.to_string().contains("needs authenticated encryption"), "{error}");
    }

    #[test]
    fn a_long_path_is_explained() {
        let fits = format!("/{}", "x".repeat(106));
        assert!(Address::parse(&format!("unix:{fits}")).unwrap().socket_path(Path::new("/"), "node").is_ok());
        let error = Address::parse(&format!("unix:{fits}x")).unwrap().socket_path(Path::new("/"), "node").unwrap_err();
        assert!(matches!(error, Error::PathTooLong(_, 108)));
        assert!(error.to_string().contains("exceeded maximum socket path length"), "{error}");
    }

    #[test]
    fn connecting_may_be_off() {
        assert_eq!(Connect::parse("0").unwrap(), Connect::Off);
        assert_eq!(Connect::parse("auto").unwrap(), Connect::Auto);
        assert_eq!(Connect::parse("unix").unwrap(), Connect::To(Address::Unix(None)));
    }
}
