//! The words of a command: those of the command line, and those that standard input adds to keep them out of the
//! shell's history.

use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use config::{Args, Value};
use platform::terminal::HiddenEcho;

use crate::error::CliError;

/// Standard input, line by line.
pub(crate) trait Console {
    /// The next line without its end; none at the end of input.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>>;

    /// As [`Console::line`], for a secret: a person is asked for it, and does not see what he types.
    fn secret(&mut self, prompt: &str) -> io::Result<Option<Vec<u8>>>;

    /// All lines were read.
    fn finish(&mut self);
}

/// The process's own standard input.
#[derive(Debug, Default)]
pub(crate) struct Stdin;

impl Console for Stdin {
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if cfg!(windows) && line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Ok(Some(line))
    }

    fn secret(&mut self, prompt: &str) -> io::Result<Option<Vec<u8>>> {
        if !io::stdin().is_terminal() {
            return self.line();
        }
        let _hidden = HiddenEcho::start();
        io::stderr().write_all(prompt.as_bytes())?;
        let line = self.line();
        self.finish();
        line
    }

    fn finish(&mut self) {
        // The line that the user ended was not shown, or ended by no line break.
        if io::stdin().is_terminal() {
            let _ = io::stdout().write_all(b"\n");
        }
    }
}

/// Gathers the words: those of the command line, behind the first a wallet's passphrase, and at the end one for each
/// line of standard input. A password on standard input comes first and goes to the options.
pub(crate) fn gather(args: &Args, words: &[OsString], console: &mut dyn Console) -> Result<Vec<String>, CliError> {
    if args.get_bool("stdinrpcpass", false) {
        let line = console.secret("RPC password> ").map_err(CliError::Input)?;
        args.force("rpcpassword", Value::text(text(line.ok_or(CliError::NoPassword)?)?));
    }
    let words = words.iter().map(|word| {
        let word = word.to_str().ok_or_else(|| CliError::NotUtf8(word.to_string_lossy().into_owned()))?;
        Ok(word.to_owned())
    });
    let mut words = words.collect::<Result<Vec<String>, CliError>>()?;
    if args.get_bool("stdinwalletpassphrase", false) {
        if !words.first().is_some_and(|command| command.starts_with("walletpassphrase")) {
            return Err(CliError::NoPassphraseCommand);
        }
        let line = console.secret("Wallet passphrase> ").map_err(CliError::Input)?;
        words.insert(1, text(line.ok_or(CliError::NoPassphrase)?)?);
    }
    if args.get_bool("stdin", false) {
        while let Some(line) = console.line().map_err(CliError::Input)? {
            words.push(text(line)?);
        }
        console.finish();
    }
    Ok(words)
}

fn text(line: Vec<u8>) -> Result<String, CliError> {
    String::from_utf8(line).map_err(|error| CliError::NotUtf8(String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Lines, config};

    fn words(options: &[&str], input: &str) -> (Result<Vec<String>, String>, String) {
        let config = config("bitcoin", options);
        let mut console = Lines::new(input);
        let words = gather(config.args(), config.words(), &mut console).map_err(|error| error.to_string());
        (words, config.args().get_str("rpcpassword", ""))
    }

    #[test]
    fn lines_become_words() {
        let (gathered, _) = words(&["-stdin", "echo", "a"], "b c\n\nd");
        assert_eq!(gathered.unwrap(), ["echo", "a", "b c", "", "d"]);
        let (gathered, _) = words(&["echo", "-stdin", "a"], "b");
        assert_eq!(gathered.unwrap(), ["echo", "-stdin", "a"], "options end at the command");
    }

    #[test]
    fn the_password_comes_first() {
        let (gathered, password) = words(&["-stdin", "-stdinrpcpass", "echo"], "secret\nfoo\nbar");
        assert_eq!(
            (gathered.unwrap().as_slice(), password.as_str()),
            (&["echo", "foo", "bar"].map(String::from)[..], "secret")
        );
        let (gathered, _) = words(&["-stdinrpcpass", "echo"], "");
        assert_eq!(gathered.unwrap_err(), "-stdinrpcpass specified but failed to read from standard input");
    }

    #[test]
    fn a_passphrase_stands_behind_its_command() {
        let options = ["-stdinrpcpass", "-stdinwalletpassphrase", "-stdin", "walletpassphrase", "60"];
        let (gathered, password) = words(&options, "rpc\nwallet pass\nlast\n");
        assert_eq!(gathered.unwrap(), ["walletpassphrase", "wallet pass", "60", "last"]);
        assert_eq!(password, "rpc");
        for (command, input, expected) in [
            ("getinfo", "x", "-stdinwalletpassphrase is only applicable for walletpassphrase(change)"),
            ("walletpassphrase", "", "-stdinwalletpassphrase specified but failed to read from standard input"),
        ] {
            assert_eq!(words(&["-stdinwalletpassphrase", command], input).0.unwrap_err(), expected);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(text(vec![b'a', 0xff]).unwrap_err().to_string(), "'a\u{fffd}' is not valid UTF-8");
    }
}
