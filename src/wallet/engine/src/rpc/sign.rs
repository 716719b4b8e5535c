//! Signing with the wallet's keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::rpc::{Json, Method, Object, Request, RpcError};
use bitcoin::hashes::{Hash, hash160};
use bitcoin::key::Parity;
use bitcoin::{OutPoint, PublicKey, Script, TxOut, Txid, XOnlyPublicKey};
use descriptors::Notation;
use primitives::{Codec, Tx, WitnessMode, hex};
use psbt::finalize::{Work, extract_tx};
use signer::requests::{
    Prevouts, World, psbt_error, read_prevouts, read_psbt, read_sighash, read_transaction, signed_to_json,
};
use signer::{Coin, Provider, PsbtManner, fill_psbt, sign_transaction};

use walletdb::WalletFlags;

use super::common::{ensure_unlocked, synced_wallet, wallet_of};
use super::docs::bump as docs;
use crate::convert;
use crate::device;
use crate::loader::Wallets;
use crate::shared::Shared;
use crate::wallet::{Core, Wallet, road};

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![docs::signrawtransactionwithwallet().run(sign_raw_transaction), docs::walletprocesspsbt().run(process_psbt)]
}

/// What signing asks of the coin and the chain.
pub(crate) struct Desk<'a>(pub(crate) &'a Shared);

impl World for Desk<'_> {
    fn codec(&self) -> Codec {
        self.0.codec
    }

    fn notation(&self) -> &Notation {
        &self.0.notation
    }

    fn max_money(&self) -> i64 {
        self.0.rules.params().max_money()
    }

    fn message_magic(&self) -> &str {
        self.0.config.coin().message_magic
    }

    fn coins(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Coin>>, RpcError> {
        let asked: Vec<_> = outpoints.iter().map(convert::to_outpoint).collect();
        let found = self.0.chain.find_coins(&asked).map_err(road)?;
        let decays = self.0.codec.tx_format().has_lock_height();
        let coin = |coin: interfaces::Coin| Coin {
            out: TxOut {
                value: bitcoin::Amount::from_sat(u64::try_from(coin.value).unwrap_or(0)),
                script_pubkey: coin.script.as_bytes().to_vec().into(),
            },
            reference_height: decays.then_some(coin.height),
        };
        Ok(found.into_iter().map(|found| found.map(coin)).collect())
    }

    fn transaction(&self, _: &Txid) -> Result<Option<Arc<Tx>>, RpcError> {
        // The node tells wallets of coins, not of transactions.
        Ok(None)
    }
}

impl Core {
    /// Everything that the wallet knows about a script, and its keys for it.
    pub(crate) fn add_signing(&self, script: &Script, provider: &mut Provider) -> bool {
        let Some((ring, known)) = self.keys.signing(script) else { return false };
        provider.keys.merge(ring);
        provider.known.merge(known);
        true
    }

    /// The same for a key that stands in somebody else's script.
    fn add_signing_for_key(&self, key: &PublicKey, provider: &mut Provider) {
        for manager in self.keys.managers() {
            let Some(index) = manager.index_of_key(key) else { continue };
            let (Some(expansion), Ok(position)) = (manager.expand(index), u32::try_from(index)) else { continue };
            let ring = self.keys.vault().ring(manager.id());
            let id = hash160::Hash::hash(&key.to_bytes()).to_byte_array();
            if ring.expand(manager.descriptor(), position).get(&id).is_some() {
                provider.add(manager.descriptor(), position, expansion, &ring);
            }
        }
    }
}

fn sign_raw_transaction(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let desk = Desk(wallets.shared());
    let tx = read_transaction(&desk, request.str("hexstring")?)?;
    wallet.read(ensure_unlocked)?;
    let outpoints: Vec<OutPoint> = tx.inputs().iter().map(|input| input.previous_output).collect();
    let found = desk.coins(&outpoints)?;
    let mut coins = Prevouts::new();
    coins.extend(outpoints.into_iter().zip(found).filter_map(|(outpoint, coin)| Some((outpoint, coin?))));
    read_prevouts(&desk, request.arg("prevtxs"), &mut coins, None)?;
    let hash_type = read_sighash(request)?.unwrap_or(0);
    let mut provider = Provider::new(*desk.notation());
    wallet.read(|core| {
        ensure_unlocked(core)?;
        for coin in coins.values() {
            core.add_signing(&coin.out.script_pubkey, &mut provider);
        }
        Ok::<_, RpcError>(())
    })?;
    let signed = sign_transaction(desk.codec(), &tx, &coins, &provider, hash_type, desk.max_money().unsigned_abs());
    signed_to_json(&signed, &coins)
}

