//! A block, described: values that proptest makes, shrinks and prints.

use proptest::prelude::*;

use crate::kinds::Kind;

/// A block on the chain.
#[derive(Clone, Debug)]
pub struct BlockPlan {
    /// Its transactions behind the coinbase.
    pub txs: Vec<TxPlan>,
    /// What the coinbase pays to, in equal parts.
    pub rewards: Vec<Kind>,
    /// How much less than allowed the coinbase pays.
    pub unclaimed: i64,
    /// How many blocks below the tip it builds; 0 is on the tip.
    pub depth: u32,
    /// Seconds after the least time that it may have.
    pub later: u32,
    /// The version of its header.
    pub version: i32,
    /// What is wrong with it.
    pub spoils: Vec<Spoil>,
}

/// A transaction.
#[derive(Clone, Debug)]
pub struct TxPlan {
    /// What it spends.
    pub inputs: Vec<Pick>,
    /// What it pays to, in equal parts.
    pub outputs: Vec<Kind>,
    /// What it leaves to the miner.
    pub fee: u16,
    /// Its version.
    pub version: i32,
    /// Its lock time.
    pub lock: Lock,
    /// What is wrong with it.
    pub flaw: Option<TxFlaw>,
}

/// An input: one of the coins there are, by a number that is scaled to their count, and its sequence number.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Which coin.
    pub which: prop::sample::Index,
    /// Among which coins.
    pub from: From,
    /// How the sequence number is chosen.
    pub sequence: SequenceRule,
}

/// Where an input looks for its coin.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// Coins that may be spent in the next block.
    Mature,
    /// Outputs of earlier transactions of the same block, if there are any.
    Block,
    /// Coinbases that are or are not deep enough, within a few blocks.
    Young,
}

/// A lock time.
#[derive(Clone, Copy, Debug)]
pub enum Lock {
    /// This number.
    Number(u32),
    /// The height of the block, and so much.
    Height(i8),
    /// The time that locks are compared with, and so much.
    Time(i8),
}

/// A sequence number.
#[derive(Clone, Copy, Debug)]
pub enum SequenceRule {
    /// This number.
    Number(u32),
    /// As many blocks as the coin is old, and so many.
    Blocks(i8),
    /// As many units of 512 seconds as the coin is old, and so many.
    Time(i8),
}

/// What can be wrong with a transaction.
#[derive(Clone, Copy, Debug)]
pub enum TxFlaw {
    /// A bit of a script or of a witness is another one.
    Signature(prop::sample::Index),
    /// It pays so much more than it spends.
    Overspend(u8),
    /// An output of this value.
    Value(i64),
    /// Two outputs of half of what there can be, and so much.
    Sum(i8),
    /// It spends the same coin twice.
    SameInput,
    /// It spends what another transaction of the block has spent.
    DoubleSpend,
    /// It spends what is not there.
    Missing,
    /// It spends nothing, as only a coinbase may.
    Null,
    /// It has no outputs.
    NoOutputs,
    /// It has no inputs.
    NoInputs,
    /// A witness where none belongs.
    ExtraWitness,
    /// No witness.
    NoWitness,
}

/// When a list of transactions is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the coinbase commits to witnesses.
    Open,
    /// After that, before the header commits to the transactions.
    Committed,
    /// After that, before the work.
    Sealed,
}

