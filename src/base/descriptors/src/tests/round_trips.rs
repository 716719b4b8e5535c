//! Text to descriptor to script and back.

use primitives::hex;

use super::*;

fn forms() -> Vec<String> {
    vec![
        format!("pk({G1})"),
        format!("pkh([deadbeef/1/2h/3]{G1})"),
        format!("wpkh({G2})"),
        format!("sh(wpkh({G2}))"),
        format!("sh(wsh(multi(1,{G1},{G2})))"),
        format!("wsh(multi(2,{G3},[deadbeef/7]{G2},{G1}))"),
        format!("wsh(and_v(v:pk({G1}),older(144)))"),
        format!("wsh(or_d(pk({G1}),and_v(v:pkh({G2}),after(500000))))"),
        format!("tr({},pk({}))", &G1[2..], &G2[2..]),
        format!("tr({0},{{pk({1}),{{multi_a(1,{1},{2}),and_v(v:pk({2}),older(9))}}}})", &G1[2..], &G2[2..], &G3[2..]),
        format!("tr({},n:pk({}))", &G1[2..], &G2[2..]),
        format!("tr({},{}:pk({}))", &G1[2..], "n".repeat(5000), &G2[2..]),
        format!("tr({},nnnj:and_v(v:pk({}),older(3)))", &G1[2..], &G2[2..]),
        format!("rawtr({})", &G3[2..]),
        "raw(6a0404030201)".to_owned(),
        "addr(1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2)".to_owned(),
    ]
}

proptest! {
    #[test]
    fn no_damaged_text_panics(
        form in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0x20_u8..0x7f), 0..4),
    ) {
        let forms = forms();
        let mut text = form.get(&forms).clone().into_bytes();
        fuzz::descriptor(&text);
        for (place, value) in changes {
            let place = place.index(text.len());
            text[place] = value;
        }
        fuzz::descriptor(&text);
    }
}

#[test]
fn what_is_expanded_is_inferred() {
    for text in forms() {
        let text = checksum::add(&text);
        let descriptor = read(&text);
        assert_eq!(descriptor.to_string(), text);
        let mut expansion = descriptor.expand(0, &NoPrivateKeys).unwrap();
        // Keys that are their own root have an origin too, which would be written.
        expansion.known.origins.retain(|_, origin| origin.fingerprint == [0xde, 0xad, 0xbe, 0xef]);
        let inferred = infer(&expansion.scripts[0], &expansion.known, &main_net());
        assert_eq!(inferred.to_string(), text);
        assert_eq!(inferred.expand(0, &NoPrivateKeys).unwrap().scripts, expansion.scripts);
    }
}

#[test]
fn scripts_alone_say_little() {
    let infer_hex = |script: &str| {
        infer(&ScriptBuf::from(hex::decode(script).unwrap()), &Known::default(), &main_net()).to_string()
    };
    let bare = format!("multi(1,{G1},{G2})");
    assert_eq!(infer_hex(&scripts(&bare, 0)[0]), checksum::add(&bare));
    let hash = &scripts(&format!("pkh({G1})"), 0)[0];
    assert_eq!(infer_hex(hash), checksum::add("addr(1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH)"));
    assert_eq!(infer_hex("6a"), checksum::add("raw(6a)"));
    // A taproot output whose key is no point.
    let no_point = infer_hex(&format!("5120{}", "ff".repeat(32)));
    assert!(no_point.starts_with("addr(bc1p"), "{no_point}");
}

#[test]
fn canonical_forms() {
    let first = |text: &str| describe(text, &main_net(), &mut NoPrivateKeys).unwrap();
    let info = first(&format!("wsh(sortedmulti(1,{ROOT}/<0;1>/*,[DEADBEEF/44']{G1}))"));
    let branch = |n: u8| checksum::add(&format!("wsh(sortedmulti(1,{ROOT}/{n}/*,[deadbeef/44']{G1}))"));
    assert_eq!(info.multipath_expansion, Some(vec![branch(0), branch(1)]));
    assert_eq!(info.descriptor, branch(0));
    assert!(info.is_range && info.is_solvable && !info.has_private_keys);
    // Each key keeps its own mark, and ids are made with apostrophes.
    let marked = |mark: &str| read(&format!("pkh({ROOT}/1{mark}/*)"));
    assert_ne!(marked("h").to_string(), marked("'").to_string());
    assert_eq!(marked("h").id(), marked("'").id());
    let upper = read(&format!("pk({})", G1.to_uppercase()));
    assert_eq!(upper.to_string(), checksum::add(&format!("pk({G1})")));
}

