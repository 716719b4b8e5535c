//! `<coin>-node`: the node as its own process.

use std::process::ExitCode;

use config::Role;
use start::Begin;

fn main() -> ExitCode {
    start::main(Role::Node, |begin| match begin {
        Begin::Run(config) => ExitCode::from(daemon::run(*config)),
        Begin::Spawned { coin, .. } => {
            let who = config::names::executable(coin, Role::Node);
            start::print("", &format!("Error: this build of {who} cannot be started by another program.\n"), 1)
        }
    })
}
