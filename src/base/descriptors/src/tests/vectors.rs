//! Published vectors.

use primitives::hex;

use super::*;

#[test]
fn checksums_of_bip380() {
    assert_eq!(checksum::add("raw(deadbeef)"), "raw(deadbeef)#89f8spxm");
    assert_eq!(checksum::compute(&format!("pkh({G2})")).as_deref(), Some("8fhd9pwu"));
    assert_eq!(checksum::compute("raw(\u{e9})"), None);
    let fails = |text: &str, required| checksum::split(text, required).unwrap_err().to_string();
    assert_eq!(fails("raw(deadbeef)", true), "Missing checksum");
    assert_eq!(fails("raw(deadbeef)#", false), "Expected 8 character checksum, not 0 characters");
    assert_eq!(fails("raw(deadbeef)#89f8spxmx", false), "Expected 8 character checksum, not 9 characters");
    assert_eq!(fails("raw(deadbeef)#89f8spxm#", false), "Multiple '#' symbols");
    assert_eq!(fails("raw(dead\u{dc}eef)#00000000", false), "Invalid characters in payload");
    assert_eq!(
        fails("raw(deedbeef)#89f8spxm", false),
        format!(
            "Provided checksum '89f8spxm' does not match computed checksum '{}'",
            checksum::compute("raw(deedbeef)").unwrap()
        )
    );
    assert_eq!(checksum::split("raw(deadbeef)#89f8spxm", true).unwrap().0, "raw(deadbeef)");
}

#[test]
fn scripts_of_the_generator() {
    // The hash of the compressed generator is in BIP173's examples.
    let hash = "751e76e8199196d454941c45d1b3a323f1433bd6";
    assert_eq!(scripts(&format!("pk({G1})"), 0), [format!("21{G1}ac")]);
    assert_eq!(scripts(&format!("pkh({G1})"), 0), [format!("76a914{hash}88ac")]);
    assert_eq!(scripts(&format!("wpkh({G1})"), 0), [format!("0014{hash}")]);
    assert_eq!(scripts(&format!("multi(1,{G1},{G2})"), 0), [format!("5121{G1}21{G2}52ae")]);
    assert_eq!(scripts(&format!("sortedmulti(2,{G3},{G2},{G1})"), 0), [format!("5221{G1}21{G2}21{G3}53ae")]);
    assert_eq!(scripts(&format!("rawtr({G1})"), 0), [format!("5120{}", &G1[2..])]);
    let combo = scripts(&format!("combo({G1})"), 0);
    assert_eq!(combo[..3], [format!("21{G1}ac"), format!("76a914{hash}88ac"), format!("0014{hash}")]);
    assert_eq!(combo[3], scripts(&format!("sh(wpkh({G1}))"), 0)[0]);
    // BIP173: P2WSH of `<key> CHECKSIG`.
    let bip173 = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3";
    assert_eq!(scripts(&format!("wsh(pk({G1}))"), 0), scripts(&format!("addr({bip173})"), 0));
}

#[test]
fn taproot_of_bip341_and_bip86() {
    // BIP341's wallet vectors: a key alone, and a key with one script.
    let key = "d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d";
    let output = "512053a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343";
    assert_eq!(scripts(&format!("tr({key})"), 0), [output]);
    let (key, leaf) = (
        "187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27",
        "d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8",
    );
    let output = "5120147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3";
    assert_eq!(scripts(&format!("tr({key},pk({leaf}))"), 0), [output]);
    // BIP86's account.
    let account = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ";
    let text = checksum::add(&format!("tr({account}/<0;1>/*)"));
    let addresses = derive_addresses(&text, Some(Range::new(0, 1).unwrap()), &main_net(), &mut NoPrivateKeys).unwrap();
    assert_eq!(
        addresses,
        [
            [
                "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
                "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"
            ],
            [
                "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7",
                "bc1ptdg60grjk9t3qqcqczp4tlyy3z47yrx9nhlrjsmw36q5a72lhdrs9f00nj"
            ],
        ]
    );
}

