//! Why a text is not a descriptor, or a descriptor has no answer. The texts are the daemon's.

/// What is wrong with a checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// More than one checksum.
    #[error("Multiple '#' symbols")]
    Multiple,
    /// None, where one is required.
    #[error("Missing checksum")]
    Missing,
    /// Not eight characters.
    #[error("Expected 8 character checksum, not {0} characters")]
    Length(usize),
    /// A character that no descriptor has.
    #[error("Invalid characters in payload")]
    Characters,
    /// Another one.
    #[error("Provided checksum '{provided}' does not match computed checksum '{computed}'")]
    Mismatch {
        /// The one that stands there.
        provided: String,
        /// The right one.
        computed: String,
    },
}

/// What is wrong with a key expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("No key provided")]
    Empty,
    /// A space at its start or end.
    #[error("Key '{0}' is invalid due to whitespace")]
    Whitespace(String),
    /// An uncompressed key that says its parity.
    #[error("Hybrid public keys are not allowed")]
    Hybrid,
    /// An uncompressed key in segwit.
    #[error("Uncompressed keys are not allowed")]
    Uncompressed,
    /// Hex, but no point on the curve.
    #[error("Pubkey '{0}' is invalid")]
    Pubkey(String),
    /// No key of this chain.
    #[error("key '{0}' is not valid")]
    Invalid(String),
    /// A private key, and nobody here who may know it. A node asks its wallet then.
    #[error("Private keys are known to wallets only")]
    PrivateKey,
    /// A step that is empty.
    #[error("Key path value '{0}' is not valid")]
    Step(String),
    /// A step that is no number.
    #[error("Key path value '{0}' is not a valid uint32")]
    StepNumber(String),
    /// A step beyond the highest.
    #[error("Key path value {0} is out of range")]
    StepRange(u32),
    /// Several paths in a key's origin.
    #[error("Key path value '{0}' specifies multipath in a section where multipath is not allowed")]
    MultipathHere(String),
    /// `<0;1>` twice.
    #[error("Multiple multipath key path specifiers found")]
    MultipathTwice,
    /// `<0>`.
    #[error("Multipath key path specifiers must have at least two items")]
    MultipathItems,
    /// `<0;0>`.
    #[error("Duplicated key path value {0} in multipath specifier")]
    MultipathDuplicate(u32),
    /// More than one origin.
    #[error("Multiple ']' characters found for a single pubkey")]
    OriginEnd,
    /// An origin that does not start.
    #[error("Key origin start '[ character expected but not found, got '{0}' instead")]
    OriginStart(char),
    /// A fingerprint of another length.
    #[error("Fingerprint is not 4 bytes ({0} characters instead of 8 characters)")]
    FingerprintLength(usize),
    /// A fingerprint that is not hex.
    #[error("Fingerprint '{0}' is not hex")]
    FingerprintHex(String),
    /// `musig()` outside taproot.
    #[error("musig() is only allowed in tr() and rawtr()")]
    MusigPlace,
    /// Brackets behind its own.
    #[error("Too many ')' in musig() expression")]
    MusigBrackets,
    /// No bracket at all, or something behind it that is no path.
    #[error("Invalid musig() expression")]
    MusigExpression,
    /// Something between its keys that is no comma.
    #[error("musig(): expected ',', got '{0}'")]
    MusigComma(char),
    /// One of its keys, or its path.
    #[error("musig(): {0}")]
    MusigKey(Box<KeyError>),
    /// No keys in it.
    #[error("musig(): Must contain key expressions")]
    MusigEmpty,
    /// A path behind it, and a key that has no children.
    #[error("musig(): derivation requires all participants to be xpubs or xprvs")]
    MusigDerivation,
    /// A path behind it, and a key with a wildcard.
    #[error("musig(): Cannot have ranged participant keys if musig() also has derivation")]
    MusigRanges,
    /// `*h` behind it.
    #[error("musig(): Cannot have hardened child derivation")]
    MusigHardenedChild,
    /// A hardened step behind it, which nobody could take.
    #[error("musig(): cannot have hardened derivation steps")]
    MusigHardened,
    /// `<0;1>` in it and behind it.
    #[error("musig(): Cannot have multipath participant keys if musig() is also multipath")]
    MusigMultipath,
    /// Keys that stand for different numbers of paths.
    #[error("musig(): Multipath derivation paths have mismatched lengths")]
    MusigWidths,
}

