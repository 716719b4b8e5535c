//! Signets (BIP325): who solves the challenge, and who does not.
//!
//! A signet's blocks need real work, so there are few of them.

use std::sync::Arc;

use ::consensus::HeaderView as _;
use ::consensus::signet::SignetTxs;
use bitcoin::block::Header as RawHeader;
use bitcoin::hashes::Hash as _;
use bitcoin::key::Keypair;
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_PUSHNUM_1};
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::sighash::SighashCache;
use bitcoin::{
    CompactTarget, EcdsaSighashType, PublicKey, ScriptBuf, Target, Transaction, TxMerkleNode, TxOut, Witness, consensus,
};
use oracle::build::{Draft, amount};
use oracle::kernel::Kernel;
use oracle::ours::Chain;
use oracle::plan;
use oracle::verdict::Verdict;
use primitives::{Block, Header, Tx, WitnessMode};

const MAGIC: [u8; 4] = [0xec, 0xc7, 0xda, 0xa2];

/// How the solution of a block looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Solution {
    /// As it must.
    Good,
    /// None at all.
    None,
    /// The magic, and nothing behind it.
    Empty,
    /// A signature of something else.
    Wrong,
    /// A byte follows.
    Trailing,
    /// It cannot be read.
    Cut,
    /// There are two; the first counts.
    Second,
    /// There is no commitment that could hold it.
    NoCommitment,
}

/// A key, and how a challenge asks for it.
struct Challenge {
    pair: Keypair,
    script: ScriptBuf,
    by_witness: bool,
}

impl Challenge {
    fn new(by_witness: bool) -> Self {
        let pair = Keypair::from_secret_key(&Secp256k1::new(), &SecretKey::from_slice(&[5; 32]).unwrap());
        let key = PublicKey::new(pair.public_key());
        let script = if by_witness {
            ScriptBuf::new_p2wpkh(&key.wpubkey_hash().unwrap())
        } else {
            Builder::new().push_key(&key).push_opcode(OP_CHECKSIG).into_script()
        };
        Self { pair, script, by_witness }
    }

    /// The solution of a block: a script and the items of a witness.
    fn solve(&self, block: &Block, wrong: bool) -> Vec<u8> {
        let SignetTxs { to_spend, to_sign } = SignetTxs::new(block, self.script.as_bytes()).expect("a commitment");
        let mut cache = SighashCache::new(&to_sign);
        let mut hash = if self.by_witness {
            let all = EcdsaSighashType::All;
            cache.p2wpkh_signature_hash(0, &self.script, to_spend.output[0].value, all).unwrap().to_byte_array()
        } else {
            cache.legacy_signature_hash(0, &self.script, 1).unwrap().to_byte_array()
        };
        hash[0] ^= u8::from(wrong);
        let mut signature =
            Secp256k1::new().sign_ecdsa(&Message::from_digest(hash), &self.pair.secret_key()).serialize_der().to_vec();
        signature.push(1);
        let (script, items) = if self.by_witness {
            (ScriptBuf::new(), vec![signature, self.pair.public_key().serialize().to_vec()])
        } else {
            (Builder::new().push_slice(PushBytesBuf::try_from(signature).unwrap()).into_script(), vec![])
        };
        [consensus::serialize(&script), consensus::serialize(&items)].concat()
    }
}

fn as_block(header: RawHeader, txs: &[Transaction]) -> Block {
    let txs = txs.iter().map(|tx| Arc::new(Tx::new(tx.clone(), None))).collect();
    Block { header: Header::new(header), txs, tail: None }
}

/// A block on the tip with a commitment that ends as the solution says.
fn block(chain: &Chain, challenge: &Challenge, solution: Solution, unique: u64) -> Vec<u8> {
    let tip = chain.headers().at(chain.headers().height()).unwrap();
    let draft = Draft::new(chain, &plan::plain(), unique);
    let mut txs = draft.txs;
    let mut header = RawHeader { bits: CompactTarget::from_consensus(tip.bits), ..draft.header };
    txs[0].input[0].witness = Witness::from_slice(&[[0; 32]]);
    let mut commitment = [&[0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed][..], &[0; 32]].concat();
    let bare = as_block(header, &txs);
    let root = bare.witness_merkle_root().to_byte_array();
    let root = bitcoin::hashes::sha256d::Hash::hash(&[root, [0; 32]].concat()).to_byte_array();
    commitment[6..].copy_from_slice(&root);
    let push = |data: &[u8]| Builder::new().push_slice(PushBytesBuf::try_from(data.to_vec()).unwrap()).into_bytes();
    // What is signed is the block as it is with nothing behind the magic.
    let open = |tail: &[u8]| TxOut { value: amount(0), script_pubkey: ScriptBuf::from_bytes(tail.to_vec()) };
    let unsolved = [&commitment[..], &push(&MAGIC)].concat();
    txs[0].output.push(open(&unsolved));
    header.merkle_root = as_block(header, &txs).merkle_root().0;
    let mut solved = challenge.solve(&as_block(header, &txs), solution == Solution::Wrong);
    match solution {
        Solution::Trailing => solved.push(0),
        Solution::Cut => drop(solved.pop()),
        _ => {}
    }
    let mut tail = commitment.clone();
    match solution {
        Solution::None => {}
        Solution::Empty => tail = unsolved,
        _ => tail.extend(push(&[&MAGIC[..], &solved].concat())),
    }
    if solution == Solution::Second {
        tail.extend(push(&[&MAGIC[..], &[1, 2, 3]].concat()));
    }
    let place = txs[0].output.len() - 1;
    txs[0].output[place] = open(&tail);
    if solution == Solution::NoCommitment {
        txs[0].output[place] = open(&[OP_PUSHNUM_1.to_u8()]);
        txs[0].input[0].witness = Witness::new();
    }
    header.merkle_root = TxMerkleNode::all_zeros();
    header.merkle_root = as_block(header, &txs).merkle_root().0;
    let target = Target::from_compact(header.bits);
    while !target.is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
    as_block(header, &txs).to_bytes(WitnessMode::Include)
}

#[test]
fn challenges_are_solved_alike() {
    let all = [
        Solution::Good,
        Solution::None,
        Solution::Empty,
        Solution::Wrong,
        Solution::Trailing,
        Solution::Cut,
        Solution::Second,
        Solution::NoCommitment,
        Solution::Good,
    ];
    let mut blocks = 0;
    for by_witness in [true, false] {
        let challenge = Challenge::new(by_witness);
        let kernel = Kernel::signet(challenge.script.as_bytes());
        let mut chain = Chain::signet(challenge.script.as_bytes());
        for (unique, solution) in (0..).zip(all) {
            let bytes = block(&chain, &challenge, solution, unique);
            let (ours, theirs) = (chain.judge(&bytes, 2_000_000_000), kernel.submit(&bytes));
            assert_eq!(ours, theirs, "{solution:?}, by witness: {by_witness}");
            if solution == Solution::Good {
                assert_eq!(ours, Verdict::Accepted);
            } else if solution != Solution::Second {
                assert_eq!(ours.reason(), "bad-signet-blksig", "{solution:?}");
            }
            if ours == Verdict::Accepted {
                chain.follow(&bytes);
            }
            assert_eq!(chain.tip(), kernel.tip());
            blocks += 1;
        }
    }
    println!("signet: {blocks} blocks");
}
