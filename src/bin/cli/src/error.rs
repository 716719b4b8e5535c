//! What can go wrong between the command line and the answer. The text stands behind `error: ` on standard error, and
//! the exit code is 1.

use std::io;

use config::ConfigError;
use rpc::JsonError;
use rpc::client::{ClientError, ConvertError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Options that do not go together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A word or a line that is no text.
    #[error("'{0}' is not valid UTF-8")]
    NotUtf8(String),
    /// Standard input ended before the password.
    #[error("-stdinrpcpass specified but failed to read from standard input")]
    NoPassword,
    /// A passphrase for a command that takes none.
    #[error("-stdinwalletpassphrase is only applicable for walletpassphrase(change)")]
    NoPassphraseCommand,
    /// Standard input ended before the passphrase.
    #[error("-stdinwalletpassphrase specified but failed to read from standard input")]
    NoPassphrase,
    /// Standard input failed.
    #[error("cannot read standard input: {0}")]
    Input(io::Error),
    /// No command.
    #[error("too few parameters (need at least command)")]
    NoCommand,
    /// Words behind a command that takes none.
    #[error("-{0} takes no arguments")]
    TakesNoArguments(&'static str),
    /// More words than `-generate` takes.
    #[error("too many arguments (maximum 2 for nblocks and maxtries)")]
    TooManyArguments,
    /// `-generate 0`.
    #[error("the first argument (number of blocks to generate, default: 1) must be an integer value greater than zero")]
    NoBlocks,
    /// `-netinfo` with a level that is no small number.
    #[error("invalid -netinfo level argument: {given}\nFor more information, run: {cli} -netinfo help")]
    NetinfoLevel {
        /// The word.
        given: String,
        /// This program.
        cli: String,
    },
    /// `-netinfo` with an unknown second word.
    #[error("invalid -netinfo outonly argument: {given}\n{hint}For more information, run: {cli} -netinfo help")]
    NetinfoOutOnly {
        /// The word.
        given: String,
        /// What may be the cause.
        hint: &'static str,
        /// This program.
        cli: String,
    },
    /// `-color` with an unknown word.
    #[error("Invalid value for -color option. Valid values: always, auto, never.")]
    Color,
    /// `-rpcconnect` with a port that is none.
    #[error("Invalid port provided in -rpcconnect: {0}")]
    ConnectPort(String),
    /// `-rpcport` that is none.
    #[error("Invalid port provided in -rpcport: {0}")]
    RpcPort(String),
    /// Two ways to the server.
    #[error("-rpcconnect and -ipcconnect options cannot both be enabled")]
    TwoWays,
    /// IPC was asked for and is not there.
    #[cfg(not(feature = "ipc"))]
    #[error("{0} was not built with IPC support")]
    NoIpc(String),
    /// IPC was asked for and nobody listens.
    #[cfg(feature = "ipc")]
    #[error(
        "{reason}\n\nProbably {coin}-node is not running or not listening on a unix socket. Can be started with:\n\n    \
         {coin}-node -chain={chain} -ipcbind=unix"
    )]
    NoSocket {
        /// What the system says.
        reason: String,
        /// The coin.
        coin: &'static str,
        /// The chain.
        chain: &'static str,
    },
    /// Whoever listens is not the right one.
    #[cfg(feature = "ipc")]
    #[error(transparent)]
    Ipc(ipc::Error),
    /// The connection ended before the answer.
    #[cfg(feature = "ipc")]
    #[error(transparent)]
    IpcCall(#[from] interfaces::IpcError),
    /// The node does not take the request.
    #[cfg(feature = "ipc")]
    #[error("{0}")]
    IpcRefused(String),
    /// Nobody answers, or not in HTTP.
    #[error(
        "Error while attempting to communicate with server {host}:{port} ({reason})\n\n\
         Make sure the {coin}d server is running and that you are connecting to the correct RPC port.\n\
         Use \"{coin}-cli -help\" for more info."
    )]
    Unreachable {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// What happened.
        reason: String,
        /// The coin.
        coin: &'static str,
    },
    /// The server is starting.
    #[error("server in warmup")]
    Warmup,
    /// `-rpcwaittimeout` has passed.
    #[error("timeout on transient error: {0}")]
    GaveUp(Box<CliError>),
    /// The password was not accepted.
    #[error("Authorization failed: {why} Configuration file: ({conf})")]
    Unauthorized {
        /// Where the password came from.
        why: &'static str,
        /// Where it could be.
        conf: String,
    },
    /// The server answered something that is no response.
    #[error(transparent)]
    Client(ClientError),
    /// A word that should be JSON.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A response that has another shape.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The response to a batch is no batch.
    #[error("Batch must be an array")]
    NoBatch,
    /// A member of the response answers no request.
    #[error("Batch member id is larger than batch size")]
    BatchMember,
    /// The server is too old for `-addrinfo`.
    #[error(
        "-addrinfo requires {0}d v26.0 or later which supports getaddrmaninfo RPC. Please upgrade your node or use {0}-cli \
         from the same version."
    )]
    AddrinfoUnsupported(&'static str),
    /// The server is too old for `-netinfo`.
    #[error("-netinfo requires {0}d server to be running v0.21.0 and up")]
    NetinfoUnsupported(&'static str),
}

impl CliError {
    /// The server may be about to start: with `-rpcwait` the request is sent again.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            #[cfg(feature = "ipc")]
            Self::NoSocket { .. } => true,
            other => matches!(other, Self::Unreachable { .. } | Self::Warmup),
        }
    }
}
