//! What is said about wallets that are damaged, foreign or strange.

use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::{ScriptBuf, Transaction, TxIn, TxOut, Witness, Wtxid, transaction};

use super::*;
use crate::{Format, LegacyKind, StoredState};

fn format() -> Format {
    let bitcoin = coin::by_id("bitcoin").unwrap();
    Format::for_chain(bitcoin, bitcoin.main())
}

const BY: LoadAs<'static> = LoadAs { wallet_name: "w", client_version: 319_900 };

const FILE: &str = ":memory:";

/// A descriptor wallet with these records.
fn wallet(records: &[Record]) -> WalletFile {
    let wallet = WalletFile::in_memory(format()).unwrap();
    wallet.put(&Record::Flags(WalletFlags::DESCRIPTORS)).unwrap();
    for record in records {
        wallet.put(record).unwrap();
    }
    wallet
}

fn load(wallet: &WalletFile) -> Result<Contents, LoadError> {
    wallet.load(BY).unwrap()
}

/// The same transaction for the same number, with as many bytes of witness as said.
fn tx(number: u32, witness: usize) -> Arc<Tx> {
    let stack: &[Vec<u8>] = if witness == 0 { &[] } else { &[vec![1; witness]] };
    let input = TxIn { witness: Witness::from_slice(stack), ..TxIn::default() };
    let output = TxOut { value: bitcoin::Amount::from_sat(1), script_pubkey: ScriptBuf::new() };
    let lock_time = LockTime::from_consensus(number);
    let version = transaction::Version::TWO;
    Arc::new(Tx::new(Transaction { version, lock_time, input: vec![input], output: vec![output] }, None))
}

fn record(number: u32) -> TxRecord {
    TxRecord::new(tx(number, 0), StoredState::Inactive)
}

fn descriptor() -> DescriptorRecord {
    DescriptorRecord { text: "pk(x)".into(), creation_time: 1, next_index: 2, range_start: 0, range_end: 3 }
}

#[test]
fn a_new_file_has_nothing_and_is_fine() {
    let contents = load(&WalletFile::in_memory(format()).unwrap()).unwrap();
    assert_eq!((contents.flags, contents.version, contents.warning), (None, None, None));
}

#[test]
fn everything_arrives_where_it_belongs_and_in_order() {
    let id = [7; 32];
    let secret = KeySecret::copy_of(&[1; 32]);
    let key = [&[2][..], &[9; 32]].concat();
    let wallet = wallet(&[
        Record::Version(319_900),
        Record::OrderPosNext(5),
        Record::Name { address: "b".into(), label: "second".into() },
        Record::Name { address: "a".into(), label: "first".into() },
        Record::Purpose { address: "a".into(), purpose: "receive".into() },
        Record::used("a"),
        Record::receive_request("a", "3", "please".into()),
        Record::Active { internal: true, output_type: 2, id },
        Record::DescriptorKey { id, public_key: key.clone(), secret: secret.clone() },
        Record::DescriptorCache { id, key_index: 0, position: Some(1), xpub: [1; 74] },
        Record::DescriptorCache { id, key_index: 0, position: None, xpub: [2; 74] },
        Record::DescriptorLastHardened { id, key_index: 0, xpub: [3; 74] },
        Record::Descriptor { id, descriptor: descriptor() },
        Record::Unknown { key: b"\x03new".to_vec(), value: vec![1] },
    ]);
    wallet.put_best_block(vec![BlockHash::all_zeros()]).unwrap();
    wallet.put_tx(&record(1)).unwrap();
    wallet.put(&Record::variant(tx(1, 9))).unwrap();
    let contents = load(&wallet).unwrap();
    assert_eq!(contents.names, [("a".into(), "first".into()), ("b".into(), "second".into())]);
    assert_eq!(contents.dest_data.len(), 2);
    assert_eq!(contents.dest_data[0], ("a".into(), "rr3".into(), "please".into()));
    assert_eq!(contents.active, [(true, 2, id)]);
    assert_eq!(contents.order_pos_next, Some(5));
    assert_eq!(contents.best_block, Some(vec![BlockHash::all_zeros()]));
    assert_eq!(contents.unknown_records, 1);
    assert_eq!(contents.txs, [LoadedTx { record: record(1), variants: vec![tx(1, 9)] }]);
    let expected = LoadedDescriptor {
        id,
        descriptor: descriptor(),
        cache: vec![(0, None, [2; 74]), (0, Some(1), [1; 74])],
        last_hardened: vec![(0, [3; 74])],
        keys: vec![(key, secret)],
        crypted_keys: Vec::new(),
    };
    assert_eq!(contents.descriptors, [expected]);
}

#[test]
fn flags_of_the_upper_half_must_be_known() {
    let wallet = wallet(&[Record::Flags(WalletFlags(WalletFlags::DESCRIPTORS.0 | 1 << 40 | 1 << 9))]);
    assert_eq!(
        load(&wallet).unwrap_err().to_string(),
        "Error loading :memory:: Wallet requires newer version of Bitcoin Core"
    );
    wallet.put(&Record::Flags(WalletFlags(WalletFlags::DESCRIPTORS.0 | 1 << 9))).unwrap();
    assert!(load(&wallet).is_ok());
}

