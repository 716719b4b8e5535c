//! Wallets that Bitcoin Core made, as dumps of its own tool: each record is understood, and would be written the same.
//!
//! They are of regtest. `plain` has spent, bumped a fee, locked a coin, keeps used addresses apart and has two imported
//! keys, one of them uncompressed; `locked` is encrypted; `watch` has no private keys. Their keys are worth nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::{Path, PathBuf};

use coin::ChainKind;
use walletdb::{
    Contents, Format, Key, LoadAs, OpenOptions, Record, Records, StoredState, WalletFile, WalletFlags,
    create_from_dump, dump,
};

fn format() -> Format {
    let bitcoin = coin::by_id("bitcoin").unwrap();
    Format::for_chain(bitcoin, bitcoin.chain(ChainKind::Regtest).unwrap())
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).with_extension("dump")
}

/// A wallet made from a dump, in a directory that vanishes.
fn wallet(name: &str) -> (tempfile::TempDir, WalletFile) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    create_from_dump(&source(name), &path, format(), OpenOptions::NEW.unsafe_sync(true)).unwrap();
    let wallet = WalletFile::open(&path, format()).unwrap();
    (directory, wallet)
}

fn load(wallet: &WalletFile) -> Contents {
    let by = LoadAs { wallet_name: "reference", client_version: 319_900 };
    wallet.load(by).unwrap().unwrap()
}

#[test]
fn every_record_is_known_and_would_be_written_the_same() {
    for name in ["plain", "locked", "watch"] {
        let (_directory, wallet) = wallet(name);
        let mut seen = 0;
        let mut each = |key: &[u8], value: &[u8]| {
            let record = Record::decode(wallet.format().codec(), key, value).unwrap();
            assert!(!matches!(record, Record::Unknown { .. } | Record::Legacy { .. }), "{record:?}");
            assert_eq!(record.key().encode(), key, "{record:?}");
            assert_eq!(record.encode_value().as_slice(), value, "{record:?}");
            seen += 1;
            true
        };
        wallet.scan(b"", &mut each).unwrap();
        assert!(seen > 10, "{name}");
    }
}

#[test]
fn a_wallet_with_money_is_loaded() {
    let (_directory, wallet) = wallet("plain");
    let contents = load(&wallet);
    assert_eq!(contents.warning, None);
    assert_eq!(contents.version, Some(319_900));
    assert_eq!(contents.unknown_records, 0);
    assert!(contents.flags.unwrap().contains(WalletFlags::AVOID_REUSE.with(WalletFlags::DESCRIPTORS)));
    assert_eq!(contents.best_block.unwrap().last().unwrap().to_string(), GENESIS);
    assert_eq!(contents.txs.len(), 7);
    assert_eq!(contents.active.len(), 8);
    assert_eq!(contents.descriptors.len(), 10, "eight of its own and two that were imported");
    for descriptor in &contents.descriptors {
        assert_eq!(descriptor.keys.len(), 1);
        assert!(descriptor.crypted_keys.is_empty());
    }
    let sizes: Vec<usize> = contents.descriptors.iter().map(|descriptor| descriptor.keys[0].0.len()).collect();
    assert_eq!(sizes.iter().filter(|size| **size == 65).count(), 1, "{sizes:?}");
    assert_eq!(contents.locked.len(), 1);
    assert!(contents.dest_data.iter().any(|(_, name, value)| name == "used" && value == "1"));
    assert!(contents.names.iter().any(|(_, label)| label == "mining ✓"));
    assert!(contents.purposes.iter().any(|(_, purpose)| purpose == "send"));
    let commented: Vec<_> = contents.txs.iter().filter(|tx| tx.record.comment.is_some()).collect();
    assert_eq!(commented.len(), 2, "the payment and the one that replaced it");
    let replaced = commented.iter().find(|tx| tx.record.replaced_by.is_some()).unwrap();
    let replacing = commented.iter().find(|tx| tx.record.replaces.is_some()).unwrap();
    assert_eq!(replaced.record.replaced_by, Some(replacing.record.tx.txid()));
    assert_eq!(replacing.record.replaces, Some(replaced.record.tx.txid()));
    assert_eq!(replacing.record.comment.as_ref().unwrap(), &"for you");
    assert_eq!(replacing.record.comment_to.as_ref().unwrap(), &"Bob");
    assert!(matches!(replacing.record.state, StoredState::Confirmed { index: 1.., .. }));
    assert!(matches!(replaced.record.state, StoredState::Conflicted { .. }));
    let next = contents.order_pos_next.unwrap();
    assert!(contents.txs.iter().all(|tx| tx.record.order_pos.unwrap() < next));
}

