//! Proofs that a block holds a transaction: its header, and the hashes that lead from the transaction to the root.

use std::collections::BTreeSet;

use ::rpc::{Arg, Code, Json, Method, Request, Res, RpcError, method, values};
use bitcoin::consensus::encode;
use bitcoin::merkle_tree::PartialMerkleTree;
use bitcoin::{OutPoint, Txid};
use chainstate::Node;
use primitives::{Block, Codec, DecodeError, Header, Reader, WitnessMode, hex};

use crate::{
    NodeContext,
    rpc::{blockchain::stored_block, parse},
};

/// No block has an output with this number: an output weighs at least 36 units.
const MAX_OUTPUTS: u32 = 4_000_000 / 36;

pub(super) fn make() -> Method<NodeContext> {
    method(
        "blockchain",
        "gettxoutproof",
        "Returns a hex-encoded proof that \"txid\" was included in a block.\n\
         \nNOTE: By default this function only works sometimes. This is when there is an\n\
         unspent output in the utxo for this transaction. To make it always work,\n\
         you need to maintain a transaction index, using the -txindex command line option or\n\
         specify the block in which the transaction is included manually (by blockhash).\n",
    )
    .arg(Arg::arr("txids", "The txids to filter", [Arg::hex("txid", "A transaction hash").optional()]))
    .arg(Arg::hex("blockhash", "If specified, looks for txid in the block with this hash").optional())
    .result(Res::str("data", "A string that is a serialized, hex-encoded data for the proof."))
    .run(answer_make)
}

fn answer_make(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let list = request.arg("txids").as_arr()?;
    if list.is_empty() {
        return Err(RpcError::invalid_parameter("Parameter 'txids' cannot be empty"));
    }
    let mut wanted = BTreeSet::new();
    for txid in list {
        let text = txid.as_str()?;
        if !wanted.insert(parse::parse_hash::<Txid>(text, "txid")?) {
            return Err(RpcError::invalid_parameter(format!("Invalid parameter, duplicated txid: {text}")));
        }
    }
    let stored =
        if request.has("blockhash") { parse::block(node, request, "blockhash")?.1 } else { find(node, &wanted)? };
    let block = stored_block(node, &stored)?;
    let bytes = prove(&block, &wanted).ok_or_else(|| {
        RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Not all transactions found in specified or retrieved block")
    })?;
    Ok(hex::encode(&bytes).into())
}

/// The block that made an unspent output of one of the transactions, or that the index knows.
fn find(node: &NodeContext, wanted: &BTreeSet<Txid>) -> Result<Node, RpcError> {
    for txid in wanted {
        for vout in 0..MAX_OUTPUTS {
            let coin = node.reader().coin(&OutPoint { txid: *txid, vout });
            let coin = coin.map_err(|e| RpcError::new(Code::DATABASE_ERROR, e.to_string()))?;
            if let Some(coin) = coin
                && let Some(id) = node.reader().at_height(coin.height)
            {
                return Ok(node.reader().node(id));
            }
        }
    }
    let missing = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Transaction not yet in block");
    // All of them must be in one block, so the first one tells which.
    let (Some(index), Some(first)) = (&node.library().txs, wanted.first()) else { return Err(missing()) };
    node.library().wait_for("txindex", node);
    let found = index.find(node.reader(), *first).map_err(|e| RpcError::new(Code::INTERNAL_ERROR, e.to_string()))?;
    let found = node.reader().find(&found.ok_or_else(missing)?.block);
    found.map(|(_, block)| block).ok_or_else(|| RpcError::new(Code::INTERNAL_ERROR, "Transaction index corrupt"))
}

/// The proof for all the transactions at once; none if the block lacks one of them.
pub(super) fn prove(block: &Block, wanted: &BTreeSet<Txid>) -> Option<Vec<u8>> {
    let txids: Vec<Txid> = block.txs.iter().map(|tx| tx.txid()).collect();
    let matches: Vec<bool> = txids.iter().map(|txid| wanted.contains(txid)).collect();
    if txids.is_empty() || matches.iter().filter(|found| **found).count() != wanted.len() {
        return None;
    }
    let mut bytes = Vec::new();
    block.header.encode(&mut bytes, WitnessMode::Include);
    bytes.extend(encode::serialize(&PartialMerkleTree::from_txids(&txids, &matches)));
    Some(bytes)
}

/// What a proof says.
pub(super) struct Proof {
    pub(super) header: Header,
    /// How many transactions the block is said to have.
    pub(super) count: u32,
    /// The transactions that it proves; none if the hashes do not lead to the header's root.
    pub(super) txids: Option<Vec<Txid>>,
}

/// Reads a proof. What follows it is not looked at.
pub(super) fn open(codec: Codec, bytes: &[u8]) -> Result<Proof, DecodeError> {
    let mut reader = Reader::new(bytes);
    let header = codec.read_header(&mut reader)?;
    let rest = bytes.get(reader.position()..).unwrap_or_default();
    let (tree, _) = encode::deserialize_partial::<PartialMerkleTree>(rest).map_err(|_| DecodeError::EndOfData)?;
    let (mut txids, mut places) = (Vec::new(), Vec::new());
    let proven = tree.extract_matches(&mut txids, &mut places).is_ok_and(|root| root == header.merkle_root());
    Ok(Proof { header, count: tree.num_transactions(), txids: proven.then_some(txids) })
}

pub(super) fn verify() -> Method<NodeContext> {
    method(
        "blockchain",
        "verifytxoutproof",
        "Verifies that a proof points to a transaction in a block, returning the transaction it commits to\n\
         and throwing an RPC error if the block is not in our best chain\n",
    )
    .arg(Arg::hex("proof", "The hex-encoded proof generated by gettxoutproof"))
    .result(Res::arr(
        "",
        "",
        [Res::hex("txid", "The txid(s) which the proof commits to, or empty array if the proof cannot be validated.")],
    ))
    .run(answer_verify)
}

fn answer_verify(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let bytes = values::bytes_from_value(request.arg("proof"), "proof")?;
    let proof = open(Codec::for_coin(node.config.coin()), &bytes).map_err(|e| {
        let text = match e {
            DecodeError::EndOfData => "SpanReader::read(): end of data".to_owned(),
            other => other.to_string(),
        };
        RpcError::misc(format!("{text}: iostream error"))
    })?;
    let Some(txids) = proof.txids else { return Ok(Json::Arr(Vec::new())) };
    let found = node.reader().find(&proof.header.hash());
    let found = found.filter(|(id, stored)| stored.tx_count > 0 && node.reader().is_active(*id));
    let (_, stored) = found.ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block not found in chain"))?;
    // A tree of another depth could pass an inner hash for a transaction.
    let txids = if stored.tx_count == proof.count { txids } else { Vec::new() };
    Ok(txids.iter().map(ToString::to_string).collect())
}
