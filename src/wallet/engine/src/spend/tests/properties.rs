//! What holds for every transaction that is made.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::fixture::{Fixture, at_rate, control, paid, signed_vsize, theirs};
use crate::select::FeeRate;
use crate::spend::{CoinControl, Recipient, SpendError, dust_threshold};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn money_is_neither_made_nor_lost(
        coins in vec((1_000_i64..50_000_000, 0_i32..8), 1..25),
        payments in vec((0_u8..250, 294_i64..30_000_000, any::<bool>()), 1..5),
        rate in 1_000_i64..80_000,
        seed: u8,
        avoid_partial_spends: bool,
        include_unsafe: bool,
    ) {
        let mut wallet = Fixture::new();
        wallet.seed = seed;
        for (value, depth) in coins {
            wallet.receive(value, depth);
        }
        let recipients: Vec<Recipient> = payments
            .into_iter()
            .map(|(number, amount, subtract_fee)| Recipient { script: theirs(number), amount, subtract_fee })
            .collect();
        let control = CoinControl { include_unsafe, avoid_partial_spends, ..at_rate(rate) };
        match wallet.create(&recipients, &control) {
            Ok(made) => {
                let tx = &made.tx;
                prop_assert_eq!(wallet.input_value(tx), paid(tx) + made.fee);
                prop_assert!(made.fee >= FeeRate::per_kvb(rate).fee(signed_vsize(tx)));
                let spent: BTreeSet<_> = tx.inputs().iter().map(|input| input.previous_output).collect();
                prop_assert_eq!(spent.len(), tx.inputs().len());
                let outputs = tx.outputs().iter().enumerate();
                let payments: Vec<_> =
                    outputs.filter(|(index, _)| Some(*index) != made.change_position).map(|(_, output)| output).collect();
                prop_assert_eq!(payments.len(), recipients.len());
                for (output, recipient) in payments.iter().zip(&recipients) {
                    prop_assert_eq!(&output.script_pubkey, &recipient.script);
                    let value = consensus::value_of(output);
                    prop_assert!(value == recipient.amount || (recipient.subtract_fee && value < recipient.amount));
                    prop_assert!(value >= dust_threshold(&output.script_pubkey, FeeRate::per_kvb(3000)));
                }
                // Without change, what is thrown away is less than making and spending it.
                if made.change_position.is_none() && recipients.iter().all(|recipient| !recipient.subtract_fee) {
                    let needed = FeeRate::per_kvb(rate).fee(signed_vsize(tx));
                    prop_assert!(made.fee - needed <= FeeRate::per_kvb(rate).fee(31 + 3) + FeeRate::per_kvb(10_000).fee(68 + 98));
                }
            }
            Err(SpendError::Internal(what)) => prop_assert!(false, "{what}"),
            Err(SpendError::Chain(error)) => prop_assert!(false, "{error}"),
            Err(_) => prop_assert_eq!(wallet.purse.next_change, 0),
        }
    }

    #[test]
    fn a_node_that_lies_costs_at_most_the_largest_fee(
        coins in vec((1_000_i64..50_000_000, 0_i32..3), 1..12),
        rates: [i64; 3],
        bump: i64,
        combined: Option<i64>,
        ancestors: u64,
        descendants: bool,
        payment in 294_i64..30_000_000,
        named: bool,
        seed: u8,
    ) {
        let mut wallet = Fixture::new();
        wallet.seed = seed;
        [wallet.node.estimate, wallet.node.mempool_min, wallet.node.relay_min] = rates;
        (wallet.node.bump, wallet.node.combined) = (bump, combined);
        (wallet.node.ancestors, wallet.node.descendants) = (ancestors, descendants);
        let coins: Vec<_> = coins.into_iter().map(|(value, depth)| wallet.receive(value, depth)).collect();
        let mut control = CoinControl { include_unsafe: true, ..control() };
        if named {
            control.select(coins[0]);
        }
        let recipients = [Recipient { script: theirs(1), amount: payment, subtract_fee: false }];
        if let Ok(made) = wallet.create(&recipients, &control) {
            prop_assert_eq!(wallet.input_value(&made.tx), paid(&made.tx) + made.fee);
            prop_assert!((0..=wallet.settings.max_fee).contains(&made.fee));
            prop_assert!(made.tx.outputs().iter().any(|output| output.script_pubkey == theirs(1)));
        }
    }
}
