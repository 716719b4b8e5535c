//! The outputs that the chain pays to, and how each is spent.
//!
//! Signatures are made over the messages of rust-bitcoin, which is a third opinion on what a signature signs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bitcoin::hashes::Hash as _;
use bitcoin::key::{Keypair, TapTweak as _};
use bitcoin::opcodes::all::{
    OP_CHECKMULTISIG, OP_CHECKSIG, OP_CLTV, OP_CSV, OP_DROP, OP_ENDIF, OP_IF, OP_PUSHNUM_1, OP_RETURN,
};
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::secp256k1::{All, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::{LeafVersion, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{EcdsaSighashType, PublicKey, ScriptBuf, TapLeafHash, TapSighashType, Transaction, TxOut, Witness};

/// A kind of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Anyone may spend it.
    True,
    /// Pay to the hash of a key.
    Pkh,
    /// The same by witness.
    Wpkh,
    /// The same inside a script hash.
    ShWpkh,
    /// Two of three keys in a witness script.
    WshMulti,
    /// A taproot key.
    TrKey,
    /// A taproot key whose tree holds one script with a signature check.
    TrScript,
    /// A script hash whose script counts for a hundred signature operations that never run.
    ShSigops,
    /// The same in a witness script.
    WshSigops,
    /// One of two keys, as it was done before script hashes.
    Multi,
    /// An absolute lock that opened long ago.
    Cltv,
    /// A relative lock of one block.
    Csv,
    /// Pay to anchor.
    Anchor,
    /// A witness program of a version without rules: anyone may spend it, with any witness.
    Future,
    /// Nobody may spend it.
    Return,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::True,
        Self::Pkh,
        Self::Wpkh,
        Self::ShWpkh,
        Self::WshMulti,
        Self::TrKey,
        Self::TrScript,
        Self::ShSigops,
        Self::WshSigops,
        Self::Multi,
        Self::Cltv,
        Self::Csv,
        Self::Anchor,
        Self::Future,
        Self::Return,
    ];

    /// The script of such an output.
    pub fn script(self) -> ScriptBuf {
        SCRIPTS[&self].clone()
    }

    /// The kind of an output with this script.
    pub fn of(script: &ScriptBuf) -> Option<Self> {
        KINDS.get(script).copied()
    }
}

static SCRIPTS: LazyLock<BTreeMap<Kind, ScriptBuf>> = LazyLock::new(|| {
    let keys = &*KEYS;
    Kind::ALL.into_iter().map(|kind| (kind, keys.output(kind))).collect()
});

static KINDS: LazyLock<BTreeMap<ScriptBuf, Kind>> =
    LazyLock::new(|| SCRIPTS.iter().map(|(kind, script)| (script.clone(), *kind)).collect());

static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

/// The keys of everything, and what is costly to derive from them.
struct Keys {
    secp: Secp256k1<All>,
    pairs: [Keypair; 3],
    tree: TaprootSpendInfo,
}

impl Keys {
    fn new() -> Self {
        let secp = Secp256k1::new();
        let pair = |byte| Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[byte; 32]).expect("a secret key"));
        let pairs = [pair(1), pair(2), pair(3)];
        let tree = TaprootBuilder::new().add_leaf(0, leaf_script(&pairs[0])).expect("a leaf at the root");
        let tree = tree.finalize(&secp, pairs[1].x_only_public_key().0).expect("a tree of one leaf");
        Self { secp, pairs, tree }
    }

    fn public(&self, which: usize) -> PublicKey {
        PublicKey::new(self.pairs[which].public_key())
    }

    fn output(&self, kind: Kind) -> ScriptBuf {
        let key = self.public(0);
        let wpkh = ScriptBuf::new_p2wpkh(&key.wpubkey_hash().expect("a compressed key"));
        match kind {
            Kind::True => Builder::new().push_opcode(OP_PUSHNUM_1).into_script(),
            Kind::Pkh => ScriptBuf::new_p2pkh(&key.pubkey_hash()),
            Kind::Wpkh => wpkh,
            Kind::ShWpkh => wpkh.to_p2sh(),
            Kind::WshMulti => self.two_of_three().to_p2wsh(),
            Kind::TrKey => ScriptBuf::new_p2tr(&self.secp, self.pairs[0].x_only_public_key().0, None),
            Kind::TrScript => ScriptBuf::new_p2tr_tweaked(self.tree.output_key()),
            Kind::ShSigops => idle_checks().to_p2sh(),
            Kind::WshSigops => idle_checks().to_p2wsh(),
            Kind::Multi => Builder::new()
                .push_int(1)
                .push_key(&self.public(0))
                .push_key(&self.public(1))
                .push_int(2)
                .push_opcode(OP_CHECKMULTISIG)
                .into_script(),
            Kind::Cltv => lock(5, OP_CLTV),
            Kind::Csv => lock(1, OP_CSV),
            Kind::Anchor => ScriptBuf::from_bytes(vec![0x51, 2, 0x4e, 0x73]),
            Kind::Future => ScriptBuf::from_bytes(vec![0x60, 2, 7, 7]),
            Kind::Return => Builder::new().push_opcode(OP_RETURN).push_slice([9; 4]).into_script(),
        }
    }

    fn two_of_three(&self) -> ScriptBuf {
        let script = (0..3).fold(Builder::new().push_int(2), |script, which| script.push_key(&self.public(which)));
        script.push_int(3).push_opcode(OP_CHECKMULTISIG).into_script()
    }
}

