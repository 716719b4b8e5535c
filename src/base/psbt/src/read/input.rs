//! The map of an input.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{Amount, ScriptBuf, TxOut, Txid};
use primitives::{Codec, DecodeError, Reader, WitnessMode};
use script::{Flags, LOCKTIME_THRESHOLD, check_signature_encoding};

use super::{Key, Map, PROPRIETARY, Read, is_pubkey};
use crate::model::{MuSig2Key, some_hash};
use crate::spend::{KeySignature, id_of};
use crate::{Input, PsbtError, Version};

pub(crate) fn read_input(codec: Codec, reader: &mut Reader<'_>, start: Input, version: Version) -> Read<Input> {
    let mut input = start;
    let (mut found_txid, mut found_index) = (false, false);
    let mut map = Map::new(reader, "input", "an input");
    while let Some(key) = map.next()? {
        if (0x0e..=0x12).contains(&key.kind) {
            read_place(&key, &mut map, &mut input, version)?;
            found_txid |= key.kind == 0x0e;
            found_index |= key.kind == 0x0f;
        } else if (0x13..=0x1c).contains(&key.kind) && key.kind != 0x19 {
            read_taproot(&key, &mut map, &mut input)?;
        } else {
            read_input_record(codec, &key, &mut map, &mut input)?;
        }
    }
    if version == Version::V2 && !found_txid {
        return Err(PsbtError::Required("Previous TXID"));
    }
    if version == Version::V2 && !found_index {
        return Err(PsbtError::Required("Previous output's index"));
    }
    if let Some(tx) = &input.non_witness_utxo {
        if tx.txid() != input.prevout.txid {
            return Err(PsbtError::Invalid("Non-witness UTXO does not match outpoint hash"));
        }
        if usize::try_from(input.prevout.vout).map_or(true, |vout| vout >= tx.outputs().len()) {
            return Err(PsbtError::Invalid("Input specifies output index that does not exist"));
        }
    }
    Ok(input)
}

fn read_input_record(codec: Codec, key: &Key<'_>, map: &mut Map<'_, '_>, input: &mut Input) -> Read<()> {
    const PREIMAGES: [&str; 4] =
        ["Input RIPEMD160 Preimage", "Input SHA256 Preimage", "Input Hash160 Preimage", "Input Hash256 Preimage"];
    match key.kind {
        0x00 => {
            key.bare("Input Non-witness UTXO")?;
            input.non_witness_utxo = Some(Arc::new(map.value(|r| codec.read_tx(r, WitnessMode::Include))?));
        }
        0x01 => {
            key.bare("Input Witness UTXO")?;
            // An amount of -1 is how the daemon says that there is none.
            input.witness_utxo = Some(map.value(read_output)?).filter(|out| consensus::value_of(out) != -1);
        }
        0x02 => {
            let pubkey = key.pubkey("partial signature pubkey")?;
            let signature = map.bytes()?;
            let flags = Flags::DERSIG.with(Flags::STRICTENC);
            if signature.is_empty() || check_signature_encoding(&signature, flags).is_err() {
                return Err(PsbtError::Invalid("Signature is not a valid encoding"));
            }
            input.signatures.insert(id_of(&pubkey), KeySignature { key: pubkey, signature });
        }
        0x03 => {
            key.bare("Input Sighash Type")?;
            input.sighash = Some(map.value(Reader::i32)?);
        }
        0x04 => {
            key.bare("Input redeemScript")?;
            input.redeem_script = map.script()?;
        }
        0x05 => {
            key.bare("Input witnessScript")?;
            input.witness_script = map.script()?;
        }
        0x06 => {
            let pubkey = key.pubkey("BIP32 keypath")?;
            input.origins.insert(pubkey, map.origin()?);
        }
        0x07 => {
            key.bare("Input Final scriptSig")?;
            input.final_script_sig = map.script()?;
        }
        0x08 => {
            key.bare("Input Final scriptWitness")?;
            input.final_witness = map.value(|r| {
                let count = r.compact_size()?;
                let mut stack = Vec::with_capacity(r.room_for(count, 1));
                for _ in 0..count {
                    stack.push(r.bytes()?.to_vec());
                }
                Ok(stack)
            })?;
        }
        kind @ 0x0a..=0x0d => {
            let which = usize::try_from(kind - 0x0a).unwrap_or(0);
            key.sized(PREIMAGES[which], if which.is_multiple_of(2) { 21 } else { 33 })?;
            input.preimages[which].insert(key.data.to_vec(), map.bytes()?);
        }
        PROPRIETARY => {
            let value = map.bytes()?;
            input.proprietary.insert(key.whole.to_vec(), key.proprietary(&value)?);
        }
        _ => {
            input.unknown.insert(key.whole.to_vec(), map.bytes()?);
        }
    }
    Ok(())
}

/// What version 2 says of an input in records of their own.
fn read_place(key: &Key<'_>, map: &mut Map<'_, '_>, input: &mut Input, version: Version) -> Read<()> {
    let only_v2 = |name| if version == Version::V2 { Ok(()) } else { Err(PsbtError::NotInV0(name)) };
    match key.kind {
        0x0e => {
            key.bare("Input Previous TXID")?;
            only_v2("Previous txid")?;
            input.prevout.txid = Txid::from_byte_array(map.value(Reader::array)?);
        }
        0x0f => {
            key.bare("Input Previous Output's Index")?;
            only_v2("Previous output's index")?;
            input.prevout.vout = map.u32()?;
        }
        0x10 => {
            key.bare("Input Sequence")?;
            only_v2("Sequence")?;
            input.sequence = Some(map.u32()?);
        }
        0x11 => {
            key.bare("Input Required Time Based Locktime")?;
            only_v2("Required time based locktime")?;
            let time = map.u32()?;
            if time < LOCKTIME_THRESHOLD {
                return Err(PsbtError::Invalid("Required time based locktime is invalid (less than 500000000)"));
            }
            input.time_locktime = Some(time);
        }
        _ => {
            key.bare("Input Required Height Based Locktime")?;
            only_v2("Required height based locktime")?;
            let height = map.u32()?;
            if height >= LOCKTIME_THRESHOLD {
                let text = "Required height based locktime is invalid (greater than or equal to 500000000)";
                return Err(PsbtError::Invalid(text));
            }
            if height == 0 {
                return Err(PsbtError::Invalid("Required height based locktime is invalid (0)"));
            }
            input.height_locktime = Some(height);
        }
    }
    Ok(())
}

