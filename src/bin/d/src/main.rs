//! `<coin>d`: node and wallet in one process.

use std::process::ExitCode;

use config::Role;
use daemon::WalletSource;
use start::Begin;

/// Passphrases and keys pass through here; no copy outlives its use.
#[global_allocator]
static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;

fn main() -> ExitCode {
    start::main(Role::Daemon, |begin| match begin {
        Begin::Run(config) => ExitCode::from(daemon::run(*config, wallets())),
        Begin::Spawned { .. } => start::print("", "Error: this program is no child of another one.\n", 1),
    })
}

fn wallets() -> WalletSource {
    WalletSource::Local(Box::new(engine::process::wallets))
}
