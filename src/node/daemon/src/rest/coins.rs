//! Transactions, and whether outputs are unspent (BIP64).

use ::rpc::{Json, Object};
use bitcoin::{OutPoint, Txid, hashes::Hash};
use descriptors::Notation;
use primitives::{Reader, TxOutEntry, WitnessMode, encode_output, hex, put_bytes, put_compact_size};

use crate::{NodeContext, render};

use super::{Answer, Format, Keep, Refused, Rest, Target, bytes, integer, json};

/// The most outputs that one request may ask for.
const MAX_OUTPOINTS: usize = 15;
/// Bytes of an output's name.
const OUTPOINT: usize = 36;

pub(super) fn tx(rest: &Rest, target: &Target<'_>) -> Answer {
    let node = &rest.node;
    let text = target.param;
    let txid: Option<Txid> = (text.len() == 64).then(|| text.parse().ok()).flatten();
    let txid = txid.ok_or_else(|| Refused::bad(format!("Invalid hash: {text}")))?;
    let waiting = node.mempool().read().entry(&txid).map(|entry| entry.tx.as_ref().clone());
    let (tx, block) = if let Some(tx) = waiting {
        (tx, None)
    } else {
        let missing = || Refused::not_found(format!("{text} not found"));
        let index = node.library().txs.as_ref().ok_or_else(missing)?;
        node.library().wait_for("txindex", node);
        let found = index.find(node.reader(), txid).map_err(|e| Refused::broken(&e))?.ok_or_else(missing)?;
        (found.tx, Some(found.block))
    };
    let format = target.format()?;
    if format == Format::Json {
        let notation = Notation::new(node.config.coin(), node.config.chain());
        return Ok(json(Keep::Never, render::tx(&tx, block, &notation, render::Prevouts::Unknown, true)));
    }
    Ok(bytes(format, Keep::Never, &tx.to_bytes(WitnessMode::Include)))
}

/// What a request asks about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    with_pool: bool,
    outpoints: Vec<OutPoint>,
}

/// `checkmempool/TXID-N/TXID-N…`
fn from_path(param: &str) -> Result<Option<Wanted>, Refused> {
    let Some(list) = param.strip_prefix('/').filter(|list| !list.is_empty()) else { return Ok(None) };
    let mut wanted = Wanted::default();
    for (position, part) in list.split('/').enumerate() {
        if position == 0 && part == "checkmempool" {
            wanted.with_pool = true;
            continue;
        }
        let parsed = part.split_once('-').filter(|(txid, _)| txid.len() == 64);
        let parsed = parsed.and_then(|(txid, vout)| Some((txid.parse().ok()?, integer(vout)?)));
        let (txid, vout) = parsed.ok_or_else(|| Refused::bad("Parse error"))?;
        wanted.outpoints.push(OutPoint { txid, vout });
    }
    if wanted.outpoints.is_empty() { Err(Refused::bad("Error: empty request")) } else { Ok(Some(wanted)) }
}

/// A flag for the pool, then a list of outputs.
fn from_body(body: &[u8]) -> Option<Wanted> {
    let mut reader = Reader::new(body);
    let with_pool = reader.u8().ok()? != 0;
    let count = reader.compact_size().ok()?;
    let mut outpoints = Vec::with_capacity(reader.room_for(count, OUTPOINT));
    for _ in 0..count {
        let txid = Txid::from_byte_array(reader.array().ok()?);
        outpoints.push(OutPoint { txid, vout: reader.u32().ok()? });
    }
    Some(Wanted { with_pool, outpoints })
}

