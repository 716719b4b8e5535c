//! What a transaction looks like.

use bitcoin::{OutPoint, TxOut};
use descriptors::AddressType;

use super::fixture::{
    CENT, COIN, FakePurse, Fixture, HEIGHT, at_rate, control, paid, pay, pay_net, signed_vsize, theirs,
};
use crate::select::FeeRate;
use crate::spend::{CoinControl, FeeReason, Recipient, SEQUENCE_NONFINAL, SEQUENCE_RBF, amount};

#[test]
fn inputs_pay_outputs_and_the_fee() {
    let mut wallet = Fixture::new();
    for _ in 0..5 {
        wallet.receive(COIN, 10);
    }
    let made = wallet.create(&[pay(1, COIN / 2), pay(2, COIN)], &control()).unwrap();
    assert_eq!(wallet.input_value(&made.tx), paid(&made.tx) + made.fee);
    assert_eq!(made.fee, FeeRate::per_kvb(5000).fee(signed_vsize(&made.tx)));
    assert_eq!(made.fee_reason, FeeReason::Estimated);
    let change = &made.tx.outputs()[made.change_position.unwrap()];
    assert_eq!(change.script_pubkey, FakePurse::change(wallet.purse.next_change));
    for (number, value) in [(1, COIN / 2), (2, COIN)] {
        assert!(made.tx.outputs().contains(&TxOut { value: amount(value), script_pubkey: theirs(number) }));
    }
    assert!(made.tx.inputs().iter().all(|input| input.sequence.0 == SEQUENCE_RBF));
    assert_eq!(made.tx.version(), 2);
}

#[test]
fn a_sum_that_fits_needs_no_change() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let fee = FeeRate::per_kvb(5000).fee(110);
    let made = wallet.create(&[pay(1, COIN - fee)], &control()).unwrap();
    assert_eq!((made.change_position, made.fee), (None, fee));
    assert_eq!(made.tx.outputs().len(), 1);
}

#[test]
fn change_that_is_dust_is_left_to_the_fee() {
    let rate = FeeRate::per_kvb(5000);
    // At this rate an output is worth spending from 341 on, and no dust from 490 on.
    for (rest, has_change) in [(341, false), (489, false), (490, true)] {
        let mut wallet = Fixture::new();
        wallet.receive(COIN, 10);
        let payment = COIN - rate.fee(110) - rate.fee(31) - rest;
        let made = wallet.create(&[pay(1, payment)], &control()).unwrap();
        assert_eq!(made.change_position.is_some(), has_change, "{rest}");
        assert_eq!(made.fee, COIN - payment - if has_change { rest } else { 0 }, "{rest}");
    }
}

#[test]
fn recipients_share_the_fee_and_the_first_pays_the_rest() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let recipients = [pay_net(1, COIN / 4), pay(2, COIN / 4), pay_net(3, COIN / 4), pay_net(4, COIN / 4)];
    let made = wallet.create(&recipients, &control()).unwrap();
    let left: Vec<i64> = made.tx.outputs().iter().map(consensus::value_of).collect();
    let share = made.fee / 3;
    assert_eq!(left, [COIN / 4 - share - made.fee % 3, COIN / 4, COIN / 4 - share, COIN / 4 - share]);
    assert_eq!(paid(&made.tx) + made.fee, COIN);
    assert_eq!(made.fee, FeeRate::per_kvb(5000).fee(signed_vsize(&made.tx)));
}

#[test]
fn change_goes_where_it_is_told() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let recipients = [pay(1, CENT), pay(2, CENT)];
    for position in 0..3 {
        let made = wallet.with(|spender| spender.create(&recipients, Some(position), &control())).unwrap();
        assert_eq!(made.change_position, Some(position));
    }
    let own = CoinControl { change_script: Some(theirs(9)), ..control() };
    let given = wallet.purse.next_change;
    let made = wallet.create(&recipients, &own).unwrap();
    assert_eq!(made.tx.outputs()[made.change_position.unwrap()].script_pubkey, theirs(9));
    assert_eq!(wallet.purse.next_change, given, "no address was given out");
}

