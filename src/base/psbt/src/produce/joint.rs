//! Signatures by keys that several people have together.

use bitcoin::PublicKey;

use super::Producer;
use crate::joint::{Joint, may_be_theirs};
use crate::spend::Tweak;

impl Producer<'_> {
    /// A Schnorr signature by a key, whoever has it.
    pub(super) fn schnorr(&mut self, key: &[u8; 32], tweak: Tweak, leaf: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        self.creator.schnorr(key, tweak, leaf).or_else(|| self.by_several(key, tweak, leaf))
    }

    /// Adds up what people have signed for a key that they have together, or takes the next step for those of them whose
    /// keys are here.
    fn by_several(&mut self, key: &[u8; 32], tweak: Tweak, leaf: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        let origin = self.spend.taproot.origins.get(key).map(|known| known.origin.clone());
        for (aggregate, participants) in &self.known.aggregates {
            if may_be_theirs(aggregate, key, origin.as_ref()) {
                let keys = participants.iter().map(|key| key.inner.serialize().to_vec()).collect();
                self.spend.joint.participants.entry(aggregate.to_vec()).or_insert(keys);
            }
        }
        let mut made = None;
        for (aggregate, participants) in self.spend.joint.participants.clone() {
            let people = (aggregate.as_slice(), participants.as_slice());
            let Some(joint) = Joint::new(people, key, origin.as_ref(), tweak, leaf) else { continue };
            for participant in joint.participants() {
                self.note_origin(&x_only(participant), leaf);
            }
            if made.is_none() {
                made = self.next_step(&joint, leaf);
            }
        }
        made
    }

    fn next_step(&mut self, joint: &Joint, leaf: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        let (hash, hash_type) = self.creator.schnorr_hash(leaf)?;
        let nonces = self.spend.joint.nonces.entry(joint.place().clone()).or_default();
        let parts = self.spend.joint.signatures.entry(joint.place().clone()).or_default();
        if let Some(signature) = joint.signature(&hash, nonces, parts) {
            return Some(signature.into_iter().chain(hash_type).collect());
        }
        for participant in joint.participants() {
            if let Some(part) = self.creator.partial_signature(joint, participant, &hash, nonces) {
                parts.insert(participant.inner.serialize().to_vec(), part.to_vec());
            }
        }
        // Whoever signs has seen all nonces: the time of new ones is over.
        if parts.is_empty() {
            for participant in joint.participants() {
                let name = participant.inner.serialize().to_vec();
                if !nonces.contains_key(&name)
                    && let Some(nonce) = self.creator.nonce(joint, participant, &hash)
                {
                    nonces.insert(name, nonce.to_vec());
                }
            }
        }
        None
    }
}

fn x_only(key: &PublicKey) -> [u8; 32] {
    key.inner.x_only_public_key().0.serialize()
}
