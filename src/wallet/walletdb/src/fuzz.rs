//! What the fuzz targets call: each feeds any bytes to one reader and checks what must hold of what it accepts.
//!
//! # Panics
//! The functions panic if a property is broken. That is their purpose.

use primitives::Codec;

use crate::{Key, Record, bdb};

/// A legacy wallet: reading it ends, and what it says is no longer than it is.
pub fn legacy(bytes: &[u8]) {
    if let Ok(records) = bdb::read(bytes) {
        let total: usize = records.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(total <= bytes.len());
    }
}

/// A record in one piece: a byte for the length of the key, the key, the value.
pub fn record(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else { return };
    let (key, record_value) = rest.split_at(usize::from(*length).min(rest.len()));
    value(key, record_value);
}

/// A key and a value: what is read is written so that it is read the same.
pub fn value(key: &[u8], value: &[u8]) {
    assert_eq!(Key::decode(key).encode(), key, "every key is kept");
    let codecs = ["bitcoin", "freicoin", "syscoin"].into_iter().filter_map(coin::by_id).map(Codec::for_coin);
    for codec in codecs {
        let Ok(record) = Record::decode(&codec, key, value) else { continue };
        assert_eq!(record.key().encode(), key);
        let written = record.encode_value();
        let again = Record::decode(&codec, key, &written);
        assert_eq!(again.as_ref(), Ok(&record));
        assert_eq!(again.map(|again| again.encode_value()), Ok(written));
    }
}
