//! `<coin>-node`: the node as its own process. Wallets are in another one, which it starts.

use std::process::ExitCode;

use config::Role;
use daemon::WalletSource;
use start::Begin;

/// Passphrases and keys pass through here; no copy outlives its use.
#[global_allocator]
static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;

fn main() -> ExitCode {
    start::main(Role::Node, |begin| match begin {
        Begin::Run(config) => ExitCode::from(daemon::run(*config, wallets())),
        Begin::Spawned { coin, .. } => {
            let who = config::names::executable(coin, Role::Node);
            start::print("", &format!("Error: this build of {who} cannot be started by another program.\n"), 1)
        }
    })
}

/// The wallet process gets the options that this one was given.
fn wallets() -> WalletSource {
    WalletSource::Process(std::env::args_os().skip(1).collect())
}
