//! A wallet without keys on a chain without blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Script, ScriptBuf, TxOut};
use consensus::{ChainParams, Rules, rules_for};
use descriptors::{AddressType, Known};
use fakes::FakeChain;
use interfaces::{
    Amount, Answer, BumpFee, Call, ChainFees, ChainMempool, ChainTip, Coin, Failure, FeeEstimate, PackageLimits, RawTx,
    TxAncestry,
};
use primitives::{Codec, Tx, TxOutEntry};

use crate::ledger::{Changes, Ledger, Stamp, State};
use crate::select::{Dice, FeeRate};
use crate::spend::{
    BumpError, BumpRequest, Bumped, CoinControl, Created, Purse, Recipient, Satisfaction, Settings, SpendError,
    Spender, amount,
};

pub(super) const COIN: i64 = 100_000_000;
pub(super) const CENT: i64 = 1_000_000;
/// The height of the chain.
pub(super) const HEIGHT: i32 = 200;

/// Somebody else's script.
pub(super) fn theirs(number: u8) -> ScriptBuf {
    script(0xee, number)
}

fn script(owner: u8, number: u8) -> ScriptBuf {
    let mut bytes = vec![0, 20];
    bytes.extend([owner; 19]);
    bytes.push(number);
    ScriptBuf::from_bytes(bytes)
}

/// A wallet whose scripts begin with 0x11, change with 0x22.
pub(super) struct FakePurse {
    pub(super) next: u8,
    pub(super) next_change: u8,
    pub(super) kinds: BTreeSet<AddressType>,
    pub(super) used: BTreeSet<ScriptBuf>,
    pub(super) asked: Vec<AddressType>,
}

impl FakePurse {
    pub(super) fn change(number: u8) -> ScriptBuf {
        script(0x22, number)
    }
}

/// A signature of 71 bytes and a key, in the witness.
const KEY_HASH: Satisfaction = Satisfaction { weight: 106, elements: 2, segwit: true };

impl Purse for FakePurse {
    fn satisfaction(&self, script: &Script, solving: &Known, high_r: bool) -> Option<Satisfaction> {
        let known = self.is_mine(script) || solving.scripts.values().any(|known| **known == *script);
        let extra = i64::from(high_r);
        known.then_some(Satisfaction { weight: KEY_HASH.weight + extra, ..KEY_HASH })
    }

    fn is_mine(&self, script: &Script) -> bool {
        matches!(script.as_bytes(), [0, 20, 0x11 | 0x22, ..])
    }

    fn is_change(&self, script: &Script) -> bool {
        matches!(script.as_bytes(), [0, 20, 0x22, ..])
    }

    fn is_used(&self, script: &Script) -> bool {
        self.used.contains(script)
    }

    fn has_change_kind(&self, kind: AddressType) -> bool {
        self.kinds.contains(&kind)
    }

    fn give_change(&mut self, kind: AddressType) -> Result<ScriptBuf, String> {
        self.asked.push(kind);
        if !self.kinds.contains(&kind) {
            return Err(format!("Error: No {} addresses available.", kind.name()));
        }
        self.next_change += 1;
        Ok(Self::change(self.next_change))
    }

    fn take_back_change(&mut self, script: &Script) {
        assert_eq!(*script, *Self::change(self.next_change));
        self.next_change -= 1;
    }
}

/// A node that knows fee rates and coins.
pub(super) struct FakeNode {
    pub(super) estimate: Amount,
    pub(super) mempool_min: Amount,
    pub(super) relay_min: Amount,
    pub(super) coins: BTreeMap<interfaces::OutPoint, Coin>,
    pub(super) ancestors: u64,
    pub(super) bump: Amount,
    pub(super) combined: Option<Amount>,
    pub(super) descendants: bool,
    pub(super) limits: Answer<()>,
}

impl ChainFees for FakeNode {
    fn estimate_fee_rate(&self, _blocks: u32, conservative: bool) -> Call<Answer<FeeEstimate>> {
        let fee_rate = self.estimate.saturating_mul(if conservative { 2 } else { 1 });
        let known = self.estimate > 0;
        Ok(known.then_some(FeeEstimate { fee_rate, target: 6 }).ok_or_else(|| Failure::new("no data")))
    }

    fn max_fee_target(&self) -> Call<u32> {
        Ok(1008)
    }

    fn mempool_min_fee(&self) -> Call<Amount> {
        Ok(self.mempool_min)
    }

    fn relay_min_fee(&self) -> Call<Amount> {
        Ok(self.relay_min)
    }

    fn relay_incremental_fee(&self) -> Call<Amount> {
        Ok(100)
    }

    fn relay_dust_fee(&self) -> Call<Amount> {
        Ok(3000)
    }
}

