//! Examples in help pages. Which coin the daemon serves is known only when they are printed.

use super::Text;
use crate::identity::Identity;
use crate::json::{Json, Object};

/// One line, or a few, under "Examples:".
#[derive(Debug, Clone)]
pub enum Example {
    /// Text as it is.
    Text(Text),
    /// A call on the command line.
    Cli {
        /// Which method.
        method: Text,
        /// With what, as it is typed.
        args: Text,
    },
    /// The same over HTTP.
    Rpc {
        /// Which method.
        method: Text,
        /// With what, as JSON without the brackets.
        args: Text,
    },
    /// A call on the command line with named arguments.
    CliNamed {
        /// Which method.
        method: Text,
        /// With what.
        args: Vec<(Text, Json)>,
    },
    /// The same over HTTP.
    RpcNamed {
        /// Which method.
        method: Text,
        /// With what.
        args: Vec<(Text, Json)>,
    },
}

impl Example {
    /// The text for a daemon that calls itself `identity`.
    pub fn render(&self, identity: &Identity) -> String {
        let cli = &identity.cli_name;
        match self {
            Self::Text(text) => text.clone().into_owned(),
            Self::Cli { method, args } => format!("> {cli} {method} {args}\n"),
            Self::CliNamed { method, args } => {
                let args: Vec<String> = args.iter().map(|(name, value)| format!(" {name}={}", quoted(value))).collect();
                format!("> {cli} -named {method}{}\n", args.concat())
            }
            Self::Rpc { method, args } => curl(method, &format!("[{args}]"), identity),
            Self::RpcNamed { method, args } => {
                let params: Object = args.iter().cloned().collect();
                curl(method, &Json::from(params).write(), identity)
            }
        }
    }
}

fn curl(method: &str, params: &str, identity: &Identity) -> String {
    format!(
        "> curl --user myusername --data-binary '{{\"jsonrpc\": \"2.0\", \"id\": \"curltest\", \"method\": \
         \"{method}\", \"params\": {params}}}' -H 'content-type: application/json' http://127.0.0.1:{}/\n",
        identity.rpc_port
    )
}

/// A value as it is typed in a shell: for reading, not for running unseen.
fn quoted(value: &Json) -> String {
    let text = match value {
        Json::Str(text) => text.clone(),
        other => other.write(),
    };
    if text.contains([' ', '\'', '"']) { format!("'{}'", text.replace('\'', "'''")) } else { text }
}
