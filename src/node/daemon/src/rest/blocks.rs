//! Blocks, parts of them, their headers, and what they spent.

use ::rpc::{Json, Object};
use chainstate::{Node, NodeId};
use descriptors::Notation;
use primitives::{BlockUndo, encode_output, put_compact_size};
use store::StoreError;

use crate::{NodeContext, render, rpc::header_bytes};

use super::{Answer, Format, Keep, Refused, Rest, Target, block_hash, bytes, integer, json, reply};

/// The block of this hash, if its data are here.
fn find(node: &NodeContext, text: &str) -> Result<(NodeId, Node), Refused> {
    let found = node.reader().find(&block_hash(text)?);
    let (id, block) = found.ok_or_else(|| Refused::not_found(format!("{text} not found")))?;
    if block.has_data() {
        return Ok((id, block));
    }
    let pruned = node.reader().have_pruned() && block.tx_count > 0;
    let why = if pruned { "pruned data" } else { "not fully downloaded" };
    Err(Refused::not_found(format!("{text} not available ({why})")))
}

pub(super) fn block_with_ids(rest: &Rest, target: &Target<'_>) -> Answer {
    block(rest, target, 1)
}

pub(super) fn block_with_txs(rest: &Rest, target: &Target<'_>) -> Answer {
    block(rest, target, 3)
}

fn block(rest: &Rest, target: &Target<'_>, verbosity: i32) -> Answer {
    let node = &rest.node;
    let (id, found) = find(node, target.param)?;
    let unreadable = |e: StoreError| {
        tracing::error!("{e}");
        Refused(500, format!("I/O error reading {}", target.param))
    };
    let gone = || Refused::not_found(format!("{} not available (pruned data)", target.param));
    let format = target.format()?;
    if format != Format::Json {
        let stored = node.reader().block_bytes(&found).ok_or_else(gone)?.map_err(unreadable)?;
        return Ok(bytes(format, Keep::Always, &stored));
    }
    let block = node.reader().block(&found).ok_or_else(gone)?.map_err(unreadable)?;
    let undo = node.reader().undo(&found).transpose().map_err(unreadable)?;
    let header = header_json(node, id)?;
    let notation = Notation::new(node.config.coin(), node.config.chain());
    Ok(json(Keep::Never, render::block(header, &block, undo.as_ref(), verbosity, &notation)))
}

fn header_json(node: &NodeContext, id: NodeId) -> Result<Object, Refused> {
    let tip = node.reader().tip().ok_or_else(|| Refused(503, "Loading block index…".to_owned()))?;
    let limit = node.rules.params().pow().limit;
    Ok(node.reader().tree(|tree| render::header(tree, id, tip.id, limit)))
}

pub(super) fn part(rest: &Rest, target: &Target<'_>) -> Answer {
    let number = |name: &str| {
        let number = target.request.query(name).and_then(|text| integer::<u64>(&text));
        number.ok_or_else(|| Refused::bad(format!("Block part {name} missing or invalid")))
    };
    let (offset, size) = (number("offset")?, number("size")?);
    let (_, found) = find(&rest.node, target.param)?;
    let outside = || Refused::bad(format!("Bad block part offset/size {offset}/{size} for {}", target.param));
    let (Ok(from), Ok(len)) = (u32::try_from(offset), u32::try_from(size)) else { return Err(outside()) };
    if len == 0 {
        return Err(outside());
    }
    let read = rest.node.reader().block_part(&found, from, len);
    let part = read.ok_or_else(|| Refused::not_found(format!("{} not available (pruned data)", target.param)))?;
    let part = part.map_err(|e| match e {
        StoreError::PartRange => outside(),
        e => {
            tracing::error!("{e}");
            Refused(500, format!("I/O error reading {}", target.param))
        }
    })?;
    match target.format()? {
        Format::Json => Err(Refused::bad("JSON output is not supported for this request type")),
        format => Ok(bytes(format, Keep::Always, &part)),
    }
}

