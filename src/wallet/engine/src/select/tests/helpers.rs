//! Coins with the amounts that a test needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use descriptors::AddressType;
use interfaces::Call;

use crate::select::{BumpFees, Coin, FeeRate, Group, Kind, Limits, Params, Selection};

/// The family of coins in tests.
pub(super) const BECH32: Kind = Some(AddressType::Bech32);
pub(super) const CENT: i64 = 1_000_000;
pub(super) const COIN: i64 = 100 * CENT;
pub(super) const MAX_WEIGHT: i64 = 400_000;
/// The input that spends a P2WPKH output.
pub(super) const INPUT: u32 = 68;

/// A fresh outpoint.
pub(super) fn outpoint() -> OutPoint {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    OutPoint::new(Txid::from_byte_array(bytes), 0)
}

/// Parameters of a wallet with P2WPKH outputs, discarding at 3000 and waiting for 10000.
pub(super) fn params(fee_rate: i64) -> Params {
    let mut params = Params {
        change_output_size: 31,
        change_spend_size: 68,
        min_change_target: 50_000,
        fee_rate: FeeRate::per_kvb(fee_rate),
        long_term_fee_rate: FeeRate::per_kvb(10_000),
        discard_fee_rate: FeeRate::per_kvb(3000),
        no_inputs_size: 11 + 31,
        ..Params::default()
    };
    params.change_fee = params.fee_rate.fee(params.change_output_size);
    params.min_viable_change = params.discard_fee_rate.fee(params.change_spend_size);
    params.cost_of_change = params.min_viable_change + params.change_fee;
    params
}

/// A coin of this value.
pub(super) fn coin(value: i64, vsize: u32, params: &Params) -> Coin {
    Coin::new(outpoint(), value, ScriptBuf::new(), BECH32, Some(vsize))
        .priced(params.fee_rate, params.long_term_fee_rate)
}

/// A group of one coin that is worth this after its fee.
pub(super) fn group(effective: i64, vsize: u32, params: &Params) -> Group {
    let fee = params.fee_rate.fee(i64::from(vsize));
    Group::of(Arc::new(coin(effective + fee, vsize, params)), params.subtract_fee)
}

/// Groups of one coin each.
pub(super) fn groups(effective: &[i64], params: &Params) -> Vec<Group> {
    effective.iter().map(|value| group(*value, INPUT, params)).collect()
}

/// As a pool.
pub(super) fn refs(groups: &[Group]) -> Vec<&Group> {
    groups.iter().collect()
}

/// What was chosen, by effective value, in order.
pub(super) fn chosen(selection: &Selection) -> Vec<i64> {
    let mut amounts: Vec<i64> = selection.coins().map(|coin| coin.effective_value()).collect();
    amounts.sort_unstable();
    amounts
}

/// What was chosen, by value, in order.
pub(super) fn values(selection: &Selection) -> Vec<i64> {
    let mut amounts: Vec<i64> = selection.coins().map(|coin| coin.value).collect();
    amounts.sort_unstable();
    amounts
}

/// Limits of a default wallet and mempool.
pub(super) const LIMITS: Limits =
    Limits { ancestors: 25, descendants: 25, spend_zero_conf_change: true, reject_long_chains: true };

/// A mempool in which all coins together lack this; `None` cannot tell.
pub(super) struct Lack(pub(super) Option<i64>);

impl BumpFees for Lack {
    fn combined_bump_fee(&self, outpoints: &[OutPoint], _rate: FeeRate) -> Call<Option<i64>> {
        assert!(!outpoints.is_empty(), "nothing to ask for");
        Ok(self.0)
    }
}

/// A coin with some of its fields changed.
pub(super) fn tweak(mut coin: Coin, change: impl FnOnce(&mut Coin)) -> Coin {
    change(&mut coin);
    coin
}
