//! Addresses against the reference's vectors, and errors against what was broken.

use bitcoin::hex::FromHex;
use coin::ChainKind;
use proptest::prelude::*;

use super::*;
use crate::{SecretText, decode_extended, decode_secret, encode_extended, encode_secret};

fn of(id: &str, kind: ChainKind) -> Addresses {
    let coin = coin::by_id(id).unwrap();
    Addresses::new(coin, coin.chain(kind).unwrap())
}

fn kind_of(case: &serde_json::Value) -> ChainKind {
    ChainKind::from_name(case["chain"].as_str().unwrap()).unwrap()
}

#[test]
fn key_io_valid() {
    let vectors = vectors::load("key_io_valid.json");
    let cases = vectors.as_array().unwrap();
    for case in cases {
        let (text, payload) = (case[0].as_str().unwrap(), Vec::from_hex(case[1].as_str().unwrap()).unwrap());
        let kind = kind_of(&case[2]);
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let (chain, addresses) = (bitcoin.chain(kind).unwrap(), of("bitcoin", kind));
        if case[2]["isPrivkey"].as_bool().unwrap() {
            let key = decode_secret(text, chain.base58_secret).unwrap();
            assert_eq!((key.secret.to_vec(), Some(key.compressed)), (payload, case[2]["isCompressed"].as_bool()));
            assert_eq!(*encode_secret(&key, chain.base58_secret), text);
            assert!(addresses.decode(text).is_err(), "{text}");
            continue;
        }
        let destination = addresses.decode(text).unwrap();
        assert_eq!(destination.script_pubkey().as_bytes(), payload, "{text}");
        assert_eq!(Destination::from_script(Script::from_bytes(&payload)), destination);
        assert_eq!(
            addresses.encode(&destination),
            Some(text.to_lowercase()).filter(|_| is_bech32(text)).or(Some(text.to_owned()))
        );
        assert!(decode_secret(text, chain.base58_secret).is_none(), "{text}");
        if case[2]["tryCaseFlip"].as_bool() == Some(true) {
            let flipped: String = text.chars().map(flip).collect();
            assert_eq!(addresses.decode(&flipped), Ok(destination), "{flipped}");
        }
    }
    vectors::ran("key_io_valid.json", cases.len(), 70);
}

fn is_bech32(text: &str) -> bool {
    ["bc1", "tb1", "bcrt1"].iter().any(|start| text.to_lowercase().starts_with(start))
}

fn flip(letter: char) -> char {
    if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
}

#[test]
fn key_io_invalid() {
    let vectors = vectors::load("key_io_invalid.json");
    let cases = vectors.as_array().unwrap();
    for case in cases {
        let text = case[0].as_str().unwrap();
        for chain in coin::by_id("bitcoin").unwrap().chains {
            assert!(of("bitcoin", chain.kind).decode(text).is_err(), "{text}");
            assert!(decode_secret(text, chain.base58_secret).is_none(), "{text}");
        }
    }
    vectors::ran("key_io_invalid.json", cases.len(), 70);
}

