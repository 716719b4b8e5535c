//! The daemon's words for what is wrong.

use super::*;

#[test]
fn places_of_functions() {
    assert_eq!(fails(&format!("sh(combo({G1}))")), "Can only have combo() at top level");
    assert_eq!(fails(&format!("sh(sh(pk({G1})))")), "Can only have sh() at top level");
    assert_eq!(fails(&format!("wsh(wpkh({G1}))")), "Can only have wpkh() at top level or inside sh()");
    assert_eq!(fails(&format!("wsh(wsh(pk({G1})))")), "Can only have wsh() at top level or inside sh()");
    assert_eq!(fails(&format!("sh(tr({G1}))")), "Can only have tr at top level");
    assert_eq!(fails(&format!("multi_a(1,{G1})")), "Can only have multi_a/sortedmulti_a inside tr()");
    assert_eq!(
        fails(&format!("tr({G1},multi(1,{G1}))")),
        "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"
    );
    assert_eq!(fails(&format!("sh({G1})")), "A function is needed within P2SH");
    assert_eq!(fails(&format!("wsh({G1})")), "A function is needed within P2WSH");
    assert_eq!(fails("foo(1)"), "'foo(1)' is not a valid descriptor function");
    assert_eq!(
        fails(&format!("sh(and_v(v:pk({G1}),older(2)))")),
        "Miniscript expressions can only be used in wsh or tr."
    );
    assert_eq!(fails("addr(nothing)"), "Address is not valid");
    assert_eq!(fails("raw(xy)"), "Raw script is not hex");
    assert_eq!(fails(&format!("rawtr({G1},{G1})")), "rawtr(): only one key expected.");
    assert_eq!(fails(&format!("unused({ROOT}/*)")), "unused(): key cannot be ranged");
}

#[test]
fn numbers_of_keys() {
    assert_eq!(fails(&format!("multi(x,{G1})")), "Multi threshold 'x' is not valid");
    assert_eq!(fails(&format!("multi(+1,{G1})")), "Multi threshold '+1' is not valid");
    assert_eq!(fails(&format!("multi(0,{G1})")), "Multisig threshold cannot be 0, must be at least 1");
    assert_eq!(
        fails(&format!("multi(2,{G1})")),
        "Multisig threshold cannot be larger than the number of keys; threshold is 2 but only 1 keys specified"
    );
    assert_eq!(fails("wsh(multi(1))"), "Cannot have 0 keys in multisig; must have between 1 and 20 keys, inclusive");
    let keys = |count: usize| [G1].repeat(count).join(",");
    assert_eq!(
        fails(&format!("multi(1,{})", keys(4))),
        "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys"
    );
    assert_eq!(
        fails(&format!("sh(multi(1,{}))", keys(16))),
        "P2SH script is too large, 547 bytes is larger than 520 bytes"
    );
    assert_eq!(
        fails(&format!("wsh(multi(1,{}))", keys(21))),
        "Cannot have 21 keys in multisig; must have between 1 and 20 keys, inclusive"
    );
    assert_eq!(fails(&format!("tr({G1},{{pk({G1})}})")), "tr(): expected ',' after script expression");
    let deep = format!("tr({G1},{})", "{".repeat(129));
    assert_eq!(fails(&deep), "tr() supports at most 128 nesting levels");
}

