//! `<coin>-gui`: the desktop GUI as its own process. The node is another one, which it starts or attaches to.

mod arguments;
mod node;
mod road;
mod run;
mod setup;

use std::process::ExitCode;

use config::Role;
use start::Begin;

/// Passphrases pass through here; no copy outlives its use.
#[global_allocator]
static ALLOCATOR: platform::WipingAllocator = platform::WipingAllocator;

fn main() -> ExitCode {
    start::main(Role::Gui, |begin| match begin {
        Begin::Run(config) => match run::run(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => start::print("", &format!("Error: {error:#}\n"), 1),
        },
        Begin::Spawned { .. } => start::print("", "Error: The GUI is nobody's child: start it without -ipcfd.\n", 1),
    })
}
