//! `<coin>-wallet`: the wallet process and the offline tool.

use std::process::ExitCode;

use config::{Config, Role};
use start::Begin;

fn main() -> ExitCode {
    start::main_with_help(Role::Wallet, without_commands, |begin| match begin {
        Begin::Run(config) => refuse(&config),
        Begin::Spawned { coin, .. } => {
            let who = config::names::executable(coin, Role::Wallet);
            start::print("", &format!("Error: this build of {who} cannot be the wallet of a node.\n"), 1)
        }
    })
}

fn refuse(config: &Config) -> ExitCode {
    let who = config.executable();
    let what = match config.words().first() {
        Some(command) => format!("has no command '{}'", command.to_string_lossy()),
        None => "cannot be the wallet of a node".to_owned(),
    };
    start::print("", &format!("Error: this build of {who} {what}.\n"), 1)
}

/// The help without the commands that this build does not have.
fn without_commands(help: String) -> String {
    let Some((before, commands)) = help.split_once("\nCommands:\n") else { return help };
    // The group ends at the next title, which is the next line that is not indented.
    let rest = commands.split_inclusive('\n').skip_while(|line| line.starts_with([' ', '\n']));
    format!("{before}\n{}", rest.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_leave_the_help() {
        let help = "First\n\nOptions:\n\n  -a\n       A\n\nCommands:\n\n  x\n       X\n\n  y\n\nIPC:\n\n  -b\n";
        assert_eq!(without_commands(help.to_owned()), "First\n\nOptions:\n\n  -a\n       A\n\nIPC:\n\n  -b\n");
        assert_eq!(without_commands("v1\n".to_owned()), "v1\n");
    }
}
