//! One argument of a method.

use std::collections::BTreeMap;

use super::Text;
use crate::json::Json;

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgType {
    /// An object whose keys are known.
    Obj,
    /// An array.
    Arr,
    /// A string.
    Str,
    /// A number.
    Num,
    /// A boolean.
    Bool,
    /// An object whose keys can also be passed as named parameters of the method itself.
    ObjNamedParams,
    /// An object whose keys the caller chooses.
    ObjUserKeys,
    /// An amount: a number or a string.
    Amount,
    /// A string of hexadecimal digits.
    StrHex,
    /// A number, or an array of two.
    Range,
}

impl ArgType {
    /// Whether values of this type contain others.
    pub fn is_container(self) -> bool {
        matches!(self, Self::Obj | Self::Arr | Self::ObjNamedParams | Self::ObjUserKeys)
    }

    /// The JSON type that a value must have; none if the method itself looks.
    pub fn json_type(self) -> Option<&'static str> {
        match self {
            Self::StrHex | Self::Str => Some("string"),
            Self::Num => Some("number"),
            Self::Bool => Some("bool"),
            Self::Obj | Self::ObjNamedParams | Self::ObjUserKeys => Some("object"),
            Self::Arr => Some("array"),
            Self::Amount | Self::Range => None,
        }
    }
}

/// What holds when an argument is not given.
#[derive(Debug, Clone, PartialEq)]
pub enum Fallback {
    /// It must be given.
    Required,
    /// Nothing worth saying.
    Omitted,
    /// Something that words describe.
    Hint(Text),
    /// This value.
    Default(Json),
}

/// An argument, or a part of one.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Its name, with aliases after `|`. Elements of arrays may have none.
    pub names: Text,
    /// Its type.
    pub kind: ArgType,
    /// What a container contains.
    pub inner: Vec<Arg>,
    /// What holds without it.
    pub fallback: Fallback,
    /// What it means.
    pub description: Text,
    /// Whether the method checks the type itself.
    pub skip_type_check: bool,
    /// What stands for it in the first line of the help; empty for the usual text.
    pub oneline: Text,
    /// Words for the type instead of the usual ones: as a member of an object, and in the description.
    pub type_words: Option<(Text, Text)>,
    /// Whether it is kept for old callers only.
    pub placeholder: bool,
    /// Whether help leaves it out, and all that follow.
    pub hidden: bool,
    /// Whether an option of the same name is also an argument with a place.
    pub also_positional: bool,
    /// Whether Bitcoin Core has no such argument, so that the table of conversions, which clients compare, has no row.
    pub ours: bool,
}

impl Arg {
    /// An argument of any type, required until said otherwise.
    pub fn new(kind: ArgType, names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self {
            names: names.into(),
            kind,
            inner: Vec::new(),
            fallback: Fallback::Required,
            description: description.into(),
            skip_type_check: false,
            oneline: Text::Borrowed(""),
            type_words: None,
            placeholder: false,
            hidden: false,
            also_positional: false,
            ours: false,
        }
    }

