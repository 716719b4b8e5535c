//! Requests over the node's socket, in a build that does not have them.

use std::marker::PhantomData;

use config::Config;
use rpc::Json;

use crate::error::CliError;

/// No way.
#[derive(Debug)]
pub(crate) struct Socket<'a>(PhantomData<&'a Config>);

impl<'a> Socket<'a> {
    /// Refuses an option that insists on this way.
    pub(crate) fn new(config: &'a Config, ipcconnect: Option<&str>) -> Result<Self, CliError> {
        match ipcconnect {
            None | Some("auto") => Ok(Self(PhantomData)),
            Some(_) => Err(CliError::NoIpc(config.executable())),
        }
    }

    /// Nobody is there.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the other build has something to say")]
    pub(crate) fn post(&mut self, _endpoint: &str, _request: &Json) -> Result<Option<Json>, CliError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    #[test]
    fn only_those_who_insist_are_refused() {
        let config = config("bitcoin", &["x"]);
        assert!(Socket::new(&config, None).is_ok() && Socket::new(&config, Some("auto")).is_ok());
        let error = Socket::new(&config, Some("unix")).unwrap_err().to_string();
        assert_eq!(error, "bitcoin-cli was not built with IPC support");
    }
}
