//! Keys and their encryption.

use std::time::Duration;

use bitcoin::PublicKey;
use descriptors::{AddressType, Cache, NoPrivateKeys, PrivateKeys, checksum};
use primitives::{base64, hex};
use proptest::prelude::*;

use super::*;
use crate::{
    ExtendedPrivateKey, HARDENED, MIN_ROUNDS, MasterKey, PrivateKey, SealedMasterKey, default_descriptors, sign_message,
};

/// BIP32's vectors 1, 3 and 4: seed, path, private and public text.
const BIP32: [(&str, &[u32], &str, &str); 5] = [
    (
        "000102030405060708090a0b0c0d0e0f",
        &[],
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        &[HARDENED, 1, HARDENED | 2, 2, 1_000_000_000],
        "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76",
        "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy",
    ),
    (
        "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
        &[HARDENED],
        "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L",
        "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y",
    ),
    (
        "3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678",
        &[HARDENED],
        "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqkao9G",
        "xpub69AUMk3qDBi3uW1sXgjCmVjJ2G6WQoYSnNHyzkmdCHEhSZ4tBok37xfFEqHd2AddP56Tqp4o56AePAgCjYdvpW2PU2jbUPFKsav5ut6Ch1m",
    ),
    (
        "3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678",
        &[HARDENED, HARDENED | 1],
        "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1",
        "xpub6BJA1jSqiukeaesWfxe6sNK9CCGaujFFSJLomWHprUL9DePQ4JDkM5d88n49sMGJxrhpjazuXYWdMf17C9T5XnxkopaeS7jGk1GyyVziaMt",
    ),
];

#[test]
fn extended_keys_of_bip32() {
    let notation = notation(ChainKind::Main);
    for (seed, path, private, public) in BIP32 {
        let key = ExtendedPrivateKey::from_seed(&unhex(seed)).unwrap().descendant(path).unwrap();
        assert_eq!((key.text(&notation).as_str(), notation.write_extended(key.public()).as_str()), (private, public));
        assert_eq!(ExtendedPrivateKey::from_text(private, &notation).unwrap(), key);
        assert!(!format!("{key:?}").contains(&hex::encode(key.key().expose())));
    }
    // BIP32's fifth vector: a public key where the private one should be, zero, and the order of the curve.
    for wrong in [
        "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGTQQD3dC4H2D5GBj7vWvSQaaBv5cxi9gafk7NF3pnBju6dwKvH",
        "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzF93Y5wvzdUayhgkkFoicQZcP3y52uPPxFnfoLZB21Teqt1VvEHx",
        "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLcMtD5SDKr24z3aiUvKr9bJpdrcLg1y3G",
    ] {
        assert_eq!(ExtendedPrivateKey::from_text(wrong, &notation), None);
    }
}

