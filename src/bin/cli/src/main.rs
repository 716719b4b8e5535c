//! `<coin>-cli`: a command line to a JSON-RPC request, and the answer to text.
//!
//! 1. [`input`] takes the command's words from the command line and, with `-stdin…`, from standard input.
//! 2. [`command`] chooses what to do: one call, or one of the commands that start with a dash ([`getinfo`],
//!    [`netinfo`], [`addrinfo`], [`generate`]) and are made of several.
//! 3. [`session`] sends requests, again and again with `-rpcwait`, to a [`server`]: over HTTP to the address that
//!    [`address`] reads from the options, or over the node's [`socket`].
//! 4. [`reply`] makes text and exit code of what came back. All that can go wrong on the way is in [`error`].

use std::process::ExitCode;

use config::Role;
use start::Begin;

mod address;
mod addrinfo;
mod command;
mod error;
mod generate;
mod getinfo;
mod input;
mod netinfo;
mod reply;
mod server;
mod session;
#[cfg_attr(not(feature = "ipc"), path = "no_socket.rs")]
mod socket;
#[cfg(test)]
mod testing;

fn main() -> ExitCode {
    start::main(Role::Cli, |begin| match begin {
        Begin::Run(config) => {
            let printed = command::run(&config);
            start::print(&printed.stdout, &printed.stderr, printed.code)
        }
        Begin::Spawned { .. } => start::print("", "Error: the client is no child of another program.\n", 1),
    })
}
