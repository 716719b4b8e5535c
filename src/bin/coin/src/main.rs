//! `<coin>`: one name to remember. `<coin> node` becomes `<coin>d` or `<coin>-node`, `<coin> rpc` becomes `<coin>-cli`.

use std::ffi::OsString;
use std::process::ExitCode;

use config::wrapper::{self, Plan};
use config::{Env, Role};

mod become_program;

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    let coin = match start::own_coin(Role::Wrapper, &argv) {
        Ok(coin) => coin,
        Err(error) => return start::print("", &format!("{error}\n"), 1),
    };
    let invoked_as = argv.first().map(OsString::as_os_str).unwrap_or_default();
    match wrapper::plan(coin, &argv, &Env::from_process()) {
        Ok(Plan::Print { stdout, code }) => start::print(&stdout, "", code),
        Ok(Plan::Start { executable, instead, arguments, warnings, .. }) => {
            start::warn(&warnings);
            let names: Vec<&str> = std::iter::once(executable.as_str()).chain(instead.as_deref()).collect();
            let error = become_program::run(invoked_as, &names, &arguments);
            let again = invoked_as.to_string_lossy();
            start::print("", &format!("Error: {error}\nTry '{again} --help' for more information.\n"), 1)
        }
        Err(error) => start::print("", &error.report(invoked_as), 1),
    }
}