#[test]
fn legacy_wallets_and_legacy_records_are_refused() {
    let legacy = wallet(&[Record::Flags(WalletFlags::AVOID_REUSE)]);
    assert_eq!(load(&legacy).unwrap_err(), LoadError::LegacyWallet { file: FILE.into() });
    for kind in LegacyKind::ALL {
        let record = Record::Legacy { kind, rest: vec![1], value: vec![2] };
        let tampered = wallet(std::slice::from_ref(&record));
        assert_eq!(load(&tampered).unwrap_err(), LoadError::UnexpectedLegacyEntry { file: FILE.into() });
        let without_flags = WalletFile::in_memory(format()).unwrap();
        without_flags.put(&record).unwrap();
        assert_eq!(load(&without_flags).unwrap_err(), LoadError::LegacyWallet { file: FILE.into() });
    }
}

#[test]
fn an_unknown_descriptor_hides_the_damage_that_follows_from_it() {
    let wallet = wallet(&[]);
    wallet.put_bytes(&Key::Descriptor([1; 32]).encode(), b"\x01").unwrap();
    wallet.put_bytes(&Key::Active { internal: false, output_type: 1 }.encode(), b"short").unwrap();
    assert_eq!(load(&wallet).unwrap_err(), LoadError::UnknownDescriptor { file: FILE.into() });
    wallet.put_bytes(&Key::DescriptorLastHardened { id: [2; 32], key_index: 1 }.encode(), b"short").unwrap();
    assert_eq!(load(&wallet).unwrap_err(), LoadError::Corrupt { file: FILE.into() });
    let text = BY.unrecognized_descriptor(Some(320_000), "why");
    assert_eq!(
        text,
        "Error: Unrecognized descriptor found in wallet w. The wallet might have been created on a newer version. \
         Please try running the latest software version\nDetails: why"
    );
    assert!(BY.unrecognized_descriptor(Some(319_900), "why").contains("The database might be corrupted or the"));
}

#[test]
fn damage_is_as_bad_as_what_hangs_on_it() {
    let noncritical = wallet(&[]);
    noncritical.put_bytes(&Key::OrderPosNext.encode(), b"short").unwrap();
    assert_eq!(load(&noncritical).unwrap().warning, Some(LoadWarning::NonCritical { file: FILE.into() }));

    let harmless = wallet(&[]);
    for key in [Key::Version, Key::MinVersion, Key::BestBlock, Key::BestBlockNoMerkle] {
        harmless.put_bytes(&key.encode(), b"").unwrap();
    }
    let contents = load(&harmless).unwrap();
    assert_eq!((contents.warning, contents.version, contents.best_block), (None, None, None));

    for key in [
        Key::Name("a".into()),
        Key::MasterKey(1),
        Key::Tx(record(1).tx.txid()),
        Key::DescriptorKey { id: [1; 32], public_key: vec![2; 33] },
        Key::DescriptorCryptedKey { id: [1; 32], public_key: vec![1; 33] },
    ] {
        let corrupt = wallet(&[]);
        corrupt.put_bytes(&key.encode(), b"").unwrap();
        assert_eq!(load(&corrupt).unwrap_err(), LoadError::Corrupt { file: FILE.into() }, "{key:?}");
    }
}

#[test]
fn a_transaction_under_another_id_asks_for_a_rescan() {
    let wallet = wallet(&[Record::Tx { txid: record(2).tx.txid(), record: Box::new(record(1)) }]);
    let contents = load(&wallet).unwrap();
    assert!(contents.needs_rescan());
    assert_eq!(
        contents.warning.unwrap().to_string(),
        "Error reading :memory:! Transaction data may be missing or incorrect. Rescanning wallet."
    );
    assert_eq!(contents.txs.len(), 1);
    // With a set of witnesses under the wrong id it is damage.
    wallet.put(&Record::TxVariant { txid: record(2).tx.txid(), wtxid: tx(2, 4).wtxid(), tx: tx(2, 4) }).unwrap();
    assert_eq!(load(&wallet).unwrap_err(), LoadError::Corrupt { file: FILE.into() });
}

#[test]
fn sets_of_witnesses_must_be_of_their_transaction_if_it_is_there() {
    let txid = record(1).tx.txid();
    let variant = |tx: Arc<Tx>, wtxid: Wtxid| Record::TxVariant { txid, wtxid, tx };
    let orphan = wallet(&[variant(tx(2, 0), Wtxid::all_zeros())]);
    assert!(load(&orphan).is_ok());
    let foreign = wallet(&[variant(tx(2, 0), Wtxid::all_zeros()), Record::tx(record(1))]);
    assert_eq!(load(&foreign).unwrap_err(), LoadError::Corrupt { file: FILE.into() });
    let twice =
        wallet(&[variant(tx(1, 3), Wtxid::all_zeros()), variant(tx(1, 3), tx(1, 3).wtxid()), Record::tx(record(1))]);
    assert_eq!(load(&twice).unwrap_err(), LoadError::Corrupt { file: FILE.into() });
}