fn process_psbt(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let desk = Desk(wallets.shared());
    let mut psbt = read_psbt(&desk, request.str("psbt")?)?;
    let sighash = read_sighash(request)?;
    let sign = request.bool("sign")?;
    let (bip32_derivs, finalize) = (request.bool("bip32derivs")?, request.bool("finalize")?);
    let mut provider = wallet.read(|core| {
        if sign {
            ensure_unlocked(core)?;
        }
        Ok::<_, RpcError>(core.prepare_psbt(&mut psbt))
    })?;
    wallet.sign_with_others(&mut provider);
    let manner = PsbtManner { sign, sighash, finalize, bip32_derivs };
    let complete = fill(&wallet, &mut psbt, &provider, manner)?;
    let mut answer = Object::new().with("psbt", psbt.to_base64()).with("complete", complete);
    if complete && let Some(tx) = finished(&psbt) {
        answer.push("hex", hex::encode(&tx.to_bytes(WitnessMode::Include)));
    }
    Ok(answer.into())
}

/// Adds what the wallet knows to a PSBT, or has it signed, by the wallet's keys or by its device. Says whether all inputs are
/// finished, and right.
pub(crate) fn fill(
    wallet: &Wallet,
    psbt: &mut psbt::Psbt,
    provider: &Provider,
    manner: PsbtManner,
) -> Result<bool, RpcError> {
    if !manner.sign || !wallet.has_flag(WalletFlags::EXTERNAL_SIGNER) {
        return Ok(fill_psbt(psbt, provider, manner).map_err(psbt_error)?.complete);
    }
    device::sign(wallet.shared(), psbt, manner.finalize)?;
    psbt.drop_needless_transactions();
    let Some(work) = Work::new(psbt) else { return Ok(false) };
    let data = work.data();
    Ok((0..psbt.inputs.len()).all(|index| work.is_verified(&data, psbt, index)))
}

/// Adds what the wallet knows to a PSBT and then has it signed, so that a device sees once what it is asked for.
pub(crate) fn fill_and_sign(wallet: &Wallet, psbt: &mut psbt::Psbt) -> Result<bool, RpcError> {
    let mut provider = wallet.read(|core| core.prepare_psbt(psbt));
    wallet.sign_with_others(&mut provider);
    let manner = PsbtManner { sign: false, sighash: None, finalize: true, bip32_derivs: true };
    fill(wallet, psbt, &provider, manner)?;
    fill(wallet, psbt, &provider, PsbtManner { sign: true, bip32_derivs: false, ..manner })
}

/// The transaction of a PSBT whose inputs are all signed, whether or not they were finished.
pub(crate) fn finished(psbt: &psbt::Psbt) -> Option<Tx> {
    let mut copy = psbt.clone();
    psbt::finalize::finalize(&mut copy);
    extract_tx(&copy)
}

impl Core {
    /// Adds the wallet's transactions to inputs that spend them, and collects what it knows and has for all parts.
    pub(crate) fn prepare_psbt(&self, psbt: &mut psbt::Psbt) -> Provider {
        let mut provider = Provider::new(*self.keys.notation());
        for input in &mut psbt.inputs {
            if input.is_final() {
                continue;
            }
            if input.non_witness_utxo.is_none() {
                let known = self.ledger.get(&input.prevout.txid);
                input.non_witness_utxo = known.map(|tx| Arc::clone(tx.tx()));
            }
            let Some(utxo) = input.witness_utxo.clone().or_else(|| input.utxo()) else { continue };
            if !self.add_signing(&utxo.script_pubkey, &mut provider) {
                for key in keys_of(input, &utxo.script_pubkey) {
                    self.add_signing_for_key(&key, &mut provider);
                }
            }
        }
        for output in &psbt.outputs {
            if let Some(known) = self.keys.known(&output.script) {
                provider.known.merge(known);
            }
        }
        provider
    }
}

/// The keys that an input names.
fn keys_of(input: &psbt::Input, script: &Script) -> BTreeSet<PublicKey> {
    let mut keys: BTreeSet<PublicKey> =
        input.origins.keys().filter_map(|bytes| PublicKey::from_slice(bytes).ok()).collect();
    let output = match script::solve(script) {
        script::Solution::WitnessV1Taproot(key) => Some(*key),
        _ => None,
    };
    for bytes in input.taproot_origins.keys().copied().chain(output) {
        let Ok(key) = XOnlyPublicKey::from_slice(&bytes) else { continue };
        keys.extend([Parity::Even, Parity::Odd].map(|parity| PublicKey::new(key.public_key(parity))));
    }
    keys
}