/// What can be wrong with a block.
#[derive(Clone, Copy, Debug)]
pub enum Spoil {
    /// Two transactions change places.
    Swap(Stage, prop::sample::Index, prop::sample::Index),
    /// One comes twice.
    Repeat(Stage, prop::sample::Index),
    /// So many at the end come twice.
    RepeatTail(Stage, u8),
    /// One is missing.
    Drop(Stage, prop::sample::Index),
    /// A second coinbase.
    SecondCoinbase(Stage),
    /// All transactions are missing.
    Empty(Stage),
    /// The script of the coinbase has this many bytes.
    CoinbaseScript(u8),
    /// The coinbase names another height.
    CoinbaseHeight(i8),
    /// The coinbase names the height in a longer way than it must.
    CoinbasePadded,
    /// The coinbase pays so much more.
    Reward(i64),
    /// There is no commitment to the witnesses.
    NoCommitment,
    /// A bit of it is another one.
    WrongCommitment(u8),
    /// It is followed by another one, which counts.
    SecondCommitment(bool),
    /// The reserved value has this many bytes.
    Reserved(u8),
    /// There are so many reserved values.
    ReservedItems(u8),
    /// The block weighs as much as it may, and so much.
    Weight(i8),
    /// Without witnesses it has as many bytes as it may, and so many.
    Length(i8),
    /// It has as many signature operations as it may, and so many.
    Sigops(i8),
    /// The time of the header is the median time, and so much.
    Time(i8),
    /// The time of the header is this.
    AbsoluteTime(u32),
    /// Another target.
    Bits(u32),
    /// Another parent.
    Parent(u8),
    /// Not enough work.
    NoWork,
    /// The header commits to something else.
    MerkleRoot(u8),
    /// A byte of the serialized block is another one.
    Byte(prop::sample::Index, u8),
    /// The serialized block ends early, or goes on.
    Cut(i8),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn lock() -> impl Strategy<Value = Lock> {
    prop_oneof![
        20 => Just(Lock::Number(0)),
        1 => any::<u32>().prop_map(Lock::Number),
        1 => prop::sample::select(vec![499_999_999, 500_000_000, u32::MAX]).prop_map(Lock::Number),
        2 => (-2..3_i8).prop_map(Lock::Height),
        2 => (-2..3_i8).prop_map(Lock::Time),
    ]
}

fn sequence() -> impl Strategy<Value = SequenceRule> {
    prop_oneof![
        15 => Just(SequenceRule::Number(u32::MAX)),
        2 => Just(SequenceRule::Number(u32::MAX - 1)),
        2 => Just(SequenceRule::Number(1)),
        1 => any::<u32>().prop_map(SequenceRule::Number),
        2 => (-1..2_i8).prop_map(SequenceRule::Blocks),
        2 => (-1..2_i8).prop_map(SequenceRule::Time),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    let from = prop_oneof![20 => Just(From::Mature), 5 => Just(From::Block), 1 => Just(From::Young)];
    (any::<prop::sample::Index>(), from, sequence()).prop_map(|(which, from, sequence)| Pick { which, from, sequence })
}

fn tx_flaw() -> impl Strategy<Value = TxFlaw> {
    let max = 2_100_000_000_000_000_i64;
    let values = vec![-1, i64::MIN, i64::MAX, max, max + 1];
    prop_oneof![
        12 => any::<prop::sample::Index>().prop_map(TxFlaw::Signature),
        2 => (0..3_u8).prop_map(TxFlaw::Overspend),
        1 => prop::sample::select(values).prop_map(TxFlaw::Value),
        1 => (-1..2_i8).prop_map(TxFlaw::Sum),
        1 => Just(TxFlaw::SameInput),
        1 => Just(TxFlaw::DoubleSpend),
        1 => Just(TxFlaw::Missing),
        1 => Just(TxFlaw::Null),
        1 => Just(TxFlaw::NoOutputs),
        1 => Just(TxFlaw::NoInputs),
        1 => Just(TxFlaw::ExtraWitness),
        1 => Just(TxFlaw::NoWitness),
    ]
}

fn tx() -> impl Strategy<Value = TxPlan> {
    let version = prop_oneof![8 => Just(2_i32), 2 => -1..4_i32];
    let inputs = prop::collection::vec(pick(), 1..4);
    let outputs = prop::collection::vec(kind(), 1..5);
    let flaw = prop::option::weighted(0.12, tx_flaw());
    (inputs, outputs, any::<u16>(), version, lock(), flaw)
        .prop_map(|(inputs, outputs, fee, version, lock, flaw)| TxPlan { inputs, outputs, fee, version, lock, flaw })
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(vec![Stage::Open, Stage::Committed, Stage::Sealed])
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let index = any::<prop::sample::Index>;
    let bits = vec![0x207f_fffe_u32, 0x2000_ffff, 0x1d00_ffff, 0x2100_ffff, 0, 0x2080_0000, 0x207f_ffff, u32::MAX];
    prop_oneof![
        2 => (stage(), index(), index()).prop_map(|(stage, a, b)| Spoil::Swap(stage, a, b)),
        1 => (stage(), index()).prop_map(|(stage, which)| Spoil::Repeat(stage, which)),
        2 => (stage(), 1..4_u8).prop_map(|(stage, count)| Spoil::RepeatTail(stage, count)),
        1 => (stage(), index()).prop_map(|(stage, which)| Spoil::Drop(stage, which)),
        1 => stage().prop_map(Spoil::SecondCoinbase),
        1 => stage().prop_map(Spoil::Empty),
        1 => prop_oneof![0..6_u8, 98..104_u8].prop_map(Spoil::CoinbaseScript),
        1 => (-2..3_i8).prop_map(Spoil::CoinbaseHeight),
        1 => Just(Spoil::CoinbasePadded),
        2 => prop::sample::select(vec![-1_i64, 0, 1, 2, i64::MAX]).prop_map(Spoil::Reward),
        1 => Just(Spoil::NoCommitment),
        1 => any::<u8>().prop_map(Spoil::WrongCommitment),
        1 => any::<bool>().prop_map(Spoil::SecondCommitment),
        1 => prop::sample::select(vec![0_u8, 31, 32, 33]).prop_map(Spoil::Reserved),
        1 => (0..3_u8).prop_map(Spoil::ReservedItems),
        1 => (-1..3_i8).prop_map(Spoil::Weight),
        1 => (-1..3_i8).prop_map(Spoil::Length),
        2 => (-1..3_i8).prop_map(Spoil::Sigops),
        2 => (-2..3_i8).prop_map(Spoil::Time),
        1 => any::<u32>().prop_map(Spoil::AbsoluteTime),
        2 => prop_oneof![prop::sample::select(bits), any::<u32>()].prop_map(Spoil::Bits),
        1 => any::<u8>().prop_map(Spoil::Parent),
        1 => Just(Spoil::NoWork),
        1 => any::<u8>().prop_map(Spoil::MerkleRoot),
        1 => (index(), any::<u8>()).prop_map(|(place, byte)| Spoil::Byte(place, byte)),
        1 => (-90..0_i8).prop_map(Spoil::Cut),
    ]
}

/// Any block.
pub fn block() -> impl Strategy<Value = BlockPlan> {
    let spoils = prop_oneof![
        4 => Just(Vec::new()),
        4 => prop::collection::vec(spoil(), 1..2),
        1 => prop::collection::vec(spoil(), 2..4),
    ];
    let depth = prop_oneof![15 => Just(0_u32), 1 => 1..6_u32];
    let version = prop_oneof![40 => Just(0x2000_0000_i32), 2 => -1..6_i32, 1 => any::<i32>()];
    let unclaimed = prop_oneof![3 => Just(0_i64), 1 => 0..10_000_i64];
    let txs = prop::collection::vec(tx(), 0..6);
    let rewards = prop::collection::vec(kind(), 1..8);
    (txs, rewards, unclaimed, depth, 0..700_u32, version, spoils).prop_map(
        |(txs, rewards, unclaimed, depth, later, version, spoils)| BlockPlan {
            txs,
            rewards,
            unclaimed,
            depth,
            later,
            version,
            spoils,
        },
    )
}

/// A good block that pays to every kind: what the chain begins with.
pub fn plain() -> BlockPlan {
    let rewards = Kind::ALL.into_iter().chain([Kind::True, Kind::Future, Kind::Future]).collect();
    BlockPlan { txs: vec![], rewards, unclaimed: 0, depth: 0, later: 600, version: 0x2000_0000, spoils: vec![] }
}