    /// A string.
    pub fn str(names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ArgType::Str, names, description)
    }

    /// A hexadecimal string.
    pub fn hex(names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ArgType::StrHex, names, description)
    }

    /// A number.
    pub fn num(names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ArgType::Num, names, description)
    }

    /// A boolean.
    pub fn bool(names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ArgType::Bool, names, description)
    }

    /// An amount.
    pub fn amount(names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ArgType::Amount, names, description)
    }

    /// A number or a pair of numbers.
    pub fn range(names: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ArgType::Range, names, description)
    }

    /// An array.
    pub fn arr(names: impl Into<Text>, description: impl Into<Text>, inner: impl IntoIterator<Item = Arg>) -> Self {
        Self::new(ArgType::Arr, names, description).inner(inner)
    }

    /// An object with known keys.
    pub fn obj(names: impl Into<Text>, description: impl Into<Text>, inner: impl IntoIterator<Item = Arg>) -> Self {
        Self::new(ArgType::Obj, names, description).inner(inner)
    }

    /// An object whose keys can also be passed by name.
    pub fn obj_named(
        names: impl Into<Text>,
        description: impl Into<Text>,
        inner: impl IntoIterator<Item = Arg>,
    ) -> Self {
        Self::new(ArgType::ObjNamedParams, names, description).inner(inner)
    }

    /// An object with the caller's keys.
    pub fn obj_user_keys(
        names: impl Into<Text>,
        description: impl Into<Text>,
        inner: impl IntoIterator<Item = Arg>,
    ) -> Self {
        Self::new(ArgType::ObjUserKeys, names, description).inner(inner)
    }

    fn inner(mut self, inner: impl IntoIterator<Item = Arg>) -> Self {
        self.inner = inner.into_iter().collect();
        self
    }

    /// It need not be given.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.fallback = Fallback::Omitted;
        self
    }

    /// It need not be given; `hint` says what holds then.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Text>) -> Self {
        self.fallback = Fallback::Hint(hint.into());
        self
    }

    /// It need not be given; `value` holds then, and [`crate::Request::arg`] returns it.
    #[must_use]
    pub fn default(mut self, value: impl Into<Json>) -> Self {
        self.fallback = Fallback::Default(value.into());
        self
    }

    /// The method checks the type itself.
    #[must_use]
    pub fn skip_type_check(mut self) -> Self {
        self.skip_type_check = true;
        self
    }

    /// Another text in the first line of the help.
    #[must_use]
    pub fn oneline(mut self, text: impl Into<Text>) -> Self {
        self.oneline = text.into();
        self
    }

    /// Other words for the type: as a member of an object, and in the description.
    #[must_use]
    pub fn type_words(mut self, member: impl Into<Text>, description: impl Into<Text>) -> Self {
        self.type_words = Some((member.into(), description.into()));
        self
    }

    /// Kept for old callers only.
    #[must_use]
    pub fn placeholder(mut self) -> Self {
        self.placeholder = true;
        self
    }

    /// Left out of help.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// An option whose name is also that of an argument with a place.
    #[must_use]
    pub fn also_positional(mut self) -> Self {
        self.also_positional = true;
        self
    }

    /// Bitcoin Core has no such argument.
    #[must_use]
    pub fn ours(mut self) -> Self {
        self.ours = true;
        self
    }

    /// Its first name.
    pub fn name(&self) -> &str {
        self.aliases().next().unwrap_or("")
    }

    /// All its names.
    pub fn aliases(&self) -> std::str::Split<'_, char> {
        self.names.split('|')
    }

    /// Whether it need not be given.
    pub fn is_optional(&self) -> bool {
        self.fallback != Fallback::Required
    }

    pub(super) fn problems(&self, problems: &mut Vec<String>) {
        if self.kind.is_container() == self.inner.is_empty() && self.kind != ArgType::Obj {
            problems.push(format!("argument {} has the wrong content for its type", self.names));
        }
        if self.oneline.starts_with('"') && !matches!(self.kind, ArgType::Str | ArgType::StrHex) {
            problems.push(format!("argument {} is no string but is quoted in the first line of the help", self.names));
        }
        if let Fallback::Default(value) = &self.fallback {
            let fits = match value {
                Json::Null => true,
                Json::Obj(_) => self.kind == ArgType::Obj,
                Json::Arr(_) => self.kind == ArgType::Arr,
                Json::Str(_) => matches!(self.kind, ArgType::Str | ArgType::StrHex | ArgType::Amount),
                Json::Num(_) => matches!(self.kind, ArgType::Num | ArgType::Amount | ArgType::Range),
                Json::Bool(_) => self.kind == ArgType::Bool,
                Json::Written(_) => false,
            };
            if !fits {
                problems.push(format!("argument {} has a default of another type", self.names));
            }
        }
        for inner in &self.inner {
            inner.problems(problems);
        }
    }
}

/// Names must differ, except that an option may share the name of an argument if it is marked so.
pub(super) fn name_clashes(args: &[Arg], problems: &mut Vec<String>) {
    #[derive(Default)]
    struct Uses {
        positional: bool,
        named: bool,
        named_only: bool,
    }
    let mut uses: BTreeMap<&str, Uses> = BTreeMap::new();
    for arg in args {
        for name in arg.aliases() {
            let uses = uses.entry(name).or_default();
            if uses.positional || uses.named_only {
                problems.push(format!("argument name {name} is used twice"));
            }
            uses.positional = true;
        }
        if arg.kind != ArgType::ObjNamedParams {
            continue;
        }
        for inner in &arg.inner {
            for name in inner.aliases() {
                let uses = uses.entry(name).or_default();
                if (uses.positional && !inner.also_positional) || uses.named || uses.named_only {
                    problems.push(format!("option name {name} is used twice"));
                }
                if inner.also_positional {
                    uses.named = true;
                } else {
                    uses.named_only = true;
                }
            }
        }
    }
}
