//! Descriptors in use: what they give out, what the file keeps of them, and what locked keys can still do.

use std::time::Duration;

use coin::ChainKind;
use descriptors::{Cache, Cached, ExtendedKey, NoPrivateKeys, Notation, parse};
use proptest::prelude::*;
use signer::{AddressType, ExtendedPrivateKey, KeyRing};
use walletdb::{Key, Record};

use super::{AddressFault, Extent, Keys, Manager, ManagerFault, VaultFault};
use crate::ledger::Owner;

fn notation() -> Notation {
    let coin = coin::by_id("bitcoin").unwrap();
    Notation::new(coin, coin.chain(ChainKind::Regtest).unwrap())
}

fn root(byte: u8) -> ExtendedPrivateKey {
    ExtendedPrivateKey::from_seed(&[byte; 32]).unwrap()
}

/// Keys of a new wallet, and the records of it.
fn fresh(keypool: i32) -> (Keys, Vec<Record>) {
    let (mut keys, mut records) = (Keys::new(notation(), keypool), Vec::new());
    keys.set_up(&root(1), &keys.all_kinds(), ChainKind::Regtest, 100, &mut records).unwrap();
    (keys, records)
}

/// Reads the records back, as opening a file does.
fn reload(records: &[Record], keypool: i32) -> Keys {
    let mut keys = Keys::new(notation(), keypool);
    for record in records {
        match record {
            Record::DescriptorKey { id, public_key, secret } => {
                assert!(keys.vault_mut().restore_plain(*id, public_key, secret));
            }
            Record::DescriptorCryptedKey { id, public_key, ciphertext } => {
                assert!(keys.vault_mut().restore_sealed(*id, public_key, ciphertext.clone()));
            }
            Record::MasterKey { number, key } => keys.vault_mut().restore_master(*number, key.clone()),
            _ => {}
        }
    }
    // The last record of a descriptor is the one in the file.
    for (position, record) in records.iter().enumerate() {
        let Record::Descriptor { id, descriptor } = record else { continue };
        let later =
            records[position + 1..].iter().any(|other| matches!(other, Record::Descriptor { id: o, .. } if o == id));
        if later {
            continue;
        }
        let mut cache = Cache::default();
        for record in records {
            match record {
                Record::DescriptorCache { id: of, key_index, position, xpub } if of == id => {
                    let (expression, key) = (*key_index, ExtendedKey::from_bytes(xpub).unwrap());
                    cache.insert(match position {
                        None => Cached::Parent { expression, key },
                        Some(index) => Cached::Derived { expression, index: *index, key },
                    });
                }
                Record::DescriptorLastHardened { id: of, key_index, xpub } if of == id => {
                    let key = ExtendedKey::from_bytes(xpub).unwrap();
                    cache.insert(Cached::LastHardened { expression: *key_index, key });
                }
                _ => {}
            }
        }
        let text = keys.read_descriptor(&descriptor.text.to_lossy()).unwrap();
        let extent = Extent {
            created: descriptor.creation_time,
            start: descriptor.range_start,
            end: descriptor.range_end,
            next: descriptor.next_index,
        };
        keys.insert(Manager::restore(*id, text, extent, cache).unwrap());
    }
    for record in records {
        if let Record::Active { internal, output_type, id } = record {
            keys.restore_active(*id, super::type_of_number(*output_type).unwrap(), *internal);
        }
    }
    keys
}

#[test]
fn what_was_given_out_is_known_again_after_opening() {
    let (mut keys, mut records) = fresh(3);
    let given: Vec<_> = AddressType::ALL.iter().map(|kind| keys.give(*kind, false, &mut records).unwrap()).collect();
    let mut again = reload(&records, 3);
    assert!(given.iter().all(|script| again.is_mine(script)));
    for kind in AddressType::ALL {
        let (a, b) = (keys.give(kind, true, &mut records), again.give(kind, true, &mut Vec::new()));
        assert_eq!(a.unwrap(), b.unwrap());
    }
    assert_eq!(again.hd_keys(|_| true).len(), 1);
    assert_eq!(again.private_root(root(1).public()), Some(root(1)));
}

