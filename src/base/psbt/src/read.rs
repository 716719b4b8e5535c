//! A PSBT from its bytes.

mod input;
mod output;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::ScriptBuf;
use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::PublicKey;
use primitives::{Codec, DecodeError, Reader, Tx, WitnessMode};

use crate::{KeyOrigin, Proprietary, Psbt, PsbtError, TaprootOrigin, Version, Xpub};
use input::read_input;
use output::read_output_map;

type Read<T> = Result<T, PsbtError>;

const MAGIC: [u8; 5] = *b"psbt\xff";
const PROPRIETARY: u64 = 0xfc;
/// Where version 2, whose transaction is in parts, has the lock height of coins that have one: a record of our own.
pub(crate) const LOCK_HEIGHT: &[u8] = b"\x0block_height\x00";

/// The key of a record: its type and what follows.
struct Key<'a> {
    whole: &'a [u8],
    kind: u64,
    data: &'a [u8],
}

impl Key<'_> {
    /// Nothing follows the type.
    fn bare(&self, name: &'static str) -> Read<()> {
        self.sized(name, 1)
    }

    /// The key has this length with its type.
    fn sized(&self, name: &'static str, expected: usize) -> Read<()> {
        if self.whole.len() == expected { Ok(()) } else { Err(PsbtError::KeySize { name, expected }) }
    }

    fn array<const N: usize>(&self, name: &'static str) -> Read<[u8; N]> {
        self.sized(name, N + 1)?;
        self.data.try_into().map_err(|_| PsbtError::KeySize { name, expected: N + 1 })
    }

    fn pubkey(&self, what: &'static str) -> Read<Vec<u8>> {
        if ![34, 66].contains(&self.whole.len()) {
            return Err(PsbtError::PubkeySize(what));
        }
        if is_pubkey(self.data) { Ok(self.data.to_vec()) } else { Err(PsbtError::Invalid("Invalid pubkey")) }
    }

    fn proprietary(&self, value: &[u8]) -> Read<Proprietary> {
        let mut data = Reader::new(self.data);
        let identifier = data.bytes()?.to_vec();
        Ok(Proprietary { identifier, subtype: data.compact_u64()?, value: value.to_vec() })
    }
}

fn is_pubkey(bytes: &[u8]) -> bool {
    PublicKey::from_slice(bytes).is_ok()
}

/// A map that is being read.
struct Map<'r, 'a> {
    reader: &'r mut Reader<'a>,
    seen: BTreeSet<&'a [u8]>,
    name: &'static str,
    article: &'static str,
}

impl<'r, 'a> Map<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>, name: &'static str, article: &'static str) -> Self {
        Self { reader, seen: BTreeSet::new(), name, article }
    }

    /// The next key; none at the end of the map.
    fn next(&mut self) -> Read<Option<Key<'a>>> {
        if self.reader.is_empty() {
            return Err(PsbtError::Separator(self.article));
        }
        let whole = self.reader.bytes()?;
        if whole.is_empty() {
            return Ok(None);
        }
        if !self.seen.insert(whole) {
            return Err(PsbtError::Duplicate { map: self.name, key: whole.to_lower_hex_string() });
        }
        let mut key = Reader::new(whole);
        let kind = key.compact_u64()?;
        Ok(Some(Key { whole, kind, data: whole.get(key.position()..).unwrap_or_default() }))
    }

    /// A value that is just bytes.
    fn bytes(&mut self) -> Read<Vec<u8>> {
        Ok(self.reader.bytes()?.to_vec())
    }

    fn script(&mut self) -> Read<ScriptBuf> {
        Ok(ScriptBuf::from_bytes(self.bytes()?))
    }

    /// A value of a known form, which must be as long as it says.
    fn value<T>(&mut self, read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>) -> Read<T> {
        let len = self.reader.compact_size()?;
        let start = self.reader.position();
        let value = read(self.reader)?;
        if self.reader.position() - start == len { Ok(value) } else { Err(PsbtError::ValueSize) }
    }

    fn u32(&mut self) -> Read<u32> {
        self.value(Reader::u32)
    }

    fn origin(&mut self) -> Read<KeyOrigin> {
        let len = self.reader.compact_size()?;
        key_origin(self.reader, len)
    }

    fn taproot_origin(&mut self, too_long: &'static str) -> Read<TaprootOrigin> {
        let len = self.reader.compact_size()?;
        let start = self.reader.position();
        let count = self.reader.compact_size()?;
        let mut leaves = BTreeSet::new();
        for _ in 0..count {
            leaves.insert(self.reader.array()?);
        }
        let left = len.checked_sub(self.reader.position() - start).ok_or(PsbtError::Invalid(too_long))?;
        Ok(TaprootOrigin { leaves, origin: key_origin(self.reader, left)? })
    }

    /// Keys that are aggregated.
    fn participants(&mut self, aggregate: &[u8], texts: [&'static str; 3]) -> Read<Vec<Vec<u8>>> {
        let [bad_aggregate, bad_participant, bad_size] = texts;
        if !is_pubkey(aggregate) {
            return Err(PsbtError::Invalid(bad_aggregate));
        }
        let value = self.bytes()?;
        let (keys, rest) = value.as_chunks::<33>();
        if !keys.iter().all(|key| is_pubkey(key)) {
            return Err(PsbtError::Invalid(bad_participant));
        }
        if rest.is_empty() {
            Ok(keys.iter().map(|key| key.to_vec()).collect())
        } else {
            Err(PsbtError::Invalid(bad_size))
        }
    }
}

