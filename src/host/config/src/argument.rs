//! The grammar shared by the command line and the configuration file: names, sections, negation, values.

use std::ffi::OsStr;

use crate::error::ArgumentError;
use crate::notice::Notice;
use crate::spec::OptionSpec;
use crate::text::{find, os_bytes, os_string, shown};
use crate::value::{Value, interpret_bool};

/// A name taken apart: `section.noname`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// What stands before the first dot.
    pub(crate) section: String,
    /// The option.
    pub(crate) name: String,
    /// The name began with "no".
    pub(crate) negated: bool,
}

impl Key {
    /// Takes a name apart.
    pub(crate) fn read(text: &[u8]) -> Self {
        let (section, name) = match find(text, b'.') {
            Some(dot) => (shown(&text[..dot]), &text[dot + 1..]),
            None => (String::new(), text),
        };
        let (negated, name) = match name.strip_prefix(b"no") {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        Self { section, name: shown(name), negated }
    }

    /// The value that this key with this text stands for.
    pub(crate) fn value(
        &self,
        text: Option<&[u8]>,
        rules: &OptionSpec,
        notices: &mut Vec<Notice>,
    ) -> Result<Value, ArgumentError> {
        if self.negated {
            if rules.no_negation {
                return Err(ArgumentError::Negated(self.name.clone()));
            }
            return Ok(match text {
                Some(text) if !interpret_bool(text) => {
                    notices.push(Notice::warning(format!(
                        "Parsed potentially confusing double-negative -{}={}",
                        self.name,
                        shown(text)
                    )));
                    Value::Bool(true)
                }
                _ => Value::Bool(false),
            });
        }
        match text {
            None if rules.no_elision => Err(ArgumentError::NoValue(self.name.clone())),
            None => Ok(Value::text("")),
            Some(text) => Ok(Value::Text(os_string(text))),
        }
    }
}

/// Whether an argument starts like an option.
pub(crate) fn is_switch(argument: &OsStr) -> bool {
    match os_bytes(argument).first() {
        Some(b'-') => true,
        Some(b'/') => cfg!(windows),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart() {
        for (text, section, name, negated) in [
            ("foo", "", "foo", false),
            ("nofoo", "", "foo", true),
            ("regtest.foo", "regtest", "foo", false),
            ("regtest.nofoo", "regtest", "foo", true),
            ("a.b.c", "a", "b.c", false),
            ("no", "", "", true),
            ("", "", "", false),
            (".", "", "", false),
        ] {
            let expected = Key { section: section.into(), name: name.into(), negated };
            assert_eq!(Key::read(text.as_bytes()), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_some_key(bytes: Vec<u8>) {
            let _ = Key::read(&bytes);
        }
    }
}
