//! The functional suite: daemons as processes, seen only through the doors that their users have.
//!
//! A run goes through these files:
//!
//! 1. [`args`] is the command line; [`programs`] finds the executables: those that the environment names (`BITCOIND`,
//!    `FREICOIND`, …), else ours.
//! 2. [`scenarios`] is the list of stories. [`plan`] makes a case of each story, coin and shape (`<coin>d`, or
//!    `<coin>-node`), and takes the share of this machine.
//! 3. [`runner`] runs the cases side by side, each with a [`stage`] of its own: a temporary directory, and the tools to
//!    start a [`node`] there, to wait ([`wait`]), to look into its log, to save what it has (`saved`) and to harm it
//!    (`faults`). A [`peer`] talks to it as other nodes do, and a [`mini`] wallet pays without keys and builds blocks.
//!    `wire` talks Cap'n Proto with no library.
//! 4. What fails is told at once with the end of all logs by time ([`logs`]). [`junit`] writes the results for CI.
//!
//! With `--suite DIR` the functional suite of a foreign checkout runs instead ([`suite`]), with `--bench` our daemon is
//! timed against another one ([`bench`]).
//!
//! This crate links nothing of a node or a wallet, so that it can judge a foreign daemon as well as ours. Nothing is
//! tried a second time: a case that fails now and then has found something. Nothing sleeps for a time in the hope
//! that something has happened by then: every wait has a condition and a deadline.
#![allow(
    clippy::disallowed_methods,
    reason = "a harness starts processes, reads the environment and times its own work"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the runner talks to a person or to a CI log")]

pub mod args;
pub mod bench;
mod dice;
mod faults;
pub mod junit;
pub mod logs;
pub mod mini;
pub mod node;
pub mod peer;
pub mod plan;
mod processes;
pub mod programs;
mod progress;
pub mod runner;
mod saved;
pub mod scenarios;
mod socket;
pub mod stage;
pub mod suite;
pub mod wait;
mod wire;

use std::process::ExitCode;

/// Runs the suite that the command line asks for; the exit code says whether everything passed.
pub fn main() -> ExitCode {
    let args = args::Functional::from_env_or_exit();
    let result = match &args.suite {
        _ if args.bench => bench::run(&args),
        Some(checkout) => suite::run(&args, checkout),
        None => runner::run(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
