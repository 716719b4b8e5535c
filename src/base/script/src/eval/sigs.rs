//! Opcodes that check signatures.

use std::borrow::Cow;

use super::{Machine, SigVersion};
use crate::encoding::{check_pubkey_encoding, check_signature_encoding};
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::instruction::{Cursor, push_head};
use crate::stack::Element;

/// What each signature that is checked in a tapscript takes from the budget of its witness.
const WEIGHT_PER_SIGNATURE: i64 = 50;

impl<'s> Machine<'s, '_> {
    /// CHECKSIG and CHECKSIGVERIFY: (signature key -- bool).
    pub(super) fn check_sig(&mut self, verify: bool) -> Result<(), ScriptError> {
        self.stack.need(2)?;
        let (signature, key) = (*self.stack.peek(1)?, *self.stack.peek(0)?);
        let good = self.is_signed(signature.as_slice(), key.as_slice())?;
        self.stack.discard(2);
        self.answer(verify, good, ScriptError::CheckSigVerify)
    }

    /// CHECKSIGADD: (signature number key -- number).
    pub(super) fn check_sig_add(&mut self) -> Result<(), ScriptError> {
        if self.version != SigVersion::Tapscript {
            return Err(ScriptError::BadOpcode);
        }
        self.stack.need(3)?;
        let number = self.number(1)?;
        let (signature, key) = (*self.stack.peek(2)?, *self.stack.peek(0)?);
        let good = self.is_signed(signature.as_slice(), key.as_slice())?;
        self.stack.discard(3);
        self.stack.push(Element::number(number + i64::from(good)));
        Ok(())
    }

    fn is_signed(&mut self, signature: &[u8], key: &[u8]) -> Result<bool, ScriptError> {
        if self.version == SigVersion::Tapscript {
            return self.is_signed_in_tapscript(signature, key);
        }
        let code = self.code_without(std::iter::once(signature))?;
        check_signature_encoding(signature, self.flags)?;
        check_pubkey_encoding(key, self.flags, self.version)?;
        let good = self.checker.check_ecdsa(signature, key, &code, self.version);
        if !good && self.flags.has(Flags::NULLFAIL) && !signature.is_empty() {
            return Err(ScriptError::SigNullFail);
        }
        Ok(good)
    }

    /// The order of these rules is consensus: the budget is charged even for keys of unknown versions, and only an
    /// empty signature may fail without failing the script.
    fn is_signed_in_tapscript(&mut self, signature: &[u8], key: &[u8]) -> Result<bool, ScriptError> {
        let present = !signature.is_empty();
        if present {
            self.exec.weight_left -= WEIGHT_PER_SIGNATURE;
            if self.exec.weight_left < 0 {
                return Err(ScriptError::TapscriptValidationWeight);
            }
        }
        if key.is_empty() {
            return Err(ScriptError::TapscriptEmptyPubkey);
        }
        match <&[u8; 32]>::try_from(key) {
            Ok(key) if present => self.checker.check_schnorr(signature, key, self.exec)?,
            Err(_) if self.flags.has(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE) => {
                return Err(ScriptError::DiscourageUpgradablePubkeyType);
            }
            _ => {}
        }
        Ok(present)
    }

    /// The script code for some signatures: before segwit, their own pushes are taken out of it.
    pub(super) fn code_without<'e>(
        &self,
        signatures: impl Iterator<Item = &'e [u8]>,
    ) -> Result<Cow<'s, [u8]>, ScriptError> {
        let mut code = Cow::Borrowed(self.script.get(self.code_start..).unwrap_or_default());
        if self.version == SigVersion::Base {
            for signature in signatures {
                match find_and_delete(&code, signature) {
                    None => {}
                    Some(_) if self.flags.has(Flags::CONST_SCRIPTCODE) => return Err(ScriptError::SigFindAndDelete),
                    Some(rest) => code = Cow::Owned(rest),
                }
            }
        }
        Ok(code)
    }
}

/// Takes every push of `data` out of a script, where the push starts at an opcode. `None`: there is none.
///
/// After a deletion the next opcode may start with the same bytes again; after a match inside a broken script the
/// rest stays as it is.
pub fn find_and_delete(script: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let (head, head_len) = push_head(data.len());
    let head = &head[..head_len];
    let size = head_len + data.len();
    let matches_at = |position: usize| {
        script.get(position..).and_then(|rest| rest.strip_prefix(head)).is_some_and(|rest| rest.starts_with(data))
    };
    let mut kept: Option<Vec<u8>> = None;
    let mut cursor = Cursor::new(script);
    let mut start = 0;
    loop {
        let position = cursor.position();
        if matches_at(position) {
            kept.get_or_insert_default().extend_from_slice(&script[start..position]);
            while matches_at(cursor.position()) {
                cursor.jump(size);
            }
            start = cursor.position();
        }
        if cursor.next_op().is_none() {
            break;
        }
    }
    if let Some(kept) = &mut kept {
        kept.extend_from_slice(&script[start..]);
    }
    kept
}
