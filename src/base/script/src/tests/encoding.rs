//! Strict DER, hash types and key forms.

use proptest::prelude::*;

use crate::encoding::{check_signature_encoding, is_strict_der, is_valid_pubkey_size};
use crate::{Flags, ScriptError};

/// BIP66's rules one after the other, as the BIP lists them: the oracle of the parser.
fn bip66(sig: &[u8]) -> bool {
    if !(9..=73).contains(&sig.len()) || sig[0] != 0x30 || usize::from(sig[1]) != sig.len() - 3 {
        return false;
    }
    let r = usize::from(sig[3]);
    if 5 + r >= sig.len() {
        return false;
    }
    let s = usize::from(sig[5 + r]);
    r + s + 7 == sig.len()
        && sig[2] == 2
        && r != 0
        && sig[4] & 0x80 == 0
        && !(r > 1 && sig[4] == 0 && sig[5] & 0x80 == 0)
        && sig[r + 4] == 2
        && s != 0
        && sig[r + 6] & 0x80 == 0
        && !(s > 1 && sig[r + 6] == 0 && sig[r + 7] & 0x80 == 0)
}

fn nearly_der() -> impl Strategy<Value = Vec<u8>> {
    let integer = || prop::collection::vec(prop_oneof![Just(0_u8), Just(0x80), Just(0x7f), any::<u8>()], 0..36);
    (integer(), integer(), any::<u8>(), prop::option::weighted(0.3, (0..80_usize, any::<u8>()))).prop_map(
        |(r, s, hash_type, bend)| {
            let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
            let mut sig = vec![0x30, len(&r) + len(&s) + 4, 2, len(&r)];
            sig.extend_from_slice(&r);
            sig.extend_from_slice(&[2, len(&s)]);
            sig.extend_from_slice(&s);
            sig.push(hash_type);
            if let Some((place, byte)) = bend {
                let place = place % sig.len();
                sig[place] = byte;
            }
            sig
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn strict_der_is_bip66(sig in nearly_der()) {
        prop_assert_eq!(is_strict_der(&sig), bip66(&sig));
    }

    #[test]
    fn strict_der_of_noise_is_bip66(sig in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(is_strict_der(&sig), bip66(&sig));
    }
}

#[test]
fn flags_decide_how_signatures_are_written() {
    let good = [0x30, 6, 2, 1, 1, 2, 1, 1, 1];
    assert_eq!(check_signature_encoding(&good, Flags::ALL), Ok(()));
    assert_eq!(check_signature_encoding(&[], Flags::ALL), Ok(()));
    assert_eq!(check_signature_encoding(&[1], Flags::NONE), Ok(()));
    assert_eq!(check_signature_encoding(&[1], Flags::DERSIG), Err(ScriptError::SigDer));
    for (hash_type, fine) in [(0, false), (1, true), (3, true), (4, false), (0x80, false), (0x83, true), (0x84, false)]
    {
        let mut sig = good;
        sig[8] = hash_type;
        let strict = check_signature_encoding(&sig, Flags::STRICTENC);
        assert_eq!(strict, if fine { Ok(()) } else { Err(ScriptError::SigHashtype) }, "{hash_type}");
        assert_eq!(check_signature_encoding(&sig, Flags::DERSIG), Ok(()));
    }
    // S is the order minus one: the highest there is.
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
    let s: [u8; 32] = bitcoin::hex::FromHex::from_hex(order).unwrap();
    let mut high = vec![0x30, 38, 2, 1, 1, 2, 33, 0];
    high.extend_from_slice(&s);
    high.push(1);
    assert_eq!(check_signature_encoding(&high, Flags::STRICTENC), Ok(()));
    assert_eq!(check_signature_encoding(&high, Flags::LOW_S), Err(ScriptError::SigHighS));
}

#[test]
fn keys_have_the_length_that_they_announce() {
    for (first, len) in [(2, 33), (3, 33), (4, 65), (6, 65), (7, 65)] {
        let mut key = vec![0; len];
        key[0] = first;
        assert!(is_valid_pubkey_size(&key));
        key.push(0);
        assert!(!is_valid_pubkey_size(&key));
    }
    assert!(!is_valid_pubkey_size(&[]));
    assert!(!is_valid_pubkey_size(&[5; 33]));
}
