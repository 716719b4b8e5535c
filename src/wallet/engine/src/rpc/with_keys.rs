//! Methods of the node that it passes on when a descriptor has private keys in it. They need no wallet.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method, values::range_from_value};
use descriptors::{DeriveError, Range, derive_addresses, describe, scan_scripts};
use signer::KeyRing;

use crate::loader::Wallets;

/// The node's own pages are the ones that users see.
pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![info(), derive(), scripts()]
}

fn info() -> Method<Wallets> {
    method("hidden", "getdescriptorinfo", "The same as the node's, for descriptors with private keys.\n")
        .arg(Arg::str("descriptor", "The descriptor."))
        .result(Res::any("", "The same as the node's"))
        .run(|wallets: &Wallets, request| {
            let notation = wallets.shared().notation;
            let info = describe(request.str("descriptor")?, &notation, &mut KeyRing::new(notation));
            let info = info.map_err(|e| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, e.to_string()))?;
            let mut object = Object::new().with("descriptor", info.descriptor);
            if let Some(all) = info.multipath_expansion {
                object.push("multipath_expansion", all);
            }
            Ok(object
                .with("checksum", info.checksum)
                .with("isrange", info.is_range)
                .with("issolvable", info.is_solvable)
                .with("hasprivatekeys", info.has_private_keys)
                .into())
        })
}

fn derive() -> Method<Wallets> {
    method("hidden", "deriveaddresses", "The same as the node's, for descriptors with private keys.\n")
        .arg(Arg::str("descriptor", "The descriptor."))
        .arg(Arg::range("range", "The end or the range (in [begin,end] notation) to derive.").optional())
        .result(Res::any("", "The same as the node's"))
        .run(answer_derive)
}

/// What `scantxoutset` and `scanblocks` look for: the public side of a descriptor with private keys.
fn scripts() -> Method<Wallets> {
    method("hidden", "publicscripts", "The scripts of a descriptor with private keys, each with a public descriptor.\n")
        .arg(Arg::str("descriptor", "The descriptor."))
        .arg(Arg::range("range", "The end or the range (in [begin,end] notation) to derive.").optional())
        .result(Res::any("", "Pairs of a script and its descriptor"))
        .run(|wallets: &Wallets, request| {
            let notation = wallets.shared().notation;
            let text = request.str("descriptor")?;
            let scripts = scan_scripts(text, range_of(request)?, &notation, &mut KeyRing::new(notation));
            let scripts = scripts.map_err(|e| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, e.to_string()))?;
            let pair = |(script, descriptor): (bitcoin::ScriptBuf, descriptors::Descriptor)| {
                Json::Arr(vec![script.to_hex_string().into(), descriptor.to_string().into()])
            };
            Ok(scripts.into_iter().map(pair).collect())
        })
}

fn range_of(request: &Request) -> Result<Option<Range>, RpcError> {
    let Some(value) = request.opt("range") else { return Ok(None) };
    let (begin, end) = range_from_value(value)?;
    Range::new(begin, end).map(Some).map_err(|e| RpcError::invalid_parameter(e.to_string()))
}

fn answer_derive(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let notation = wallets.shared().notation;
    let range = range_of(request)?;
    let found = derive_addresses(request.str("descriptor")?, range, &notation, &mut KeyRing::new(notation));
    let mut paths = found.map_err(|e| {
        let code = match e {
            DeriveError::RangeGiven | DeriveError::RangeMissing => Code::INVALID_PARAMETER,
            DeriveError::Empty => Code::MISC,
            _ => Code::INVALID_ADDRESS_OR_KEY,
        };
        RpcError::new(code, e.to_string())
    })?;
    Ok(if paths.len() == 1 { paths.remove(0).into() } else { paths.into() })
}
