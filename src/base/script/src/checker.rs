//! What a script may ask about the transaction that spends: signatures and lock times.

use std::cell::{OnceCell, RefCell};

use bitcoin::Amount;

use crate::cache::SignatureCache;
use crate::curve;
use crate::error::ScriptError;
use crate::eval::{ExecutionData, SigVersion};
use crate::hashing::{Digest, Engine};
use crate::keys::KeyCache;
use crate::sighash::{self, Coverage};
use crate::signers::Signers;
use crate::txdata::TxData;

/// Lock times below this are heights, others are times.
pub const LOCKTIME_THRESHOLD: u32 = 500_000_000;

const SEQUENCE_FINAL: u32 = 0xffff_ffff;
pub(crate) const SEQUENCE_DISABLE: i64 = 1 << 31;
const SEQUENCE_IS_TIME: i64 = 1 << 22;
const SEQUENCE_VALUE: i64 = 0xffff;

/// Answers the questions of a script.
pub trait SignatureChecker {
    /// Whether an ECDSA signature, hash type included, is good for this key and script code.
    fn check_ecdsa(&self, signature: &[u8], key: &[u8], script_code: &[u8], version: SigVersion) -> bool;

    /// Checks a Schnorr signature of 64 bytes, or 65 with its hash type.
    fn check_schnorr(&self, signature: &[u8], key: &[u8; 32], context: &ExecutionData) -> Result<(), ScriptError>;

    /// Whether the transaction's lock time satisfies CHECKLOCKTIMEVERIFY with this operand.
    fn check_lock_time(&self, lock_time: i64) -> bool;

    /// Whether the input's sequence number satisfies CHECKSEQUENCEVERIFY with this operand.
    fn check_sequence(&self, sequence: i64) -> bool;

    /// Who usually signs where so many signatures of so many keys are asked for. It only decides what is tried first.
    fn usual_signers(&self, _signatures: usize, _keys: usize) -> Option<Signers> {
        None
    }

    /// These have signed.
    fn have_signed(&self, _signatures: usize, _keys: usize, _signers: Signers) {}
}

/// A checker for which no signature is good and no lock has opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTransaction;

impl SignatureChecker for NoTransaction {
    fn check_ecdsa(&self, _: &[u8], _: &[u8], _: &[u8], _: SigVersion) -> bool {
        false
    }

    fn check_schnorr(&self, _: &[u8], _: &[u8; 32], _: &ExecutionData) -> Result<(), ScriptError> {
        Err(ScriptError::SchnorrSig)
    }

    fn check_lock_time(&self, _: i64) -> bool {
        false
    }

    fn check_sequence(&self, _: i64) -> bool {
        false
    }
}

/// Checks against one input of a transaction.
///
/// A checker belongs to one thread and one input; it remembers how far the hash of a script code had come, so that
/// the second key of a multisig costs one block.
#[derive(Debug)]
pub struct TxSignatureChecker<'a> {
    data: &'a TxData<'a>,
    input: usize,
    amount: Amount,
    cache: Option<(&'a SignatureCache, Keep)>,
    messages: RefCell<Messages>,
    single_output: OnceCell<Option<Digest>>,
}

/// What becomes of a signature's entry in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// A good signature is remembered: the transaction will come again in a block.
    Store,
    /// An entry is given up once found: the block that confirms the transaction is the last to ask.
    Forget,
}

/// The latest message of each coverage and version. Most inputs have one, which takes no memory of its own.
#[derive(Debug)]
struct Messages {
    first: Option<Begun>,
    others: Vec<Begun>,
}

/// A message that lacks only its hash type.
#[derive(Debug)]
struct Begun {
    coverage: Coverage,
    version: SigVersion,
    script_code: Copied,
    engine: Engine,
}

/// A script that has been copied, in place if it is short.
#[derive(Debug)]
enum Copied {
    Short { len: usize, bytes: [u8; SHORT] },
    Long(Vec<u8>),
}

/// Two of three keys, and everything simpler, is short.
const SHORT: usize = 112;

impl Copied {
    fn new(script: &[u8]) -> Self {
        if script.len() > SHORT {
            return Self::Long(script.to_vec());
        }
        let mut bytes = [0; SHORT];
        bytes[..script.len()].copy_from_slice(script);
        Self::Short { len: script.len(), bytes }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..*len],
            Self::Long(bytes) => bytes,
        }
    }
}

impl<'a> TxSignatureChecker<'a> {
    /// A checker for an input that spends this amount. An input that does not exist has no good signature.
    pub const fn new(data: &'a TxData<'a>, input: usize, amount: Amount) -> Self {
        let messages = RefCell::new(Messages { first: None, others: Vec::new() });
        Self { data, input, amount, cache: None, messages, single_output: OnceCell::new() }
    }

    /// Looks signatures up in a cache first.
    #[must_use]
    pub const fn with_cache(mut self, cache: &'a SignatureCache, keep: Keep) -> Self {
        self.cache = Some((cache, keep));
        self
    }

