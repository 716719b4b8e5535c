//! Coins with keys: pay to witness key hash, to a taproot key, and to two of three keys in a witness script, in turn.

use bitcoin::ecdsa;
use bitcoin::hashes::Hash as _;
use bitcoin::key::{Keypair, TapTweak as _};
use bitcoin::opcodes::all::OP_CHECKMULTISIG;
use bitcoin::script::Builder;
use bitcoin::secp256k1::{All, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, CompressedPublicKey, OutPoint, ScriptBuf, Transaction, TxOut, Witness, taproot};

use super::txs;

/// Different keys of each kind.
const KEYS: usize = 16;
/// Kinds of output.
const KINDS: usize = 3;
/// The number of the key that nobody needs: an output that anybody may spend, with nothing in the witness.
pub(super) const ANCHOR: usize = usize::MAX;

/// An output with a key. The number says which key and of which kind it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coin {
    pub(super) out: OutPoint,
    pub(super) value: u64,
    pub(super) key: usize,
}

/// All keys.
#[derive(Debug)]
pub(super) struct Keys {
    secp: Secp256k1<All>,
    pairs: Vec<Keypair>,
    tweaked: Vec<Keypair>,
    publics: Vec<CompressedPublicKey>,
    scripts: Vec<[ScriptBuf; KINDS]>,
    /// Scripts of two of three keys.
    multi: Vec<ScriptBuf>,
    anchor: ScriptBuf,
}

impl Keys {
    pub(super) fn new() -> Keys {
        let secp = Secp256k1::new();
        let secret = |n: usize| {
            let bytes = bitcoin::hashes::sha256::Hash::hash(format!("bench key {n}").as_bytes()).to_byte_array();
            SecretKey::from_slice(&bytes).expect("a hash is below the order of the curve, but for one in 2^128")
        };
        let pairs: Vec<Keypair> = (0..KEYS).map(|n| Keypair::from_secret_key(&secp, &secret(n))).collect();
        let publics: Vec<_> = pairs.iter().map(|pair| CompressedPublicKey(pair.public_key())).collect();
        let tweaked = pairs.iter().map(|pair| pair.tap_tweak(&secp, None).to_keypair()).collect();
        let multi: Vec<ScriptBuf> = (0..KEYS)
            .map(|n| {
                let script = (0..3).fold(Builder::new().push_int(2), |script, at| {
                    script.push_slice(publics[(n + at) % KEYS].to_bytes())
                });
                script.push_int(3).push_opcode(OP_CHECKMULTISIG).into_script()
            })
            .collect();
        let scripts = (0..KEYS).map(|n| {
            [
                ScriptBuf::new_p2wpkh(&publics[n].wpubkey_hash()),
                ScriptBuf::new_p2tr(&secp, pairs[n].x_only_public_key().0, None),
                ScriptBuf::new_p2wsh(&multi[n].wscript_hash()),
            ]
        });
        let scripts = scripts.collect();
        Keys { secp, pairs, tweaked, publics, scripts, multi, anchor: ScriptBuf::from_bytes(vec![0x51, 2, 0x4e, 0x73]) }
    }

    fn script(&self, key: usize) -> &ScriptBuf {
        if key == ANCHOR { &self.anchor } else { &self.scripts[key / KINDS % KEYS][key % KINDS] }
    }

    /// A public key as scripts have it.
    pub(super) fn public_bytes(&self) -> [u8; 33] {
        self.publics[0].to_bytes()
    }

    /// An output to the key of this number.
    pub(super) fn output(&self, key: usize, value: u64) -> TxOut {
        TxOut { value: Amount::from_sat(value), script_pubkey: self.script(key).clone() }
    }

    /// A transaction that spends these coins.
    pub(super) fn signed(&self, from: &[Coin], outputs: Vec<TxOut>) -> Transaction {
        let outs: Vec<OutPoint> = from.iter().map(|coin| coin.out).collect();
        let mut tx = txs::spend_to(&outs, outputs);
        self.sign(&mut tx, from);
        tx
    }

    /// Puts right witnesses into a transaction that spends these coins.
    pub(super) fn sign(&self, tx: &mut Transaction, from: &[Coin]) {
        let spent: Vec<TxOut> = from.iter().map(|coin| self.output(coin.key, coin.value)).collect();
        let witnesses: Vec<Witness> =
            (0..from.len()).map(|n| self.witness(&mut SighashCache::new(&*tx), n, from[n], &spent)).collect();
        for (input, witness) in tx.input.iter_mut().zip(witnesses) {
            input.witness = witness;
        }
    }

    fn witness(&self, cache: &mut SighashCache<&Transaction>, n: usize, coin: Coin, spent: &[TxOut]) -> Witness {
        let (at, value) = (coin.key / KINDS % KEYS, Amount::from_sat(coin.value));
        let sign = |key: usize, hash: [u8; 32]| ecdsa::Signature {
            signature: self.secp.sign_ecdsa(&Message::from_digest(hash), &self.pairs[key].secret_key()),
            sighash_type: EcdsaSighashType::All,
        };
        let input = "the input is there";
        if coin.key == ANCHOR {
            return Witness::new();
        }
        match coin.key % KINDS {
            0 => {
                let hash = cache.p2wpkh_signature_hash(n, self.script(coin.key), value, EcdsaSighashType::All);
                let hash = hash.expect(input).to_byte_array();
                Witness::p2wpkh(&sign(at, hash), &self.publics[at].0)
            }
            1 => {
                let hash = cache.taproot_key_spend_signature_hash(n, &Prevouts::All(spent), TapSighashType::Default);
                let message = Message::from_digest(hash.expect(input).to_byte_array());
                let signature = self.secp.sign_schnorr_no_aux_rand(&message, &self.tweaked[at]);
                Witness::p2tr_key_spend(&taproot::Signature { signature, sighash_type: TapSighashType::Default })
            }
            _ => {
                let hash = cache.p2wsh_signature_hash(n, &self.multi[at], value, EcdsaSighashType::All);
                let hash = hash.expect(input).to_byte_array();
                let signatures = [at, (at + 2) % KEYS].map(|key| sign(key, hash).to_vec());
                Witness::from_slice(&[&[], &signatures[0][..], &signatures[1], self.multi[at].as_bytes()])
            }
        }
    }
}

/// The coins that a transaction makes, whose outputs were numbered from `first`.
pub(super) fn coins_of(tx: &Transaction, first: usize) -> Vec<Coin> {
    let txid = tx.compute_txid();
    let outputs = (0..).zip(&tx.output).zip(first..);
    outputs
        .map(|((vout, output), key)| Coin { out: OutPoint { txid, vout }, value: output.value.to_sat(), key })
        .collect()
}
