//! Where the server listens (`-rpcbind`, `-rpcport`), and how its sockets are opened.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use thiserror::Error;
use tracing::{error, info, warn};

/// Why nothing listens.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BindError {
    /// A value of an option has no valid port.
    #[error("Invalid port specified in {option}: '{value}'")]
    InvalidPort {
        /// Which option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// No address could be used.
    #[error("Unable to bind any endpoint for RPC server")]
    NoEndpoint,
}

/// Splits `host`, `host:port`, `[host]` or `[host]:port`. Zero and whatever does not fit are no ports.
pub fn split_host_port(text: &str) -> Option<(String, Option<u16>)> {
    split_listen(text).filter(|(_, port)| *port != Some(0))
}

/// As [`split_host_port`] for an address to listen on, where port 0 stands for a free one.
pub fn split_listen(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if (host.starts_with('[') && host.ends_with(']')) || !host.contains(':') => {
            let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
            (host, Some(port.parse().ok()?))
        }
        _ => (text, None),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((bare.to_owned(), port))
}

/// The hosts and ports to listen on. Without both options only this machine can connect, and a warning says which one
/// is missing.
pub fn endpoints(binds: &[String], allows_others: bool, port: u16) -> Result<Vec<(String, u16)>, BindError> {
    if binds.is_empty() || !allows_others {
        if allows_others {
            warn!("Option -rpcallowip was specified without -rpcbind; this doesn't usually make sense");
        }
        if !binds.is_empty() {
            warn!(
                "Option -rpcbind was ignored because -rpcallowip was not specified, refusing to allow everyone to connect"
            );
        }
        return Ok(vec![(Ipv6Addr::LOCALHOST.to_string(), port), (Ipv4Addr::LOCALHOST.to_string(), port)]);
    }
    let endpoint = |value: &String| match split_host_port(value) {
        Some((host, own_port)) => Ok((host, own_port.unwrap_or(port))),
        None => Err(BindError::InvalidPort { option: "-rpcbind", value: value.clone() }),
    };
    binds.iter().map(endpoint).collect()
}

/// Opens a socket for each endpoint that works. Port 0 chooses a free one, the same for all endpoints that ask for it.
/// `client_name` is what may be running already.
pub fn listen_on(endpoints: &[(String, u16)], client_name: &str) -> Result<Vec<TcpListener>, BindError> {
    let mut listeners = Vec::new();
    let mut chosen = 0;
    // An IPv4 socket chooses the free port: not every machine has IPv6.
    let mut ordered: Vec<&(String, u16)> = endpoints.iter().collect();
    ordered.sort_by_key(|(host, port)| *port == 0 && host.parse::<Ipv4Addr>().is_err());
    for (host, port) in ordered {
        let any_port = *port == 0;
        let port = if any_port { chosen } else { *port };
        info!("Binding RPC on address {host} port {port}");
        let Ok(address) = host.parse::<IpAddr>() else {
            warn!("Could not bind RPC on address {host} port {port}: Address lookup failed.");
            continue;
        };
        if address.is_unspecified() {
            warn!("The RPC server is not safe to expose to untrusted networks such as the public internet");
        }
        let address = SocketAddr::new(address, port);
        match platform::socket::listen(address) {
            Ok(listener) => {
                if any_port {
                    chosen = listener.local_addr().map_or(chosen, |address| address.port());
                }
                listeners.push(listener);
            }
            Err(error) => {
                let reason = bind_failure(address, &error, client_name);
                warn!("Binding RPC on address {address} failed: {reason}");
            }
        }
    }
    if listeners.is_empty() {
        error!("{}", BindError::NoEndpoint);
        return Err(BindError::NoEndpoint);
    }
    Ok(listeners)
}

fn bind_failure(address: SocketAddr, error: &io::Error, client_name: &str) -> String {
    if error.kind() == io::ErrorKind::AddrInUse {
        return format!("Unable to bind to {address} on this computer. {client_name} is probably already running.");
    }
    let error = platform::system_error_text(error);
    format!("Unable to bind to {address} on this computer (bind returned error {error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let some = |host: &str, port| Some((host.to_owned(), port));
        for (text, expected) in [
            ("127.0.0.1", some("127.0.0.1", None)),
            ("127.0.0.1:32171", some("127.0.0.1", Some(32171))),
            ("[::1]", some("::1", None)),
            ("[::1]:8332", some("::1", Some(8332))),
            ("::1", some("::1", None)),
            (":8332", some("", Some(8332))),
            ("host", some("host", None)),
            ("127.0.0.1:notaport", None),
            ("127.0.0.1:-18443", None),
            ("127.0.0.1:+1", None),
            ("127.0.0.1:0", None),
            ("127.0.0.1:65536", None),
            ("[::1]:65536", None),
            ("127.0.0.1:", None),
        ] {
            assert_eq!(split_host_port(text), expected, "{text}");
        }
    }

    #[test]
    fn only_both_options_open_the_door() {
        let local = vec![("::1".to_owned(), 5), ("127.0.0.1".to_owned(), 5)];
        let binds = vec!["0.0.0.0".to_owned(), "[::]:7".to_owned()];
        assert_eq!(endpoints(&[], false, 5), Ok(local.clone()));
        assert_eq!(endpoints(&[], true, 5), Ok(local.clone()));
        assert_eq!(endpoints(&binds, false, 5), Ok(local));
        assert_eq!(endpoints(&binds, true, 5), Ok(vec![("0.0.0.0".to_owned(), 5), ("::".to_owned(), 7)]));
        let error = endpoints(&["127.0.0.1:0".to_owned()], true, 5).unwrap_err().to_string();
        assert_eq!(error, "Invalid port specified in -rpcbind: '127.0.0.1:0'");
    }

    #[test]
    fn port_zero_is_the_same_free_port_everywhere() {
        let listeners = listen_on(&endpoints(&[], false, 0).unwrap(), "Test").unwrap();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");
        let taken = [("127.0.0.1".to_owned(), ports[0])];
        assert_eq!(listen_on(&taken, "Test").unwrap_err(), BindError::NoEndpoint);
        let in_use = io::Error::from(io::ErrorKind::AddrInUse);
        assert!(bind_failure(([127, 0, 0, 1], 1).into(), &in_use, "Test").contains("Test is probably already"));
        assert_eq!(listen_on(&[("nowhere".to_owned(), 1)], "Test").unwrap_err(), BindError::NoEndpoint);
    }
}