const GENESIS: &str = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";

#[test]
fn private_keys_belong_to_the_public_keys_they_are_filed_under() {
    let (_directory, wallet) = wallet("plain");
    let curve = bitcoin::secp256k1::Secp256k1::signing_only();
    for descriptor in load(&wallet).descriptors {
        let (public_key, secret) = &descriptor.keys[0];
        let secret = bitcoin::secp256k1::SecretKey::from_slice(secret.as_bytes()).unwrap();
        let public = secret.public_key(&curve);
        let expected =
            if public_key.len() == 33 { public.serialize().to_vec() } else { public.serialize_uncompressed().to_vec() };
        assert_eq!(public_key, &expected);
    }
}

#[test]
fn an_encrypted_wallet_has_encrypted_keys_only() {
    let (_directory, wallet) = wallet("locked");
    assert!(wallet.is_encrypted().unwrap());
    let contents = load(&wallet);
    assert_eq!(contents.master_keys.len(), 1);
    let (number, key) = &contents.master_keys[0];
    assert_eq!((*number, key.encrypted_key.len(), key.salt.len(), key.derivation_method), (1, 48, 8, 0));
    assert!(key.iterations >= 25_000);
    for descriptor in &contents.descriptors {
        assert!(descriptor.keys.is_empty());
        assert_eq!(descriptor.crypted_keys.len(), 1);
        assert_eq!(descriptor.crypted_keys[0].1.len(), 48);
        assert!(!descriptor.last_hardened.is_empty());
    }
}

#[test]
fn a_watching_wallet_has_no_keys() {
    let (_directory, wallet) = wallet("watch");
    assert!(!wallet.is_encrypted().unwrap());
    let contents = load(&wallet);
    assert!(contents.flags.unwrap().contains(WalletFlags::DISABLE_PRIVATE_KEYS.with(WalletFlags::BLANK)));
    assert_eq!(contents.descriptors.len(), 1);
    assert!(contents.descriptors[0].keys.is_empty());
    assert!(contents.descriptors[0].descriptor.text.as_str().unwrap().starts_with("addr("));
}

#[test]
fn dumps_of_dumps_are_the_same() {
    for name in ["plain", "locked", "watch"] {
        let (directory, wallet) = wallet(name);
        let copy = directory.path().join("copy.dump");
        dump(&wallet, &copy).unwrap();
        assert_eq!(std::fs::read(copy).unwrap(), std::fs::read(source(name)).unwrap(), "{name}");
    }
}

#[test]
fn erasing_a_transaction_takes_its_witnesses_along() {
    let (_directory, wallet) = wallet("plain");
    let before = load(&wallet);
    let gone = before.txs[0].record.tx.txid();
    let record = &before.txs[1].record;
    wallet
        .txn(|batch| {
            batch.erase_tx(gone)?;
            batch.put_tx(record)
        })
        .unwrap();
    let after = load(&wallet);
    assert_eq!(after.txs[..], before.txs[1..]);
    let mut variants = 0;
    wallet
        .scan(&Key::variants_of(gone), &mut |_, _| {
            variants += 1;
            true
        })
        .unwrap();
    assert_eq!(variants, 0);
}
