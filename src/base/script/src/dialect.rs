//! Where the coins differ in Script: limits, and what counts as a witness program.
//!
//! Bitcoin and most of its relatives are [`BITCOIN`]. A coin with other limits or with a witness format of its own
//! brings another [`Dialect`], chosen once by its rules. The interpreter consults it once per script, never per
//! opcode; what a coin adds to signature messages travels in [`TxData`](crate::TxData) instead.

use bitcoin::Witness;

use crate::checker::SignatureChecker;
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::mast::{MAX_STACK, Mast};
use crate::templates::WitnessProgram;
use crate::witness::Bip141;

/// The sizes at which a script fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest script before tapscript, in bytes.
    pub script_size: usize,
    /// The longest stack element that a push or a witness may bring, in bytes.
    pub element_size: usize,
    /// The most operations other than pushes that a script before tapscript may have.
    pub ops: usize,
    /// The most elements on both stacks together.
    pub stack: usize,
}

impl Limits {
    /// Bitcoin's limits.
    pub const BITCOIN: Self = Self { script_size: 10_000, element_size: 520, ops: 201, stack: 1000 };

    /// Freicoin's limits where a script is open to later rules.
    pub(crate) const OPEN: Self =
        Self { script_size: usize::MAX, element_size: usize::MAX, ops: usize::MAX, stack: MAX_STACK };
}

/// What opcodes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcodes {
    /// What they do in Bitcoin.
    Bitcoin,
    /// What they do in Freicoin: unknown ones end a script with success where it is open to later rules, multisigs name
    /// the keys that they use, and proofs of Merkle trees can be checked.
    Extended,
}

/// How a chain reads and checks witnesses.
pub trait WitnessRules: Sync {
    /// The witness program that a script is, if it is one.
    fn program<'s>(&self, script: &'s [u8]) -> Option<WitnessProgram<'s>>;

    /// Whether a redeem script may be a witness program.
    fn nests_in_p2sh(&self) -> bool;

    /// Checks a witness against its program. `nested` tells whether the program was a redeem script.
    fn verify(
        &self,
        program: WitnessProgram<'_>,
        witness: &Witness,
        nested: bool,
        flags: Flags,
        limits: &Limits,
        checker: &dyn SignatureChecker,
    ) -> Result<(), ScriptError>;
}

/// One chain's Script.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Its limits.
    pub limits: Limits,
    /// Its opcodes.
    pub opcodes: Opcodes,
    /// Its witnesses.
    pub witness: &'static dyn WitnessRules,
}

/// Bitcoin's Script.
pub const BITCOIN: Dialect = Dialect { limits: Limits::BITCOIN, opcodes: Opcodes::Bitcoin, witness: &Bip141 };

/// Freicoin's Script.
pub const MAST: Dialect = Dialect { limits: Limits::BITCOIN, opcodes: Opcodes::Extended, witness: &Mast };

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialect").field("limits", &self.limits).finish_non_exhaustive()
    }
}
