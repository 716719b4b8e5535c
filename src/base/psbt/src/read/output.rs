//! The map of an output.

use primitives::Reader;

use super::{Map, PROPRIETARY, Read};
use crate::model::some_hash;
use crate::{Output, PsbtError, Version, tree};

/// A taproot tree is at most so deep.
const MAX_DEPTH: u8 = 128;

pub(crate) fn read_output_map(reader: &mut Reader<'_>, start: Output, version: Version) -> Read<Output> {
    let mut output = start;
    let (mut found_amount, mut found_script) = (false, false);
    let mut map = Map::new(reader, "output", "an output");
    while let Some(key) = map.next()? {
        let only_v2 = |name| if version == Version::V2 { Ok(()) } else { Err(PsbtError::NotInV0(name)) };
        match key.kind {
            0x00 => {
                key.bare("Output redeemScript")?;
                output.redeem_script = map.script()?;
            }
            0x01 => {
                key.bare("Output witnessScript")?;
                output.witness_script = map.script()?;
            }
            0x02 => {
                let pubkey = key.pubkey("BIP32 keypath")?;
                output.origins.insert(pubkey, map.origin()?);
            }
            0x03 => {
                key.bare("Output Amount")?;
                only_v2("Output amount")?;
                output.amount = map.value(Reader::i64)?;
                found_amount = true;
            }
            0x04 => {
                key.bare("Output Script")?;
                only_v2("Output script")?;
                output.script = map.script()?;
                found_script = true;
            }
            0x05 => {
                key.bare("Output Taproot Internal Key")?;
                output.taproot_internal_key = some_hash(map.value(Reader::array)?);
            }
            0x06 => {
                key.bare("Output Taproot Tree Key")?;
                output.taproot_tree = read_tree(&map.bytes()?)?;
            }
            0x07 => {
                let pubkey: [u8; 32] = key.array("Output Taproot BIP32 Keypath")?;
                let origin = map.taproot_origin("Output Taproot BIP32 keypath has an invalid length")?;
                output.taproot_origins.insert(pubkey, origin);
            }
            0x08 => {
                let aggregate: [u8; 33] = key.array("Output MuSig2 Participants Pubkeys")?;
                let texts = [
                    "Output musig2 aggregate pubkey is invalid",
                    "Output musig2 participant pubkey is invalid",
                    "Output musig2 participants pubkeys value size is not a multiple of 33",
                ];
                let keys = map.participants(&aggregate, texts)?;
                output.musig2_participants.insert(aggregate.to_vec(), keys);
            }
            PROPRIETARY => {
                let value = map.bytes()?;
                output.proprietary.insert(key.whole.to_vec(), key.proprietary(&value)?);
            }
            _ => {
                output.unknown.insert(key.whole.to_vec(), map.bytes()?);
            }
        }
    }
    if version == Version::V2 && !found_amount {
        return Err(PsbtError::Required("Output amount"));
    }
    if version == Version::V2 && !found_script {
        return Err(PsbtError::Required("Output script"));
    }
    Ok(output)
}

fn read_tree(bytes: &[u8]) -> Read<Vec<(u8, u8, Vec<u8>)>> {
    let mut reader = Reader::new(bytes);
    if reader.is_empty() {
        return Err(PsbtError::Invalid("Output Taproot tree must not be empty"));
    }
    let mut leaves = Vec::new();
    while !reader.is_empty() {
        let (depth, version) = (reader.u8()?, reader.u8()?);
        let script = reader.bytes()?.to_vec();
        if depth > MAX_DEPTH {
            return Err(PsbtError::Invalid("Output Taproot tree has as leaf greater than Taproot maximum depth"));
        }
        if version & 1 != 0 {
            return Err(PsbtError::Invalid("Output Taproot tree has a leaf with an invalid leaf version"));
        }
        leaves.push((depth, version, script));
    }
    if tree::is_whole(leaves.iter().map(|(depth, ..)| *depth)) {
        Ok(leaves)
    } else {
        Err(PsbtError::Invalid("Output Taproot tree is malformed"))
    }
}
