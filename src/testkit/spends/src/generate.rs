//! Spends that are made up, described: a transaction, an output of some kind, scripts with live keys, and signatures that
//! are good, or good but for one flaw.

use proptest::prelude::*;

/// Opcodes, the interesting ones more often.
pub(crate) fn opcode() -> impl Strategy<Value = u8> {
    prop_oneof![
        1 => any::<u8>(),
        2 => 0x4f_u8..=0x60,
        2 => 0x61_u8..=0x7d,
        2 => 0x82_u8..=0xa5,
        2 => 0xa6_u8..=0xba,
    ]
}

pub(crate) fn lock_time() -> impl Strategy<Value = u32> {
    prop_oneof![0..20_u32, 499_999_990..500_000_010_u32, any::<u32>()]
}

pub(crate) fn sequence() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(u32::MAX),
        Just(u32::MAX - 1),
        0..20_u32,
        (1 << 22)..(1 << 22) + 20_u32,
        (1 << 31)..(1 << 31) + 20_u32,
        any::<u32>(),
    ]
}

/// A part of a script.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Op(u8),
    Num(i64),
    Data(Vec<u8>),
    Key(u8, Form),
}

/// How a key is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Compressed,
    Uncompressed,
    Hybrid,
    XOnly,
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        5 => opcode().prop_map(Piece::Op),
        2 => prop_oneof![-3..20_i64, lock_time().prop_map(i64::from), any::<i32>().prop_map(i64::from)]
            .prop_map(Piece::Num),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(Piece::Data),
        1 => (0_usize..4).prop_map(|which| Piece::Data(vec![7; [75, 80, 256, 521][which]])),
        1 => (0..4_u8, form()).prop_map(|(key, form)| Piece::Key(key, form)),
    ]
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        4 => Just(Form::Compressed),
        1 => Just(Form::Uncompressed),
        1 => Just(Form::Hybrid),
        2 => Just(Form::XOnly),
    ]
}

/// The heart of a script: a check that signatures can satisfy, and which keys must sign, in stack order.
#[derive(Clone, Debug)]
pub(crate) enum Heart {
    None,
    Single(u8, Form),
    Multi {
        keys: Vec<(u8, Form)>,
        signers: Vec<bool>,
    },
    Add {
        keys: Vec<u8>,
        signers: Vec<bool>,
    },
    /// As many signatures for keys of an unknown kind as a budget just allows, or just not: tapscript only.
    Budget {
        checks: u8,
        slack: i8,
    },
}

fn heart() -> impl Strategy<Value = Heart> {
    let multi = prop::collection::vec(((0..4_u8, form()), any::<bool>()), 1..5);
    let add = prop::collection::vec((0..4_u8, any::<bool>()), 1..5);
    prop_oneof![
        1 => Just(Heart::None),
        3 => (0..4_u8, form()).prop_map(|(key, form)| Heart::Single(key, form)),
        2 => multi.prop_map(|all| {
            let (keys, signers) = all.into_iter().unzip();
            Heart::Multi { keys, signers }
        }),
        1 => (2..7_u8, -2..3_i8).prop_map(|(checks, slack)| Heart::Budget { checks, slack }),
        2 => add.prop_map(|all| {
            let (keys, signers) = all.into_iter().unzip();
            Heart::Add { keys, signers }
        }),
    ]
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    HighS,
    Padded,
    Empty,
    OtherHash,
    NoHashType,
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        12 => Just(Flaw::None),
        1 => Just(Flaw::HighS),
        1 => Just(Flaw::Padded),
        1 => Just(Flaw::Empty),
        1 => Just(Flaw::OtherHash),
        1 => Just(Flaw::NoHashType),
    ]
}

/// The kind of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    P2sh,
    P2wsh,
    P2shP2wsh,
    P2wpkh,
    P2shP2wpkh,
    KeyPath,
    ScriptPath,
}