#[test]
fn keys_and_paths() {
    let in_pkh = |key: &str| fails(&format!("pkh({key})"));
    assert_eq!(in_pkh(""), "pkh(): No key provided");
    assert_eq!(in_pkh(&format!(" {G1}")), format!("pkh(): Key ' {G1}' is invalid due to whitespace"));
    assert_eq!(in_pkh("02ff"), "pkh(): Pubkey '02ff' is invalid");
    assert_eq!(in_pkh("nokey"), "pkh(): key 'nokey' is not valid");
    assert_eq!(in_pkh(&format!("{ROOT}/x")), "pkh(): Key path value 'x' is not a valid uint32");
    assert_eq!(in_pkh(&format!("{ROOT}//1")), "pkh(): Key path value '' is not valid");
    assert_eq!(in_pkh(&format!("{ROOT}/2147483648")), "pkh(): Key path value 2147483648 is out of range");
    assert_eq!(in_pkh(&format!("{ROOT}/<0>")), "pkh(): Multipath key path specifiers must have at least two items");
    assert_eq!(in_pkh(&format!("{ROOT}/<0;0>")), "pkh(): Duplicated key path value 0 in multipath specifier");
    assert_eq!(in_pkh(&format!("{ROOT}/<0;1>/<2;3>")), "pkh(): Multiple multipath key path specifiers found");
    assert_eq!(
        in_pkh(&format!("[aaaaaaaa/<0;1>]{ROOT}")),
        "pkh(): Key path value '<0;1>' specifies multipath in a section where multipath is not allowed"
    );
    assert_eq!(in_pkh(&format!("[aaaagaaa]{G1}")), "pkh(): Fingerprint 'aaaagaaa' is not hex");
    assert_eq!(
        in_pkh(&format!("[aaaa]{G1}")),
        "pkh(): Fingerprint is not 4 bytes (4 characters instead of 8 characters)"
    );
    assert_eq!(
        in_pkh(&format!("aaaaaaaa]{G1}")),
        "pkh(): Key origin start '[ character expected but not found, got 'a' instead"
    );
    assert_eq!(in_pkh(&format!("[aaaaaaaa]]{G1}")), "pkh(): Multiple ']' characters found for a single pubkey");
    let hybrid = format!("06{}{}", &G1[2..], "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
    assert_eq!(in_pkh(&hybrid), "pkh(): Hybrid public keys are not allowed");
    let uncompressed = hybrid.replacen("06", "04", 1);
    assert_eq!(fails(&format!("wpkh({uncompressed})")), "wpkh(): Uncompressed keys are not allowed");
    assert_eq!(read(&format!("pkh({uncompressed})")).to_string(), checksum::add(&format!("pkh({uncompressed})")));
    assert_eq!(fails("pkh(musig(a,b))"), "pkh(): musig() is only allowed in tr() and rawtr()");
    assert_eq!(
        fails(&format!("wsh(multi(1,{ROOT}/<0;1>,{ROOT}/<0;1;2>))")),
        "multi(): Multipath derivation paths have mismatched lengths"
    );
    let tree = |internal: &str, leaf: &str| fails(&format!("tr({ROOT}/{internal},{{pk({ROOT}/{leaf}),pk({G2})}})"));
    assert_eq!(tree("<0;1;2>", "<0;1>"), "tr(): Multipath subscripts have mismatched lengths");
    assert_eq!(tree("<0;1>", "<0;1;2>"), "tr(): Multipath internal key mismatches multipath subscripts lengths");
}

#[test]
fn miniscript_that_is_not_sane() {
    let older = format!("or_i(older(1),pk({G1}))");
    assert_eq!(fails(&format!("wsh({older})")), format!("{older} is not sane: witnesses without signature exist"));
    assert_eq!(
        fails(&format!("wsh(and_b(and_b(older(1),a:older(100000000)),s:pk({G1})))")),
        "and_b(older(1),a:older(100000000)) is not sane: contains mixes of timelocks expressed in blocks and seconds"
    );
    let twice = format!("and_v(v:pk({G1}),pk({G1}))");
    assert_eq!(fails(&format!("wsh({twice})")), format!("{twice} is not sane: contains duplicate public keys"));
    assert_eq!(fails("wsh(and_v(v:pk(what),older(2)))"), "key 'what' is not valid");
}

#[test]
fn ranges() {
    let fails = |begin, end| Range::new(begin, end).unwrap_err().to_string();
    assert_eq!(fails(2, 0), "Range specified as [begin,end] must not have begin after end");
    assert_eq!(fails(-1, 0), "Range should be greater or equal than 0");
    assert_eq!(fails(0, 1 << 31), "End of range is too high");
    assert_eq!(fails(i64::MAX, i64::MAX), "End of range is too high");
    assert_eq!(fails(1_000_000_000, 2_000_000_000), "Range is too large");
    assert_eq!(Range::new(0, 999_999).unwrap().indexes().count(), 1_000_000);
    let ask = |text: &str, range| {
        derive_addresses(&checksum::add(text), range, &main_net(), &mut NoPrivateKeys).unwrap_err().to_string()
    };
    let range = Some(Range::new(0, 2).unwrap());
    assert_eq!(ask(&format!("pkh({G1})"), range), "Range should not be specified for an un-ranged descriptor");
    assert_eq!(ask(&format!("pkh({ROOT}/*)"), None), "Range must be specified for a ranged descriptor");
    assert_eq!(ask(&format!("pk({G1})"), None), "Descriptor does not have a corresponding address");
}
