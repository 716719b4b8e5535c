//! The categories, by Bitcoin Core's names.

/// In alphabetical order, which is also the order of their bits.
use config::help::LOG_CATEGORIES as NAMES;

/// A subject of log lines that can be switched on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Category(u8);

impl Category {
    /// The category of exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.binary_search(&name).ok().and_then(|index| u8::try_from(index).ok()).map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[self.index()]
    }

    /// All of them, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u8..).take(NAMES.len()).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn bit(self) -> u64 {
        1 << self.0
    }
}

/// The names as help texts list them: `addrman, bench, …`.
pub fn category_names() -> String {
    NAMES.join(", ")
}

/// The bit that stands for lines of no category.
pub(crate) const UNCATEGORISED: u64 = 1 << 63;

/// What a user may write where a category is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// An empty text, `1` or `all`.
    All,
    One(Category),
    /// A name that older versions knew. It does nothing and earns a warning.
    Retired,
}

impl Selection {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "1" | "all" => Some(Self::All),
            "libevent" => Some(Self::Retired),
            name => Category::from_name(name).map(Self::One),
        }
    }

    pub(crate) fn mask(self) -> u64 {
        match self {
            Self::All => u64::MAX,
            Self::One(category) => category.bit(),
            Self::Retired => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(NAMES.is_sorted());
        for category in Category::all() {
            assert_eq!(Category::from_name(category.name()), Some(category));
            assert_ne!(category.bit(), UNCATEGORISED);
        }
        assert_eq!(Category::all().count(), NAMES.len());
        for other in ["", "all", "1", "Net", "net ", "net::dialer", "libevent", "lock"] {
            assert_eq!(Category::from_name(other), None, "{other}");
        }
    }

    #[test]
    fn selections() {
        for all in ["", "1", "all"] {
            assert_eq!(Selection::parse(all), Some(Selection::All));
        }
        assert_eq!(Selection::parse("libevent").map(Selection::mask), Some(0));
        assert_eq!(Selection::parse("none"), None);
        assert_eq!(Selection::parse("0"), None);
    }
}