/// A part of a script that may not run.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) condition: Vec<u8>,
    pub(crate) opcode: u8,
    pub(crate) body: Vec<u8>,
}

fn branch() -> impl Strategy<Value = Branch> {
    let condition =
        prop::sample::select(vec![vec![], vec![], vec![1], vec![1], vec![2], vec![0], vec![0x80], vec![1, 0]]);
    let body = prop::collection::vec(prop::sample::select(vec![0x61_u8, 0x61, 0xab, 0xb0, 0x6a, 0x50]), 0..4);
    (condition, 0x63..=0x64_u8, body).prop_map(|(condition, opcode, body)| Branch { condition, opcode, body })
}

/// One spend, described.
#[derive(Clone, Debug)]
pub struct Spend {
    pub(crate) kind: Kind,
    pub(crate) version: i32,
    pub(crate) lock_time: u32,
    pub(crate) sequence: u32,
    pub(crate) inputs: usize,
    pub(crate) index: usize,
    pub(crate) outputs: usize,
    pub(crate) branch: Option<Branch>,
    pub(crate) before: Vec<Piece>,
    pub(crate) heart: Heart,
    pub(crate) after: Vec<Piece>,
    /// Whether a CODESEPARATOR comes right before the heart.
    pub(crate) separated: bool,
    /// Whether a script before segwit begins with a signature of its own, which has to be deleted from its code.
    pub(crate) embedded: bool,
    pub(crate) extra: Vec<Vec<u8>>,
    pub(crate) hash_type: u8,
    pub(crate) flaw: Flaw,
    pub(crate) annex: Option<Vec<u8>>,
    pub(crate) leaf_version: u8,
    pub(crate) path: Vec<[u8; 32]>,
    pub(crate) other_parity: bool,
}

/// Any spend.
pub fn spend() -> impl Strategy<Value = Spend> {
    let kind = prop::sample::select(vec![
        Kind::Bare,
        Kind::P2sh,
        Kind::P2wsh,
        Kind::P2shP2wsh,
        Kind::P2wpkh,
        Kind::P2shP2wpkh,
        Kind::KeyPath,
        Kind::ScriptPath,
        Kind::ScriptPath,
    ]);
    let frame = (kind, -1..4_i32, lock_time(), sequence(), 1..7_usize, 0..7_usize, 0..4_usize);
    let pieces = || prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(piece(), 0..8)];
    let hash_type = prop_oneof![
        4 => prop::sample::select(vec![0_u8, 1, 2, 3, 0x81, 0x82, 0x83]),
        1 => any::<u8>(),
    ];
    let marks = prop_oneof![3 => Just((false, false)), 1 => Just((true, false)), 1 => Just((false, true))];
    let extra = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..3);
    let body = (pieces(), heart(), pieces(), extra, marks, prop::option::weighted(0.3, branch()));
    let annex = prop::option::weighted(0.2, prop::collection::vec(any::<u8>(), 0..4));
    let leaf_version = prop_oneof![6 => Just(0xc0_u8), 1 => any::<u8>().prop_map(|byte| byte & 0xfe)];
    let path = prop::collection::vec(any::<[u8; 32]>(), 0..3);
    let taproot = (annex, leaf_version, path, prop::bool::weighted(0.05));
    (frame, body, hash_type, flaw(), taproot).prop_map(|(frame, body, hash_type, flaw, taproot)| {
        let (kind, version, lock_time, sequence, inputs, index, outputs) = frame;
        let (before, heart, after, extra, (separated, embedded), branch) = body;
        let (annex, leaf_version, path, other_parity) = taproot;
        let index = index % inputs;
        Spend {
            kind,
            version,
            lock_time,
            sequence,
            inputs,
            index,
            outputs,
            branch,
            before,
            heart,
            after,
            separated,
            embedded,
            extra,
            hash_type,
            flaw,
            annex,
            leaf_version,
            path,
            other_parity,
        }
    })
}
