//! Descriptors, as far as nobody needs a private key.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method, values::range_from_value};
use config::Config;
use descriptors::{DeriveError, NoPrivateKeys, Notation, Range, derive_addresses, describe};

const EXAMPLE: &str =
    "\"wpkh([d34db33f/84h/0h/0h]0279be667ef9dcbbac55a06295Ce870b07029Bfcdb2dce28d959f2815b16f81798)\"";

pub(super) fn info() -> Method<Config> {
    let fields = [
        Res::str("descriptor", "The descriptor in canonical form, without private keys. For a multipath descriptor, only the first will be returned."),
        Res::arr("multipath_expansion", "All descriptors produced by expanding multipath derivation elements. Only if the provided descriptor specifies multipath derivation elements.", [Res::str("", "")]).optional(),
        Res::str("checksum", "The checksum for the input descriptor"),
        Res::bool("isrange", "Whether the descriptor is ranged"),
        Res::bool("issolvable", "Whether the descriptor is solvable"),
        Res::bool("hasprivatekeys", "Whether the input descriptor contained at least one private key"),
    ];
    method("util", "getdescriptorinfo", "Analyses a descriptor.\n")
        .arg(Arg::str("descriptor", "The descriptor."))
        .result(Res::obj("", "", fields))
        .example_cli(EXAMPLE)
        .example_rpc(EXAMPLE)
        .run(|config: &Config, request| {
            let notation = Notation::new(config.coin(), config.chain());
            let info = describe(request.str("descriptor")?, &notation, &mut NoPrivateKeys);
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

pub(super) fn derive() -> Method<Config> {
    let addresses = || Res::arr("", "", [Res::str("address", "the derived address")]);
    method(
        "util",
        "deriveaddresses",
        "Derives one or more addresses corresponding to an output descriptor.\n\
         Examples of output descriptors are:\n    \
         pkh(<pubkey>)                                     P2PKH outputs for the given pubkey\n    \
         wpkh(<pubkey>)                                    Native segwit P2PKH outputs for the given pubkey\n    \
         sh(multi(<n>,<pubkey>,<pubkey>,...))              P2SH-multisig outputs for the given threshold and pubkeys\n    \
         tr(<pubkey>)                                      P2TR outputs for the given pubkey\n\
         \nIn the above, <pubkey> either refers to a fixed public key in hexadecimal notation, or to an xpub optionally followed by one\n\
         or more path elements separated by \"/\", where \"h\" represents a hardened child key.\n",
    )
    .arg(Arg::str("descriptor", "The descriptor."))
    .arg(Arg::range("range", "If a ranged descriptor is used, this specifies the end or the range (in [begin,end] notation) to derive.").optional())
    .result(addresses().when("for single derivation descriptors"))
    .result(Res::arr("", "The derived addresses for each of the multipath expansions of the descriptor, in multipath specifier order", [addresses()]).when("for multipath descriptors"))
    .example_cli("\"wpkh([d34db33f/84h/0h/0h]xpub6DJ2dNUysrn5Vt36jH2KLBT2i1auw1tTSSomg8PhqNiUtx8QX2SvC9nrHu81fT41fvDUnhMjEzQgXnQjKEu3oaqMSzhSrHMxyyoEAmUHQbY/0/*)#cjjspncu\" \"[0,2]\"")
    .run(answer_derive)
}

fn answer_derive(config: &Config, request: &Request) -> Result<Json, RpcError> {
    let notation = Notation::new(config.coin(), config.chain());
    let range = match request.opt("range") {
        None => None,
        Some(value) => {
            let (begin, end) = range_from_value(value)?;
            Some(Range::new(begin, end).map_err(|e| RpcError::invalid_parameter(e.to_string()))?)
        }
    };
    let found = derive_addresses(request.str("descriptor")?, range, &notation, &mut NoPrivateKeys);
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
