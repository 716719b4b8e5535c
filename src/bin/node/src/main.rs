//! `<coin>-node`: the node as its own process. Wallets are in another one, which it starts.

use std::ffi::OsString;
use std::process::ExitCode;

use config::Role;
use daemon::WalletSource;
use start::Begin;

/// Passphrases and keys pass through here; no copy outlives its use.
#[global_allocator]
static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;

fn main() -> ExitCode {
    start::main(Role::Node, |begin| match begin {
        Begin::Run(config) => ExitCode::from(daemon::run(*config, wallets(std::env::args_os().skip(1)))),
        Begin::Spawned { coin, descriptor, arguments } => start::child(Role::Node, coin, &arguments, |config| {
            let parent = match platform::descriptor::adopt_socket(&descriptor.to_string()) {
                Ok(parent) => parent,
                Err(error) => return start::print("", &format!("Error: {error}\n"), 1),
            };
            ExitCode::from(daemon::run_for(*config, wallets(arguments.iter().cloned()), Some(parent)))
        }),
    })
}

/// The wallet process gets the options that this one was given.
fn wallets(options: impl Iterator<Item = OsString>) -> WalletSource {
    WalletSource::Process(options.collect())
}