/// Records about taproot and aggregated signatures.
fn read_taproot(key: &Key<'_>, map: &mut Map<'_, '_>, input: &mut Input) -> Read<()> {
    match key.kind {
        0x13 => {
            key.bare("Input Taproot Key Path Signature")?;
            input.taproot_signature = Some(schnorr(
                map.bytes()?,
                "Input Taproot key path signature is shorter than 64 bytes",
                "Input Taproot key path signature is longer than 65 bytes",
            )?);
        }
        0x14 => {
            let data: [u8; 64] = key.array("Input Taproot Script Path Signature")?;
            let signature = schnorr(
                map.bytes()?,
                "Input Taproot script path signature is shorter than 64 bytes",
                "Input Taproot script path signature is longer than 65 bytes",
            )?;
            let ([pubkey, leaf], _) = data.as_chunks::<32>() else { return Err(PsbtError::End) };
            input.taproot_script_signatures.insert((*pubkey, *leaf), signature);
        }
        0x15 => {
            if key.whole.len() < 34 {
                return Err(PsbtError::Invalid("Input Taproot leaf script key is not at least 34 bytes"));
            }
            if !(key.whole.len() - 2).is_multiple_of(32) {
                return Err(PsbtError::Invalid("Input Taproot leaf script key's control block size is not valid"));
            }
            let mut script = map.bytes()?;
            let leaf = script.pop().ok_or(PsbtError::Invalid("Input Taproot leaf script must be at least 1 byte"))?;
            let control = (key.data.len(), key.data.to_vec());
            input.taproot_scripts.entry((script, leaf)).or_default().insert(control);
        }
        0x16 => {
            let pubkey: [u8; 32] = key.array("Input Taproot BIP32 Keypath")?;
            let origin = map.taproot_origin("Input Taproot BIP32 keypath has an invalid length")?;
            input.taproot_origins.insert(pubkey, origin);
        }
        0x17 => {
            key.bare("Input Taproot Internal Key")?;
            input.taproot_internal_key = some_hash(map.value(Reader::array)?);
        }
        0x18 => {
            key.bare("Input Taproot Merkle Root")?;
            input.taproot_merkle_root = some_hash(map.value(Reader::array)?);
        }
        0x1a => {
            let aggregate: [u8; 33] = key.array("Input MuSig2 Participants Pubkeys")?;
            let texts = [
                "Input musig2 aggregate pubkey is invalid",
                "Input musig2 participant pubkey is invalid",
                "Input musig2 participants pubkeys value size is not a multiple of 33",
            ];
            let keys = map.participants(&aggregate, texts)?;
            input.musig2_participants.insert(aggregate.to_vec(), keys);
        }
        0x1b => {
            let (whose, signer) = musig2(key, "Input musig2 pubnonce key is not expected size of 67 or 99 bytes")?;
            let nonce = map.bytes()?;
            if nonce.len() != 66 {
                return Err(PsbtError::Invalid("Input musig2 pubnonce value is not 66 bytes"));
            }
            input.musig2_nonces.entry(whose).or_default().insert(signer, nonce);
        }
        _ => {
            let (whose, signer) = musig2(key, "Input musig2 partial sig key is not expected size of 67 or 99 bytes")?;
            let signature: [u8; 32] = map.value(Reader::array)?;
            input.musig2_signatures.entry(whose).or_default().insert(signer, signature.to_vec());
        }
    }
    Ok(())
}

fn schnorr(signature: Vec<u8>, short: &'static str, long: &'static str) -> Read<Vec<u8>> {
    match signature.len() {
        0..=63 => Err(PsbtError::Invalid(short)),
        64 | 65 => Ok(signature),
        _ => Err(PsbtError::Invalid(long)),
    }
}

/// Whom a record about an aggregated signature is about: the aggregate, its leaf, and the participant.
fn musig2(key: &Key<'_>, wrong_size: &'static str) -> Read<(MuSig2Key, Vec<u8>)> {
    let Some((both, leaf)) = key.data.split_at_checked(66).filter(|(_, leaf)| [0, 32].contains(&leaf.len())) else {
        return Err(PsbtError::Invalid(wrong_size));
    };
    let (participant, aggregate) = both.split_at(33);
    if !is_pubkey(aggregate) {
        return Err(PsbtError::Invalid("musig2 aggregate pubkey is invalid"));
    }
    if !is_pubkey(participant) {
        return Err(PsbtError::Invalid("musig2 participant pubkey is invalid"));
    }
    let leaf = leaf.try_into().ok().and_then(some_hash);
    Ok(((aggregate.to_vec(), leaf), participant.to_vec()))
}

fn read_output(reader: &mut Reader<'_>) -> Result<TxOut, DecodeError> {
    let value = Amount::from_sat(reader.u64()?);
    Ok(TxOut { value, script_pubkey: ScriptBuf::from_bytes(reader.bytes()?.to_vec()) })
}