fn key_origin(reader: &mut Reader<'_>, len: usize) -> Read<KeyOrigin> {
    if len == 0 || !len.is_multiple_of(4) {
        return Err(PsbtError::Invalid("Invalid length for HD key path"));
    }
    let bytes = reader.take(len)?;
    let (steps, _) = bytes.as_chunks::<4>();
    let (fingerprint, path) = steps.split_first().ok_or(PsbtError::End)?;
    Ok(KeyOrigin { fingerprint: *fingerprint, path: path.iter().map(|step| u32::from_le_bytes(*step)).collect() })
}

impl Psbt {
    /// Reads a PSBT that is all there is.
    pub fn decode(codec: Codec, bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader::new(bytes);
        let psbt = read(codec, &mut reader)?;
        if reader.is_empty() { Ok(psbt) } else { Err(PsbtError::Trailing) }
    }

    /// Reads a PSBT in base64.
    pub fn decode_base64(codec: Codec, text: &str) -> Read<Self> {
        Self::decode(codec, &primitives::base64::decode(text.as_bytes()).ok_or(PsbtError::Base64)?)
    }
}

/// What the first map says about the others.
#[derive(Default)]
struct Global {
    tx: Option<Tx>,
    version: u32,
    tx_version: Option<u32>,
    locktime: Option<u32>,
    lock_height: Option<u32>,
    inputs: Option<u64>,
    outputs: Option<u64>,
}

impl Global {
    fn version(&self, modifiable: Option<u8>) -> Read<Version> {
        match self.version {
            0 => {
                if self.tx.is_none() {
                    return Err(PsbtError::Invalid("No unsigned transaction was provided"));
                }
                let found = [
                    (self.tx_version.is_some(), "PSBT_GLOBAL_TX_VERSION"),
                    (self.locktime.is_some(), "PSBT_GLOBAL_FALLBACK_LOCKTIME"),
                    (self.lock_height.is_some(), "The proprietary lock height"),
                    (self.inputs.is_some(), "PSBT_GLOBAL_INPUT_COUNT"),
                    (self.outputs.is_some(), "PSBT_GLOBAL_OUTPUT_COUNT"),
                    (modifiable.is_some(), "PSBT_GLOBAL_TX_MODIFIABLE"),
                ];
                let wrong = found.into_iter().find(|(found, _)| *found);
                wrong.map_or(Ok(Version::V0), |(_, name)| Err(PsbtError::NotInV0(name)))
            }
            1 => Err(PsbtError::Invalid("There is no PSBT version 1")),
            _ => {
                let found = [
                    (self.tx_version.is_some(), "PSBT_GLOBAL_TX_VERSION"),
                    (self.inputs.is_some(), "PSBT_GLOBAL_INPUT_COUNT"),
                    (self.outputs.is_some(), "PSBT_GLOBAL_OUTPUT_COUNT"),
                ];
                if let Some((_, name)) = found.into_iter().find(|(found, _)| !*found) {
                    return Err(PsbtError::Required(name));
                }
                if self.tx.is_some() { Err(PsbtError::NotInV2("PSBT_GLOBAL_UNSIGNED_TX")) } else { Ok(Version::V2) }
            }
        }
    }
}