#[test]
fn a_locked_wallet_gives_out_what_it_can_derive_and_keeps_its_keys() {
    let (mut keys, mut records) = fresh(2);
    let (mut out, mut erase) = (Vec::new(), Vec::new());
    let mut clock = || Duration::ZERO;
    keys.vault_mut().encrypt("sesame", &[5; 32], [6; 8], &mut clock, &mut out, &mut erase);
    keys.vault_mut().lock();
    assert!(erase.iter().all(|key| matches!(key, Key::DescriptorKey { .. })) && erase.len() == 8);
    records.retain(|record| !erase.contains(&record.key()));
    records.extend(out);
    let mut keys = reload(&records, 2);
    assert!(keys.vault().is_locked() && keys.private_root(root(1).public()).is_none());
    let (script, mut out) = (keys.give(AddressType::Bech32, false, &mut Vec::new()).unwrap(), Vec::new());
    assert!(keys.known(&script).is_some() && keys.signing(&script).unwrap().0.is_empty());
    for _ in 0..5 {
        keys.give(AddressType::Bech32m, false, &mut out).expect("the parent key is public");
    }
    assert_eq!(keys.vault_mut().unlock("open"), Err(VaultFault::Passphrase));
    keys.vault_mut().unlock("sesame").unwrap();
    assert!(!keys.signing(&script).unwrap().0.is_empty());
    keys.vault_mut().change_passphrase("sesame", "barley", &mut clock, &mut out).unwrap();
    keys.vault_mut().lock();
    assert_eq!(keys.vault_mut().unlock("sesame"), Err(VaultFault::Passphrase));
    keys.vault_mut().unlock("barley").unwrap();
}

#[test]
fn hardened_ranges_run_out_when_locked_and_not_before() {
    let (mut keys, mut records) = (Keys::new(notation(), 2), Vec::new());
    let xprv = root(2).text(&notation());
    let text = format!("wpkh({}/0h/*h)", xprv.as_str());
    let mut ring = KeyRing::new(notation());
    let parsed = parse(&text, false, &notation(), &mut ring).unwrap();
    let extent = Extent { created: 1, start: 0, end: 2, next: 0 };
    let id = keys.import(parsed.descriptors[0].clone(), extent, &ring, &mut records).unwrap();
    keys.activate(id, AddressType::Bech32, false, &mut records);
    let mut clock = || Duration::ZERO;
    keys.vault_mut().encrypt("x", &[5; 32], [6; 8], &mut clock, &mut records, &mut Vec::new());
    keys.vault_mut().lock();
    keys.give(AddressType::Bech32, false, &mut records).unwrap();
    keys.give(AddressType::Bech32, false, &mut records).unwrap();
    assert_eq!(keys.give(AddressType::Bech32, false, &mut records), Err(AddressFault::RanOut));
    assert_eq!(
        keys.give(AddressType::Legacy, false, &mut records),
        Err(AddressFault::NoDescriptor(AddressType::Legacy))
    );
    keys.vault_mut().unlock("x").unwrap();
    keys.give(AddressType::Bech32, false, &mut records).unwrap();
}

#[test]
fn an_import_may_widen_a_range_and_not_narrow_it() {
    let (mut keys, mut records) = (Keys::new(notation(), 1), Vec::new());
    let text = format!("pkh({}/*)", notation().write_extended(root(3).public()));
    let descriptor = parse(&text, false, &notation(), &mut NoPrivateKeys).unwrap().descriptors.remove(0);
    let none = KeyRing::new(notation());
    let mut import = |start, end| {
        keys.import(descriptor.clone(), Extent { created: 1, start, end, next: start }, &none, &mut records)
    };
    let id = import(5, 10).unwrap();
    assert_eq!(import(6, 10), Err(ManagerFault::Narrower(5, 9)));
    assert_eq!(import(0, 12), Ok(id));
    assert_eq!(keys.manager(&id).unwrap().scripts().count(), 12);
    assert_eq!(keys.scripts().len(), 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// However addresses are given out, taken back and used, the file leads to the same keys.
    #[test]
    fn the_records_lead_to_the_same_keys(steps in prop::collection::vec((0_u8..3, 0_usize..4), 1..12)) {
        let (mut keys, mut records) = fresh(2);
        for (what, kind) in steps {
            let kind = AddressType::ALL[kind];
            match what {
                0 => drop(keys.give(kind, false, &mut records).unwrap()),
                1 => {
                    let script = keys.give(kind, true, &mut records).unwrap();
                    keys.take_back(&script, &mut records);
                }
                _ => {
                    let manager = keys.active(kind, false).unwrap();
                    let last = manager.extent().end - 1;
                    let script = manager.expand(last).unwrap().scripts.remove(0);
                    let skipped = keys.mark_used(&script, &mut records);
                    prop_assert!(skipped.iter().any(|(other, internal)| *other == script && *internal == Some(false)));
                    prop_assert!(keys.active(kind, false).unwrap().ahead() >= 2);
                }
            }
        }
        let again = reload(&records, 2);
        for manager in keys.managers() {
            let other = again.manager(manager.id()).unwrap();
            prop_assert_eq!(manager.extent(), other.extent());
            prop_assert_eq!(manager.text(), other.text());
        }
        let (mut a, mut b): (Vec<_>, Vec<_>) = (keys.scripts().collect(), again.scripts().collect());
        a.sort();
        b.sort();
        prop_assert_eq!(a, b);
    }
}
