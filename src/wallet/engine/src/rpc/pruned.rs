//! Transactions that a proof brings, where the block is no longer there.

use std::sync::Arc;

use ::rpc::values::bytes_from_value;
use ::rpc::{Code, Json, Request, RpcError};
use bitcoin::Txid;
use bitcoin::consensus::encode;
use bitcoin::merkle_tree::PartialMerkleTree;
use primitives::{Header, Reader, hex};

use super::common::{txid_of, wallet_of};
use crate::convert;
use crate::ledger::{Owner, Stamp, State};
use crate::loader::Wallets;
use crate::wallet::{WalletError, road};

fn refused(text: &'static str) -> RpcError {
    RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
}

pub(super) fn import(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let shared = wallets.shared();
    let bytes = hex::decode(request.str("rawtransaction")?);
    let tx = bytes.and_then(|bytes| shared.codec.guess_tx(&bytes, true, true)).ok_or_else(|| {
        let text = "TX decode failed. Make sure the tx has at least one input.";
        RpcError::new(Code::DESERIALIZATION_ERROR, text)
    })?;
    let tx = Arc::new(tx);
    let (header, proven) = open(wallets, &bytes_from_value(request.arg("txoutproof"), "proof")?)?;
    let tip = wallet.read(|core| core.ledger.tip());
    let found = shared.chain.find_ancestor_by_hash(convert::to_hash(&tip.hash), convert::to_hash(&header.hash()));
    let found = found.map_err(road)?.ok_or_else(|| refused("Block not found in chain"))?;
    let proven = proven.iter().find(|(txid, _)| *txid == tx.txid());
    let (_, index) = proven.ok_or_else(|| refused("Transaction given doesn't exist in proof"))?;
    let state = State::Confirmed {
        block: header.hash(),
        height: found.block.height,
        index: i32::try_from(*index).unwrap_or(i32::MAX),
    };
    let stamp = Stamp { now: shared.now(), block: Some((found.time, found.max_time)), rescanning: false };
    wallet.change(|core, draft| {
        if !tx.outputs().iter().any(|output| core.keys.is_mine(&output.script_pubkey)) {
            return Err(refused("No addresses in wallet correspond to included transaction"));
        }
        core.add_tx(&tx, state, stamp, draft, None);
        Ok(())
    })?;
    Ok(Json::Null)
}

/// The header of a proof, and the transactions that it proves with their places.
fn open(wallets: &Wallets, bytes: &[u8]) -> Result<(Header, Vec<(Txid, u32)>), RpcError> {
    let broken = || refused("Something wrong with merkleblock");
    let mut reader = Reader::new(bytes);
    let header = wallets.shared().codec.read_header(&mut reader).map_err(|_| broken())?;
    let rest = bytes.get(reader.position()..).unwrap_or_default();
    let (tree, _) = encode::deserialize_partial::<PartialMerkleTree>(rest).map_err(|_| broken())?;
    let (mut txids, mut places) = (Vec::new(), Vec::new());
    let root = tree.extract_matches(&mut txids, &mut places).map_err(|_| broken())?;
    if root != header.merkle_root() {
        return Err(broken());
    }
    Ok((header, txids.into_iter().zip(places).collect()))
}

pub(super) fn remove(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let shared = wallets.shared();
    if !shared.memo.is_deprecated("removeprunedfunds", &*shared.chain).map_err(road)? {
        let text = "DEPRECATION WARNING: This feature will be removed in the next major release. Start bitcoind with the \
                    `-deprecatedrpc=removeprunedfunds` option in order to use this.";
        return Err(RpcError::new(Code::METHOD_DEPRECATED, text));
    }
    let txid = txid_of(request.arg("txid"), "txid")?;
    let known = wallet.change(|core, draft| Ok::<_, WalletError>(core.ledger.remove(&txid, &mut draft.changes)))?;
    if !known {
        let text = format!("Transaction {txid} does not belong to this wallet");
        return Err(RpcError::new(Code::WALLET_ERROR, text));
    }
    Ok(Json::Null)
}