/// What is wrong with a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Its checksum.
    #[error(transparent)]
    Checksum(#[from] ChecksumError),
    /// A key in miniscript.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key in one of the functions.
    #[error("{function}: {error}")]
    KeyIn {
        /// The function, as the daemon writes it.
        function: &'static str,
        /// What is wrong with the key.
        error: KeyError,
    },
    /// Text behind the end.
    #[error("Unexpected characters after the end of an expression")]
    Trailing,
    /// A function that stands elsewhere.
    #[error("Can only have {0}")]
    Place(&'static str),
    /// A threshold that is no number.
    #[error("Multi threshold '{0}' is not valid")]
    Threshold(String),
    /// Something between keys that is no comma.
    #[error("{function}: expected ',', got '{got}'")]
    Comma {
        /// Where.
        function: &'static str,
        /// What stands there.
        got: char,
    },
    /// Too many keys, or none.
    #[error("Cannot have {count} keys in {function}; must have between 1 and {max} keys, inclusive")]
    KeyCount {
        /// How many there are.
        count: usize,
        /// Which kind of function.
        function: &'static str,
        /// How many it takes.
        max: usize,
    },
    /// No signature needed.
    #[error("Multisig threshold cannot be {0}, must be at least 1")]
    ThresholdZero(u32),
    /// More signatures than keys.
    #[error(
        "Multisig threshold cannot be larger than the number of keys; threshold is {threshold} but only {keys} keys specified"
    )]
    ThresholdTooLarge {
        /// Signatures.
        threshold: u32,
        /// Keys.
        keys: usize,
    },
    /// More than nodes relay.
    #[error("Cannot have {0} pubkeys in bare multisig; only at most 3 pubkeys")]
    BareKeys(usize),
    /// More than a push holds.
    #[error("P2SH script is too large, {0} bytes is larger than 520 bytes")]
    ScriptSize(usize),
    /// Keys that stand for different numbers of paths.
    #[error("{0}: Multipath derivation paths have mismatched lengths")]
    Multipath(&'static str),
    /// Leaves that do.
    #[error("tr(): Multipath subscripts have mismatched lengths")]
    MultipathLeaves,
    /// The internal key and the leaves.
    #[error("tr(): Multipath internal key mismatches multipath subscripts lengths")]
    MultipathInternal,
    /// No address of this chain.
    #[error("Address is not valid")]
    Address,
    /// A script that is not hex.
    #[error("Raw script is not hex")]
    RawHex,
    /// A tree that is too deep.
    #[error("tr() supports at most 128 nesting levels")]
    TreeDepth,
    /// A tree that is not closed.
    #[error("tr(): expected '{0}' after script expression")]
    Tree(char),
    /// More than one key.
    #[error("rawtr(): only one key expected.")]
    RawtrKeys,
    /// More than one key.
    #[error("unused(): only one key expected")]
    UnusedKeys,
    /// Many keys.
    #[error("unused(): key cannot be ranged")]
    UnusedRange,
    /// Not a function, where there must be one.
    #[error("A function is needed within {0}")]
    FunctionNeeded(&'static str),
    /// Not a function at all.
    #[error("'{0}' is not a valid descriptor function")]
    Function(String),
    /// Miniscript outside its places.
    #[error("Miniscript expressions can only be used in wsh or tr.")]
    MiniscriptPlace,
    /// Miniscript whose types do not fit.
    #[error("{0} is invalid")]
    MiniscriptInvalid(String),
    /// Miniscript that could be spent otherwise than meant.
    #[error("{expression} is not sane{reason}")]
    MiniscriptInsane {
        /// The innermost part that is not sane.
        expression: String,
        /// Why, with a colon, or nothing.
        reason: &'static str,
    },
    /// Miniscript that nobody can spend.
    #[error("{0} is not satisfiable")]
    MiniscriptUnsatisfiable(String),
}

/// What is wrong with a range of indexes. All are bad parameters to an RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It ends before it begins.
    #[error("Range specified as [begin,end] must not have begin after end")]
    Order,
    /// It begins before 0.
    #[error("Range should be greater or equal than 0")]
    Negative,
    /// It ends beyond the highest index.
    #[error("End of range is too high")]
    TooHigh,
    /// A million or more.
    #[error("Range is too large")]
    TooLarge,
}

/// Why a descriptor has no addresses or scripts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// It is none.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A range without `*`. A bad parameter to an RPC.
    #[error("Range should not be specified for an un-ranged descriptor")]
    RangeGiven,
    /// `*` without a range. A bad parameter to an RPC.
    #[error("Range must be specified for a ranged descriptor")]
    RangeMissing,
    /// A hardened step that cannot be taken.
    #[error("Cannot derive script without private keys")]
    PrivateKeys,
    /// The same, for a descriptor in a list.
    #[error("Cannot derive script without private keys: '{0}'")]
    PrivateKeysFor(String),
    /// A script without address.
    #[error("Descriptor does not have a corresponding address")]
    NoAddress,
    /// No script at all.
    #[error("Unexpected empty result")]
    Empty,
}
