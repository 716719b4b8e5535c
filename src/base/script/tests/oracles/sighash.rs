//! `sighash.json`: the signature hash of old, for random transactions, scripts and hash types.

use script::TxData;

use spends::notation::{bytes, cases, text, transaction};

#[test]
fn legacy_signature_hashes() {
    let file = vectors::load("sighash.json");
    let rows = cases(&file);
    for row in &rows {
        let tx = transaction(&row[0]);
        let data = TxData::without_prevouts(&tx);
        let input = usize::try_from(row[2].as_u64().unwrap()).unwrap();
        let hash_type = i32::try_from(row[3].as_i64().unwrap()).unwrap();
        let mut expected = bytes(&row[4]);
        expected.reverse();
        let hash = script::sighash::legacy(&data, input, &bytes(&row[1]), hash_type).unwrap();
        assert_eq!(hash[..], expected, "{}", text(&row[4]));
    }
    vectors::ran("sighash.json", rows.len(), 500);
}
