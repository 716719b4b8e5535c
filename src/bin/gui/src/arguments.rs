//! With which options the node is started.

use std::ffi::{OsStr, OsString};

use config::Config;

/// Options that are this program's alone.
const OWN: [&str; 7] = ["choosedatadir", "lang", "min", "platform", "resetguisettings", "splash", "uiplatform"];

/// The options that the user gave, in the same directory, from the same file. As in a program of one process, the node
/// opens no port for RPC and prints nothing unless that is asked for.
pub(crate) fn for_node(config: &Config, own: &[OsString]) -> Vec<OsString> {
    let options: Vec<OsString> = own.iter().filter(|argument| is_option(argument)).cloned().collect();
    let mut arguments = config.options_for_child(&options, &OWN);
    for name in ["server", "printtoconsole"] {
        if !config.args().is_set(name) {
            arguments.push(format!("-{name}=0").into());
        }
    }
    // A node in the background would be nobody's child.
    arguments.extend(["-daemon=0".into(), "-daemonwait=0".into()]);
    arguments
}

/// And no payment request.
fn is_option(argument: &OsStr) -> bool {
    argument.as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use config::child::is_passed_on;

    use super::*;

    fn is_for_node(argument: &OsStr) -> bool {
        is_option(argument) && is_passed_on(argument, &OWN)
    }

    #[test]
    fn the_node_gets_what_concerns_it() {
        for own in [
            "-daemon",
            "--daemonwait=1",
            "-datadir=/x",
            "-noconf",
            "-platform=offscreen",
            "-ipcconnect=auto",
            "-min",
            "bitcoin:address",
        ] {
            assert!(!is_for_node(OsStr::new(own)), "{own}");
        }
        for shared in ["-regtest", "-server", "-wallet=w", "-debug=qt", "-ipcbind=unix", "-nodebug", "-minrelaytxfee=1"]
        {
            assert!(is_for_node(OsStr::new(shared)), "{shared}");
        }
    }
}
