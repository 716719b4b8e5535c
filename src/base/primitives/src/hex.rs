//! Bytes as hexadecimal digits.

/// The two digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let (mut high, mut at) = (0, 0);
    while high < DIGITS.len() {
        let mut low = 0;
        while low < DIGITS.len() {
            pairs[at] = [DIGITS[high], DIGITS[low]];
            low += 1;
            at += 1;
        }
        high += 1;
    }
    pairs
};
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// What a character stands for that is no digit.
const NONE: u8 = 0xff;
/// What each character stands for.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let (mut value, mut at) = (0, 0);
    while at < DIGITS.len() {
        values[usize_of(DIGITS[at])] = value;
        values[usize_of(DIGITS[at].to_ascii_uppercase())] = value;
        value += 1;
        at += 1;
    }
    values
};

#[expect(clippy::as_conversions, reason = "`From` is not there while compiling")]
const fn usize_of(byte: u8) -> usize {
    byte as usize
}

/// The digits of bytes, in lower case.
pub fn encode(bytes: &[u8]) -> String {
    written(bytes.iter())
}

/// A hash as people read it: its last byte comes first.
pub fn of_hash(hash: &impl AsRef<[u8]>) -> String {
    written(hash.as_ref().iter().rev())
}

fn written<'a>(bytes: impl ExactSizeIterator<Item = &'a u8>) -> String {
    let mut text = vec![0; 2 * bytes.len()];
    for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = PAIRS[usize::from(*byte)];
    }
    String::from_utf8(text).expect("digits are ASCII")
}

/// The bytes that pairs of digits stand for, if there is nothing else in the text.
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_ref().as_chunks() else { return None };
    let mut seen = 0;
    let byte = |[high, low]: &[u8; 2]| {
        let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
        seen |= high | low;
        high << 4 | low
    };
    let bytes = pairs.iter().map(byte).collect();
    (seen < 16).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use bitcoin::Txid;
    use bitcoin::hashes::Hash;
    use bitcoin::hex::DisplayHex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_digit_is_refused() {
        assert_eq!(decode("00ffA9a0"), Some(vec![0, 255, 0xa9, 0xa0]));
        assert_eq!(decode(""), Some(Vec::new()));
        for wrong in ["0", "0g", "g0", "0x00", " 00", "00 ", "é0", "+1", "/0", ":0", "@a", "`a", "\u{0}0"] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &bytes.to_lower_hex_string());
            prop_assert_eq!(decode(&text), Some(bytes.clone()));
            prop_assert_eq!(decode(text.to_uppercase()), Some(bytes));
        }

        #[test]
        fn hashes_are_shown_as_their_type_shows_them(bytes: [u8; 32]) {
            let txid = Txid::from_byte_array(bytes);
            prop_assert_eq!(of_hash(&txid), txid.to_string());
        }
    }
}