    pub(crate) fn ecdsa_hash(&self, script_code: &[u8], hash_type: i32, version: SigVersion) -> Option<Digest> {
        if version == SigVersion::Base && sighash::is_single_without_output(self.data, self.input, hash_type) {
            return sighash::legacy(self.data, self.input, script_code, hash_type);
        }
        let coverage = Coverage::of(hash_type);
        let messages = &mut *self.messages.borrow_mut();
        let mut all = messages.first.iter_mut().chain(&mut messages.others);
        let known = all.find(|begun| begun.coverage == coverage && begun.version == version);
        if let Some(begun) = known.as_deref().filter(|begun| begun.script_code.as_slice() == script_code) {
            return Some(sighash::seal(begun.engine.clone(), hash_type));
        }
        let engine = match version {
            SigVersion::WitnessV0 => {
                sighash::segwit_v0_message(self.data, self.input, script_code, self.amount, coverage)
            }
            _ => sighash::legacy_message(self.data, self.input, script_code, coverage),
        }?;
        let begun = Begun { coverage, version, script_code: Copied::new(script_code), engine: engine.clone() };
        if let Some(old) = known {
            *old = begun;
        } else if messages.first.is_none() {
            messages.first = Some(begun);
        } else {
            messages.others.push(begun);
        }
        Some(sighash::seal(engine, hash_type))
    }

    fn cached(
        &self,
        entry: impl FnOnce(&SignatureCache) -> Digest,
        verify: impl FnOnce(Option<&KeyCache>) -> bool,
    ) -> bool {
        let Some((cache, keep)) = self.cache else {
            return verify(None);
        };
        let entry = entry(cache);
        if cache.contains(&entry, keep == Keep::Forget) {
            return true;
        }
        let good = verify(Some(cache.keys()));
        if good && keep == Keep::Store {
            cache.insert(&entry);
        }
        good
    }
}

impl SignatureChecker for TxSignatureChecker<'_> {
    fn check_ecdsa(&self, signature: &[u8], key: &[u8], script_code: &[u8], version: SigVersion) -> bool {
        let Some((hash_type, der)) = signature.split_last() else {
            return false;
        };
        if !crate::encoding::is_valid_pubkey_size(key) {
            return false;
        }
        let Some(hash) = self.ecdsa_hash(script_code, i32::from(*hash_type), version) else {
            return false;
        };
        self.cached(|cache| cache.ecdsa_entry(&hash, der, key), |known| curve::verify_ecdsa(der, key, &hash, known))
    }

    fn check_schnorr(&self, signature: &[u8], key: &[u8; 32], context: &ExecutionData) -> Result<(), ScriptError> {
        let (signature, hash_type) = match signature.split_first_chunk::<64>() {
            Some((signature, [])) => (signature, sighash::DEFAULT),
            Some((_, [sighash::DEFAULT])) => return Err(ScriptError::SchnorrSigHashtype),
            Some((signature, [hash_type])) => (signature, *hash_type),
            _ => return Err(ScriptError::SchnorrSigSize),
        };
        let single = || *self.single_output.get_or_init(|| sighash::single_output_hash(self.data, self.input));
        let hash = sighash::taproot_with(self.data, self.input, hash_type, &context.signed(), single)
            .ok_or(ScriptError::SchnorrSigHashtype)?;
        let good = self.cached(
            |cache| cache.schnorr_entry(&hash, signature, key),
            |known| curve::verify_schnorr(signature, key, &hash, known),
        );
        if good { Ok(()) } else { Err(ScriptError::SchnorrSig) }
    }

    fn usual_signers(&self, signatures: usize, keys: usize) -> Option<Signers> {
        self.cache.and_then(|(cache, _)| cache.habits().guess(signatures, keys))
    }

    fn have_signed(&self, signatures: usize, keys: usize, signers: Signers) {
        if let Some((cache, _)) = self.cache {
            cache.habits().learn(signatures, keys, signers);
        }
    }

    fn check_lock_time(&self, lock_time: i64) -> bool {
        let Some(input) = self.data.tx.input.get(self.input) else {
            return false;
        };
        let (own, threshold) = (i64::from(self.data.tx.lock_time.to_consensus_u32()), i64::from(LOCKTIME_THRESHOLD));
        // Heights compare with heights and times with times. A final input would switch the lock time off.
        (own < threshold) == (lock_time < threshold) && lock_time <= own && input.sequence.0 != SEQUENCE_FINAL
    }

    fn check_sequence(&self, sequence: i64) -> bool {
        let Some(input) = self.data.tx.input.get(self.input) else {
            return false;
        };
        let own = i64::from(input.sequence.0);
        // Versions are unsigned here; relative lock times begin with 2. Transactions with a lock height always have them.
        let versioned = self.data.lock_height.is_none();
        if (versioned && self.data.tx.version.0.cast_unsigned() < 2) || own & SEQUENCE_DISABLE != 0 {
            return false;
        }
        let mask = SEQUENCE_IS_TIME | SEQUENCE_VALUE;
        let (own, wanted) = (own & mask, sequence & mask);
        (own < SEQUENCE_IS_TIME) == (wanted < SEQUENCE_IS_TIME) && wanted <= own
    }
}
