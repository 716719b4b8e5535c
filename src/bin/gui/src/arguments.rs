//! With which options the node is started.

use std::ffi::{OsStr, OsString};

use config::Config;

/// Options that are this program's alone, or that the node gets in another form.
const OWN: [&str; 15] = [
    "allowignoredconf",
    "choosedatadir",
    "conf",
    "daemon",
    "daemonwait",
    "datadir",
    "ephemeral",
    "ipcconnect",
    "lang",
    "min",
    "platform",
    "readyfd",
    "resetguisettings",
    "splash",
    "uiplatform",
];

/// The options that the user gave, in the same directory, from the same file. As in a program of one process, the node
/// opens no port for RPC and prints nothing unless that is asked for.
pub(crate) fn for_node(config: &Config, own: &[OsString]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = own.iter().filter(|argument| is_for_node(argument)).cloned().collect();
    for name in ["server", "printtoconsole"] {
        if !config.args().is_set(name) {
            arguments.push(format!("-{name}=0").into());
        }
    }
    let option = |name: &str, value: &OsStr| {
        let mut text = OsString::from(name);
        text.push(value);
        text
    };
    // A node in the background would be nobody's child.
    arguments.extend(["-daemon=0".into(), "-daemonwait=0".into()]);
    arguments.push(option("-datadir=", config.env().absolute(config.base_dir()).as_os_str()));
    arguments.push(match config.conf_path().filter(|path| path.exists()) {
        Some(path) => option("-conf=", config.env().absolute(path).as_os_str()),
        None => "-noconf".into(),
    });
    // Whether another file lies in the directory was this program's question, and is answered.
    arguments.push("-allowignoredconf=1".into());
    arguments
}

/// Everything but a payment request and what is our own.
fn is_for_node(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    let Some(text) = text.strip_prefix("--").or_else(|| text.strip_prefix('-')) else { return false };
    let name = text.split('=').next().unwrap_or_default();
    !OWN.contains(&name) && !name.strip_prefix("no").is_some_and(|name| OWN.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

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
