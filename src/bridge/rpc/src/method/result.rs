//! One shape that an answer, or a part of one, can have.

use super::Text;

/// The type of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResType {
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
    /// `null`.
    None,
    /// Anything; never checked.
    Any,
    /// An amount, which is a number.
    Amount,
    /// A string of hexadecimal digits.
    StrHex,
    /// An object whose keys are data.
    ObjDyn,
    /// An array of a fixed length.
    ArrFixed,
    /// A time in seconds since 1970.
    NumTime,
}

impl ResType {
    /// The JSON type that a value must have.
    pub fn json_type(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::None => Some("null"),
            Self::Str | Self::StrHex => Some("string"),
            Self::Num | Self::Amount | Self::NumTime => Some("number"),
            Self::Bool => Some("bool"),
            Self::ArrFixed | Self::Arr => Some("array"),
            Self::ObjDyn | Self::Obj => Some("object"),
        }
    }
}

/// How much of a result help shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elision {
    /// All of it.
    Shown,
    /// Nothing.
    Skipped,
    /// Three dots and this text.
    Summary(Text),
}

/// A result, or a part of one.
#[derive(Debug, Clone)]
pub struct Res {
    /// Its type.
    pub kind: ResType,
    /// Its key, if it is a member of an object.
    pub key: Text,
    /// What a container contains.
    pub inner: Vec<Res>,
    /// Whether it can be missing.
    pub optional: bool,
    /// What it means.
    pub description: Text,
    /// When the answer has this shape; empty if always.
    pub condition: Text,
    /// Whether the checks leave it alone.
    pub skip_type_check: bool,
    /// How much of it help shows.
    pub elision: Elision,
    /// The first release whose answers have it; zero if all of them do that can be asked for.
    pub since: u32,
}

impl Res {
    /// A result of any type.
    pub fn new(kind: ResType, key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self {
            kind,
            key: key.into(),
            inner: Vec::new(),
            optional: false,
            description: description.into(),
            condition: Text::Borrowed(""),
            skip_type_check: false,
            elision: Elision::Shown,
            since: 0,
        }
    }

    /// A string.
    pub fn str(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::Str, key, description)
    }

    /// A hexadecimal string.
    pub fn hex(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::StrHex, key, description)
    }

    /// A number.
    pub fn num(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::Num, key, description)
    }

    /// A time.
    pub fn time(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::NumTime, key, description)
    }

    /// An amount.
    pub fn amount(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::Amount, key, description)
    }

    /// A boolean.
    pub fn bool(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::Bool, key, description)
    }

    /// `null`.
    pub fn none(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::None, key, description)
    }

    /// Anything.
    pub fn any(key: impl Into<Text>, description: impl Into<Text>) -> Self {
        Self::new(ResType::Any, key, description)
    }

    /// An array.
    pub fn arr(key: impl Into<Text>, description: impl Into<Text>, inner: impl IntoIterator<Item = Res>) -> Self {
        Self::new(ResType::Arr, key, description).inner(inner)
    }

    /// An array of a fixed length.
    pub fn arr_fixed(key: impl Into<Text>, description: impl Into<Text>, inner: impl IntoIterator<Item = Res>) -> Self {
        Self::new(ResType::ArrFixed, key, description).inner(inner)
    }

    /// An object with known keys.
    pub fn obj(key: impl Into<Text>, description: impl Into<Text>, inner: impl IntoIterator<Item = Res>) -> Self {
        Self::new(ResType::Obj, key, description).inner(inner)
    }

    /// An object whose keys are data.
    pub fn obj_dyn(key: impl Into<Text>, description: impl Into<Text>, inner: impl IntoIterator<Item = Res>) -> Self {
        Self::new(ResType::ObjDyn, key, description).inner(inner)
    }

    fn inner(mut self, inner: impl IntoIterator<Item = Res>) -> Self {
        self.inner = inner.into_iter().collect();
        self
    }

    /// It can be missing.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Answers have it since this release: clients of an earlier one do not get it.
    #[must_use]
    pub fn since(mut self, release: u32) -> Self {
        self.since = release;
        self
    }

    /// The answer has this shape only then.
    #[must_use]
    pub fn when(mut self, condition: impl Into<Text>) -> Self {
        self.condition = condition.into();
        self
    }

    /// The checks leave it alone.
    #[must_use]
    pub fn skip_type_check(mut self) -> Self {
        self.skip_type_check = true;
        self
    }

    /// Help shows three dots and `summary` instead.
    #[must_use]
    pub fn elide(mut self, summary: impl Into<Text>) -> Self {
        self.elision = Elision::Summary(summary.into());
        self
    }

    /// Help does not show it.
    #[must_use]
    pub fn skip_in_help(mut self) -> Self {
        self.elision = Elision::Skipped;
        self
    }

    pub(super) fn problems(&self, problems: &mut Vec<String>) {
        let needs_inner = matches!(self.kind, ResType::Arr | ResType::ArrFixed | ResType::ObjDyn);
        if self.kind != ResType::Obj && needs_inner == self.inner.is_empty() {
            problems.push(format!("result {:?} has the wrong content for its type", self.key));
        }
        if !self.inner.is_empty() && self.inner.iter().all(|inner| inner.elision == Elision::Skipped) {
            problems.push(format!("result {:?} shows none of its content in help", self.key));
        }
        for inner in &self.inner {
            inner.problems(problems);
        }
    }
}

/// Lets help show one line with three dots and `summary` for all of `fields`.
pub fn elide_group(fields: impl IntoIterator<Item = Res>, summary: impl Into<Text>) -> Vec<Res> {
    let mut elision = Elision::Summary(summary.into());
    fields
        .into_iter()
        .map(|field| Res { elision: std::mem::replace(&mut elision, Elision::Skipped), ..field })
        .collect()
}
