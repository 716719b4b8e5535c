//! Short forms that the reference publishes, and that nothing gets lost.

use bitcoin::hex::FromHex;
use proptest::prelude::*;

use super::*;
use crate::{Codec, DecodeError};

#[test]
fn amounts_of_the_reference() {
    const COIN: u64 = 100_000_000;
    let known = [(0, 0), (1, 1), (COIN / 100, 7), (COIN, 9), (50 * COIN, 0x32), (21_000_000 * COIN, 0x140_6f40)];
    for (amount, short) in known {
        assert_eq!(compress_amount(amount), short);
        assert_eq!(decompress_amount(short), amount);
    }
}

#[test]
fn entries_of_the_reference() {
    let read = |text: &str| Codec::BITCOIN.decode_coin(&Vec::from_hex(text).unwrap());
    let entry = read("97f23c835800816115944e077fe7c803cfa57f29b36bf87c1d35").unwrap();
    assert_eq!((entry.height, entry.coinbase), (203_998, false));
    assert_eq!(entry.out.value.to_sat(), 60_000_000_000);
    let hash = <[u8; 20]>::from_hex("816115944e077fe7c803cfa57f29b36bf87c1d35").unwrap();
    assert_eq!(entry.out.script_pubkey, crate::Destination::PubKeyHash(hash).script_pubkey());
    let entry = read("8ddf77bbd123008c988f1a4a4de2161e0f50aac7f17e7f9555caa4").unwrap();
    assert_eq!((entry.height, entry.coinbase), (120_891, true));
    assert_eq!(entry.out.value.to_sat(), 110_397);
    // An empty script, and one that is said to be 1 byte long and is not there.
    let entry = read("000006").unwrap();
    assert_eq!((entry.height, entry.coinbase, entry.out.value.to_sat()), (0, false, 0));
    assert!(entry.out.script_pubkey.is_empty());
    assert_eq!(read("000007"), Err(DecodeError::EndOfData));
    assert_eq!(read("00008a95c0bb00"), Err(DecodeError::EndOfData));
}

#[test]
fn a_script_that_cannot_run_is_not_kept() {
    let mut bytes = vec![0, 0];
    put_varint(&mut bytes, 10_001 + 6);
    bytes.extend_from_slice(&[0x51; 10_001]);
    assert_eq!(Codec::BITCOIN.decode_coin(&bytes).unwrap().out.script_pubkey.as_bytes(), [0x6a]);
}

#[test]
fn a_key_off_the_curve_is_refused() {
    // No point has this abscissa.
    let mut bytes = vec![0, 0, 4];
    bytes.extend_from_slice(&[0xff; 32]);
    assert_eq!(Codec::BITCOIN.decode_coin(&bytes), Err(DecodeError::BadPublicKey));
}

#[test]
fn lengths_of_short_scripts() {
    let secret = secp256k1::SecretKey::from_slice(&secp256k1::constants::ONE).unwrap();
    let key = secret.public_key(&secp256k1::Secp256k1::signing_only());
    let pay_to = |key: &[u8]| crate::Destination::PubKey(key.to_vec()).script_pubkey();
    let length = |script: ScriptBuf| {
        let mut out = Vec::new();
        put_script(&mut out, script.as_bytes());
        out.len()
    };
    assert_eq!(length(crate::Destination::PubKeyHash([7; 20]).script_pubkey()), 21);
    assert_eq!(length(crate::Destination::ScriptHash([7; 20]).script_pubkey()), 21);
    assert_eq!(length(pay_to(&key.serialize())), 33);
    assert_eq!(length(pay_to(&key.serialize_uncompressed())), 33);
    let mut off = key.serialize_uncompressed();
    off[64] ^= 1;
    assert_eq!(length(pay_to(&off)), 68);
    assert_eq!(length(ScriptBuf::from_bytes(vec![0; 121])), 122);
    assert_eq!(length(ScriptBuf::from_bytes(vec![0; 122])), 124);
}

proptest! {
    #[test]
    fn amounts_come_back(amount in 0..=u64::MAX / 10) {
        prop_assert_eq!(decompress_amount(compress_amount(amount)), amount);
    }

    #[test]
    fn no_amount_panics(amount in any::<u64>()) {
        let _ = compress_amount(amount);
        let _ = decompress_amount(amount);
    }
}
