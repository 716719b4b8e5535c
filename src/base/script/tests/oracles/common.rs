//! What the vectors need besides: an engine, random flags, sets of flags that are coherent.

use script::{Flags, Prevout, TxData, TxSignatureChecker, verify_script};

/// Verifies one input of a transaction whose spent outputs are known.
pub(crate) fn verify_input(data: &TxData<'_>, index: usize, flags: Flags) -> Result<(), script::ScriptError> {
    let Prevout { amount, script_pubkey, .. } = data.prevout(index).unwrap();
    let input = &data.tx().input[index];
    let checker = TxSignatureChecker::new(data, index, amount);
    verify_script(&input.script_sig, script_pubkey, &input.witness, flags, &checker)
}

/// A small generator for choices that need no shrinking: xorshift.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn flags(&mut self) -> Flags {
        Flags::from_bits(self.roll() >> 20) & Flags::ALL
    }
}

/// Takes flags away until the rest is coherent.
pub(crate) fn trim(mut flags: Flags) -> Flags {
    if !flags.has(Flags::P2SH) {
        flags = flags.without(Flags::WITNESS);
    }
    if !flags.has(Flags::WITNESS) {
        flags = flags.without(Flags::CLEANSTACK);
    }
    flags
}

/// Adds flags until all are coherent.
pub(crate) fn fill(mut flags: Flags) -> Flags {
    if flags.has(Flags::CLEANSTACK) {
        flags |= Flags::WITNESS;
    }
    if flags.has(Flags::WITNESS) {
        flags |= Flags::P2SH;
    }
    flags
}
