//! What the vectors need besides: an engine, random flags, sets of flags that are coherent.

use std::sync::LazyLock;

use script::{Flags, Keep, Prevout, SignatureCache, TxData, TxSignatureChecker, verify_script};

/// What a node remembers. Signatures are not put in, so each is verified, with what is known of keys and signers.
static CACHE: LazyLock<SignatureCache> = LazyLock::new(|| SignatureCache::new(1 << 20, &[7; 32]));

/// Verifies one input of a transaction whose spent outputs are known: as if nothing was known, and as a node does.
pub(crate) fn verify_input(data: &TxData<'_>, index: usize, flags: Flags) -> Result<(), script::ScriptError> {
    let Prevout { amount, script_pubkey, .. } = data.prevout(index).unwrap();
    let input = &data.tx().input[index];
    let checker = TxSignatureChecker::new(data, index, amount);
    let verdict = verify_script(&input.script_sig, script_pubkey, &input.witness, flags, &checker);
    let checker = TxSignatureChecker::new(data, index, amount).with_cache(&CACHE, Keep::Forget);
    let remembering = verify_script(&input.script_sig, script_pubkey, &input.witness, flags, &checker);
    assert_eq!(verdict, remembering, "what is remembered changes the verdict");
    verdict
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