impl ChainMempool for FakeNode {
    fn find_coins(&self, outpoints: &[interfaces::OutPoint]) -> Call<Vec<Option<Coin>>> {
        Ok(outpoints.iter().map(|outpoint| self.coins.get(outpoint).cloned()).collect())
    }

    fn is_in_mempool(&self, _txid: interfaces::Txid) -> Call<bool> {
        Ok(true)
    }

    fn has_descendants_in_mempool(&self, _txid: interfaces::Txid) -> Call<bool> {
        Ok(self.descendants)
    }

    fn transaction_ancestries(&self, txids: &[interfaces::Txid]) -> Call<Vec<TxAncestry>> {
        let each = TxAncestry { ancestors: self.ancestors, cluster: self.ancestors, ..TxAncestry::default() };
        Ok(vec![each; txids.len()])
    }

    fn individual_bump_fees(&self, outpoints: &[interfaces::OutPoint], _rate: Amount) -> Call<Vec<BumpFee>> {
        Ok(outpoints.iter().map(|outpoint| BumpFee { outpoint: *outpoint, fee: self.bump }).collect())
    }

    fn combined_bump_fee(&self, _outpoints: &[interfaces::OutPoint], _rate: Amount) -> Call<Option<Amount>> {
        Ok(self.combined)
    }

    fn package_limits(&self) -> Call<PackageLimits> {
        Ok(PackageLimits { ancestors: 25, descendants: 25 })
    }

    fn check_chain_limits(&self, _tx: &RawTx) -> Call<Answer<()>> {
        Ok(self.limits.clone())
    }
}

/// Rules by which coins lose a thousandth of their value in each block.
#[derive(Debug)]
struct Melting(Arc<dyn Rules>);

impl Rules for Melting {
    fn params(&self) -> &ChainParams {
        self.0.params()
    }

    fn worth(&self, value: i64, coin: &TxOutEntry, height: u32) -> i64 {
        value - value / 1000 * i64::from(height - coin.refheight().unwrap())
    }
}

/// All of it.
pub(super) struct Fixture {
    pub(super) ledger: Ledger,
    pub(super) purse: FakePurse,
    pub(super) node: FakeNode,
    pub(super) chain: FakeChain,
    pub(super) settings: Settings,
    pub(super) codec: Codec,
    pub(super) now: i64,
    pub(super) seed: u8,
    received: u8,
}

impl Fixture {
    /// A wallet of Bitcoin.
    pub(super) fn new() -> Self {
        Self::of("bitcoin", &|rules| rules)
    }

    /// A wallet of a coin whose values melt away, a thousandth in each block.
    pub(super) fn melting() -> Self {
        Self::of("freicoin", &|rules| Arc::new(Melting(rules)))
    }

    /// A wallet that writes transactions as a coin does, with Bitcoin's rules, changed as somebody likes.
    fn of(id: &str, change: &dyn Fn(Arc<dyn Rules>) -> Arc<dyn Rules>) -> Self {
        let bitcoin = coin::by_id("bitcoin").unwrap();
        let profile = bitcoin.chain(coin::ChainKind::Regtest).unwrap();
        let rules = change(rules_for(ChainParams::new(bitcoin, profile)).unwrap());
        let codec = Codec::for_coin(coin::by_id(id).unwrap());
        let mut ledger = Ledger::new(rules, codec);
        let chain = FakeChain::default();
        chain.advance(HEIGHT);
        let tip = chain.tip().unwrap().unwrap();
        ledger.set_tip(BlockHash::from_byte_array(tip.hash.0), tip.height);
        Self {
            ledger,
            purse: FakePurse {
                next: 0,
                next_change: 0,
                kinds: [AddressType::Bech32].into(),
                used: BTreeSet::new(),
                asked: Vec::new(),
            },
            node: FakeNode {
                estimate: 5000,
                mempool_min: 1000,
                relay_min: 100,
                coins: BTreeMap::new(),
                ancestors: 1,
                bump: 0,
                combined: Some(0),
                descendants: false,
                limits: Ok(()),
            },
            chain,
            settings: Settings::default(),
            codec,
            now: i64::from(HEIGHT),
            seed: 1,
            received: 0,
        }
    }

    /// A transaction with these outputs that somebody else paid for.
    pub(super) fn parent(&mut self, version: i32, output: Vec<TxOut>, inputs: &[OutPoint]) -> Arc<Tx> {
        self.received += 1;
        let from = OutPoint::new(bitcoin::Txid::from_byte_array([self.received; 32]), 0);
        let inputs = if inputs.is_empty() { vec![from] } else { inputs.to_vec() };
        let input = inputs
            .into_iter()
            .map(|previous_output| bitcoin::TxIn { previous_output, ..bitcoin::TxIn::default() })
            .collect();
        let tx = bitcoin::Transaction {
            version: bitcoin::transaction::Version(version),
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input,
            output,
        };
        Arc::new(self.codec.new_tx(tx, 1))
    }

