//! Templates of small pools against every set of transactions that a block could have.

use std::collections::BTreeSet;

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute::LockTime, hashes::Hash,
    transaction::Version,
};
use chainstate::SaltedState;
use consensus::{ChainParams, Rules, rules_for};
use proptest::prelude::*;

use super::*;
use crate::{Options, entry::Entry};

fn rules() -> Arc<dyn Rules> {
    let coin = coin::by_id("bitcoin").unwrap();
    rules_for(ChainParams::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap())).unwrap()
}

/// A transaction that spends the first output of each of these, and something of its own.
fn tx(number: u8, parents: &[Txid], padding: usize) -> Arc<Tx> {
    let own = Txid::from_byte_array([number; 32]);
    let outs = parents.iter().map(|txid| OutPoint { txid: *txid, vout: u32::from(number) });
    let input = outs.chain([OutPoint { txid: own, vout: 0 }]).map(|previous_output| TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    });
    let output = TxOut { value: Amount::from_sat(1), script_pubkey: ScriptBuf::from_bytes(vec![0; padding]) };
    let inner = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: input.collect(),
        output: vec![output; 10],
    };
    Arc::new(Tx::new(inner, None))
}

struct Small {
    pool: Pool,
    entries: Vec<Entry>,
    parents: Vec<u32>,
}

fn small(specs: &[(i64, u8, u8, u8)]) -> Small {
    let mut pool = Pool::new(Options::default(), "BTC", SaltedState::new([1, 2]));
    let (mut entries, mut parents): (Vec<Entry>, Vec<u32>) = (Vec::new(), Vec::new());
    for (n, (fee, edges, padding, sigops)) in specs.iter().enumerate() {
        let mask = u32::from(*edges) & ((1 << n) - 1);
        let txids: Vec<Txid> = (0..n).filter(|m| mask & (1 << m) != 0).map(|m| entries[m].tx.txid()).collect();
        let tx = tx(u8::try_from(n).unwrap(), &txids, usize::from(*padding));
        let entry = Entry { fee: *fee, modified_fee: *fee, sigops: u64::from(*sigops), ..Entry::blank(tx) };
        let plan = pool.plan(BTreeSet::new(), &[&entry]).unwrap();
        pool.commit(plan, vec![entry.clone()]);
        entries.push(entry);
        parents.push(mask);
    }
    Small { pool, entries, parents }
}

/// The most fees that closed sets of at most this weight pay.
fn best_fees(small: &Small, weight: u64) -> i64 {
    let len = small.entries.len();
    let value = |set: u32| -> Option<i64> {
        let inside = (0..len).filter(|n| set & (1 << n) != 0);
        let closed = inside.clone().all(|n| small.parents[n] & !set == 0);
        let total: u64 = inside.clone().map(|n| small.entries[n].tx.weight()).sum();
        (closed && total <= weight).then(|| inside.map(|n| small.entries[n].fee).sum())
    };
    (0..1u32 << len).filter_map(value).max().unwrap()
}

proptest! {
    #[test]
    fn no_set_of_the_same_weight_pays_more(
        specs in prop::collection::vec((1_000i64..50_000, any::<u8>(), 1u8..100, Just(0u8)), 1..8),
        thin in any::<u8>(),
    ) {
        let specs: Vec<_> = specs.iter().map(|(fee, edges, padding, s)| (*fee, edges & thin, *padding, *s)).collect();
        let small = small(&specs);
        let rules = rules();
        let whole = small.pool.template(&TemplateOptions::default(), &*rules, 1, 0);
        prop_assert_eq!(whole.txs.len(), small.entries.len());
        prop_assert!(whole.chunk_rates.is_sorted_by(|a, b| a.cmp_rate(b).is_ge()));
        // Room for exactly the first chunks.
        let mut room = 0;
        for rate in small.pool.diagram() {
            room += u64::try_from(rate.size).unwrap();
            let options = TemplateOptions { max_weight: 8000 + room + 1, ..TemplateOptions::default() };
            let template = small.pool.template(&options, &*rules, 1, 0);
            prop_assert!(template.weight <= 8000 + room);
            prop_assert_eq!(template.fees, best_fees(&small, room));
            let mut seen = BTreeSet::new();
            for tx in &template.txs {
                let unconfirmed = tx.tx.inputs().iter().map(|input| input.previous_output.txid);
                prop_assert!(unconfirmed.into_iter().all(|txid| seen.contains(&txid) || small.pool.id_of(&txid).is_none()));
                seen.insert(tx.tx.txid());
            }
        }
    }

    #[test]
    fn limits_hold(
        specs in prop::collection::vec((0i64..50_000, any::<u8>(), 1u8..100, any::<u8>()), 1..8),
        max_weight in 8000u64..30_000,
        reserved_sigops in 79_000u64..80_000,
    ) {
        let small = small(&specs);
        let options = TemplateOptions { max_weight, reserved_sigops, ..TemplateOptions::default() };
        let template = small.pool.template(&options, &*rules(), 1, 0);
        prop_assert!(template.weight <= max_weight.max(8000) && template.sigops <= 80_000);
        prop_assert_eq!(template.fees, template.txs.iter().map(|tx| tx.fee).sum::<i64>());
        prop_assert_eq!(template.weight, 8000 + template.txs.iter().map(|tx| tx.tx.weight()).sum::<u64>());
    }
}

#[test]
fn too_cheap_and_too_early_stay_out() {
    let mut small = small(&[(0, 0, 10, 0), (9000, 0, 10, 0)]);
    let rules = rules();
    let template = small.pool.template(&TemplateOptions::default(), &*rules, 1, 0);
    assert_eq!(template.txs.len(), 1, "nothing is mined for nothing");
    let txid = small.entries[0].tx.txid();
    small.pool.prioritise(txid, 1_000_000);
    let template = small.pool.template(&TemplateOptions::default(), &*rules, 1, 0);
    assert_eq!(
        (template.txs.len(), template.fees),
        (2, 9000),
        "the operator says otherwise, but the fee is what it is"
    );
    assert_eq!(template.txs[0].tx.txid(), txid);
    let none = TemplateOptions { use_mempool: false, ..TemplateOptions::default() };
    assert!(small.pool.template(&none, &*rules, 1, 0).txs.is_empty());
}