pub(super) fn utxos(rest: &Rest, target: &Target<'_>) -> Answer {
    let body: &[u8] = &target.request.body;
    let from_path = from_path(target.param)?;
    if body.is_empty() && from_path.is_none() {
        return Err(Refused::bad("Error: empty request"));
    }
    let format = target.format()?;
    let wanted = match (format, from_path) {
        (Format::Json, path) => path.ok_or_else(|| Refused::bad("Error: empty request"))?,
        (_, Some(path)) if body.is_empty() => path,
        (_, Some(_)) => {
            return Err(Refused::bad("Combination of URI scheme inputs and raw post data is not allowed"));
        }
        (Format::Hex, None) => {
            let text = std::str::from_utf8(body).ok().map(str::trim);
            let raw = text.and_then(hex::decode).ok_or_else(|| Refused::bad("Parse error"))?;
            from_body(&raw).ok_or_else(|| Refused::bad("Parse error"))?
        }
        (Format::Bin, None) => from_body(body).ok_or_else(|| Refused::bad("Parse error"))?,
    };
    let tried = wanted.outpoints.len();
    if tried > MAX_OUTPOINTS {
        return Err(Refused::bad(format!("Error: max outpoints exceeded (max: {MAX_OUTPOINTS}, tried: {tried})")));
    }
    answer(&rest.node, format, &wanted)
}

fn answer(node: &NodeContext, format: Format, wanted: &Wanted) -> Answer {
    let look = |out: &OutPoint| {
        if wanted.with_pool { node.mempool().coin(node.reader(), out) } else { node.reader().coin(out) }
    };
    let found: Vec<Option<TxOutEntry>> =
        wanted.outpoints.iter().map(look).collect::<Result<_, _>>().map_err(|e| Refused::broken(&e))?;
    let tip = node.reader().tip().ok_or_else(|| Refused(503, "Loading block index…".to_owned()))?;
    let coins = found.iter().flatten();
    if format == Format::Json {
        let notation = Notation::new(node.config.coin(), node.config.chain());
        let shown = coins.map(|coin| {
            Object::new()
                .with("height", coin.height)
                .with("value", Json::amount(consensus::value_of(&coin.out)))
                .with("scriptPubKey", render::script_pubkey(&coin.out.script_pubkey, &notation))
        });
        let bitmap: String = found.iter().map(|coin| if coin.is_some() { '1' } else { '0' }).collect();
        let object = Object::new()
            .with("chainHeight", tip.height)
            .with("chaintipHash", tip.hash.to_string())
            .with("bitmap", bitmap)
            .with("utxos", shown.collect::<Json>());
        return Ok(json(Keep::Never, object));
    }
    let mut bitmap = vec![0_u8; found.len().div_ceil(8)];
    for (index, _) in found.iter().enumerate().filter(|(_, coin)| coin.is_some()) {
        bitmap[index / 8] |= 1 << (index % 8);
    }
    let mut raw = tip.height.to_le_bytes().to_vec();
    raw.extend_from_slice(tip.hash.as_ref());
    put_bytes(&mut raw, &bitmap);
    put_compact_size(&mut raw, found.iter().flatten().count());
    for coin in coins {
        // The version of the transaction, which nobody keeps any more.
        raw.extend_from_slice(&0_u32.to_le_bytes());
        raw.extend_from_slice(&coin.height.to_le_bytes());
        encode_output(&coin.out, &mut raw);
    }
    Ok(bytes(format, Keep::Never, &raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outpoints_stand_in_the_path() {
        let txid = "0f".repeat(32);
        let wanted = from_path(&format!("/checkmempool/{txid}-7")).unwrap().unwrap();
        let expected = OutPoint { txid: txid.parse().unwrap(), vout: 7 };
        assert_eq!(wanted, Wanted { with_pool: true, outpoints: vec![expected] });
        assert_eq!(from_path("/"), Ok(None));
        assert_eq!(from_path("/checkmempool"), Err(Refused::bad("Error: empty request")));
        for bad in ["/x", "/0f-0", &format!("/{txid}"), &format!("/{txid}--1"), &format!("/{txid}-+1")] {
            assert_eq!(from_path(bad), Err(Refused::bad("Parse error")), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body: Vec<u8>) {
            if let Some(wanted) = from_body(&body) {
                prop_assert!(wanted.outpoints.len() * OUTPOINT <= body.len());
            }
        }
    }
}
