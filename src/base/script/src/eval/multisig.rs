//! CHECKMULTISIG: some signatures of some keys, in one order.

use super::{Machine, SigVersion};
use crate::dialect::Opcodes;
use crate::encoding::{check_pubkey_encoding, check_signature_encoding};
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::signers::Signers;
use crate::stack::Element;

/// The most keys of a CHECKMULTISIG.
pub const MAX_PUBKEYS_PER_MULTISIG: usize = 20;

/// Where a multisig has its parts: depths of the stack, at which the last key and the last signature come first.
#[derive(Clone, Copy)]
struct Parts {
    keys: usize,
    signatures: usize,
    first_signature: usize,
    /// The element that the first implementation took by mistake, behind everything else.
    extra: usize,
}

/// What is known of signatures and keys before the rule asks. Places count from the last key and the last signature.
#[derive(Default)]
struct Known {
    /// The keys of the first signatures.
    good: [Option<usize>; MAX_PUBKEYS_PER_MULTISIG],
    /// A signature that is not of this key.
    bad: Option<(usize, usize)>,
    /// All have signed, and these are their keys.
    all: Option<Signers>,
}

impl Known {
    fn is_good(&self, signature: usize, key: usize) -> Option<bool> {
        if self.bad == Some((signature, key)) {
            return Some(false);
        }
        (self.good.get(signature).copied().flatten() == Some(key)).then_some(true)
    }
}

impl Machine<'_, '_> {
    /// CHECKMULTISIG and CHECKMULTISIGVERIFY: (extra signature* count key* count -- bool).
    pub(super) fn check_multisig(&mut self, verify: bool) -> Result<(), ScriptError> {
        if self.version == SigVersion::Tapscript {
            return Err(ScriptError::TapscriptCheckMultisig);
        }
        let parts = self.multisig_parts()?;
        let Parts { keys, signatures, first_signature, extra } = parts;
        let named = (first_signature..extra).filter_map(|depth| self.stack.peek(depth).ok());
        let code = self.code_without(named.map(Element::as_slice))?;
        let extended = self.opcodes == Opcodes::Extended;
        let hint = if extended && self.flags.has(Flags::NULLDUMMY) {
            Some(self.multisig_hint(keys, signatures, extra)?)
        } else {
            None
        };
        let guess = if hint.is_none() { self.checker.usual_signers(signatures, keys) } else { None };
        let known = guess.map_or_else(Known::default, |guess| self.try_signers(guess, parts, &code));

        let (mut key, mut signature) = (1, first_signature);
        let mut good = true;
        let mut signers: Signers = known.all.unwrap_or_default();
        while known.all.is_none() && good && signature < extra {
            let (sig, pubkey) = (self.stack.peek(signature)?.as_slice(), self.stack.peek(key)?.as_slice());
            check_signature_encoding(sig, self.flags)?;
            check_pubkey_encoding(pubkey, self.flags, self.version)?;
            // Keys start at depth 1, and so do the bits of a hint.
            let skipped = hint.is_some_and(|hint| hint >> (key - 1) & 1 == 1);
            let check = || self.checker.check_ecdsa(sig, pubkey, &code, self.version);
            if !skipped && known.is_good(signature - first_signature, key - 1).unwrap_or_else(check) {
                signature += 1;
                signers |= 1 << (key - 1);
            } else if hint.is_some() && !skipped {
                return Err(ScriptError::FailedSignatureCheck);
            }
            key += 1;
            // Keys are used up in order: with fewer keys than signatures left, it is lost.
            good = extra - signature <= keys + 1 - key;
        }
        if good {
            self.checker.have_signed(signatures, keys, signers);
        } else if self.flags.has(Flags::NULLFAIL) {
            for signature in first_signature..extra {
                if !self.stack.peek(signature)?.as_slice().is_empty() {
                    return Err(ScriptError::SigNullFail);
                }
            }
        }
        if !extended && self.flags.has(Flags::NULLDUMMY) && !self.stack.peek(extra)?.as_slice().is_empty() {
            return Err(ScriptError::SigNullDummy);
        }
        self.stack.discard(extra + 1);
        self.answer(verify, good, ScriptError::CheckMultisigVerify)
    }

    fn multisig_parts(&mut self) -> Result<Parts, ScriptError> {
        let keys = usize::try_from(self.number(0)?)
            .ok()
            .filter(|keys| *keys <= MAX_PUBKEYS_PER_MULTISIG)
            .ok_or(ScriptError::PubkeyCount)?;
        self.spend_ops(keys)?;
        self.stack.need(keys + 2)?;
        let signatures = usize::try_from(self.number(keys + 1)?)
            .ok()
            .filter(|signatures| *signatures <= keys)
            .ok_or(ScriptError::SigCount)?;
        let first_signature = keys + 2;
        let extra = first_signature + signatures;
        self.stack.need(extra + 1)?;
        Ok(Parts { keys, signatures, first_signature, extra })
    }

    /// Looks whether these are the keys that have signed. If they are, the rule would find the same: it looks for any
    /// keys in this order. Where it might stumble over a badly encoded key or signature, nothing is tried.
    fn try_signers(&self, guess: Signers, parts: Parts, code: &[u8]) -> Known {
        let mut known = Known::default();
        let signature = |n: usize| self.stack.peek(parts.first_signature + n).map_or(&[][..], Element::as_slice);
        let key = |n: usize| self.stack.peek(1 + n).map_or(&[][..], Element::as_slice);
        let well_encoded = (0..parts.signatures).all(|n| check_signature_encoding(signature(n), self.flags).is_ok())
            && (0..parts.keys).all(|n| check_pubkey_encoding(key(n), self.flags, self.version).is_ok());
        let guessed = (0..parts.keys).filter(|n| guess >> n & 1 == 1);
        if !well_encoded || guessed.clone().count() != parts.signatures {
            return known;
        }
        for (nth, of) in guessed.enumerate() {
            if !self.checker.check_ecdsa(signature(nth), key(of), code, self.version) {
                known.bad = Some((nth, of));
                return known;
            }
            known.good[nth] = Some(of);
        }
        known.all = Some(guess);
        known
    }
}