#[test]
fn scans_say_where_scripts_come_from() {
    let text = format!("combo({ROOT}/1/*)");
    let range = Some(Range::new(3, 4).unwrap());
    let found = scan_scripts(&text, range, &main_net(), &mut NoPrivateKeys).unwrap();
    assert_eq!(found.len(), 8);
    let key = read(&text).keys()[0].derive(4, &NoPrivateKeys).unwrap().key;
    assert_eq!(found[7].1.to_string(), checksum::add(&format!("sh(wpkh([3442193e/1/4]{key}))")));
    assert_eq!(scan_scripts(&text, None, &main_net(), &mut NoPrivateKeys).unwrap().len(), 4 * 1001);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z_(){},<>;:/*'#0-9@\\[\\]]{0,60}") {
        let _ = parse(&text, false, &main_net(), &mut NoPrivateKeys);
        for outer in ["wsh", "sh", "tr", "raw", "multi"] {
            let _ = parse(&format!("{outer}({text})"), false, &main_net(), &mut NoPrivateKeys);
        }
        let _ = parse(&format!("tr({G1},{text})"), false, &main_net(), &mut NoPrivateKeys);
        let _ = parse(&format!("pkh({ROOT}{text})"), false, &main_net(), &mut NoPrivateKeys);
    }

    #[test]
    fn any_script_has_a_descriptor(bytes in proptest::collection::vec(any::<u8>(), 1..80)) {
        let script = ScriptBuf::from(bytes);
        let known = Known { scripts: BTreeMap::from([([0; 20], script.clone())]), ..Known::default() };
        let descriptor = infer(&script, &known, &main_net());
        let text = descriptor.to_string();
        prop_assert_eq!(read(&text).expand(0, &NoPrivateKeys).unwrap().scripts, vec![script]);
    }

    #[test]
    fn one_wrong_character_is_found(place in any::<proptest::sample::Index>(), other in "[0-9a-f]") {
        let good = checksum::add(&format!("pkh({G1})"));
        let at = 4 + place.index(G1.len());
        let mut bad = good.clone();
        bad.replace_range(at..=at, &other);
        prop_assert_eq!(checksum::split(&bad, true).is_ok(), bad == good);
    }
}

#[test]
fn keys_in_leaves_are_found_by_the_hash_of_their_32_bytes() {
    use bitcoin::hashes::{Hash, hash160};
    let hash = |bytes: &[u8]| hash160::Hash::hash(bytes).to_byte_array();
    let leaf = format!("and_v(v:pkh({}),older(2))", &G2[2..]);
    let expansion = read(&format!("tr({},{leaf})", &G1[2..])).expand(0, &NoPrivateKeys).unwrap();
    // This is what the leaf's script shows of the key, so whoever signs has to find it.
    let shown = hash(&hex::decode(&G2[2..]).unwrap());
    let (_, script) = &expansion.known.taproot.values().next().unwrap().leaves[0];
    assert!(script.as_bytes().windows(20).any(|window| window == shown));
    assert_eq!(
        expansion.known.keys.get(&shown).map(|key| key.inner.x_only_public_key().0.to_string()),
        Some(G2[2..].into())
    );

    // A witness script shows the hash of all 33.
    let expansion = read(&format!("wsh(and_v(v:pkh({G2}),older(2)))")).expand(0, &NoPrivateKeys).unwrap();
    assert!(expansion.known.keys.contains_key(&hash(&hex::decode(G2).unwrap())));
    assert!(!expansion.known.keys.contains_key(&shown));
}
