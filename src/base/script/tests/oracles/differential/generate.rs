//! Spends that are made up: a transaction, an output of some kind, scripts with live keys, and signatures that are
//! good, or good but for one flaw.

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute, transaction};
use proptest::prelude::*;
use script::sighash::{Leaf, TaprootContext};
use script::taproot::{branch_hash, leaf_hash, tweak_hash};
use script::{TxData, instruction, sighash};
use secp256k1::{All, Keypair, Message, Parity, Scalar, Secp256k1, SecretKey};

use super::Subject;

/// Opcodes, the interesting ones more often.
pub(super) fn opcode() -> impl Strategy<Value = u8> {
    prop_oneof![
        1 => any::<u8>(),
        2 => 0x4f_u8..=0x60,
        2 => 0x61_u8..=0x7d,
        2 => 0x82_u8..=0xa5,
        2 => 0xa6_u8..=0xba,
    ]
}

pub(super) fn lock_time() -> impl Strategy<Value = u32> {
    prop_oneof![0..20_u32, 499_999_990..500_000_010_u32, any::<u32>()]
}

pub(super) fn sequence() -> impl Strategy<Value = u32> {
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
enum Piece {
    Op(u8),
    Num(i64),
    Data(Vec<u8>),
    Key(u8, Form),
}

/// How a key is written.
#[derive(Clone, Copy, Debug)]
enum Form {
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
enum Heart {
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
enum Flaw {
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
enum Kind {
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
struct Branch {
    condition: Vec<u8>,
    opcode: u8,
    body: Vec<u8>,
}

fn branch() -> impl Strategy<Value = Branch> {
    let condition =
        prop::sample::select(vec![vec![], vec![], vec![1], vec![1], vec![2], vec![0], vec![0x80], vec![1, 0]]);
    let body = prop::collection::vec(prop::sample::select(vec![0x61_u8, 0x61, 0xab, 0xb0, 0x6a, 0x50]), 0..4);
    (condition, 0x63..=0x64_u8, body).prop_map(|(condition, opcode, body)| Branch { condition, opcode, body })
}

/// One spend, described.
#[derive(Clone, Debug)]
pub(super) struct Spend {
    kind: Kind,
    version: i32,
    lock_time: u32,
    sequence: u32,
    inputs: usize,
    index: usize,
    outputs: usize,
    branch: Option<Branch>,
    before: Vec<Piece>,
    heart: Heart,
    after: Vec<Piece>,
    /// Whether a CODESEPARATOR comes right before the heart.
    separated: bool,
    /// Whether a script before segwit begins with a signature of its own, which has to be deleted from its code.
    embedded: bool,
    extra: Vec<Vec<u8>>,
    hash_type: u8,
    flaw: Flaw,
    annex: Option<Vec<u8>>,
    leaf_version: u8,
    path: Vec<[u8; 32]>,
    other_parity: bool,
}

pub(super) fn spend() -> impl Strategy<Value = Spend> {
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

struct Keys {
    secp: Secp256k1<All>,
}

impl Keys {
    fn new() -> Self {
        Self { secp: Secp256k1::new() }
    }

    fn pair(&self, which: u8) -> Keypair {
        Keypair::from_secret_key(&self.secp, &SecretKey::from_slice(&[which + 1; 32]).unwrap())
    }

    fn write(&self, which: u8, form: Form) -> Vec<u8> {
        let key = self.pair(which).public_key();
        match form {
            Form::Compressed => key.serialize().to_vec(),
            Form::Uncompressed => key.serialize_uncompressed().to_vec(),
            Form::Hybrid => {
                let mut bytes = key.serialize_uncompressed();
                bytes[0] = 6 | (bytes[64] & 1);
                bytes.to_vec()
            }
            Form::XOnly => key.x_only_public_key().0.serialize().to_vec(),
        }
    }
}

thread_local! {
    static KEYS: Keys = Keys::new();
}

impl Spend {
    fn is_tapscript(&self) -> bool {
        self.kind == Kind::ScriptPath
    }

    /// Keys before taproot are never x-only on purpose, and in tapscript always.
    fn form(&self, form: Form) -> Form {
        match (self.is_tapscript(), form) {
            (true, _) => Form::XOnly,
            (false, Form::XOnly) => Form::Compressed,
            (false, form) => form,
        }
    }

    /// The script, and where its signed part starts, in bytes and in opcodes.
    fn script(&self, keys: &Keys) -> (Vec<u8>, usize, u32) {
        let mut script = Vec::new();
        if let Some(Branch { condition, opcode, body }) = &self.branch {
            instruction::push_data(&mut script, condition);
            script.push(*opcode);
            script.extend_from_slice(body);
            script.push(0x68);
        }
        append(&mut script, &self.before, keys);
        let (mut start, mut position) = (0, u32::MAX);
        if self.separated {
            position = u32::try_from(instruction::Cursor::new(&script).count()).unwrap();
            script.push(0xab);
            start = script.len();
        }
        match &self.heart {
            Heart::None => script.push(0x51),
            Heart::Single(key, form) => {
                instruction::push_data(&mut script, &keys.write(*key, self.form(*form)));
                script.push(0xac);
            }
            Heart::Multi { keys: of, signers } => {
                let signing = signers.iter().filter(|signs| **signs).count();
                instruction::push_num(&mut script, i64::try_from(signing).unwrap());
                for (key, form) in of {
                    instruction::push_data(&mut script, &keys.write(*key, self.form(*form)));
                }
                instruction::push_num(&mut script, i64::try_from(of.len()).unwrap());
                script.push(0xae);
            }
            // One element is the signature of all: DUP, a key of two bytes, CHECKSIGVERIFY.
            Heart::Budget { checks, .. } => {
                for _ in 0..*checks {
                    script.extend_from_slice(&[0x76, 2, 7, 7, 0xad]);
                }
            }
            Heart::Add { keys: of, signers } => {
                for (position, key) in of.iter().enumerate() {
                    instruction::push_data(&mut script, &keys.write(*key, self.form(Form::Compressed)));
                    script.push(if position == 0 { 0xac } else { 0xba });
                }
                let signing = signers.iter().filter(|signs| **signs).count();
                instruction::push_num(&mut script, i64::try_from(signing).unwrap());
                script.push(0x9c);
            }
        }
        append(&mut script, &self.after, keys);
        (script, start, position)
    }

    /// Who signs, from the bottom of the stack up; `None` is an empty signature.
    fn signers(&self) -> Vec<Option<u8>> {
        match &self.heart {
            Heart::None | Heart::Budget { .. } => Vec::new(),
            Heart::Single(key, _) => vec![Some(*key)],
            Heart::Multi { keys, signers } => {
                let signing = keys.iter().zip(signers).filter(|(_, signs)| **signs).map(|((key, _), _)| Some(*key));
                // The element that CHECKMULTISIG takes by mistake lies below.
                std::iter::once(None).chain(signing).collect()
            }
            Heart::Add { keys, signers } => {
                let signing = keys.iter().zip(signers).map(|(key, signs)| signs.then_some(*key));
                signing.rev().collect()
            }
        }
    }

    pub(super) fn build(&self) -> Subject {
        KEYS.with(|keys| self.build_with(keys))
    }

    fn build_with(&self, keys: &Keys) -> Subject {
        let (mut script, start, position) = self.script(keys);
        let mut code = script[start..].to_vec();
        let input = |number: usize| TxIn {
            previous_output: OutPoint::new(Txid::from_byte_array([9; 32]), u32::try_from(number).unwrap()),
            script_sig: ScriptBuf::new(),
            sequence: Sequence(if number == self.index { self.sequence } else { 0x1000 }),
            witness: Witness::new(),
        };
        let output = |number: usize| TxOut {
            value: Amount::from_sat(1000 + u64::try_from(number).unwrap()),
            script_pubkey: ScriptBuf::from_bytes(vec![0x51; number]),
        };
        let tx = Transaction {
            version: transaction::Version(self.version),
            lock_time: absolute::LockTime::from_consensus(self.lock_time),
            input: (0..self.inputs).map(input).collect(),
            output: (0..self.outputs).map(output).collect(),
        };
        let mut spent: Vec<TxOut> = (0..self.inputs).map(|number| output(number + 3)).collect();

        if self.embedded && matches!(self.kind, Kind::Bare | Kind::P2sh) {
            // The code of `<signature> DROP …` is `DROP …`, whatever the signature.
            code.insert(0, 0x75);
            script.insert(0, 0x75);
            if let Some(signer) = self.signers().into_iter().flatten().next() {
                let signature = self.sign(keys, &TxData::without_prevouts(&tx), signer, &code, None);
                let mut head = Vec::new();
                instruction::push_data(&mut head, &signature);
                script.splice(0..0, head);
            }
        }
        let leaf_hashed = leaf_hash(self.leaf_version, &script);
        let leaf = self.is_tapscript().then_some(Leaf { hash: leaf_hashed, code_separator: position });
        let root = self.path.iter().fold(leaf_hashed, |hash, node| branch_hash(&hash, node));
        let key0 = keys.write(0, Form::Compressed);
        let wpkh = program(0, hash160::Hash::hash(&key0).as_byte_array());
        let wsh = program(0, sha256::Hash::hash(&script).as_byte_array());
        let (tweaked, parity) = Self::tweaked(keys, &root);
        let redeem = match self.kind {
            Kind::P2shP2wsh => wsh.clone(),
            Kind::P2shP2wpkh => wpkh.clone(),
            _ => script.clone(),
        };
        let p2sh = [&[0xa9, 20], &hash160::Hash::hash(&redeem).as_byte_array()[..], &[0x87]].concat();
        spent[self.index].script_pubkey = ScriptBuf::from_bytes(match self.kind {
            Kind::Bare => script.clone(),
            Kind::P2wsh => wsh,
            Kind::P2wpkh => wpkh,
            Kind::P2sh | Kind::P2shP2wsh | Kind::P2shP2wpkh => p2sh,
            Kind::KeyPath | Kind::ScriptPath => program(1, &tweaked.x_only_public_key().0.serialize()),
        });

        let (mut script_sig, mut witness) = (Vec::new(), Vec::new());
        {
            let data = TxData::new(&tx, &spent);
            let sign =
                |which: Option<u8>| which.map_or_else(Vec::new, |which| self.sign(keys, &data, which, &code, leaf));
            let mut stack: Vec<Vec<u8>> = self.extra.clone();
            if matches!(self.heart, Heart::Budget { .. }) {
                stack.push(vec![1]);
            }
            stack.extend(self.signers().into_iter().map(sign));
            match self.kind {
                Kind::Bare | Kind::P2sh => {
                    for element in &stack {
                        instruction::push_data(&mut script_sig, element);
                    }
                }
                Kind::P2wsh | Kind::P2shP2wsh => {
                    witness = stack;
                    witness.push(script.clone());
                }
                Kind::P2wpkh | Kind::P2shP2wpkh => {
                    let hash = hash160::Hash::hash(&key0);
                    let code = [&[0x76, 0xa9, 20], &hash.as_byte_array()[..], &[0x88, 0xac]].concat();
                    witness = vec![self.sign(keys, &data, 0, &code, None), key0];
                }
                Kind::KeyPath => witness = vec![self.sign_schnorr(keys, &data, &tweaked, None)],
                Kind::ScriptPath => {
                    witness = stack;
                    witness.push(script.clone());
                    let internal = keys.write(1, Form::XOnly);
                    let first = self.leaf_version | u8::from((parity == Parity::Odd) != self.other_parity);
                    witness.push([&[first], &internal[..], &self.path.concat()].concat());
                }
            }
            if matches!(self.kind, Kind::KeyPath | Kind::ScriptPath) {
                witness.extend(self.annex());
            }
            if let (Kind::ScriptPath, Heart::Budget { checks, slack }) = (self.kind, &self.heart) {
                exhaust(&mut witness, usize::from(*checks) * 50, i64::from(*slack));
            }
            if matches!(self.kind, Kind::P2sh | Kind::P2shP2wsh | Kind::P2shP2wpkh) {
                instruction::push_data(&mut script_sig, &redeem);
            }
        }
        let mut tx = tx;
        tx.input[self.index].script_sig = ScriptBuf::from_bytes(script_sig);
        tx.input[self.index].witness = Witness::from_slice(&witness);
        Subject { tx, index: self.index, spent }
    }

    fn annex(&self) -> Option<Vec<u8>> {
        self.annex.as_ref().map(|annex| [&[0x50], &annex[..]].concat())
    }

    fn tweaked(keys: &Keys, root: &[u8; 32]) -> (Keypair, Parity) {
        let pair = keys.pair(1);
        let tweak = tweak_hash(&pair.x_only_public_key().0.serialize(), Some(root));
        let tweaked = pair.add_xonly_tweak(&keys.secp, &Scalar::from_be_bytes(tweak).unwrap()).unwrap();
        let parity = tweaked.x_only_public_key().1;
        (tweaked, parity)
    }

    fn sign(&self, keys: &Keys, data: &TxData<'_>, which: u8, code: &[u8], leaf: Option<Leaf>) -> Vec<u8> {
        if self.flaw == Flaw::Empty {
            return Vec::new();
        }
        if leaf.is_some() {
            return self.sign_schnorr(keys, data, &keys.pair(which), leaf);
        }
        let hash_type = i32::from(self.hash_type);
        let mut hash = match self.kind {
            Kind::Bare | Kind::P2sh => sighash::legacy(data, self.index, code, hash_type),
            _ => sighash::segwit_v0(data, self.index, code, data.prevouts()[self.index].amount, hash_type),
        }
        .unwrap();
        if self.flaw == Flaw::OtherHash {
            hash[0] ^= 1;
        }
        let signature = keys.secp.sign_ecdsa(&Message::from_digest(hash), &keys.pair(which).secret_key());
        let mut der = signature.serialize_der().to_vec();
        match self.flaw {
            Flaw::HighS => der = with_high_s(&signature.serialize_compact()),
            Flaw::Padded => der.extend_from_slice(&[0, 0]),
            _ => {}
        }
        if self.flaw != Flaw::NoHashType {
            der.push(self.hash_type);
        }
        der
    }

    fn sign_schnorr(&self, keys: &Keys, data: &TxData<'_>, pair: &Keypair, leaf: Option<Leaf>) -> Vec<u8> {
        let annex_hash = self.annex().map(|annex| {
            let len = u8::try_from(annex.len()).unwrap();
            sha256::Hash::hash(&[&[len], &annex[..]].concat()).to_byte_array()
        });
        let context = TaprootContext { annex_hash, leaf };
        // A hash type that cannot be signed gets a signature of something else.
        let mut hash = sighash::taproot(data, self.index, self.hash_type, &context).unwrap_or([3; 32]);
        if self.flaw == Flaw::OtherHash {
            hash[0] ^= 1;
        }
        let signature = keys.secp.sign_schnorr_no_aux_rand(&Message::from_digest(hash), pair);
        let mut bytes = signature.serialize().to_vec();
        match self.flaw {
            Flaw::Empty => bytes.clear(),
            Flaw::Padded => bytes.push(0),
            Flaw::HighS => bytes[63] ^= 1,
            _ => {}
        }
        if self.hash_type != 0 && self.flaw != Flaw::NoHashType {
            bytes.push(self.hash_type);
        }
        bytes
    }
}

/// Gives a witness an annex of the very length that leaves `slack` of its budget after `spent`, if there is one.
fn exhaust(witness: &mut Vec<Vec<u8>>, spent: usize, slack: i64) {
    if witness.last().is_some_and(|last| last.first() == Some(&0x50)) {
        witness.pop();
    }
    let wanted = i64::try_from(spent).unwrap() + slack - 50;
    let size = i64::try_from(Witness::from_slice(witness).size()).unwrap();
    // The annex and the byte that says how long it is.
    if let Ok(len @ 1..=252) = usize::try_from(wanted - size - 1) {
        witness.push(vec![0x50; len]);
    }
}

fn append(script: &mut Vec<u8>, pieces: &[Piece], keys: &Keys) {
    for piece in pieces {
        match piece {
            Piece::Op(op) => script.push(*op),
            Piece::Num(number) => instruction::push_num(script, *number),
            Piece::Data(data) => instruction::push_data(script, data),
            Piece::Key(key, form) => instruction::push_data(script, &keys.write(*key, *form)),
        }
    }
}

fn program(version: u8, program: &[u8]) -> Vec<u8> {
    let mut script = Vec::new();
    instruction::push_num(&mut script, i64::from(version));
    instruction::push_data(&mut script, program);
    script
}

/// The same signature with S in the upper half, in DER.
fn with_high_s(compact: &[u8; 64]) -> Vec<u8> {
    let s = SecretKey::from_slice(&compact[32..]).unwrap().negate().secret_bytes();
    let integer = |bytes: &[u8]| {
        let first = bytes.iter().position(|byte| *byte != 0).unwrap();
        let mut number = bytes[first..].to_vec();
        if number[0] & 0x80 != 0 {
            number.insert(0, 0);
        }
        [&[2, u8::try_from(number.len()).unwrap()], &number[..]].concat()
    };
    let body = [integer(&compact[..32]), integer(&s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}
