//! The server at the other end: how a request gets there.
//!
//! Over the node's socket if somebody listens at it, or else over HTTP. `-ipcconnect` and `-rpcconnect` ask for one way.

use std::time::Duration;

use config::Config;
use rpc::Json;
use rpc::client::{Client, ClientError, Credentials};

use crate::address;
use crate::error::CliError;
use crate::socket::Socket;

/// Seconds after which a request is given up, unless `-rpcclienttimeout` says otherwise.
const DEFAULT_TIMEOUT: i64 = 900;

/// Something that answers JSON-RPC requests.
pub(crate) trait Server {
    /// Sends a request or a batch to `endpoint` and returns the answer.
    fn post(&mut self, endpoint: &str, request: &Json) -> Result<Json, CliError>;
}

/// A server that is reached by whichever way is open.
#[derive(Debug)]
pub(crate) struct AnyWay<'a> {
    config: &'a Config,
    socket: Socket<'a>,
    http: Option<Http<'a>>,
}

impl<'a> AnyWay<'a> {
    /// The ways that the options allow. Nothing is sent yet.
    pub(crate) fn new(config: &'a Config) -> Result<Self, CliError> {
        let args = config.args();
        let ipc = args.get_str("ipcconnect", "auto");
        let http_asked = args.is_set("rpcconnect") && !args.is_negated("rpcconnect");
        let ipc = match ipc.as_str() {
            "0" | "" => None,
            "auto" if http_asked => None,
            _ if http_asked => return Err(CliError::TwoWays),
            ipc => Some(ipc),
        };
        Ok(Self { config, socket: Socket::new(config, ipc)?, http: None })
    }
}

impl Server for AnyWay<'_> {
    fn post(&mut self, endpoint: &str, request: &Json) -> Result<Json, CliError> {
        if let Some(reply) = self.socket.post(endpoint, request)? {
            return Ok(reply);
        }
        let mut http = match self.http.take() {
            Some(http) => http,
            None => Http::new(self.config)?,
        };
        let reply = http.post(endpoint, request);
        self.http = Some(http);
        reply
    }
}

/// A server that is reached over HTTP.
#[derive(Debug)]
struct Http<'a> {
    config: &'a Config,
    host: String,
    port: u16,
    client: Option<Client>,
}

impl<'a> Http<'a> {
    /// The server that the options say. Nothing is sent yet.
    fn new(config: &'a Config) -> Result<Self, CliError> {
        let address = address::from_options(config)?;
        start::print("", &address.warning.unwrap_or_default(), 0);
        Ok(Self { config, host: address.host, port: address.port, client: None })
    }

    fn connect(&self) -> Client {
        let args = self.config.args();
        let cookie = self.config.file_option("rpccookiefile", rpc::cookie::COOKIE_FILE);
        let (user, password) = (args.get_str("rpcuser", ""), args.get_str("rpcpassword", ""));
        let seconds = u64::try_from(args.get_i64("rpcclienttimeout", DEFAULT_TIMEOUT)).unwrap_or(0);
        let timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
        let credentials = Credentials::find(&user, &password, cookie.as_deref());
        Client::new(self.host.clone(), self.port, credentials, timeout)
    }

    fn explain(&self, error: ClientError) -> CliError {
        match error {
            ClientError::Wire(error) => CliError::Unreachable {
                host: self.host.clone(),
                port: self.port,
                reason: error.to_string(),
                coin: self.config.coin().id,
            },
            ClientError::Unauthorized(why) => {
                let conf = self.config.conf_path().map(|path| path.display().to_string()).unwrap_or_default();
                CliError::Unauthorized { why, conf }
            }
            other => CliError::Client(other),
        }
    }
}

impl Server for Http<'_> {
    fn post(&mut self, endpoint: &str, request: &Json) -> Result<Json, CliError> {
        // A daemon that has just started has a new cookie, so it is read again after each failure.
        let mut client = self.client.take().unwrap_or_else(|| self.connect());
        let reply = client.post(endpoint, request).map_err(|error| self.explain(error))?;
        self.client = Some(client);
        Ok(reply)
    }
}
