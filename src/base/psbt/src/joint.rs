//! Signatures that several people make together (BIP327), with what PSBTs carry for that (BIP373).
//!
//! Everybody first adds a nonce, then a partial signature over what all nonces come to, and whoever has all partial
//! signatures adds them up. A [`Joint`] is what these steps have in common: the people, the key that they sign for, and how
//! it comes from the key that they have together. The secret parts of the steps are the [`Creator`](crate::spend::Creator)'s.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash;
use bitcoin::taproot::TapNodeHash;
use bitcoin::{PublicKey, TapTweakHash, XOnlyPublicKey};
use descriptors::musig;
use libsecp::Scalar;
use libsecp::musig::{AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, Session};

use crate::spend::{Tweak, id_of};
use crate::{KeyOrigin, MuSig2Key, Records};

/// What people who sign together have told one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JointRecords {
    /// Keys that are put together, by what they are together.
    pub participants: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    /// Public nonces by participant.
    pub nonces: BTreeMap<MuSig2Key, Records>,
    /// Partial signatures by participant.
    pub signatures: BTreeMap<MuSig2Key, Records>,
}

/// A signature that several people make together.
#[derive(Debug, Clone)]
pub struct Joint {
    participants: Vec<PublicKey>,
    /// The participants as they are, from which nonces are made.
    untweaked: KeyAggCache,
    /// With all tweaks on the way to the key that signs.
    session: KeyAggCache,
    /// The key that signs, and the leaf that it signs in.
    place: MuSig2Key,
}

impl Joint {
    /// A signature for `key`, which is what these people have together, or comes from that on the path of `origin`; in the
    /// end with a taproot tweak. Nothing if it is not theirs.
    pub fn new(
        (aggregate, participants): (&[u8], &[Vec<u8>]),
        key: &[u8; 32],
        origin: Option<&KeyOrigin>,
        tweak: Tweak,
        leaf: Option<&[u8; 32]>,
    ) -> Option<Self> {
        if !may_be_theirs(aggregate, key, origin) {
            return None;
        }
        let participants: Vec<PublicKey> =
            participants.iter().map(|key| PublicKey::from_slice(key).ok()).collect::<Option<_>>()?;
        let untweaked = musig::session_of(&participants)?;
        let mut signer = untweaked.agg_pk_full();
        if signer.serialize() != *aggregate {
            return None;
        }
        let mut session = untweaked;
        if untweaked.agg_pk().to_byte_array() != *key {
            let mut parent = musig::root(&PublicKey::from_slice(aggregate).ok()?)?;
            for step in &origin?.path {
                let (tweak, child) = parent.tweak(*step)?;
                signer = session.pubkey_ec_tweak_add(&Scalar::from_be_bytes(tweak).ok()?).ok()?;
                parent = child;
            }
            if signer.x_only_public_key().0.to_byte_array() != *key {
                return None;
            }
        }
        let root = match tweak {
            Tweak::None => None,
            Tweak::KeyOnly => Some(None),
            Tweak::Tree(root) => Some(Some(TapNodeHash::from_byte_array(root))),
        };
        if let Some(root) = root {
            let hash = TapTweakHash::from_key_and_tweak(XOnlyPublicKey::from_slice(key).ok()?, root);
            signer = session.pubkey_xonly_tweak_add(&Scalar::from_be_bytes(hash.to_byte_array()).ok()?).ok()?;
        }
        Some(Self { participants, untweaked, session, place: (signer.serialize().to_vec(), leaf.copied()) })
    }

    /// Who signs.
    pub fn participants(&self) -> &[PublicKey] {
        &self.participants
    }

    /// The key that signs, and the leaf that it signs in: where a PSBT keeps the parts.
    pub fn place(&self) -> &MuSig2Key {
        &self.place
    }

    /// What nonces are made from.
    pub fn untweaked(&self) -> &KeyAggCache {
        &self.untweaked
    }

    /// The second round, with what partial signatures are made from. Nothing while nonces are missing.
    pub fn second_round(&self, hash: &[u8; 32], nonces: &Records) -> Option<(Session, &KeyAggCache)> {
        let all = self.of_all(nonces, |bytes| PublicNonce::from_byte_array(bytes.try_into().ok()?).ok())?;
        let total = AggregatedNonce::new(&all.iter().collect::<Vec<_>>());
        Some((Session::new(&self.session, total, hash), &self.session))
    }

    /// Whether a partial signature is one by this participant.
    pub fn is_by(
        &self,
        session: &Session,
        participant: &PublicKey,
        nonces: &Records,
        signature: &PartialSignature,
    ) -> bool {
        let key = participant.inner.serialize();
        let nonce = nonces.get(&key[..]).and_then(|bytes| bytes.as_slice().try_into().ok());
        let nonce = nonce.and_then(|bytes| PublicNonce::from_byte_array(bytes).ok());
        let key = libsecp::PublicKey::from_byte_array_compressed(key).ok();
        nonce.zip(key).is_some_and(|(nonce, key)| session.partial_verify(&self.session, signature, &nonce, key))
    }

    /// The signature, once everybody has signed. Nothing while anybody's part is missing or wrong.
    pub fn signature(&self, hash: &[u8; 32], nonces: &Records, parts: &Records) -> Option<[u8; 64]> {
        let all = self.of_all(parts, |bytes| PartialSignature::from_byte_array(bytes.try_into().ok()?).ok())?;
        let (session, _) = self.second_round(hash, nonces)?;
        let mut signed = self.participants.iter().zip(&all);
        if !signed.all(|(participant, part)| self.is_by(&session, participant, nonces, part)) {
            return None;
        }
        let total = session.partial_sig_agg(&all.iter().collect::<Vec<_>>());
        Some(total.assume_valid().to_byte_array())
    }

    /// Everybody's record, in the order of the participants. Nothing if one is missing, or somebody else's is there.
    fn of_all<T>(&self, records: &Records, read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
        if records.len() != self.participants.len() {
            return None;
        }
        self.participants.iter().map(|key| read(records.get(&key.inner.serialize()[..])?)).collect()
    }
}

/// Whether a key may come from what people have together, without doing the sums.
pub fn may_be_theirs(aggregate: &[u8], key: &[u8; 32], origin: Option<&KeyOrigin>) -> bool {
    let [a, b, c, d, ..] = id_of(aggregate);
    aggregate.get(1..) == Some(&key[..])
        || origin.is_some_and(|origin| origin.fingerprint == [a, b, c, d] && !origin.path.is_empty())
}
