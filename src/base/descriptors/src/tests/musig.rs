//! `musig()`: the vectors of BIP327 and BIP328, scripts that the reference makes of the same texts, and its words.

use primitives::hex;

use super::*;

const A: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const B: &str = "03dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";
const C: &str = "023590a94e768f8e1815c2f24b4d80a8e3149316c3518ce7b7ad338368d038ca66";
const D: &str = "03935f972da013f80ae011890fa89b67a27b7be6ccb24d3274d18b2d4067f261a9";
/// Two of BIP32's vectors.
const X: &str =
    "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL";
const Y: &str =
    "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y";

fn keys(texts: &[&str]) -> Vec<PublicKey> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn keys_are_put_together() {
    // BIP327: order counts, and a key may come twice.
    let cases: [(&[&str], &str); 4] = [
        (&[A, B, C], "90539eede565f5d054f32cc0c220126889ed1e5d193baf15aef344fe59d4610c"),
        (&[C, B, A], "6204de8b083426dc6eaf9502d27024d53fc826bf7d2012148a0575435df54b2b"),
        (&[A, A, A], "b436e3bad62b8cd409969a224731c193d051162d8c5ae8b109306127da3aa935"),
        (&[A, A, B, B], "69bc22bfa5d106306e48a20679de1d7389386124d07571d0d872686028c26a3e"),
    ];
    for (texts, expected) in cases {
        assert_eq!(crate::musig::aggregate(&keys(texts)).unwrap().to_string()[2..], *expected);
    }
    assert_eq!(crate::musig::aggregate(&[]), None);
}

#[test]
fn keys_that_come_from_them_have_a_root() {
    // BIP328.
    let cases: [(&[&str], &str, &str); 3] = [
        (
            &[D, A],
            "0354240c76b8f2999143301a99c7f721ee57eee0bce401df3afeaa9ae218c70f23",
            "xpub661MyMwAqRbcFt6tk3uaczE1y6EvM1TqXvawXcYmFEWijEM4PDBnuCXwwXEKGEouzXE6QLLRxjatMcLLzJ5LV5Nib1BN7vJg6yp45yHHRbm",
        ),
        (
            &[A, B, C],
            "0290539eede565f5d054f32cc0c220126889ed1e5d193baf15aef344fe59d4610c",
            "xpub661MyMwAqRbcFt6tk3uaczE1y6EvM1TqXvawXcYmFEWijEM4PDBnuCXwwVk5TFJk8Tw5WAdV3DhrGfbFA216sE9BsQQiSFTdudkETnKdg8k",
        ),
        (
            &[&B.replacen("03", "02", 1), C, A, D],
            "022479f134cdb266141dab1a023cbba30a870f8995b95a91fc8464e56a7d41f8ea",
            "xpub661MyMwAqRbcFt6tk3uaczE1y6EvM1TqXvawXcYmFEWijEM4PDBnuCXwwUvaZYpysLX4wN59tjwU5pBuDjNrPEJbfxjLwn7ruzbXTcUTHkZ",
        ),
    ];
    for (texts, aggregate, root) in cases {
        let key = crate::musig::aggregate(&keys(texts)).unwrap();
        assert_eq!(key.to_string(), aggregate);
        assert_eq!(main_net().write_extended(&crate::musig::root(&key).unwrap()), root);
    }
}