    /// Puts a transaction into the ledger: with so many confirmations, or into the mempool.
    pub(super) fn add(&mut self, tx: &Arc<Tx>, depth: i32) {
        let state = if depth == 0 {
            State::InMempool
        } else {
            State::Confirmed { block: BlockHash::all_zeros(), height: HEIGHT + 1 - depth, index: 1 }
        };
        let mine = |script: &Script| matches!(script.as_bytes(), [0, 20, 0x11 | 0x22, ..]);
        self.ledger.add(tx, state, Stamp::default(), &mine, &mut Changes::default(), None);
        for input in tx.inputs() {
            self.node.coins.remove(&crate::convert::to_outpoint(&input.previous_output));
        }
        for (vout, output) in (0_u32..).zip(tx.outputs()) {
            self.know(OutPoint::new(tx.txid(), vout), output);
        }
    }

    /// Lets the node know an output.
    pub(super) fn know(&mut self, outpoint: OutPoint, output: &TxOut) {
        let coin = Coin {
            value: i64::try_from(output.value.to_sat()).unwrap(),
            script: interfaces::Script::new(output.script_pubkey.as_bytes()),
            height: 1,
            coinbase: false,
        };
        self.node.coins.insert(crate::convert::to_outpoint(&outpoint), coin);
    }

    /// Receives a coin on a fresh address.
    pub(super) fn receive(&mut self, value: i64, depth: i32) -> OutPoint {
        self.purse.next += 1;
        let number = self.purse.next;
        self.receive_at(number, value, depth)
    }

    /// Receives a coin on an address.
    pub(super) fn receive_at(&mut self, number: u8, value: i64, depth: i32) -> OutPoint {
        let output = TxOut { value: amount(value), script_pubkey: script(0x11, number) };
        let tx = self.parent(2, vec![output], &[]);
        self.add(&tx, depth);
        OutPoint::new(tx.txid(), 0)
    }

    /// Works with a spender.
    pub(super) fn with<T>(&mut self, work: impl FnOnce(&mut Spender<'_>) -> T) -> T {
        let mut dice = Dice::new([self.seed; 32]);
        work(&mut Spender {
            ledger: &self.ledger,
            purse: &mut self.purse,
            settings: &self.settings,
            codec: self.codec,
            tip: &self.chain,
            blocks: &self.chain,
            fees: &self.node,
            mempool: &self.node,
            now: self.now,
            dice: &mut dice,
        })
    }

    /// Pays.
    pub(super) fn create(&mut self, recipients: &[Recipient], control: &CoinControl) -> Result<Created, SpendError> {
        self.with(|spender| spender.create(recipients, None, control))
    }

    /// Replaces.
    pub(super) fn bump(&mut self, request: BumpRequest) -> Result<Bumped, BumpError> {
        self.with(|spender| spender.bump(request))
    }

    /// What the inputs of a transaction are worth in the next block.
    pub(super) fn input_value(&self, tx: &Tx) -> i64 {
        let worth = |outpoint: &OutPoint| match self.ledger.coin(outpoint) {
            Some((parent, _)) => self.ledger.worth(parent, outpoint.vout),
            None => self.node.coins[&crate::convert::to_outpoint(outpoint)].value,
        };
        tx.inputs().iter().map(|input| worth(&input.previous_output)).sum()
    }
}

/// What the outputs of a transaction are worth.
pub(super) fn paid(tx: &Tx) -> i64 {
    tx.outputs().iter().map(consensus::value_of).sum()
}

/// The size of a transaction that spends P2WPKH outputs only, once it is signed with short signatures.
pub(super) fn signed_vsize(tx: &Tx) -> i64 {
    let bare = i64::try_from(tx.stripped_size()).unwrap();
    let inputs = i64::try_from(tx.inputs().len()).unwrap();
    (bare * 4 + 2 + inputs * 107 + 3) / 4
}

/// To somebody else.
pub(super) fn pay(number: u8, amount: i64) -> Recipient {
    Recipient { script: theirs(number), amount, subtract_fee: false }
}

/// To somebody else, who pays the fee.
pub(super) fn pay_net(number: u8, amount: i64) -> Recipient {
    Recipient { subtract_fee: true, ..pay(number, amount) }
}

/// Nothing special.
pub(super) fn control() -> CoinControl {
    CoinControl::new(false)
}

/// A fee rate that the user names.
pub(super) fn at_rate(per_kvb: i64) -> CoinControl {
    CoinControl { fee_rate: Some(FeeRate::per_kvb(per_kvb)), ..control() }
}