/// No count of things in memory is larger.
fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn read(codec: Codec, reader: &mut Reader<'_>) -> Read<Psbt> {
    if reader.array::<5>()? != MAGIC {
        return Err(PsbtError::Magic);
    }
    let mut psbt = Psbt {
        codec,
        version: Version::V0,
        tx_version: 0,
        fallback_locktime: None,
        lock_height: 0,
        modifiable: None,
        xpubs: BTreeMap::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        proprietary: BTreeMap::new(),
        unknown: BTreeMap::new(),
    };
    let mut global = Global::default();
    let mut map = Map::new(reader, "global", "the global");
    while let Some(key) = map.next()? {
        read_global(codec, &key, &mut map, &mut psbt, &mut global)?;
    }
    psbt.version = global.version(psbt.modifiable)?;
    psbt.tx_version = global.tx_version.unwrap_or(0);
    psbt.fallback_locktime = global.locktime;
    psbt.lock_height = global.lock_height.unwrap_or(0);
    let (mut inputs, mut outputs) = (global.inputs.unwrap_or(0), global.outputs.unwrap_or(0));
    let mut parts = None;
    if let Some(tx) = &global.tx {
        let blank = Psbt::new(codec, Version::V0, tx);
        (inputs, outputs) = (count(blank.inputs.len()), count(blank.outputs.len()));
        (psbt.tx_version, psbt.fallback_locktime, psbt.lock_height) =
            (blank.tx_version, blank.fallback_locktime, blank.lock_height);
        parts = Some((blank.inputs.into_iter(), blank.outputs.into_iter()));
    }
    // Each map has at least one byte, so what is counted is bounded by what is there.
    while !reader.is_empty() && count(psbt.inputs.len()) < inputs {
        let start = parts.as_mut().and_then(|(inputs, _)| inputs.next()).unwrap_or_default();
        psbt.inputs.push(read_input(codec, reader, start, psbt.version)?);
    }
    if count(psbt.inputs.len()) != inputs {
        return Err(PsbtError::Invalid("Inputs provided does not match the number of inputs in transaction."));
    }
    while !reader.is_empty() && count(psbt.outputs.len()) < outputs {
        let start = parts.as_mut().and_then(|(_, outputs)| outputs.next()).unwrap_or_default();
        psbt.outputs.push(read_output_map(reader, start, psbt.version)?);
    }
    if count(psbt.outputs.len()) != outputs {
        return Err(PsbtError::Invalid("Outputs provided does not match the number of outputs in transaction."));
    }
    Ok(psbt)
}

fn read_global(codec: Codec, key: &Key<'_>, map: &mut Map<'_, '_>, psbt: &mut Psbt, global: &mut Global) -> Read<()> {
    match key.kind {
        0x00 => {
            key.bare("Global Unsigned TX")?;
            let tx = map.value(|r| codec.read_tx(r, WitnessMode::Strip))?;
            if tx.inputs().iter().any(|input| !input.script_sig.is_empty()) {
                return Err(PsbtError::Invalid("Unsigned tx does not have empty scriptSigs and scriptWitnesses."));
            }
            global.tx = Some(tx);
        }
        0x01 => {
            let xpub: [u8; 78] = key.array("Global XPUB")?;
            if !is_pubkey(&xpub[45..]) {
                return Err(PsbtError::Invalid("Invalid pubkey"));
            }
            let origin = map.origin()?;
            psbt.xpubs.entry(origin).or_default().insert(Xpub(xpub));
        }
        0x02 => {
            key.bare("Global Transaction Version")?;
            global.tx_version = Some(map.u32()?);
        }
        0x03 => {
            key.bare("Global Fallback Locktime")?;
            global.locktime = Some(map.u32()?);
        }
        0x04 => {
            key.bare("Global Input Count")?;
            global.inputs = Some(map.value(Reader::compact_u64)?);
        }
        0x05 => {
            key.bare("Global Output Count")?;
            global.outputs = Some(map.value(Reader::compact_u64)?);
        }
        0x06 => {
            key.bare("Global TX Modifiable Flags")?;
            psbt.modifiable = Some(map.value(Reader::u8)?);
        }
        0xfb => {
            key.bare("Global PSBT Version")?;
            global.version = map.u32()?;
            if global.version > Version::V2.number() {
                return Err(PsbtError::Invalid("Unsupported version number"));
            }
        }
        PROPRIETARY if key.data == LOCK_HEIGHT && codec.tx_format().has_lock_height() => {
            global.lock_height = Some(map.u32()?);
        }
        PROPRIETARY => {
            let value = map.bytes()?;
            psbt.proprietary.insert(key.whole.to_vec(), key.proprietary(&value)?);
        }
        _ => {
            psbt.unknown.insert(key.whole.to_vec(), map.bytes()?);
        }
    }
    Ok(())
}