/// The blocks of the active chain from one of them on.
pub(super) fn run_of(node: &NodeContext, first: &str, count: usize) -> Result<Vec<(NodeId, Node)>, Refused> {
    let hash = block_hash(first)?;
    let Some(tip) = node.reader().tip() else { return Ok(Vec::new()) };
    Ok(node.reader().tree(|tree| {
        let start = tree.find(&hash).map(|id| (id, tree[id].height));
        let Some((_, height)) = start.filter(|(id, height)| tree.ancestor(tip.id, *height) == Some(*id)) else {
            return Vec::new();
        };
        let run = (height..=tip.height).take(count).filter_map(|height| tree.ancestor(tip.id, height));
        run.map(|id| (id, tree[id].clone())).collect()
    }))
}

pub(super) fn headers(rest: &Rest, target: &Target<'_>) -> Answer {
    let (count, hash) = match target.parts().as_slice() {
        [hash] => (None, *hash),
        [count, hash] => (Some(*count), *hash),
        _ => {
            return Err(Refused::bad("Invalid URI format. Expected /rest/headers/<hash>.<ext>?count=<count>"));
        }
    };
    let count = target.count(count)?;
    let run = run_of(&rest.node, hash, count)?;
    let format = target.format()?;
    if format == Format::Json {
        let shown = run.iter().map(|(id, _)| header_json(&rest.node, *id).map(Json::from));
        return Ok(json(Keep::Never, Json::Arr(shown.collect::<Result<_, _>>()?)));
    }
    let raw: Vec<u8> = run.iter().flat_map(|(_, block)| header_bytes(&rest.node, block)).collect();
    Ok(bytes(format, Keep::Never, &raw))
}

pub(super) fn hash_by_height(rest: &Rest, target: &Target<'_>) -> Answer {
    let height = integer::<i32>(target.param).and_then(|height| u32::try_from(height).ok());
    let height = height.ok_or_else(|| Refused::bad(format!("Invalid height: {}", safe(target.param))))?;
    let id = rest.node.reader().at_height(height);
    let hash = rest.node.reader().node(id.ok_or_else(|| Refused::not_found("Block height out of range"))?).hash;
    Ok(match target.format()? {
        Format::Bin => bytes(Format::Bin, Keep::Never, hash.as_ref()),
        Format::Hex => reply("text/plain", Keep::Never, format!("{hash}\n")),
        Format::Json => json(Keep::Never, Object::new().with("blockhash", hash.to_string())),
    })
}

/// The characters of a text that may stand in a URI.
fn safe(text: &str) -> String {
    const MARKS: &str = " .-_~!*'();:@&=+$,/?#[]%";
    text.chars().filter(|c| c.is_ascii_alphanumeric() || MARKS.contains(*c)).collect()
}

pub(super) fn spent(rest: &Rest, target: &Target<'_>) -> Answer {
    let [text] = target.parts()[..] else {
        return Err(Refused::bad("Invalid URI format. Expected /rest/spenttxouts/<hash>.<ext>"));
    };
    let found = rest.node.reader().find(&block_hash(text)?);
    let (_, block) = found.ok_or_else(|| Refused::not_found(format!("{text} not found")))?;
    let undo = if block.height == 0 { Some(Ok(BlockUndo::default())) } else { rest.node.reader().undo(&block) };
    let undo = undo.and_then(|undo| undo.inspect_err(|e| tracing::error!("{e}")).ok());
    let undo = undo.ok_or_else(|| Refused::not_found(format!("{text} undo not available")))?;
    let format = target.format()?;
    if format == Format::Json {
        return Ok(json(Keep::Always, spent_json(&rest.node, &undo)));
    }
    let mut raw = Vec::new();
    put_compact_size(&mut raw, undo.txs.len() + 1);
    put_compact_size(&mut raw, 0);
    for tx in &undo.txs {
        put_compact_size(&mut raw, tx.spent.len());
        tx.spent.iter().for_each(|entry| encode_output(&entry.out, &mut raw));
    }
    Ok(bytes(format, Keep::Always, &raw))
}

/// One list for each transaction; the coinbase's is empty.
fn spent_json(node: &NodeContext, undo: &BlockUndo) -> Json {
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let of_tx = undo.txs.iter().map(|tx| {
        let outputs = tx.spent.iter().map(|entry| {
            Object::new()
                .with("value", Json::amount(consensus::value_of(&entry.out)))
                .with("scriptPubKey", render::script_pubkey(&entry.out.script_pubkey, &notation))
        });
        outputs.collect::<Json>()
    });
    std::iter::once(Json::Arr(Vec::new())).chain(of_tx).collect()
}