#[test]
fn scripts_are_those_of_the_reference() {
    let cases: [(String, &[&str]); 8] = [
        (
            format!("rawtr(musig({A},{B},{C}))"),
            &["5120789d937bade6673538f3e28d8368dda4d0512f94da44cf477a505716d26a1575"],
        ),
        (format!("tr(musig({A},{B},{C}))"), &["512079e6c3e628c9bfbce91de6b7fb28e2aec7713d377cf260ab599dcbc40e542312"]),
        (
            format!("rawtr(musig({X}/0/*,{Y}/0/*))"),
            &[
                "5120754ccfd18ed4051de3b1144b6145cad4b2999387338dfb85ec392f2963ceaa3a",
                "5120be80016576d2691ccc4077bc91d7ece4db34667d6e84829d5e08480cd4bc0b78",
                "5120b7139e2f8b92570ad96c40c3b5e6557a5194e288a96df6f29980523365239d58",
            ],
        ),
        (
            format!("rawtr(musig({X},{Y})/0/*)"),
            &[
                "51209508c08832f3bb9d5e8baf8cb5cfa3669902e2f2da19acea63ff47b93faa9bfc",
                "51205ca1102663025a83dd9b5dbc214762c5a6309af00d48167d2d6483808525a298",
                "51207dbed1b89c338df6a1ae137f133a19cae6e03d481196ee6f1a5c7d1aeb56b166",
            ],
        ),
        (
            format!("rawtr(musig({X}/0,{Y})/1)"),
            &["51200e355f2bc9e754268e12bbd337499c2f7ffafc3101c41792709007b25a862532"],
        ),
        (
            format!("tr(musig({X},{Y})/0/*,pk({}))", &A[2..]),
            &[
                "51201d377b637b5c73f670f5c8a96a2c0bb0d1a682a1fca6aba91fe673501a189782",
                "51208950c83b117a6c208d5205ffefcf75b187b32512eb7f0d8577db8d9102833036",
                "5120a49a477c61df73691b77fcd563a80a15ea67bb9c75470310ce5c0f25918db60d",
            ],
        ),
        (
            format!("tr({},pk(musig({X},{Y})/0/*))", &A[2..]),
            &[
                "512068983d461174afc90c26f3b2821d8a9ced9534586a756763b68371a404635cc8",
                "5120368e2d864115181bdc8bb5dc8684be8d0760d5c33315570d71a21afce4afd43e",
                "512097a1e6270b33ad85744677418bae5f59ea9136027223bc6e282c47c167b471d5",
            ],
        ),
        (
            format!("tr(musig({X}/1,{X}/1)/2)"),
            &["5120a17ceacd6422bd5ffd9f165807b254b7d68ad39f179cc4f11545a6835227e97c"],
        ),
    ];
    for (text, expected) in cases {
        let descriptor = read(&text);
        assert_eq!(descriptor.to_string(), checksum::add(&text), "it is written as it was read");
        assert_eq!(descriptor.is_range(), expected.len() > 1, "{text}");
        let mut cache = Cache::default();
        for (index, script) in (0..).zip(expected) {
            let here = descriptor.expand_into(index, &NoPrivateKeys, &mut cache, &mut drop).unwrap();
            assert_eq!(hex::encode(here.scripts[0].as_bytes()), *script, "{text} at {index}");
            assert_eq!(descriptor.expand(index, &NoPrivateKeys).unwrap(), here, "{text} at {index}");
            assert_eq!(descriptor.expand_from(index, &cache).unwrap(), here, "{text} at {index}");
            assert_eq!(here.known.aggregates.len(), 1);
        }
        assert_eq!(descriptor.normalized_from(&cache, &NoPrivateKeys).unwrap(), checksum::add(&text));
    }
}

#[test]
fn miniscript_takes_them_for_keys() {
    let inner = [
        format!("and_v(v:pk(musig({X},{Y})/0/*),after(1))"),
        format!("and_v(v:pkh(musig({A},{B})),older(2))"),
        format!("and_v(vc:pk_k(musig({A},{B})),after(1))"),
        format!("multi_a(1,musig({A},{B}),{})", &C[2..]),
    ];
    for leaf in inner {
        let text = format!("tr({},{leaf})", &A[2..]);
        let descriptor = read(&text);
        assert!(descriptor.expand(3, &NoPrivateKeys).is_some());
        assert_eq!(parse(&descriptor.to_string(), true, &main_net(), &mut NoPrivateKeys).unwrap().descriptors.len(), 1);
        assert!(descriptor.keys().iter().all(|key| key.participants().is_none()), "participants are the keys");
    }
}