#[test]
fn a_new_wallet() {
    // The root of BIP84 and BIP86: "abandon abandon ... about".
    let seed = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4";
    let notation = notation(ChainKind::Main);
    let root = ExtendedPrivateKey::from_seed(&unhex(seed)).unwrap();
    let all = default_descriptors(root.public(), ChainKind::Main, &notation);
    let mut ring = KeyRing::new(notation);
    ring.insert(root.key().clone());
    let address = |kind: AddressType, internal: bool, index: u32| {
        let (_, _, descriptor) = all.iter().find(|(k, i, _)| (*k, *i) == (kind, internal)).unwrap();
        assert_eq!(descriptor.address_type(), Some(kind));
        assert!(descriptor.expand(index, &NoPrivateKeys).is_none());
        let script = descriptor.expand(index, &ring).unwrap().scripts.remove(0);
        notation.addresses().encode(&notation.addresses().destination(&script)).unwrap()
    };
    assert_eq!(all.len(), 8);
    assert_eq!(address(AddressType::Bech32, false, 0), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    assert_eq!(address(AddressType::Bech32, false, 1), "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g");
    assert_eq!(address(AddressType::Bech32, true, 0), "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el");
    let taproot = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr";
    assert_eq!(address(AddressType::Bech32m, false, 0), taproot);
    assert_eq!(address(AddressType::Legacy, false, 0), "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA");
    assert_eq!(address(AddressType::P2shSegwit, false, 0), "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf");
}

#[test]
fn private_texts() {
    let xprv = BIP32[0].2;
    let wif = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn";
    let uncompressed = "5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf";
    let other = "03dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";
    for text in [
        format!("wpkh({xprv}/0h/1/*)"),
        format!("pkh({uncompressed})"),
        format!("wsh(multi(1,{wif},{other}))"),
        format!("tr({wif},pk({xprv}/5'/*'))"),
        format!("wsh(and_v(v:pk([deadbeef/1h]{xprv}/1),older(5)))"),
    ] {
        let (descriptor, ring) = read(&text, notation(ChainKind::Main));
        assert_eq!(ring.private_text(&descriptor).unwrap().as_str(), checksum::add(&text));
        assert_eq!(ring.has_all_of(&descriptor), !text.contains(other));
        assert!(KeyRing::new(*ring.notation()).private_text(&descriptor).is_none());
    }
    // An x-only key finds its private key whichever parity that has.
    let (descriptor, _) = read(&format!("rawtr({})", &other[2..]), notation(ChainKind::Main));
    let mut ring = KeyRing::new(notation(ChainKind::Main));
    ring.insert(PrivateKey::from_bytes(&[7; 32], true).unwrap());
    assert!(ring.private_text(&descriptor).is_none());
    let key = PrivateKey::from_text(wif, 0x80).unwrap();
    assert_eq!(key.text(0x80).as_str(), wif);
    assert_eq!(PrivateKey::from_text(wif, 0xef), None);
    assert_eq!(PrivateKey::from_bytes(&[0; 32], true), None);
    assert_eq!(PrivateKey::from_bytes(&[0xff; 32], true), None);
    assert!(!format!("{key:?} {ring:?}").contains(&hex::encode(key.expose())));
}

#[test]
fn a_locked_wallet_still_knows_its_scripts() {
    let text = format!("wpkh({}/84h/0h/0h/1/*)", BIP32[0].2);
    let (descriptor, ring) = read(&text, notation(ChainKind::Main));
    let mut cache = Cache::default();
    let mut added = Vec::new();
    for index in 0..3 {
        let expansion = descriptor.expand_into(index, &ring, &mut cache, &mut |key| added.push(key)).unwrap();
        assert_eq!(Some(expansion), descriptor.expand(index, &ring));
    }
    // One parent and one last hardened key serve all indexes.
    assert_eq!(added.len(), 2);
    let mut loaded = Cache::default();
    assert!(added.iter().all(|key| loaded.insert(*key)) && !loaded.insert(added[0]));
    assert_eq!(loaded, cache);
    assert_eq!(descriptor.expand_from(70, &loaded), descriptor.expand(70, &ring));
    assert_eq!(descriptor.normalized_from(&loaded, &NoPrivateKeys), descriptor.normalized(&ring));
    assert_eq!(descriptor.expand_from(0, &Cache::default()), None);
    // Hardened children are kept one by one.
    let (descriptor, ring) = read(&format!("pkh({}/0/*h)", BIP32[0].2), notation(ChainKind::Main));
    let mut cache = Cache::default();
    let expansion = descriptor.expand_into(4, &ring, &mut cache, &mut drop);
    assert_eq!(expansion, descriptor.expand(4, &ring));
    assert_eq!((descriptor.expand_from(4, &cache), descriptor.expand_from(5, &cache)), (expansion, None));
    assert_eq!(cache.iter().count(), 1);
}

#[test]
fn a_sealed_master_key() {
    let key = PrivateKey::from_bytes(&[3; 32], true).unwrap();
    let master = MasterKey::new(&[5; 32]);
    let crypted = master.encrypt(&key);
    assert_eq!(crypted.len(), 48);
    assert_eq!(master.decrypt(&crypted, &key.public()), Some(key.clone()));
    assert_eq!(master.decrypt(&crypted[1..], &key.public()), None);
    let other = PrivateKey::from_bytes(&[4; 32], true).unwrap();
    assert_eq!(master.decrypt(&crypted, &other.public()), None);
    assert_eq!(MasterKey::new(&[6; 32]).decrypt(&crypted, &key.public()), None);
    let mut time = Duration::ZERO;
    // A clock that says that the fewest rounds take 25 milliseconds.
    let mut clock = || {
        time += Duration::from_millis(25);
        time
    };
    let sealed = master.seal(b"correct horse", [9; 8], &mut clock);
    // The first run says 100,000 rounds, the second, of so many in the same time, 400,000.
    assert_eq!(sealed.rounds, 250_000);
    assert_eq!(sealed.open(b"correct horse").unwrap().decrypt(&crypted, &key.public()), Some(key.clone()));
    let wrong = sealed.open(b"Correct horse").and_then(|master| master.decrypt(&crypted, &key.public()));
    assert_eq!(wrong, None);
    let still = master.seal(b"", [9; 8], &mut || Duration::ZERO);
    assert_eq!(still.rounds, MIN_ROUNDS);
    assert!(still.open(b"").is_some());
    for broken in [
        SealedMasterKey { rounds: 0, ..still.clone() },
        SealedMasterKey { method: 1, ..still.clone() },
        SealedMasterKey { salt: vec![1], ..still.clone() },
        SealedMasterKey { crypted: vec![0; 47], ..still.clone() },
        SealedMasterKey { crypted: Vec::new(), ..still },
    ] {
        assert!(broken.open(b"").is_none(), "{broken:?}");
    }
}

#[test]
fn a_passphrase_of_bitcoin_core() {
    // Its tests say what this passphrase and salt become.
    let salt: [u8; 8] = unhex("0000deadbeef0000").try_into().unwrap();
    let (key, start) = crate::crypter::stretch(b"test", &salt, MIN_ROUNDS);
    assert_eq!(hex::encode(&key), "fc7aba077ad5f4c3a0988d8daa4810d0d4a0e3bcb53af662998898f33df0556a");
    assert_eq!(hex::encode(&start), "cf2f2691526dd1aa220896fb8bf7c369");
}

#[test]
fn an_encrypted_wallet_of_bitcoin_core() {
    // The records of a regtest wallet with the passphrase "pass phrase 42", and what `listdescriptors true` said there.
    let sealed = SealedMasterKey {
        crypted: unhex(
            "194bee5fd48936f9f1dbe12230523122381d62524c1417eda3775e86138e3716b8a94c9dcfb3a208709c6dc886b1ce49",
        ),
        salt: unhex("65e80e754f81ad4e"),
        method: 0,
        rounds: 386_881,
        other: Vec::new(),
    };
    assert_eq!(sealed.crypted.len(), 48);
    let public = PublicKey::from_slice(&unhex("024df58e6676c9684c01b8a353187e26d2afb3041f468c23bbbfc5554979007c0b"));
    let crypted =
        unhex("8722185558ea730d6be3eb7c7e8e8a8f210f3d3b2c0d37ca67051e0cb3528b0d011dddea9c1f4595dc1b5388725bf5e6");
    let key = sealed.open(b"pass phrase 42").unwrap().decrypt(&crypted, &public.unwrap()).unwrap();
    let root = "tprv8ZgxMBicQKsPdgyTeXpxSdeYYkqBhZdRQazveov4d9vfEg1H91UmtPLQDyD6jFxxCnt4VkQ2EWTKv5C6VKUuqtjm8NE8hdQNTKBmoaRDYoR";
    let root = ExtendedPrivateKey::from_text(root, &regtest()).unwrap();
    assert_eq!(key, *root.key());
    // The eight descriptors have the ids that the file has them by.
    let ids = [
        "d6b3bf2aab38a9f0042084a9b8b7063143c85c977d4a2d45adbcdf614d94719b",
        "09e77d72541eb9dd34b7bc9a1bf9dee66fd38b65f1413dc8783b2dcd64ba0c30",
        "5efc23e681d2a0651a15c954ce163c1fab4bf18893c21b8409975f0c13b3b5f7",
        "57a7f8f29bdadcca3168790b0bbf0c51085d578f1775c555ca5f274283db5d2b",
        "93cb2902553d490baed5eaaec663a49ccc59db68fe6132e5886b58338674a85a",
        "d552f17a657cebced9be757e3f37be95949806caa38139852ef91edcdbab178a",
        "f1f3dcdf39b06a951d9e205245c2c27b137a0b83dc7c509814d60f14a39b2042",
        "d906b8993835d3578b7494891697fb2579f3fd7a481928648da64cb7ba5a09ac",
    ];
    let all = default_descriptors(root.public(), ChainKind::Regtest, &regtest());
    let mut made: Vec<String> = all.iter().map(|(_, _, descriptor)| hex::encode(&descriptor.id())).collect();
    let mut ids = ids.map(str::to_owned);
    ids.sort_unstable();
    made.sort_unstable();
    assert_eq!(made, ids);
    let mut ring = KeyRing::new(regtest());
    ring.insert(key);
    let private = ring.private_text(&all[0].2).unwrap();
    assert_eq!(private.as_str(), format!("pkh({}/44h/1h/0h/0/*)#03h7h3k4", root.text(&regtest()).as_str()));
}

#[test]
fn a_signed_message() {
    // From Bitcoin Core's functional tests.
    let key = PrivateKey::from_text("cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N", 0xef).unwrap();
    let signed = sign_message(&key, "Bitcoin Signed Message:\n", "This is just a test message");
    let wanted = "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0=";
    assert_eq!(signed, wanted);
    assert_eq!(base64::decode(signed.as_bytes()).unwrap().len(), 65);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn public_children_are_those_of_the_private_key(seed in any::<[u8; 32]>(), path in prop::collection::vec(0..HARDENED, 0..4)) {
        let root = ExtendedPrivateKey::from_seed(&seed).unwrap();
        let end = root.descendant(&path).unwrap();
        prop_assert_eq!(Some(*end.public()), root.public().descendant(&path));
        let notation = regtest();
        prop_assert_eq!(ExtendedPrivateKey::from_text(&end.text(&notation), &notation), Some(end.clone()));
        let mut ring = KeyRing::new(notation);
        ring.insert(root.key().clone());
        prop_assert_eq!(ring.derive(root.public(), &path), Some(*end.public()));
    }

    #[test]
    fn keys_are_encrypted_and_back(secret in 1..u128::MAX, master in any::<[u8; 32]>(), compressed in any::<bool>()) {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&secret.to_be_bytes());
        let key = PrivateKey::from_bytes(&bytes, compressed).unwrap();
        let master = MasterKey::new(&master);
        let public: PublicKey = key.public();
        prop_assert_eq!(master.decrypt(&master.encrypt(&key), &public), Some(key));
    }

    #[test]
    fn no_bytes_panic(crypted in prop::collection::vec(any::<u8>(), 0..100), key in any::<[u8; 32]>()) {
        let public = PrivateKey::from_bytes(&[1; 32], true).unwrap().public();
        prop_assert!(MasterKey::new(&key).decrypt(&crypted, &public).is_none());
    }
}
