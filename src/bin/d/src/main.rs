//! `<coin>d`: node and wallet in one process.

use std::process::ExitCode;

use config::Role;
use start::Begin;

fn main() -> ExitCode {
    start::main(Role::Daemon, |begin| match begin {
        Begin::Run(config) => ExitCode::from(daemon::run(*config)),
        Begin::Spawned { .. } => start::print("", "Error: this program is no child of another one.\n", 1),
    })
}
