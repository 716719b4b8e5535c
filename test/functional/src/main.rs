//! The runner as a program; `cargo xtask functional` builds the daemons and starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    functional::main()
}
