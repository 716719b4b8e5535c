//! Where values come from, and which one wins.
//!
//! Five sources, strongest first: forced, command line, `settings.json`, the network's section of the configuration
//! file, its default section. Within the command line the last value wins; within a section of the file the first does.
//! A negation wipes what stands before it in the same source and everything weaker.
//!
//! Some rules look odd and stay because people's files rely on them; each is marked where it is applied.

use std::collections::BTreeMap;

use crate::value::Value;

/// Values of one source by name.
pub(crate) type Values = BTreeMap<String, Vec<Value>>;

/// All values of all sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Set by the program itself.
    pub(crate) forced: BTreeMap<String, Value>,
    /// From the command line.
    pub(crate) command_line: Values,
    /// From `settings.json`.
    pub(crate) file: BTreeMap<String, Value>,
    /// From the configuration file, by section; the default section is "".
    pub(crate) conf: BTreeMap<String, Values>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Forced,
    CommandLine,
    SettingsFile,
    NetworkSection,
    DefaultSection,
}

impl Source {
    fn is_conf(self) -> bool {
        matches!(self, Self::NetworkSection | Self::DefaultSection)
    }

    fn is_persistent(self) -> bool {
        !matches!(self, Self::Forced | Self::CommandLine)
    }
}

/// The values of one source. The last negation and everything before it do not count.
#[derive(Clone, Copy)]
struct Span<'a>(&'a [Value]);

impl<'a> Span<'a> {
    fn negated(self) -> usize {
        self.0.iter().rposition(Value::is_negated).map_or(0, |at| at + 1)
    }

    fn alive(self) -> &'a [Value] {
        &self.0[self.negated()..]
    }

    fn last_negated(self) -> bool {
        self.0.last().is_some_and(Value::is_negated)
    }

    /// No value is left, or the last word was a negation.
    fn is_empty(self) -> bool {
        self.0.is_empty() || self.last_negated()
    }
}

/// How [`Settings::get`] chooses.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice {
    /// Ignore the default section of the configuration file: the option belongs to one network.
    pub(crate) ignore_default_section: bool,
    /// Ignore what will be gone at the next start: forced values and the command line.
    pub(crate) persistent_only: bool,
    /// The chain itself is being chosen, which has its own old rules.
    pub(crate) for_chain: bool,
}

/// How many values at the start of a list are wiped by a negation.
pub(crate) fn negated_count(values: &[Value]) -> usize {
    Span(values).negated()
}

impl Settings {
    /// The sources that know `name`, strongest first.
    fn sources<'a>(&'a self, section: &str, name: &str) -> impl Iterator<Item = (Source, Span<'a>)> {
        let one = |value: Option<&'a Value>| value.map(|value| Span(std::slice::from_ref(value)));
        let many = |values: Option<&'a Vec<Value>>| values.map(|values| Span(values.as_slice()));
        let conf = |section: &str| many(self.conf.get(section).and_then(|values| values.get(name)));
        let network = if section.is_empty() { None } else { conf(section) };
        [
            (Source::Forced, one(self.forced.get(name))),
            (Source::CommandLine, many(self.command_line.get(name))),
            (Source::SettingsFile, one(self.file.get(name))),
            (Source::NetworkSection, network),
            (Source::DefaultSection, conf("")),
        ]
        .into_iter()
        .filter_map(|(source, span)| span.map(|span| (source, span)))
    }

    /// The one value of `name`.
    pub(crate) fn get(&self, section: &str, name: &str, choice: Choice) -> Value {
        for (source, span) in self.sources(section, name) {
            let negated = span.last_negated();
            // Old rule: a negation in the default section reaches options of one network too.
            if choice.ignore_default_section && source == Source::DefaultSection && !negated {
                continue;
            }
            if choice.persistent_only && !source.is_persistent() {
                continue;
            }
            // Old rule: a negated chain, say -noregtest, is ignored rather than taking back the file's regtest=1.
            if choice.for_chain && negated {
                continue;
            }
            if negated {
                return Value::Bool(false);
            }
            // Old rule: in the configuration file the first value wins, except for the chain.
            let alive = span.alive();
            let winner = if source.is_conf() && !choice.for_chain { alive.first() } else { alive.last() };
            if let Some(winner) = winner {
                return winner.clone();
            }
        }
        Value::Null
    }

    /// All values of `name`, strongest source first.
    pub(crate) fn get_all(&self, section: &str, name: &str, ignore_default_section: bool) -> Vec<Value> {
        let mut all = Vec::new();
        let mut done = false;
        let mut negated_to_nothing = false;
        for (source, span) in self.sources(section, name) {
            if ignore_default_section && source == Source::DefaultSection {
                continue;
            }
            // Old rule: `-noname -name=x` on the command line wipes earlier arguments, yet not the file's values.
            let zombie = source.is_conf() && !negated_to_nothing;
            if !done || zombie {
                for value in span.alive() {
                    match value {
                        Value::Array(items) => all.extend(items.iter().cloned()),
                        value => all.push(value.clone()),
                    }
                }
            }
            done |= span.negated() > 0 || source == Source::Forced;
            negated_to_nothing |= span.last_negated() && all.is_empty();
        }
        all
    }

    /// `name` is set in the default section and nowhere else, so that a network-only option has no effect.
    pub(crate) fn only_in_default_section(&self, section: &str, name: &str) -> bool {
        let mut sources = self.sources(section, name).filter(|(_, span)| !span.is_empty()).peekable();
        sources.peek().is_some() && sources.all(|(source, _)| source == Source::DefaultSection)
    }
}

#[cfg(test)]
mod tests;
