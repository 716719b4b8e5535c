//! Any RPC method by hand.

use std::fmt;

use interfaces::Secret;

use crate::outcome::RpcFailure;

/// How many lines can be taken again.
const HISTORY: usize = 100;
/// How many answers are kept on the screen.
const ENTRIES: usize = 200;
/// How much of one answer is shown.
const SHOWN: usize = 100_000;

/// Methods whose arguments are nobody's business afterwards.
const SENSITIVE: [&str; 10] = [
    "createwallet",
    "createwalletdescriptor",
    "descriptorprocesspsbt",
    "encryptwallet",
    "importdescriptors",
    "importprivkey",
    "signmessagewithprivkey",
    "signrawtransactionwithkey",
    "walletpassphrase",
    "walletpassphrasechange",
];

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A quotation mark has no partner.
    #[error("A quotation mark is not closed.")]
    OpenQuote,
    /// There is no method.
    #[error("Enter the name of a method.")]
    Empty,
}

/// A method and its arguments, as words.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsoleLine {
    /// The method.
    pub method: String,
    /// Its arguments.
    pub words: Vec<Secret>,
}

impl fmt::Debug for ConsoleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} arguments", self.method, self.words.len())
    }
}

impl ConsoleLine {
    /// Reads a line: words between spaces. In double quotation marks a backslash takes the next one, or another
    /// backslash, as it is; in single ones nothing is special. Outside, a backslash takes any character as it is.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let current = word.get_or_insert_default();
            match (quote, letter) {
                (None, ' ' | '\t' | '\n' | '\r') => {
                    // A word that has begun is only there if something was written for it.
                    words.extend(word.take().filter(|word| !word.is_empty()).map(Secret::new));
                }
                (None, '\'' | '"') => {
                    quote = Some(letter);
                    if letters.peek() == Some(&letter) {
                        // Two in a row are an empty word, or the end of one.
                        letters.next();
                        quote = None;
                        if current.is_empty() {
                            words.push(Secret::default());
                            word = None;
                        }
                    }
                }
                (Some(open), _) if letter == open => quote = None,
                (None, '\\') => current.extend(letters.next()),
                (Some('"'), '\\') => match letters.next_if(|next| matches!(next, '"' | '\\')) {
                    Some(next) => current.push(next),
                    None => current.push('\\'),
                },
                _ => current.push(letter),
            }
        }
        if quote.is_some() {
            return Err(LineError::OpenQuote);
        }
        words.extend(word.filter(|word| !word.is_empty()).map(Secret::new));
        let mut words = words.into_iter();
        let method = words.next().filter(|word| !word.expose().is_empty()).ok_or(LineError::Empty)?;
        Ok(Self { method: method.expose().to_owned(), words: words.collect() })
    }

    /// Whether its arguments may hold a passphrase or a key.
    pub fn is_sensitive(&self) -> bool {
        SENSITIVE.contains(&self.method.to_ascii_lowercase().as_str())
    }
}

/// One line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleEntry {
    /// What the user asked.
    Asked(String),
    /// What was answered.
    Answer(String),
    /// What went wrong.
    Error(String),
}

/// The screen.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Console {
    /// What is being typed. It may hold a passphrase.
    pub input: Secret,
    /// What is shown.
    pub entries: Vec<ConsoleEntry>,
    /// An answer is waited for.
    pub busy: bool,
    /// Counts what was run, so that a view can forget how the line was typed.
    pub runs: u64,
    history: Vec<String>,
    /// The line of the history that is shown, from its end.
    recalled: usize,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("entries", &self.entries.len())
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

