//! `<coin>-wallet`: the wallet process and the offline tool.

mod attached;
mod port;
mod setup;
mod spawned;
mod wallets;

use std::process::ExitCode;

use config::{Config, Role};
use platform::{SystemClock, SystemEntropy};
use start::Begin;

/// Passphrases and keys pass through here; no copy outlives its use.
#[global_allocator]
static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;

fn main() -> ExitCode {
    start::main(Role::Wallet, |begin| match begin {
        Begin::Run(config) if config.words().is_empty() => ended(attached::run(*config)),
        Begin::Run(config) => tool(&config),
        Begin::Spawned { coin, descriptor, arguments } => ended(spawned::serve(coin, descriptor, &arguments)),
    })
}

fn tool(config: &Config) -> ExitCode {
    let printed = engine::tool::run(config, &SystemClock::new(), &SystemEntropy);
    start::print(&printed.stdout, &printed.stderr, printed.code)
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => start::print("", &format!("Error: {error:#}\n"), 1),
    }
}
