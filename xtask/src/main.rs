//! The harness of Bulkhead: one front door, `cargo xtask`, for everything that is not `cargo build`.
//!
//! A command is one file here and one paragraph in [`flags`]. The commands call one another in one direction:
//!
//! ```text
//! test ──┬─> tidy
//!        ├─> vectors
//!        ├─> build ──> depends          run ──> install ──> build ──> depends
//!        ├─> functional ──> install     bench ──> functional     dist ──> depends
//!        └─> oracle                     bench, fuzz ──> oracle
//! ```
//!
//! [`depends`] makes native packages from pinned sources and writes the settings that cargo picks up. [`build`]
//! compiles the executables of the shape that `depends` was told. [`install`] gives them every coin's names.
//! [`run`] starts a regtest node from an installed tree. [`functional`] plays the functional suite with real daemons.
//! [`dist`] makes the archives of a release and checks them.
//! [`test`] is the gate that CI runs, [`tidy`] the part of it that turns conventions into findings with a line and a
//! remedy. [`vectors`] fetches the test vectors, [`bench`] times our daemon against another one, [`fuzz`] runs the fuzz
//! targets and searches for differences from other engines, of which the heavy one is [`oracle`].
//!
//! Everything that is downloaded is pinned by a hash in the repository, and everything that is long shows a bar on a
//! terminal and plain lines elsewhere ([`report`]).
#![allow(
    clippy::disallowed_methods,
    reason = "the harness starts processes, reads the environment and times its own work"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the harness talks to a person or to a CI log")]

mod bench;
mod build;
mod depends;
mod dist;
mod flags;
mod functional;
mod fuzz;
mod install;
mod oracle;
mod project;
mod report;
mod run;
mod test;
mod tidy;
mod vectors;

use std::process::ExitCode;

use flags::XtaskCmd;
use project::Project;

fn main() -> ExitCode {
    let flags = flags::Xtask::from_env_or_exit();
    let result = Project::locate().and_then(|project| match flags.subcommand {
        XtaskCmd::Depends(cmd) => cmd.run(&project),
        XtaskCmd::Build(cmd) => cmd.run(&project),
        XtaskCmd::Install(cmd) => cmd.run(&project),
        XtaskCmd::Run(cmd) => cmd.run(&project),
        XtaskCmd::Test(cmd) => cmd.run(&project),
        XtaskCmd::Functional(cmd) => cmd.run(&project),
        XtaskCmd::Bench(cmd) => cmd.run(&project),
        XtaskCmd::Dist(cmd) => cmd.run(&project),
        XtaskCmd::Fuzz(cmd) => cmd.run(&project),
        XtaskCmd::Tidy(cmd) => cmd.run(&project),
        XtaskCmd::Vectors(cmd) => cmd.run(&project),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("{error:#}");
            if !text.is_empty() {
                eprintln!("error: {text}");
            }
            ExitCode::FAILURE
        }
    }
}