/// BIP350's addresses with the scripts that they stand for.
const BIP350_VALID: [(&str, &str); 8] = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    (
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    (
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    ("BC1SW50QGDZ25J", "6002751e"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
    (
        "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
        "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
];

/// BIP350's texts that are no addresses.
const BIP350_INVALID: [&str; 15] = [
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    "bc1gmk9yu",
];

#[test]
fn bip350() {
    let (main, test) = (of("bitcoin", ChainKind::Main), of("bitcoin", ChainKind::Test));
    for (text, script) in BIP350_VALID {
        let (own, other) = if text.to_lowercase().starts_with("bc") { (&main, &test) } else { (&test, &main) };
        let destination = own.decode(text).unwrap();
        assert_eq!(destination.script_pubkey().to_hex_string(), script, "{text}");
        assert_eq!(own.encode(&destination), Some(text.to_lowercase()));
        assert!(other.decode(text).is_err(), "{text}");
    }
    for text in BIP350_INVALID {
        assert!(main.decode(text).is_err() && test.decode(text).is_err(), "{text}");
    }
    vectors::ran("BIP350's texts", BIP350_VALID.len() + BIP350_INVALID.len(), 23);
}

#[test]
fn base58_encode_decode() {
    let vectors = vectors::load("base58_encode_decode.json");
    let cases = vectors.as_array().unwrap();
    for case in cases {
        let (bytes, text) = (Vec::from_hex(case[0].as_str().unwrap()).unwrap(), case[1].as_str().unwrap());
        assert_eq!(base58::encode(&bytes), text);
        assert_eq!(base58::decode(text, 256), Some(bytes.clone()));
        assert_eq!(base58::decode(&format!(" \t{text}\n"), bytes.len()), Some(bytes.clone()));
        if let Some(short) = bytes.len().checked_sub(1) {
            assert_eq!(base58::decode(text, short), None);
        }
    }
    vectors::ran("base58_encode_decode.json", cases.len(), 21);
}

#[test]
fn base58_refuses_what_is_not_base58() {
    for text in ["invalid", "\0invalid", "bad0IOl", "good\0bad", "abc def", "3\u{2003}"] {
        assert_eq!(base58::decode(text, 100), None, "{text:?}");
    }
}

#[test]
fn errors_are_the_daemons() {
    let main = of("bitcoin", ChainKind::Main);
    let error = |text: &str| main.decode(text).unwrap_err().to_string();
    let witness = |encoding, version: u8, program: &[u8]| {
        let groups: Vec<u8> = [version].into_iter().chain(bech32::to_groups(program)).collect();
        bech32::encode(encoding, "bc", &groups)
    };
    assert_eq!(error(""), "Invalid checksum or length of Base58 address (P2PKH or P2SH)");
    assert_eq!(error("asfah14i8fajz0123f"), "Invalid or unsupported Segwit (Bech32) or Base58 encoding.");
    assert_eq!(
        error("3AGxjcfsrGZcrPUxVh1sBFn5Yd5hWRVpQ5"),
        "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
    );
    assert_eq!(error(&base58::encode_check(&[5; 20])), "Invalid length for Base58 address (P2PKH or P2SH)");
    assert_eq!(error(&base58::encode_check(&[111; 21])), "Invalid or unsupported Base58-encoded address.");
    assert_eq!(error(&base58::encode_check(&[])), "Invalid or unsupported Base58-encoded address.");
    assert_eq!(error(&bech32::encode(Encoding::Bech32, "bc", &[])), "Empty Bech32 data section");
    assert_eq!(
        error(&bech32::encode(Encoding::Bech32, "bcx", &[0; 33])),
        "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got bcx)."
    );
    assert_eq!(error(&witness(Encoding::Bech32m, 0, &[0; 20])), "Version 0 witness address must use Bech32 checksum");
    assert_eq!(error(&witness(Encoding::Bech32, 1, &[0; 32])), "Version 1+ witness address must use Bech32m checksum");
    assert_eq!(
        error(&witness(Encoding::Bech32, 0, &[0; 1])),
        "Invalid Bech32 v0 address program size (1 byte), per BIP141"
    );
    assert_eq!(
        error(&witness(Encoding::Bech32, 0, &[0; 21])),
        "Invalid Bech32 v0 address program size (21 bytes), per BIP141"
    );
    assert_eq!(error(&witness(Encoding::Bech32m, 17, &[0; 32])), "Invalid Bech32 address witness version");
    assert_eq!(error(&witness(Encoding::Bech32m, 1, &[0; 41])), "Invalid Bech32 address program size (41 bytes)");
    assert_eq!(error(&witness(Encoding::Bech32m, 2, &[0; 1])), "Invalid Bech32 address program size (1 byte)");
    assert_eq!(
        error(&bech32::encode(Encoding::Bech32m, "bc", &[1, 0, 0, 1])),
        "Invalid padding in Bech32 data section"
    );
}

#[test]
fn bech32_errors_have_places() {
    let main = of("bitcoin", ChainKind::Main);
    let at = |text: &str| {
        let error = main.decode(text).unwrap_err();
        (error.to_string(), error.locations().to_vec())
    };
    let good = main.encode(&Destination::WitnessV0KeyHash([7; 20])).unwrap();
    let long = format!("{good}{}", "q".repeat(60));
    assert_eq!(at(&long), ("Bech32 string too long".to_owned(), (90..long.len()).collect()));
    assert_eq!(at("bc1q\u{e9}z"), ("Invalid character or mixed case".to_owned(), vec![4, 5]));
    assert_eq!(at("bc1qQqQ"), ("Invalid character or mixed case".to_owned(), vec![4, 6]));
    assert_eq!(at("bcqqqqqqqqqqqq"), ("Missing separator".to_owned(), vec![]));
    assert_eq!(at("bc1qqqq"), ("Invalid separator position".to_owned(), vec![2]));
    assert_eq!(at("bc1qqqbqqqqqqqqq"), ("Invalid Base 32 character".to_owned(), vec![6]));
    assert_eq!(at("bc1qqqqqqqqqqqqqqqqqqqqqqqqqqqqq").0, "Invalid checksum");
}

#[test]
fn witness_versions_of_freicoin() {
    let freicoin = of("freicoin", ChainKind::Main);
    for version in 0..=30 {
        let destination = Destination::WitnessUnknown { version, program: vec![9; 25] };
        // 90 characters hold less than the 75 bytes that a program may have.
        let text = freicoin.encode(&destination).unwrap();
        assert_eq!(freicoin.decode(&text), Ok(destination.clone()));
        assert_eq!(freicoin.destination(&freicoin.script(&destination)), destination);
    }
    assert_eq!(freicoin.encode(&Destination::WitnessUnknown { version: 31, program: vec![9; 25] }), None);
    let groups: Vec<u8> = [31].into_iter().chain(bech32::to_groups(&[9; 25])).collect();
    assert_eq!(freicoin.decode(&bech32::encode(Encoding::Bech32m, "fc", &groups)), Err(AddressError::Version));
    let old = bech32::encode(Encoding::Bech32, "fc", &[0; 33]);
    let error = freicoin.decode(&old).unwrap_err();
    assert_eq!(error.to_string(), "All address types in Freicoin use Bech32m checksum.");
}

#[test]
fn base58_that_starts_like_bech32_is_still_base58() {
    // On Widecoin's test net, `tw` starts bech32 addresses, and some script addresses as well.
    let addresses = of("widecoin", ChainKind::Test);
    let clash = (0..=255)
        .map(|byte| Destination::ScriptHash([byte; 20]))
        .find(|destination| addresses.encode(destination).is_some_and(|text| text.to_lowercase().starts_with("tw")));
    let clash = clash.expect("one in 29 starts like that");
    assert_eq!(addresses.decode(&addresses.encode(&clash).unwrap()), Ok(clash));
}

/// Destinations that have an address in Bitcoin.
fn destination() -> impl Strategy<Value = Destination> {
    prop_oneof![
        any::<[u8; 20]>().prop_map(Destination::PubKeyHash),
        any::<[u8; 20]>().prop_map(Destination::ScriptHash),
        any::<[u8; 20]>().prop_map(Destination::WitnessV0KeyHash),
        any::<[u8; 32]>().prop_map(Destination::WitnessV0ScriptHash),
        any::<[u8; 32]>().prop_map(Destination::WitnessV1Taproot),
        Just(Destination::PayToAnchor),
        (2_u8..=16, proptest::collection::vec(any::<u8>(), 2..=40))
            .prop_map(|(version, program)| Destination::WitnessUnknown { version, program }),
    ]
}

proptest! {
    #[test]
    fn destinations_come_back_on_every_chain(destination in destination()) {
        for coin in coin::all().iter().filter(|coin| coin.id != "freicoin") {
            for chain in coin.chains {
                let addresses = Addresses::new(coin, chain);
                let text = addresses.encode(&destination).unwrap();
                prop_assert_eq!(addresses.decode(&text), Ok(destination.clone()));
                prop_assert_eq!(addresses.destination(&addresses.script(&destination)), destination.clone());
            }
        }
    }

    #[test]
    fn one_or_two_wrong_characters_are_found(
        program in any::<[u8; 32]>(),
        version in 0_u8..=1,
        first in any::<proptest::sample::Index>(),
        second in any::<proptest::sample::Index>(),
        changes in (1_u8..32, 1_u8..32),
    ) {
        let main = of("bitcoin", ChainKind::Main);
        let destination = if version == 0 {
            Destination::WitnessV0ScriptHash(program)
        } else {
            Destination::WitnessV1Taproot(program)
        };
        let mut text = main.encode(&destination).unwrap().into_bytes();
        let data = 3..text.len();
        let mut places = vec![3 + first.index(data.len()), 3 + second.index(data.len())];
        places.sort_unstable();
        places.dedup();
        for (place, change) in places.iter().zip([changes.0, changes.1]) {
            let alphabet = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
            let group = alphabet.iter().position(|c| *c == text[*place]).unwrap();
            text[*place] = alphabet[group ^ usize::from(change)];
        }
        let error = main.decode(std::str::from_utf8(&text).unwrap()).unwrap_err();
        // Both checksums are tried, the old one first. The other one may explain the text by one change, or by two.
        let exact = error.locations() == places;
        let other_is_as_close = match &error {
            AddressError::Bech32(Bech32Error::Bech32Checksum(at)) => version == 1 && at.len() <= places.len(),
            AddressError::Bech32(Bech32Error::Bech32mChecksum(at)) => version == 0 && at.len() < places.len(),
            _ => false,
        };
        prop_assert!(exact || (places.len() == 2 && other_is_as_close), "{error:?} {places:?}");
        if exact {
            let name = if version == 0 { "Invalid Bech32 checksum" } else { "Invalid Bech32m checksum" };
            prop_assert_eq!(error.to_string(), name);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,100}", tail in "[qpzry9x81bc]{0,95}") {
        for coin in coin::all() {
            let addresses = Addresses::new(coin, coin.main());
            let _ = addresses.decode(&text);
            let _ = addresses.decode(&format!("{}1{tail}", coin.main().bech32_hrp));
        }
        let _ = decode_extended(&text, [0; 4]);
        let _ = bech32::locate_errors(&text);
    }

    #[test]
    fn no_script_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        for coin in coin::all() {
            let addresses = Addresses::new(coin, coin.main());
            let script = Script::from_bytes(&bytes);
            let destination = addresses.destination(script);
            prop_assert_eq!(addresses.script(&destination), script.to_owned());
        }
    }

    #[test]
    fn keys_come_back(secret in any::<[u8; 32]>(), compressed in any::<bool>(), key in any::<[u8; 37]>()) {
        let secret = SecretText { secret: secret.into(), compressed };
        let extended: [u8; 74] = [key, key].concat().try_into().unwrap();
        for chain in coin::all().iter().flat_map(|coin| coin.chains) {
            let text = encode_secret(&secret, chain.base58_secret);
            prop_assert_eq!(decode_secret(&text, chain.base58_secret), Some(secret.clone()));
            prop_assert_eq!(decode_secret(&text, chain.base58_pubkey), None);
            let text = encode_extended(&extended, chain.ext_secret);
            let read = decode_extended(&text, chain.ext_secret);
            prop_assert_eq!(read.as_deref(), Some(&extended));
            prop_assert_eq!(decode_extended(&text, chain.ext_public), None);
        }
    }
}
