//! The flags of a wallet.

use std::fmt;

/// What a wallet is and does. The bits are those of the file.
///
/// A program that does not know a bit of the upper half must not open the wallet; bits of the lower half may be ignored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct WalletFlags(pub u64);

impl WalletFlags {
    /// Coins on addresses that were spent from before are kept apart.
    pub const AVOID_REUSE: Self = Self(1);
    /// Keys know where they come from. Of legacy wallets.
    pub const KEY_ORIGIN_METADATA: Self = Self(1 << 1);
    /// The caches of descriptors hold the extended keys behind the last hardened step.
    pub const LAST_HARDENED_XPUB_CACHED: Self = Self(1 << 2);
    /// There are no private keys and there never will be.
    pub const DISABLE_PRIVATE_KEYS: Self = Self(1 << 32);
    /// Nothing was generated, and nothing is without being asked.
    pub const BLANK: Self = Self(1 << 33);
    /// The wallet is made of descriptors.
    pub const DESCRIPTORS: Self = Self(1 << 34);
    /// Another device signs.
    pub const EXTERNAL_SIGNER: Self = Self(1 << 35);

    /// Every known flag and its name in RPC, lowest bit first.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::AVOID_REUSE, "avoid_reuse"),
        (Self::KEY_ORIGIN_METADATA, "key_origin_metadata"),
        (Self::LAST_HARDENED_XPUB_CACHED, "last_hardened_xpub_cached"),
        (Self::DISABLE_PRIVATE_KEYS, "disable_private_keys"),
        (Self::BLANK, "blank"),
        (Self::DESCRIPTORS, "descriptor_wallet"),
        (Self::EXTERNAL_SIGNER, "external_signer"),
    ];

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// With the flags of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without the flags of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The bits that forbid to open the wallet, since nobody here knows what they mean.
    pub fn unknown_mandatory(self) -> u64 {
        let known = Self::NAMES.iter().fold(0, |bits, (flag, _)| bits | flag.0);
        (self.0 & !known) >> 32 << 32
    }

    /// The names of the flags that are set; unknown bits have none.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

impl fmt::Debug for WalletFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)?;
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unknown_bits_of_the_upper_half_forbid() {
        let all = WalletFlags::NAMES.iter().fold(WalletFlags(0), |flags, (flag, _)| flags.with(*flag));
        assert_eq!(all.unknown_mandatory(), 0);
        assert_eq!(WalletFlags(1 << 31).unknown_mandatory(), 0);
        assert_eq!(WalletFlags(all.0 | 1 << 36 | 1 << 20).unknown_mandatory(), 1 << 36);
        assert_eq!(all.without(WalletFlags::BLANK).names().count(), 6);
        assert!(!all.without(WalletFlags::BLANK).contains(WalletFlags::BLANK));
    }
}
