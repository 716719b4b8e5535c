//! From the description of a spend to a transaction with signatures.

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute, transaction};
use script::sighash::{Leaf, TaprootContext};
use script::taproot::{branch_hash, leaf_hash, tweak_hash};
use script::{TxData, instruction, sighash};
use secp256k1::{All, Keypair, Message, Parity, Scalar, Secp256k1, SecretKey};

use crate::generate::{Branch, Flaw, Form, Heart, Kind, Piece, Spend};
use crate::subject::Subject;

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

    /// The transaction and what it spends.
    pub fn build(&self) -> Subject {
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
            _ => sighash::segwit_v0(data, self.index, code, data.prevout(self.index).unwrap().amount, hash_type),
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
