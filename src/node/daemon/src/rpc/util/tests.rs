//! Addresses, multisigs and messages as clients see them.

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, SecretKey};

use super::pure;
use crate::testing::Asker;

const KEYS: [&str; 2] = [
    "03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd",
    "03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626",
];
const LONG_KEY: &str = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";

fn asker() -> Asker {
    Asker::new("bitcoin", pure())
}

#[test]
fn addresses() {
    let asker = asker();
    let good = [
        "mzBc4XEFSdzCDcTxAgf6EZXgsZWpztRhef",
        "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
        "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
        "bcrt1pfeesnyr2tx",
    ];
    let bad = ["", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081", "1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX"];
    let shown: Vec<String> = good
        .iter()
        .chain(&bad)
        .map(|address| format!("{address:?}\n{}", asker.shown("validateaddress", &format!("[\"{address}\"]"))))
        .collect();
    insta::assert_snapshot!("addresses", shown.join("\n\n"));
}

#[test]
fn multisigs() {
    let asker = asker();
    let [a, b] = KEYS;
    let cases = [
        format!("[2,[\"{a}\",\"{b}\"]]"),
        format!("[2,[\"{a}\",\"{b}\"],\"p2sh-segwit\"]"),
        format!("[1,[\"{a}\",\"{b}\"],\"bech32\"]"),
        format!("[1,[\"{a}\",\"{LONG_KEY}\"],\"bech32\"]"),
        format!("[0,[\"{a}\"]]"),
        format!("[2,[\"{a}\"]]"),
        format!("[1,[{}]]", vec![format!("\"{a}\""); 21].join(",")),
        format!("[1,[{}]]", vec![format!("\"{a}\""); 16].join(",")),
        "[1,[\"zz\"]]".to_owned(),
        "[1,[\"0203\"]]".to_owned(),
        format!("[1,[\"02{}\"]]", "ff".repeat(32)),
        format!("[1,[\"{a}\"],\"bech32m\"]"),
        format!("[1,[\"{a}\"],\"taproot\"]"),
    ];
    let shown: Vec<String> = cases.iter().map(|case| asker.shown("createmultisig", case)).collect();
    insta::assert_snapshot!("multisigs", shown.join("\n\n"));
}

/// A signature in the form that `verifymessage` takes.
fn sign(magic: &str, message: &str, compressed: bool) -> (String, PublicKey) {
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(&[7; 32]).unwrap();
    let mut engine = sha256d::Hash::engine();
    for text in [magic, message] {
        engine.input(&[u8::try_from(text.len()).unwrap()]);
        engine.input(text.as_bytes());
    }
    let hash = sha256d::Hash::from_engine(engine).to_byte_array();
    let (recovery, compact) = secp.sign_ecdsa_recoverable(&Message::from_digest(hash), &secret).serialize_compact();
    let header = 27 + u8::try_from(recovery.to_i32()).unwrap() + if compressed { 4 } else { 0 };
    let bytes = [&[header][..], &compact].concat();
    (::rpc::base64::encode(&bytes), PublicKey::from_secret_key(&secp, &secret))
}

#[test]
fn messages() {
    for coin in coin::all() {
        let asker = Asker::new(coin.id, pure());
        let addresses = primitives::Addresses::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap());
        for compressed in [true, false] {
            let (signature, inner) = sign(coin.message_magic, "my message", compressed);
            let key = bitcoin::PublicKey { compressed, inner };
            let hash = primitives::Destination::PubKeyHash(key.pubkey_hash().to_byte_array());
            let address = addresses.encode(&hash).unwrap();
            let ask =
                |message: &str| asker.shown("verifymessage", &format!(r#"["{address}","{signature}","{message}"]"#));
            assert_eq!(ask("my message"), "true", "{}", coin.id);
            assert_eq!(ask("my massage"), "false", "{}", coin.id);
        }
    }
}

#[test]
fn messages_that_cannot_be_checked() {
    let asker = asker();
    let (signature, _) = sign("Bitcoin Signed Message:\n", "x", true);
    let ask =
        |address: &str, signature: &str| asker.shown("verifymessage", &format!(r#"["{address}","{signature}","x"]"#));
    let address = "mzBc4XEFSdzCDcTxAgf6EZXgsZWpztRhef";
    assert_eq!(ask("nowhere", &signature), "error -5: Invalid address");
    assert_eq!(ask("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", &signature), "error -3: Address does not refer to key");
    assert_eq!(ask(address, "a"), "error -3: Malformed base64 encoding");
    assert_eq!(ask(address, &signature), "false");
    assert_eq!(ask(address, "AAAA"), "false");
    assert_eq!(ask(address, &::rpc::base64::encode(&[0; 65])), "false");
}
