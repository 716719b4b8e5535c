//! Starting `<coin>-wallet`: with which arguments, and who it has to be.

use std::ffi::OsString;
use std::path::PathBuf;

use config::{Config, Role, names};
use interfaces::Hello;
use ipc::{Error, Ipc, Options, Peer};
use platform::{ChildOptions, ChildProcess, child};

/// Options of this program that are not the child's business.
const OWN: [&str; 1] = ["ipcbind"];

/// How to start the wallet process.
#[derive(Debug)]
pub(super) struct Plan {
    program: PathBuf,
    arguments: Vec<OsString>,
    hello: Hello,
    ipc: Ipc,
}

impl Plan {
    /// For the node of this configuration, which was called with these arguments.
    pub(super) fn new(config: &Config, own: &[OsString], hello: Hello) -> std::io::Result<Self> {
        let program = child::sibling(&names::executable(config.coin(), Role::Wallet))?;
        let ipc = Ipc::new(Options::new(config.executable()));
        Ok(Self { program, arguments: config.options_for_child(own, &OWN), hello, ipc })
    }

    /// Whether the program is there.
    pub(super) fn is_possible(&self) -> bool {
        self.program.exists()
    }

    /// The program's name for messages.
    pub(super) fn program(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Starts the process and makes sure that it is the right one.
    pub(super) fn start(&self) -> Result<(ChildProcess, Peer), Error> {
        // It is not killed with us: it sees our end of the socket close, writes what it has to, and ends.
        let options = ChildOptions { arguments: self.arguments.clone(), die_with_parent: false };
        let failed = |error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("cannot start {}: {error}", self.program.display()))
        };
        let (child, socket) = child::spawn(&self.program, &options).map_err(|error| Error::Start(failed(error)))?;
        let peer = self.ipc.attach(socket, &format!("{} {}", self.program(), child.id()), Some(&self.hello))?;
        Ok((child, peer))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use config::child::is_passed_on;

    use super::*;

    #[test]
    fn the_child_gets_what_concerns_it() {
        for own in ["-daemon", "--daemonwait=1", "-nodaemon", "-datadir=/x", "-readyfd=5", "-ipcbind=unix", "-noconf"] {
            assert!(!is_passed_on(OsStr::new(own), &OWN), "{own}");
        }
        for shared in ["-regtest", "-wallet=w", "-debug=ipc", "-nodebug", "-walletdir=/x", "-datadirx", "conf"] {
            assert!(is_passed_on(OsStr::new(shared), &OWN), "{shared}");
        }
    }
}
