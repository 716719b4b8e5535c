//! From options by name to the options of the JSON-RPC server.

use std::path::PathBuf;
use std::time::Duration;

use config::Config;

use crate::allow::AllowList;
use crate::auth::AuthOptions;
use crate::http::ServerConfig;
use crate::whitelist::Whitelist;

const DEFAULT_THREADS: i64 = 16;
const DEFAULT_QUEUE: i64 = 64;
const DEFAULT_TIMEOUT: i64 = 30;

/// An option whose value cannot be used. Its text is what the daemon prints behind `Error: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRpcOption(pub String);

/// The options of the JSON-RPC server.
#[derive(Debug)]
pub struct RpcOptions {
    /// Threads, queue, time-outs and who may connect.
    pub server: ServerConfig,
    /// Who is known.
    pub auth: AuthOptions,
    /// What each may call.
    pub whitelist: Whitelist,
    /// `-rpcbind`, each.
    pub binds: Vec<String>,
    /// Whether others than this machine may connect.
    pub allows_others: bool,
    /// `-rpcport`; 0 takes a free one.
    pub port: u16,
    /// Where the cookie goes.
    pub cookie_file: Option<PathBuf>,
}

impl RpcOptions {
    /// Reads them.
    pub fn read(config: &Config) -> Result<Self, BadRpcOption> {
        let args = config.args();
        let allow = args.get_all("rpcallowip");
        let positive = |name: &str, default: i64| usize::try_from(args.get_i64(name, default).max(1)).unwrap_or(1);
        let port = args.get_i64("rpcport", i64::from(config.chain().rpc_port));
        let port = u16::try_from(port).map_err(|_| {
            BadRpcOption(format!("Invalid port specified in -rpcport: '{}'", args.get_str("rpcport", "")))
        })?;
        let timeout = args.get_i64("rpcservertimeout", DEFAULT_TIMEOUT);
        let server = ServerConfig {
            threads: positive("rpcthreads", DEFAULT_THREADS),
            queue_depth: positive("rpcworkqueue", DEFAULT_QUEUE),
            timeout: Duration::from_secs(u64::try_from(timeout).unwrap_or(0)),
            allow: AllowList::new(allow.iter().map(String::as_str), args.get_bool("cjdnsreachable", false))
                .map_err(|error| BadRpcOption(error.to_string()))?,
            ..ServerConfig::local()
        };
        let cookie_file = config.file_option("rpccookiefile", ".cookie");
        let whitelist = args.get_all("rpcwhitelist");
        Ok(Self {
            auth: AuthOptions {
                user: args.get_str("rpcuser", ""),
                password: args.get_str("rpcpassword", ""),
                rpcauth: args.get_all("rpcauth"),
                cookie_file: cookie_file.clone(),
                cookie_perms: args.get("rpccookieperms"),
            },
            whitelist: Whitelist::new(whitelist.iter().map(String::as_str), args.truth("rpcwhitelistdefault")),
            binds: args.get_all("rpcbind"),
            allows_others: !allow.is_empty(),
            port,
            cookie_file,
            server,
        })
    }
}