#[test]
fn named_inputs_come_first_in_their_order() {
    let mut wallet = Fixture::new();
    let coins: Vec<OutPoint> = (0..6).map(|_| wallet.receive(CENT, 10)).collect();
    let mut control = control();
    for index in [4, 1, 3] {
        control.select(coins[index]);
    }
    control.select(coins[1]).sequence = Some(7);
    let made = wallet.create(&[pay(1, 4 * CENT)], &control).unwrap();
    let spent: Vec<OutPoint> = made.tx.inputs().iter().map(|input| input.previous_output).collect();
    assert_eq!(spent[..3], [coins[4], coins[3], coins[1]]);
    assert_eq!(spent.len(), 5);
    assert_eq!(made.tx.inputs()[2].sequence.0, 7);
    assert_eq!(made.tx.lock_time(), 0, "a sequence number of the user's own may mean anything");
}

#[test]
fn lock_times_follow_the_tip() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let mut seen = Vec::new();
    for seed in 0..60 {
        wallet.seed = seed;
        seen.push(wallet.create(&[pay(1, CENT)], &control()).unwrap().tx.lock_time());
    }
    let tip = u32::try_from(HEIGHT).unwrap();
    let earlier = seen.iter().filter(|lock_time| **lock_time < tip).count();
    assert!(seen.iter().all(|lock_time| (tip - 99..=tip).contains(lock_time)));
    assert!((1..=20).contains(&earlier), "{earlier} of 60 are earlier");

    wallet.now = i64::from(HEIGHT) + 8 * 60 * 60 + 1;
    assert_eq!(wallet.create(&[pay(1, CENT)], &control()).unwrap().tx.lock_time(), 0);
    let fixed = CoinControl { lock_time: Some(17), signal_rbf: Some(false), ..control() };
    let made = wallet.create(&[pay(1, CENT)], &fixed).unwrap();
    assert_eq!((made.tx.lock_time(), made.tx.inputs()[0].sequence.0), (17, SEQUENCE_NONFINAL));
}

#[test]
fn change_looks_like_the_payment() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    wallet.purse.kinds = AddressType::ALL.into();
    let to = |bytes: &[u8]| Recipient { script: bytes.to_vec().into(), amount: CENT, subtract_fee: false };
    let key_hash = to(&[&[0x76, 0xa9, 20][..], &[7; 20], &[0x88, 0xac]].concat());
    let script_hash = to(&[&[0xa9, 20][..], &[7; 20], &[0x87]].concat());
    let taproot = to(&[&[0x51, 32][..], &[7; 32]].concat());
    let data = Recipient { amount: 0, ..to(&[0x6a]) };
    for (recipients, kind) in [
        (vec![key_hash.clone()], AddressType::Legacy),
        (vec![script_hash.clone(), key_hash.clone()], AddressType::P2shSegwit),
        (vec![key_hash.clone(), pay(1, CENT), script_hash.clone()], AddressType::Bech32),
        (vec![pay(1, CENT), taproot.clone()], AddressType::Bech32m),
        (vec![data.clone()], AddressType::Bech32m),
    ] {
        wallet.purse.asked.clear();
        wallet.create(&recipients, &control()).unwrap();
        assert_eq!(wallet.purse.asked[0], kind);
    }
    wallet.purse.kinds = [AddressType::Legacy].into();
    wallet.settings.address_type = AddressType::Legacy;
    wallet.purse.asked.clear();
    wallet.create(std::slice::from_ref(&taproot), &control()).unwrap();
    wallet.purse.kinds = AddressType::ALL.into();
    wallet.settings.change_type = Some(AddressType::P2shSegwit);
    wallet.create(std::slice::from_ref(&taproot), &control()).unwrap();
    let asked = CoinControl { change_type: Some(AddressType::Bech32), ..control() };
    wallet.create(&[taproot], &asked).unwrap();
    wallet.purse.asked.dedup();
    assert_eq!(wallet.purse.asked, [AddressType::Legacy, AddressType::P2shSegwit, AddressType::Bech32]);
}

