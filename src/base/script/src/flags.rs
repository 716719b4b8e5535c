//! Which rules are in force: a set of verification flags.
//!
//! Every flag only ever makes fewer scripts valid. The bits are those of Bitcoin Core, because they are part of cache
//! keys, of `libbitcoinconsensus` calls and of log lines.
//!
//! Two flags lean on others: `WITNESS` means nothing without `P2SH`, and `CLEANSTACK` nothing without both.
//! [`Flags::is_coherent`] tells; callers build their sets from constants, so nothing checks it at run time.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not};
use std::str::FromStr;

/// A set of script verification flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Flags(u64);

macro_rules! flags {
    ($($name:ident = $bit:literal, $doc:literal;)*) => {
        impl Flags {
            $(
                #[doc = $doc]
                pub const $name: Self = Self(1 << $bit);
            )*

            /// Every flag there is.
            pub const ALL: Self = Self($((1 << $bit))|*);

            /// Names and flags in alphabetical order, the order in which Core prints them.
            pub const NAMED: &'static [(&'static str, Self)] = &[$((stringify!($name), Self::$name),)*];
        }
    };
}

flags! {
    CHECKLOCKTIMEVERIFY = 9, "BIP65: NOP2 is CHECKLOCKTIMEVERIFY.";
    CHECKSEQUENCEVERIFY = 10, "BIP112: NOP3 is CHECKSEQUENCEVERIFY.";
    CLEANSTACK = 8, "Exactly one element is left after execution (BIP62 rule 6). Needs `P2SH` and `WITNESS`.";
    CONST_SCRIPTCODE = 16, "CODESEPARATOR and a signature inside the script code fail scripts before segwit.";
    DERSIG = 2, "BIP66: signatures are strict DER.";
    DISCOURAGE_OP_SUCCESS = 19, "OP_SUCCESSx fails.";
    DISCOURAGE_UPGRADABLE_NOPS = 7, "Executed NOPs that are reserved for upgrades fail.";
    DISCOURAGE_UPGRADABLE_PUBKEYTYPE = 20, "Unknown public key versions fail in tapscript.";
    DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = 18, "Unknown leaf versions fail.";
    DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = 12, "Unknown witness programs fail.";
    LOW_S = 3, "Signatures are strict DER with S at most half the order (BIP62 rule 5).";
    MINIMALDATA = 6, "Pushes and numbers are as short as can be (BIP62 rules 3 and 4).";
    MINIMALIF = 13, "In segwit v0, the argument of IF and NOTIF is empty or exactly 1.";
    NULLDUMMY = 4, "BIP147: the extra element that CHECKMULTISIG consumes is empty.";
    NULLFAIL = 14, "BIP146: the signatures of a failed check are empty.";
    P2SH = 0, "BIP16: evaluate the redeem script.";
    SIGPUSHONLY = 5, "The input script only pushes (BIP62 rule 2).";
    STRICTENC = 1, "Signatures and public keys are well formed and hash types are defined.";
    TAPROOT = 17, "BIP341 and BIP342.";
    WITNESS = 11, "BIP141: segregated witness. Needs `P2SH`.";
    WITNESS_PUBKEYTYPE = 15, "Keys in segwit v0 are compressed.";
}

impl Flags {
    /// Freicoin: the limits of old are lifted and unknown opcodes succeed. Not one of those that only make fewer scripts
    /// valid, so it is not among [`Flags::ALL`].
    pub const PROTOCOL_CLEANUP: Self = Self(1 << 29);
    /// Freicoin: large blocks. It changes nothing in scripts; the bit is part of cache keys.
    pub const SIZE_EXPANSION: Self = Self(1 << 28);

    /// No flag: the rules of 2009.
    pub const NONE: Self = Self(0);

    /// The flags of these bits, known or not.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` is in the set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in the set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets; usable in constants, where `|` is not.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every flag has the flags that it leans on.
    pub const fn is_coherent(self) -> bool {
        (!self.has(Self::WITNESS) || self.has(Self::P2SH))
            && (!self.has(Self::CLEANSTACK) || self.has(Self::P2SH.with(Self::WITNESS)))
    }

    /// The names of the set, alphabetically; bits without a name come last as one hexadecimal number.
    pub fn names(self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, flag) in Self::NAMED {
            if self.has(*flag) {
                names.push((*name).to_owned());
            }
        }
        let unnamed = self.without(Self::ALL);
        if !unnamed.is_empty() {
            names.push(format!("0x{:08x}", unnamed.0));
        }
        names
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Flags {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Flags {
    type Output = Self;
    fn not(self) -> Self {
        Self::ALL.without(self)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// A word that is no flag's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown verification flag '{0}'")]
pub struct UnknownFlag(pub String);

impl FromStr for Flags {
    type Err = UnknownFlag;

    /// Reads `P2SH,WITNESS`; nothing and `NONE` are the empty set.
    fn from_str(text: &str) -> Result<Self, UnknownFlag> {
        if text.is_empty() || text == "NONE" {
            return Ok(Self::NONE);
        }
        text.split(',').try_fold(Self::NONE, |set, word| {
            let (_, flag) =
                Self::NAMED.iter().find(|(name, _)| *name == word).ok_or_else(|| UnknownFlag(word.to_owned()))?;
            Ok(set | *flag)
        })
    }
}