#[test]
fn paths_may_stand_in_it_or_behind_it() {
    let all = |text: String| -> Vec<String> {
        let parsed = parse(&text, false, &main_net(), &mut NoPrivateKeys).unwrap();
        let without_checksum = |d: &Descriptor| d.to_string().split('#').next().unwrap().to_owned();
        parsed.descriptors.iter().map(without_checksum).collect()
    };
    assert_eq!(all(format!("tr(musig({X},{Y})/<4;5>/*)")), [4, 5].map(|step| format!("tr(musig({X},{Y})/{step}/*)")));
    assert_eq!(
        all(format!("rawtr(musig({X}/<1;2>/*,{Y}/0/*))")),
        [1, 2].map(|step| format!("rawtr(musig({X}/{step}/*,{Y}/0/*))"))
    );
}

#[test]
fn cached_keys_have_the_numbers_of_the_reference() {
    // Participants first, then what they are together, then what stands behind it.
    let descriptor = read(&format!("tr(musig({X},{Y})/0/*,pk({ROOT}/0h/*))"));
    let mut cache = Cache::default();
    descriptor.expand_into(0, &OneStep::new(), &mut cache, &mut drop).unwrap();
    let parents: Vec<u32> = cache
        .iter()
        .filter_map(|cached| match cached {
            Cached::Parent { expression, .. } => Some(expression),
            _ => None,
        })
        .collect();
    assert_eq!(parents, [0, 1, 2, 3]);
    let normalized = descriptor.normalized_from(&cache, &NoPrivateKeys).unwrap();
    assert!(normalized.contains(&format!("pk([3442193e/0h]{ROOT_0H}/*)")), "{normalized}");
}

#[test]
fn what_it_cannot_be() {
    let place = "musig() is only allowed in tr() and rawtr()";
    let two = format!("musig({A},{B})");
    assert_eq!(fails(&format!("pk({two})")), format!("pk(): {place}"));
    assert_eq!(fails(&format!("sh(wpkh({two}))")), format!("wpkh(): {place}"));
    assert_eq!(fails(&format!("wsh({two})")), "A function is needed within P2WSH");
    assert_eq!(fails(&format!("tr(musig({two},{A}))")), "tr(): Too many ')' in musig() expression");
    let tr = |inner: String| fails(&format!("tr({inner})"));
    assert_eq!(
        tr(format!("musig({A},{X})/0")),
        "tr(): musig(): derivation requires all participants to be xpubs or xprvs"
    );
    assert_eq!(
        tr(format!("musig({X}/*,{Y})/0/*")),
        "tr(): musig(): Cannot have ranged participant keys if musig() also has derivation"
    );
    assert_eq!(tr(format!("musig({X},{Y})/0h/*")), "tr(): musig(): cannot have hardened derivation steps");
    assert_eq!(tr(format!("musig({X},{Y})/0/*h")), "tr(): musig(): Cannot have hardened child derivation");
    assert_eq!(
        tr(format!("musig({X}/<0;1>,{Y}/<2;3>)/<3;4>")),
        "tr(): musig(): Cannot have multipath participant keys if musig() is also multipath"
    );
    assert_eq!(
        tr(format!("musig({X}/<0;1>,{Y}/<2;3;4>)")),
        "tr(): musig(): Multipath derivation paths have mismatched lengths"
    );
    assert_eq!(tr("musig()/0".to_owned()), "tr(): musig(): Must contain key expressions");
    assert_eq!(tr(format!("musig({A},)")), "tr(): musig(): No key provided");
    assert_eq!(tr(format!("musig({})", &A[2..])), format!("tr(): musig(): Pubkey '{}' is invalid", &A[2..]));
    assert_eq!(tr(format!("musig({X},{Y})/x")), "tr(): musig(): Key path value 'x' is not a valid uint32");
    assert_eq!(fails("tr(musig(tuus(oldepk(gg)ggggfgg)<,z((((st)"), "tr(): Too many ')' in musig() expression");
}