impl Console {
    /// The lines that can be taken again, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    fn print(&mut self, entry: ConsoleEntry) {
        let over = (self.entries.len() + 1).saturating_sub(ENTRIES);
        self.entries.drain(..over);
        self.entries.push(entry);
    }

    /// Takes what was typed. A line with a secret leaves its method and nothing else.
    pub(crate) fn run(&mut self) -> Option<ConsoleLine> {
        if self.busy {
            return None;
        }
        let typed = std::mem::take(&mut self.input);
        let text = typed.expose().trim();
        self.recalled = 0;
        self.runs += 1;
        if text.is_empty() {
            return None;
        }
        match ConsoleLine::parse(text) {
            Ok(line) if line.is_sensitive() => {
                self.print(ConsoleEntry::Asked(format!("{}(…)", line.method)));
                self.busy = true;
                Some(line)
            }
            Ok(line) => {
                self.remember(text);
                self.print(ConsoleEntry::Asked(text.to_owned()));
                self.busy = true;
                Some(line)
            }
            Err(error) => {
                // It goes back to where it was typed: nobody knows what it would have been.
                self.input = typed;
                self.print(ConsoleEntry::Error(error.to_string()));
                None
            }
        }
    }

    fn remember(&mut self, text: &str) {
        if self.history.last().is_none_or(|last| last != text) {
            let over = (self.history.len() + 1).saturating_sub(HISTORY);
            self.history.drain(..over);
            self.history.push(text.to_owned());
        }
    }

    /// Shows an earlier or a later line again.
    pub(crate) fn recall(&mut self, earlier: bool) {
        self.recalled =
            if earlier { (self.recalled + 1).min(self.history.len()) } else { self.recalled.saturating_sub(1) };
        let line = self.history.len().checked_sub(self.recalled).and_then(|place| self.history.get(place));
        self.input = Secret::new(line.cloned().unwrap_or_default());
    }

    /// Prints an answer.
    pub(crate) fn printed(&mut self, result: Result<String, RpcFailure>) {
        self.busy = false;
        self.print(match result {
            Ok(text) => ConsoleEntry::Answer(shortened(text)),
            Err(RpcFailure { code: 0, message }) => ConsoleEntry::Error(message),
            Err(RpcFailure { code, message }) => ConsoleEntry::Error(format!("{message} (code {code})")),
        });
    }

    /// Empties the screen.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push_str("\n… (the answer is too long to be shown in full)");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let line = ConsoleLine::parse(text).unwrap();
        let words = line.words.iter().map(|word| word.expose().to_owned());
        std::iter::once(line.method.clone()).chain(words).collect()
    }

    #[test]
    fn lines_are_words() {
        for (text, expected) in [
            ("help", &["help"][..]),
            ("  getblockhash   5 ", &["getblockhash", "5"]),
            (r#"echo "a b" 'c d' e\ f"#, &["echo", "a b", "c d", "e f"]),
            (r#"send '{"a": 0.1}'"#, &["send", r#"{"a": 0.1}"#]),
            (r#"echo "say \"x\" \n" 'it\'"#, &["echo", r#"say "x" \n"#, r"it\"]),
            (r#"getnewaddress "" bech32"#, &["getnewaddress", "", "bech32"]),
            (r#"echo a"b"c"#, &["echo", "abc"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(ConsoleLine::parse("echo 'x"), Err(LineError::OpenQuote));
        assert_eq!(ConsoleLine::parse("  "), Err(LineError::Empty));
        assert_eq!(ConsoleLine::parse("\"\" x"), Err(LineError::Empty));
    }

    fn typed(console: &mut Console, text: &str) -> Option<ConsoleLine> {
        console.input = Secret::new(text);
        let line = console.run();
        if line.is_some() {
            console.printed(Ok("ok".into()));
        }
        line
    }

    #[test]
    fn secrets_are_not_kept() {
        let mut console = Console::default();
        assert!(typed(&mut console, "walletpassphrase hunter2 60").is_some());
        assert!(typed(&mut console, "WalletPassphrase 'hunter2' 60").is_some());
        assert!(typed(&mut console, "createwallet w false false hunter2").is_some());
        assert_eq!(console.history(), [""; 0]);
        let shown = format!("{:?} {:?} {console:?}", console.entries, console.input);
        assert!(!shown.contains("hunter2"), "{shown}");
        let line = ConsoleLine::parse("encryptwallet hunter2").unwrap();
        assert_eq!(format!("{line:?}"), "encryptwallet with 1 arguments");
    }

    #[test]
    fn earlier_lines_come_back() {
        let mut console = Console::default();
        for text in ["a", "b", "b"] {
            typed(&mut console, text);
        }
        assert_eq!(console.history(), ["a", "b"]);
        for (earlier, shown) in [(true, "b"), (true, "a"), (true, "a"), (false, "b"), (false, ""), (false, "")] {
            console.recall(earlier);
            assert_eq!(console.input.expose(), shown);
        }
    }

    #[test]
    fn one_answer_at_a_time() {
        let mut console = Console { input: Secret::new("help"), ..Console::default() };
        assert!(console.run().is_some());
        console.input = Secret::new("uptime");
        assert!(console.run().is_none());
        console.printed(Err(RpcFailure { code: -1, message: "no".into() }));
        assert_eq!(console.entries.last(), Some(&ConsoleEntry::Error("no (code -1)".into())));
        assert!(console.run().is_some());
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_comes_out(parts in prop::collection::vec("[^\\x00]{0,8}", 0..5)) {
            let quoted: Vec<String> =
                parts.iter().map(|part| format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\""))).collect();
            let line = ConsoleLine::parse(&format!("m {}", quoted.join(" "))).unwrap();
            let read: Vec<&str> = line.words.iter().map(Secret::expose).collect();
            prop_assert_eq!(read, parts);
        }

        #[test]
        fn no_line_is_a_panic(text in "\\PC{0,40}") {
            let mut console = Console { input: Secret::new(text), ..Console::default() };
            let _ = console.run();
            console.recall(true);
        }
    }
}
