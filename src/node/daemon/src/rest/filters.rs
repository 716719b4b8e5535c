//! Block filters and their headers.

use ::rpc::{Json, Object};
use chainstate::Validity;
use indexes::FilterIndex;
use primitives::hex;

use crate::library::{BASIC_FILTER, FILTERS};

use super::{Answer, Format, Keep, Refused, Rest, Target, block_hash, blocks::run_of, bytes, json};

impl Rest {
    fn filters(&self, kind: &str) -> Result<&FilterIndex, Refused> {
        if kind != BASIC_FILTER {
            return Err(Refused::bad(format!("Unknown filtertype {kind}")));
        }
        let index = self.node.library().filters.as_ref();
        index.ok_or_else(|| Refused::bad(format!("Index is not enabled for filtertype {kind}")))
    }
}

const STILL_INDEXING: &str = "Block filters are still in the process of being indexed.";
const UNEXPECTED: &str = "This error is unexpected and indicates index corruption.";

pub(super) fn headers(rest: &Rest, target: &Target<'_>) -> Answer {
    let (kind, count, hash) = match target.parts().as_slice() {
        [kind, hash] => (*kind, None, *hash),
        [kind, count, hash] => (*kind, Some(*count), *hash),
        _ => {
            return Err(Refused::bad(
                "Invalid URI format. Expected /rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>",
            ));
        }
    };
    let count = target.count(count)?;
    block_hash(hash)?;
    let index = rest.filters(kind)?;
    let run = run_of(&rest.node, hash, count)?;
    let ready = rest.node.library().wait_for(FILTERS, &rest.node);
    let mut all = Vec::new();
    for (_, block) in run {
        let record = index.find(block.height, &block.hash).map_err(|e| Refused::broken(&e))?;
        let why = if ready { UNEXPECTED } else { STILL_INDEXING };
        all.push(record.ok_or_else(|| Refused::not_found(format!("Filter not found. {why}")))?.header);
    }
    let format = target.format()?;
    if format == Format::Json {
        let shown = all.into_iter().map(|mut header| {
            header.reverse();
            Json::from(hex::encode(&header))
        });
        return Ok(json(Keep::Never, shown.collect::<Json>()));
    }
    Ok(bytes(format, Keep::Never, all.as_flattened()))
}

pub(super) fn filter(rest: &Rest, target: &Target<'_>) -> Answer {
    let [kind, text] = target.parts()[..] else {
        return Err(Refused::bad("Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>"));
    };
    let hash = block_hash(text)?;
    let index = rest.filters(kind)?;
    let found = rest.node.reader().find(&hash);
    let (_, block) = found.ok_or_else(|| Refused::not_found(format!("{text} not found")))?;
    let ready = rest.node.library().wait_for(FILTERS, &rest.node);
    let record = index.find(block.height, &hash).map_err(|e| Refused::broken(&e))?;
    let record = record.ok_or_else(|| {
        let why = if !block.is_valid(Validity::Scripts) {
            "Block was not connected to active chain."
        } else if ready {
            UNEXPECTED
        } else {
            STILL_INDEXING
        };
        Refused::not_found(format!("Filter not found. {why}"))
    })?;
    let format = target.format()?;
    if format == Format::Json {
        return Ok(json(Keep::Always, Object::new().with("filter", hex::encode(&record.filter.bytes))));
    }
    // As it goes over the network: kind, block, filter.
    let mut raw = vec![0];
    raw.extend_from_slice(hash.as_ref());
    primitives::put_bytes(&mut raw, &record.filter.bytes);
    Ok(bytes(format, Keep::Always, &raw))
}
