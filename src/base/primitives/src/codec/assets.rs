//! Syscoin's assets: which asset, and how much of it, each output of a transaction carries.
//!
//! A transaction that moves assets lists them in the data of its first `OP_RETURN` output. Outputs that are not listed
//! carry none. Whether the list is right is for `consensus` to say; an unreadable list assigns nothing.

use crate::compress::decompress_amount;
use crate::{CoinTail, DecodeError, Reader, Tx};

/// The versions of transactions that list assets.
const ALLOCATION_VERSIONS: std::ops::RangeInclusive<u32> = 138..=142;
const OP_RETURN: u8 = 0x6a;

/// What an output carries.
pub(super) fn of_output(tx: &Tx, vout: usize) -> CoinTail {
    let none = CoinTail::Asset { asset: 0, amount: 0 };
    if !ALLOCATION_VERSIONS.contains(&tx.version()) {
        return none;
    }
    let data = tx.outputs().iter().find_map(|output| return_data(output.script_pubkey.as_bytes()));
    data.and_then(|data| find(&mut Reader::new(data), vout).ok().flatten()).unwrap_or(none)
}

/// The first push behind `OP_RETURN`.
fn return_data(script: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(script.strip_prefix(&[OP_RETURN])?);
    let len = match reader.u8().ok()? {
        direct @ 1..=75 => usize::from(direct),
        76 => usize::from(reader.u8().ok()?),
        77 => usize::from(reader.u16().ok()?),
        78 => usize::try_from(reader.u32().ok()?).ok()?,
        _ => return None,
    };
    reader.take(len).ok()
}

/// Looks an output up in a list of assets, each with its list of outputs and amounts.
fn find(reader: &mut Reader<'_>, vout: usize) -> Result<Option<CoinTail>, DecodeError> {
    let mut found = None;
    for _ in 0..reader.compact_size()? {
        let asset = reader.varint_u64()?;
        for _ in 0..reader.compact_size()? {
            let index = reader.compact_u64()?;
            let amount = decompress_amount(reader.varint_u64()?);
            if usize::try_from(index) == Ok(vout) {
                found = Some(CoinTail::Asset { asset, amount });
            }
        }
    }
    Ok(found)
}
