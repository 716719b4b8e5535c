//! Signets (BIP325): test networks whose blocks must solve a script, the challenge.
//!
//! The solution stands in the coinbase, behind the witness commitment. It is checked like a spend: one made-up transaction
//! creates an output with the challenge and commits to the block without its solution, another one spends that output
//! with the solution as its script and witness.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::Decodable;
use bitcoin::hashes::Hash;
use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use primitives::{Block, merkle};
use script::instruction::{Cursor, push_data};
use script::{Flags, TxData, TxSignatureChecker, verify_script};

use crate::block::commitment_index;

/// What the push with the solution begins with.
const HEADER: [u8; 4] = [0xec, 0xc7, 0xda, 0xa2];

/// The flags that a solution is run with.
const FLAGS: Flags = Flags::P2SH.with(Flags::WITNESS).with(Flags::DERSIG).with(Flags::NULLDUMMY);

/// What the messages of a signet start with: the first bytes of the hash of its challenge.
pub(crate) fn magic(challenge: &[u8]) -> [u8; 4] {
    let mut bytes = Vec::with_capacity(challenge.len() + 9);
    primitives::put_bytes(&mut bytes, challenge);
    let hash = bitcoin::hashes::sha256d::Hash::hash(&bytes).to_byte_array();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The two made-up transactions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignetTxs {
    /// Commits to the block and creates the challenge's output.
    pub to_spend: Transaction,
    /// Spends it with the solution.
    pub to_sign: Transaction,
}

impl SignetTxs {
    /// The transactions of a block; `None` if it has no witness commitment or if its solution cannot be read. A block
    /// without a solution gets an empty one, which solves a trivial challenge.
    pub fn new(block: &Block, challenge: &[u8]) -> Option<Self> {
        let coinbase = block.txs.first()?;
        let mut stripped = coinbase.inner().clone();
        let commitment = &mut stripped.output.get_mut(commitment_index(coinbase)?)?.script_pubkey;
        let (mut script_sig, mut witness) = (ScriptBuf::new(), Witness::new());
        if let Some((solution, rest)) = take_solution(commitment.as_bytes()) {
            *commitment = ScriptBuf::from_bytes(rest);
            (script_sig, witness) = read_solution(&solution)?;
        }
        let others = block.txs.iter().skip(1).map(|tx| tx.txid());
        let leaves = std::iter::once(stripped.compute_txid()).chain(others).map(Hash::to_byte_array).collect();
        let root = merkle::root(leaves).hash;

        let header = &block.header;
        let mut committed = Vec::with_capacity(72);
        committed.extend(header.version().to_le_bytes());
        committed.extend(header.prev().to_byte_array());
        committed.extend(root);
        committed.extend(header.time().to_le_bytes());
        let mut script = vec![0];
        push_data(&mut script, &committed);

        let to_spend = made_up(OutPoint::null(), ScriptBuf::from_bytes(script), challenge.to_vec());
        let spent = OutPoint { txid: to_spend.compute_txid(), vout: 0 };
        let mut to_sign = made_up(spent, script_sig, vec![OP_RETURN.to_u8()]);
        to_sign.input[0].witness = witness;
        Some(Self { to_spend, to_sign })
    }
}

/// A transaction with one input and one output that has nothing but these.
fn made_up(previous_output: OutPoint, script_sig: ScriptBuf, script_pubkey: Vec<u8>) -> Transaction {
    Transaction {
        version: Version(0),
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output, script_sig, sequence: Sequence::ZERO, witness: Witness::new() }],
        output: vec![TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script_pubkey) }],
    }
}

/// Takes the solution out of a commitment: what follows the header in the first push that begins with it and goes on.
/// The header stays. `None` if there is no such push, and then nothing is changed.
fn take_solution(commitment: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut solution = None;
    let mut rest = Vec::with_capacity(commitment.len());
    for op in Cursor::new(commitment) {
        match op.data.strip_prefix(&HEADER) {
            Some(found) if solution.is_none() && !found.is_empty() => {
                solution = Some(found.to_vec());
                push_data(&mut rest, &HEADER);
            }
            _ if op.data.is_empty() => rest.push(op.opcode.0),
            _ => push_data(&mut rest, op.data),
        }
    }
    Some((solution?, rest))
}

/// Reads a script and the items of a witness, and nothing after them.
fn read_solution(mut bytes: &[u8]) -> Option<(ScriptBuf, Witness)> {
    let script_sig = ScriptBuf::consensus_decode(&mut bytes).ok()?;
    let items = Vec::<Vec<u8>>::consensus_decode(&mut bytes).ok()?;
    bytes.is_empty().then(|| (script_sig, Witness::from_slice(&items)))
}

/// Whether a block solves the challenge of its signet. The genesis block is exempt, and that is for the caller to know.
pub fn is_solved(block: &Block, challenge: &[u8]) -> bool {
    let Some(SignetTxs { to_spend, to_sign }) = SignetTxs::new(block, challenge) else { return false };
    let data = TxData::new(&to_sign, &to_spend.output);
    let checker = TxSignatureChecker::new(&data, 0, Amount::ZERO);
    let (input, output) = (&to_sign.input[0], &to_spend.output[0]);
    verify_script(&input.script_sig, &output.script_pubkey, &input.witness, FLAGS, &checker).is_ok()
}

#[cfg(test)]
mod tests;
