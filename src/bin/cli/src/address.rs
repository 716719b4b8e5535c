//! Which host and port to call.
//!
//! The port is that of `-rpcport`, or the one behind the host in `-rpcconnect`, or the chain's.

use config::Config;

use crate::error::CliError;

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The host, without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// A line for standard error.
    pub(crate) warning: Option<String>,
}

/// The address that the options say.
pub(crate) fn from_options(config: &Config) -> Result<Address, CliError> {
    let args = config.args();
    choose(&args.get_str("rpcconnect", "127.0.0.1"), args.get("rpcport").as_deref(), config.chain().rpc_port)
}

fn choose(connect: &str, rpc_port: Option<&str>, default: u16) -> Result<Address, CliError> {
    let (host, connect_port) = split(connect).ok_or_else(|| CliError::ConnectPort(connect.to_owned()))?;
    let host = host.to_owned();
    let Some(text) = rpc_port else {
        return Ok(Address { host, port: connect_port.unwrap_or(default), warning: None });
    };
    let port = port(text).ok_or_else(|| CliError::RpcPort(text.to_owned()))?;
    let warning = connect_port
        .map(|_| format!("Warning: Port specified in both -rpcconnect and -rpcport. Using -rpcport {port}\n"));
    Ok(Address { host, port, warning })
}

/// Takes `host`, `host:port`, `v6`, `[v6]` or `[v6]:port` apart.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (before, after) = match text.rsplit_once(':') {
        // More than one colon without brackets is an address of version 6.
        Some((before, after)) if !before.contains(':') || (before.starts_with('[') && before.ends_with(']')) => {
            (before, Some(port(after)?))
        }
        _ => (text, None),
    };
    let host = before.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(before);
    Some((host, after))
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("127.0.0.1", "127.0.0.1", None),
            ("127.0.0.1:8332", "127.0.0.1", Some(8332)),
            ("localhost:1", "localhost", Some(1)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:65535", "::1", Some(65535)),
            ("1:2:3", "1:2:3", None),
            (":80", "", Some(80)),
            ("", "", None),
        ] {
            assert_eq!(split(text), Some((host, port)), "{text}");
        }
        for text in ["h:", "h:0", "h:65536", "h:-1", "h:+1", "h:notaport", "[::1]:0", "[::1]:x", ":"] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn the_strongest_port_wins() {
        let port = |connect, rpc_port| choose(connect, rpc_port, 7).map(|address| address.port).ok();
        assert_eq!(port("h", None), Some(7));
        assert_eq!(port("h:5", None), Some(5));
        assert_eq!(port("h", Some("6")), Some(6));
        let both = choose("[::1]:5", Some("6"), 7).unwrap();
        assert_eq!((both.host.as_str(), both.port), ("::1", 6));
        assert_eq!(
            both.warning.as_deref(),
            Some("Warning: Port specified in both -rpcconnect and -rpcport. Using -rpcport 6\n")
        );
        let text = |connect, rpc_port| choose(connect, rpc_port, 7).unwrap_err().to_string();
        assert_eq!(text("h:x", None), "Invalid port provided in -rpcconnect: h:x");
        assert_eq!(text("h", Some("-1")), "Invalid port provided in -rpcport: -1");
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "[\\[\\]:a-f0-9.]{0,12}") {
            let _ = split(&text);
        }

        #[test]
        fn what_is_put_together_comes_apart(host in "[a-z0-9.]{1,10}", port in 1..=u16::MAX) {
            let text = format!("{host}:{port}");
            prop_assert_eq!(split(&text), Some((host.as_str(), Some(port))));
        }
    }
}
