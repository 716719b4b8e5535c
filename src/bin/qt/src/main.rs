//! `<coin>-qt`: GUI, node and wallet in one process.

mod inside;

use std::process::ExitCode;
use std::sync::Arc;

use config::{Config, Role};
use desktop::Look;
use start::Begin;

use crate::inside::Inside;

/// Passphrases and keys pass through here; no copy outlives its use.
#[global_allocator]
static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;

fn main() -> ExitCode {
    start::main(Role::Qt, |begin| match begin {
        Begin::Run(config) => match run(*config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => start::print("", &format!("Error: {error:#}\n"), 1),
        },
        Begin::Spawned { .. } => start::print("", "Error: this program is no child of another one.\n", 1),
    })
}

fn run(config: Config) -> anyhow::Result<()> {
    let look = Look::of(&config)?;
    // A program with a window has no port for RPC and prints nothing unless that is asked for.
    config.args().soft_set_bool("server", false);
    config.args().soft_set_bool("printtoconsole", false);
    desktop::show(&look, |backend| Ok(Arc::new(Inside::start(config, backend.clone())?)))
}