#[test]
fn an_address_that_was_not_needed_is_taken_back() {
    let mut wallet = Fixture::new();
    wallet.receive(CENT, 10);
    wallet.create(&[pay(1, COIN)], &control()).unwrap_err();
    assert_eq!(wallet.purse.next_change, 0);
    wallet.create(&[pay(1, CENT / 2)], &control()).unwrap();
    // The second try, with coins of a script together, uses the same.
    assert_eq!(wallet.purse.next_change, 1);
}

#[test]
fn coins_of_one_script_go_together_if_that_costs_little() {
    let spends = |max_aps_fee| {
        let mut wallet = Fixture::new();
        wallet.settings.max_aps_fee = max_aps_fee;
        wallet.receive_at(1, COIN, 10);
        wallet.receive_at(1, COIN, 10);
        wallet.create(&[pay(1, COIN / 2)], &at_rate(20_000)).unwrap().tx.inputs().len()
    };
    assert_eq!([spends(None), spends(Some(0)), spends(Some(2000))], [1, 1, 2]);
}

#[test]
fn ancestors_that_lack_fees_are_paid_for() {
    let mut wallet = Fixture::new();
    wallet.node.bump = 700;
    wallet.node.combined = Some(700);
    let parent = wallet.receive(COIN, 10);
    let own = TxOut { value: amount(COIN - 200), script_pubkey: FakePurse::change(77) };
    let tx = wallet.parent(2, vec![own], &[parent]);
    wallet.add(&tx, 0);
    let made = wallet.create(&[pay(1, CENT)], &control()).unwrap();
    assert_eq!(made.fee, FeeRate::per_kvb(5000).fee(signed_vsize(&made.tx)) + 700);
}

#[test]
fn used_addresses_are_left_alone_when_asked() {
    let mut wallet = Fixture::new();
    let coin = wallet.receive(COIN, 10);
    let script = wallet.ledger.coin(&coin).unwrap().1.script_pubkey.clone();
    wallet.purse.used.insert(script);
    let careful = CoinControl { avoid_address_reuse: true, ..control() };
    assert!(wallet.create(&[pay(1, CENT)], &careful).is_err());
    assert!(wallet.create(&[pay(1, CENT)], &control()).is_ok());
}

#[test]
fn version_3_spends_its_own_kind() {
    let mut wallet = Fixture::new();
    let output = |number, value| TxOut { value: amount(value), script_pubkey: FakePurse::change(number) };
    let confirmed = wallet.receive(COIN, 10);
    let other = wallet.receive(COIN, 10);
    let small = wallet.parent(3, vec![output(70, CENT), output(71, CENT)], &[confirmed]);
    wallet.add(&small, 0);
    let large = wallet.parent(3, vec![output(72, 5 * CENT)], &[other]);
    wallet.add(&large, 0);
    let version = |version| CoinControl { version, ..control() };
    assert!(wallet.create(&[pay(1, CENT / 2)], &version(2)).is_err());
    let made = wallet.create(&[pay(1, CENT / 2)], &version(3)).unwrap();
    assert_eq!(made.tx.version(), 3);
    assert_eq!(made.tx.inputs()[0].previous_output.txid, large.txid());
    assert!(wallet.create(&[pay(1, 6 * CENT)], &version(3)).is_err(), "one parent only");
    wallet.node.ancestors = 2;
    assert!(wallet.create(&[pay(1, CENT / 2)], &version(3)).is_err(), "no grandparents");
}

#[test]
fn decaying_coins_are_worth_what_they_are_worth_in_the_next_block() {
    let mut wallet = Fixture::melting();
    wallet.receive(COIN, 150);
    let made = wallet.create(&[pay(1, COIN / 2)], &control()).unwrap();
    assert!(wallet.input_value(&made.tx) < COIN);
    assert_eq!(made.tx.lock_height(), Some(u32::try_from(HEIGHT + 1).unwrap()));
    assert_eq!(wallet.input_value(&made.tx), paid(&made.tx) + made.fee);
    // Four bytes for the height, which every transaction carries.
    assert_eq!(made.fee, FeeRate::per_kvb(5000).fee(signed_vsize(&made.tx)));
}