fn leaf_script(pair: &Keypair) -> ScriptBuf {
    Builder::new().push_x_only_key(&pair.x_only_public_key().0).push_opcode(OP_CHECKSIG).into_script()
}

/// `0 IF <five CHECKMULTISIGs of unknown size> ENDIF 1`
fn idle_checks() -> ScriptBuf {
    let script = Builder::new().push_int(0).push_opcode(OP_IF);
    let script = (0..5).fold(script, |script, _| script.push_opcode(OP_CHECKMULTISIG));
    script.push_opcode(OP_ENDIF).push_int(1).into_script()
}

fn lock(operand: i64, opcode: bitcoin::Opcode) -> ScriptBuf {
    let script = Builder::new().push_int(operand).push_opcode(opcode);
    script.push_opcode(OP_DROP).push_int(1).into_script()
}

/// Makes the input `index` spend its output, which is of a known kind; others are left as they are.
pub fn sign(tx: &mut Transaction, index: usize, spent: &[TxOut]) {
    let output = &spent[index];
    let Some(kind) = Kind::of(&output.script_pubkey) else { return };
    let keys = &*KEYS;
    let mut script_sig = ScriptBuf::new();
    let mut witness = Witness::new();
    let mut cache = SighashCache::new(&*tx);
    let ecdsa = |which: usize, hash: [u8; 32]| {
        let signature = keys.secp.sign_ecdsa(&Message::from_digest(hash), &keys.pairs[which].secret_key());
        let mut bytes = signature.serialize_der().to_vec();
        bytes.push(1);
        bytes
    };
    let push = |bytes: Vec<u8>| PushBytesBuf::try_from(bytes).expect("a short push");
    let all = EcdsaSighashType::All;
    match kind {
        Kind::True | Kind::Cltv | Kind::Csv | Kind::Anchor | Kind::Return => {}
        Kind::Pkh => {
            let hash = cache.legacy_signature_hash(index, &output.script_pubkey, 1).expect("an input of this index");
            let signature = ecdsa(0, hash.to_byte_array());
            script_sig = Builder::new().push_slice(push(signature)).push_key(&keys.public(0)).into_script();
        }
        Kind::Multi => {
            let hash = cache.legacy_signature_hash(index, &output.script_pubkey, 1).expect("an input of this index");
            let signature = ecdsa(1, hash.to_byte_array());
            script_sig = Builder::new().push_int(0).push_slice(push(signature)).into_script();
        }
        Kind::Wpkh | Kind::ShWpkh => {
            let program = Kind::Wpkh.script();
            let hash = cache.p2wpkh_signature_hash(index, &program, output.value, all).expect("a key hash program");
            witness.push(ecdsa(0, hash.to_byte_array()));
            witness.push(keys.public(0).to_bytes());
            if kind == Kind::ShWpkh {
                script_sig = Builder::new().push_slice(push(program.into_bytes())).into_script();
            }
        }
        Kind::WshMulti => {
            let script = keys.two_of_three();
            let hash = cache.p2wsh_signature_hash(index, &script, output.value, all).expect("an input of this index");
            witness.push([]);
            witness.push(ecdsa(0, hash.to_byte_array()));
            witness.push(ecdsa(2, hash.to_byte_array()));
            witness.push(script.into_bytes());
        }
        Kind::ShSigops => script_sig = Builder::new().push_slice(push(idle_checks().into_bytes())).into_script(),
        Kind::WshSigops => witness.push(idle_checks().into_bytes()),
        Kind::TrKey => {
            let prevouts = Prevouts::All(spent);
            let hash = cache
                .taproot_key_spend_signature_hash(index, &prevouts, TapSighashType::Default)
                .expect("an input of this index");
            let pair = keys.pairs[0].tap_tweak(&keys.secp, None).to_keypair();
            let message = Message::from_digest(hash.to_byte_array());
            witness.push(keys.secp.sign_schnorr_no_aux_rand(&message, &pair).as_ref());
        }
        Kind::TrScript => {
            let script = leaf_script(&keys.pairs[0]);
            let leaf = TapLeafHash::from_script(&script, LeafVersion::TapScript);
            let prevouts = Prevouts::All(spent);
            let hash = cache
                .taproot_script_spend_signature_hash(index, &prevouts, leaf, TapSighashType::Default)
                .expect("an input of this index");
            let message = Message::from_digest(hash.to_byte_array());
            let control = keys.tree.control_block(&(script.clone(), LeafVersion::TapScript)).expect("the leaf");
            witness.push(keys.secp.sign_schnorr_no_aux_rand(&message, &keys.pairs[0]).as_ref());
            witness.push(script.into_bytes());
            witness.push(control.serialize());
        }
        Kind::Future => witness.push([7; 3]),
    }
    tx.input[index].script_sig = script_sig;
    tx.input[index].witness = witness;
}