#[test]
fn steps_that_need_private_keys() {
    let text = format!("pkh({ROOT}/0'/1/*)");
    let descriptor = read(&text);
    assert_eq!(descriptor.expand(2, &NoPrivateKeys), None);
    let public = scripts(&format!("pkh({ROOT_0H}/1/*)"), 2);
    let expansion = descriptor.expand(2, &OneStep::new()).unwrap();
    assert_eq!(hex::encode(expansion.scripts[0].as_bytes()), public[0]);
    let origin = expansion.known.origins.values().next().unwrap();
    assert_eq!(
        (hex::encode(&origin.fingerprint), format_path(&origin.path, false)),
        ("3442193e".to_owned(), "/0h/1/2".to_owned())
    );
    let normalized = descriptor.normalized(&OneStep::new()).unwrap();
    assert_eq!(normalized, checksum::add(&format!("pkh([3442193e/0h]{ROOT_0H}/1/*)")));
    assert_eq!(read(&normalized).expand(2, &NoPrivateKeys).unwrap().known, expansion.known);
    let error =
        derive_addresses(&checksum::add(&text), Some(Range::new(0, 0).unwrap()), &main_net(), &mut NoPrivateKeys);
    assert_eq!(error.unwrap_err().to_string(), "Cannot derive script without private keys");
}

#[test]
fn private_keys_are_only_shown() {
    let xprv = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
    let wif = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn";
    for text in [format!("wpkh({xprv}/0/*)"), format!("tr({wif})"), format!("wsh(and_v(v:pk({wif}),older(2)))")] {
        let refused = describe(&text, &main_net(), &mut NoPrivateKeys).unwrap_err();
        assert_eq!(refused, ParseError::Key(KeyError::PrivateKey));
        let info = describe(&text, &main_net(), &mut OneStep::new()).unwrap();
        assert!(info.has_private_keys);
        assert!(!info.descriptor.contains(xprv) && !info.descriptor.contains(wif));
        assert_ne!(checksum::split(&info.descriptor, true).unwrap().1, info.checksum);
    }
    let text = main_net().read_private(wif).unwrap();
    assert_eq!((text.expose(), text.kind()), (wif, PrivateKind::Single { compressed: true }));
    assert!(!format!("{text:?}").contains(wif));
    let descriptor = read(&format!("pkh({ROOT}/0h/*)"));
    let private = descriptor.text_with(&mut |key| key.root().map(|_| key.text_with(xprv))).unwrap();
    assert_eq!(private, checksum::add(&format!("pkh({xprv}/0h/*)")));
}

#[test]
fn every_coin_has_its_notation() {
    let root = main_net().read_extended(ROOT).unwrap();
    for coin in coin::all() {
        for chain in coin.chains {
            let notation = Notation::new(coin, chain);
            let text =
                checksum::add(&format!("{}({}/<0;1>/*)", notation.witness_key_name(), notation.write_extended(&root)));
            let range = Some(Range::new(5, 6).unwrap());
            let addresses = derive_addresses(&text, range, &notation, &mut NoPrivateKeys).unwrap();
            assert!(addresses.iter().flatten().all(|address| address.starts_with(chain.bech32_hrp)), "{addresses:?}");
            let watched = format!("addr({})", addresses[0][0]);
            let info = describe(&watched, &notation, &mut NoPrivateKeys).unwrap();
            assert_eq!((info.descriptor, info.is_solvable), (checksum::add(&watched), false));
        }
    }
    assert_eq!(notation_of("bitcoin", ChainKind::Test).read_extended(ROOT), None);
}

#[test]
fn locks_that_are_shorter_than_they_look_are_named() {
    let warnings = |lock: u32| read(&format!("wsh(and_v(v:pk({G1}),older({lock})))")).warnings();
    for fine in [1, 65_535, (1 << 22) | 1, (1 << 22) | 65_535] {
        assert_eq!(warnings(fine), Vec::<String>::new());
    }
    let blocks = ["height-based relative locktime: older(65536) > 65535 blocks is unsafe"];
    assert_eq!(warnings(65_536), blocks);
    assert_eq!(
        warnings((1 << 22) | 65_536),
        ["time-based relative locktime: older(4259840) > (65535 * 512) seconds is unsafe"]
    );
    let leaf = format!("and_v(v:pk({G2}),older(65536))");
    assert_eq!(read(&format!("tr({G1},{{pk({G3}),{leaf}}})")).warnings(), blocks);
    assert!(read(&format!("pkh({G1})")).warnings().is_empty());
}
