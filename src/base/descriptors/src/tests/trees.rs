//! Witness programs that are trees of scripts. The addresses are those of the reference's own test of `deriveaddresses`
//! (tradecraftio/tradecraft at ef76573f9d).

use crate::*;

const KEY: &str =
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B";

fn notation() -> Notation {
    let coin = coin::by_id("freicoin").unwrap();
    Notation::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap())
}

fn addresses(text: &str, index: u32) -> Vec<String> {
    let notation = notation();
    let parsed = parse(text, false, &notation, &mut NoPrivateKeys).unwrap();
    let expansion = parsed.descriptors[0].expand(index, &NoPrivateKeys).unwrap();
    for script in &expansion.scripts {
        let inferred = infer(script, &expansion.known, &notation);
        assert_eq!(inferred.expand(0, &NoPrivateKeys).unwrap().scripts, std::slice::from_ref(script), "{inferred}");
    }
    let written = |script: &bitcoin::ScriptBuf| {
        let destination = notation.addresses().destination(script);
        notation.addresses().encode(&destination).filter(|_| destination.has_address())
    };
    expansion.scripts.iter().filter_map(written).collect()
}

#[test]
fn a_key_is_a_tree_of_its_own() {
    let text = format!("wpk({KEY}/1/1/*)");
    for (index, address) in [
        (0, "fcrt1qvd5lu3yvps5v589rz2fdax0ukftjzlhs4k5je5"),
        (1, "fcrt1qkr5ev88ht0z7vg8t62mgta96q8n5twuaw27eye"),
        (2, "fcrt1qs0c46z3s6ah7lgtn8qxujdmey62st2z23cgzey"),
    ] {
        assert_eq!(addresses(&text, index), [address]);
    }
    let combo = format!("combo({KEY}/1/1/0)");
    assert_eq!(
        addresses(&combo, 0),
        ["mtfUoUax9L4tzXARpw1oTGxWyoogp52KhJ", "fcrt1qvd5lu3yvps5v589rz2fdax0ukftjzlhs4k5je5"]
    );
}

#[test]
fn what_would_mean_something_else_is_refused() {
    let notation = notation();
    for text in [
        format!("wpkh({KEY}/1)"),
        format!("sh(wpk({KEY}/1))"),
        format!("sh(wsh(pk({KEY}/1)))"),
        format!("tr({KEY}/1)"),
        format!("rawtr({KEY}/1)"),
        format!("wsh(and_v(v:pk({KEY}/1),after(10)))"),
    ] {
        assert!(parse(&text, false, &notation, &mut NoPrivateKeys).is_err(), "{text}");
    }
    let parsed = parse(&format!("wsh(multi(1,{KEY}/1,{KEY}/2))"), false, &notation, &mut NoPrivateKeys).unwrap();
    let expansion = parsed.descriptors[0].expand(0, &NoPrivateKeys).unwrap();
    assert_eq!(expansion.known.tree(&expansion.scripts[0].as_bytes()[2..]).map(|script| script.len()), Some(71));
    assert_eq!(notation.address_types(), [AddressType::Legacy, AddressType::Bech32]);
}
