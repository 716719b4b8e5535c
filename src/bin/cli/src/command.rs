//! From the configuration to what is printed.

use std::io::IsTerminal as _;
use std::time::Duration;

use config::Config;
use platform::{Clock, SystemClock};
use rpc::Json;
use rpc::client::{named, positional};

use crate::error::CliError;
use crate::getinfo::Colors;
use crate::input::{Console, Stdin, gather};
use crate::reply::{Answer, Printed, printed};
use crate::server::{AnyWay, Server};
use crate::session::{Patience, Session, wallet_name};
use crate::{addrinfo, generate, getinfo, netinfo};

/// What a command touches outside this process.
struct Outside<'a> {
    console: &'a mut dyn Console,
    clock: &'a dyn Clock,
    sleep: &'a dyn Fn(Duration),
    stdout_is_terminal: bool,
}

/// Runs the command.
pub(crate) fn run(config: &Config) -> Printed {
    let mut outside = Outside {
        console: &mut Stdin,
        clock: &SystemClock::new(),
        sleep: &std::thread::sleep,
        stdout_is_terminal: std::io::stdout().is_terminal(),
    };
    let outcome = answer(config, &mut outside, || Ok(Box::new(AnyWay::new(config)?)));
    printed(&outcome, &config.executable())
}

fn answer<'a>(
    config: &Config,
    outside: &mut Outside<'_>,
    connect: impl FnOnce() -> Result<Box<dyn Server + 'a>, CliError>,
) -> Result<Answer, CliError> {
    let (args, coin) = (config.args(), config.coin());
    let words = gather(args, config.words(), outside.console)?;
    let command = config.cli_command()?;
    let takes_none = |name| if words.is_empty() { Ok(()) } else { Err(CliError::TakesNoArguments(name)) };

    // All that can be refused is refused before anybody is called.
    let mut view = netinfo::View::default();
    let mut colors = Colors::default();
    let mut call = None;
    match command {
        Some("getinfo") => {
            takes_none("getinfo")?;
            colors = Colors::choose(&args.get_str("color", "auto"), outside.stdout_is_terminal)?;
        }
        Some("addrinfo") => takes_none("addrinfo")?,
        Some("netinfo") => match netinfo::View::read(&words, &config.executable())? {
            Some(chosen) => view = chosen,
            None => return Ok(Answer::Text(netinfo::help(&config.executable()))),
        },
        Some("generate") => {}
        _ => {
            let (method, rest) = words.split_first().ok_or(CliError::NoCommand)?;
            let convert = if args.get_bool("named", false) { named } else { positional };
            call = Some((method, convert(method, rest)?));
        }
    }

    let mut server = connect()?;
    let session = &mut Session {
        server: &mut *server,
        patience: Patience::from_options(args),
        clock: outside.clock,
        sleep: outside.sleep,
    };
    let wallet = wallet_name(args);
    let wallet = wallet.as_deref();
    match (command, call) {
        (_, Some((method, params))) => {
            let id = Json::from(args.get_str("rpcid", "1"));
            Ok(Answer::of(&session.call(wallet, method, params, id)?))
        }
        (Some("getinfo"), None) => getinfo::run(session, wallet, coin.ticker, &colors),
        (Some("addrinfo"), None) => addrinfo::run(session, wallet, coin.id),
        (Some("generate"), None) => generate::run(session, wallet, &words),
        (_, None) => {
            let now = outside.clock.unix_seconds();
            netinfo::run(session, wallet, view, &netinfo::Client { coin, chain: config.chain(), now })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use platform::ManualClock;

    use super::*;
    use crate::testing::{Fake, Lines, config};

    /// Runs a command line against answers; returns what was printed and the first request.
    fn ask(arguments: &[&str], answers: &[&str]) -> (Printed, Option<String>) {
        let config = config("bitcoin", arguments);
        let (clock, sleep) = (ManualClock::new(1_700_000_000), |_: Duration| panic!("nothing to wait for"));
        let mut outside =
            Outside { console: &mut Lines::new(""), clock: &clock, sleep: &sleep, stdout_is_terminal: false };
        let mut fake = Fake::answering(answers.iter().copied());
        let outcome = answer(&config, &mut outside, || {
            AnyWay::new(&config)?;
            Ok(Box::new(&mut fake))
        });
        let request = fake.requests().first().map(Json::write);
        (printed(&outcome, &config.executable()), request)
    }

    #[test]
    fn a_command_becomes_a_call() {
        for (arguments, request) in [
            (&["getblockcount"][..], r#"{"method":"getblockcount","params":[],"id":"1","jsonrpc":"2.0"}"#),
            (
                &["-rpcid=me", "getblockhash", "5"],
                r#"{"method":"getblockhash","params":[5],"id":"me","jsonrpc":"2.0"}"#,
            ),
            (
                &["-named", "getblock", "00ff", "verbosity=2"],
                r#"{"method":"getblock","params":{"verbosity":2,"args":["00ff"]},"id":"1","jsonrpc":"2.0"}"#,
            ),
            (&["-nonamed", "echo", "a=b"], r#"{"method":"echo","params":["a=b"],"id":"1","jsonrpc":"2.0"}"#),
        ] {
            let (shown, sent) = ask(arguments, &[r#"{"result":7,"id":"1"}"#]);
            assert_eq!((shown.stdout.as_str(), shown.code), ("7\n", 0));
            assert_eq!(sent.as_deref(), Some(request));
        }
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_sent() {
        for (arguments, text) in [
            (&["-regtest"][..], "error: too few parameters (need at least command)\n"),
            (&["-getinfo", "help"], "error: -getinfo takes no arguments\n"),
            (&["-addrinfo", "1"], "error: -addrinfo takes no arguments\n"),
            (&["-getinfo", "-netinfo"], "error: Only one of -getinfo, -netinfo may be specified.\n"),
            (
                &["-getinfo", "-color=foo"],
                "error: Invalid value for -color option. Valid values: always, auto, never.\n",
            ),
            (&["getblockhash", "x"], "error: Error parsing JSON: x\n"),
            (
                &["-ipcconnect=unix", "-rpcconnect=h", "x"],
                "error: -rpcconnect and -ipcconnect options cannot both be enabled\n",
            ),
        ] {
            let (shown, sent) = ask(arguments, &[]);
            assert_eq!((shown.stderr.as_str(), shown.code, sent), (text, 1, None), "{arguments:?}");
        }
    }

    #[test]
    fn help_about_netinfo_needs_no_server() {
        let connected = Cell::new(false);
        let config = config("freicoin", &["-netinfo", "h"]);
        let (clock, sleep) = (ManualClock::new(0), |_: Duration| ());
        let mut outside =
            Outside { console: &mut Lines::new(""), clock: &clock, sleep: &sleep, stdout_is_terminal: false };
        let outcome = answer(&config, &mut outside, || {
            connected.set(true);
            Err(CliError::NoCommand)
        });
        let Ok(Answer::Text(text)) = outcome else { panic!("{outcome:?}") };
        assert!(text.contains("> freicoin-cli -netinfo") && !connected.get(), "{text}");
    }
}
