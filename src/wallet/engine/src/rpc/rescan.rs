//! Reading the chain again on request.

use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use interfaces::Chain;

use super::common::{ensure_unlocked, synced_wallet, wallet_of};
use super::docs::transactions as docs;
use crate::convert;
use crate::loader::Wallets;
use crate::wallet::{ScanOutcome, ScanRange, ScanReservation, Wallet, road};

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![docs::abortrescan().run(abort), docs::rescanblockchain().run(rescan)]
}

/// The right to scan, with the keys at hand.
pub(super) fn reserve<'w>(wallets: &Wallets, wallet: &'w Wallet) -> Result<ScanReservation<'w>, RpcError> {
    wallet.scanning().reserve(true, &wallets.shared().clock).ok_or_else(|| {
        RpcError::new(Code::WALLET_ERROR, "Wallet is currently rescanning. Abort existing rescan or wait.")
    })
}

fn rescan(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let right = reserve(wallets, &wallet)?;
    let tip = wallet.read(|core| {
        ensure_unlocked(core)?;
        Ok::<_, RpcError>(core.ledger.tip())
    })?;
    let start: i32 = request.int("start_height")?;
    if !(0..=tip.height).contains(&start) {
        return Err(RpcError::invalid_parameter("Invalid start_height"));
    }
    let stop: Option<i32> = request.opt_int("stop_height")?;
    if let Some(stop) = stop {
        if !(0..=tip.height).contains(&stop) {
            return Err(RpcError::invalid_parameter("Invalid stop_height"));
        }
        if stop < start {
            return Err(RpcError::invalid_parameter("stop_height must be greater than start_height"));
        }
    }
    ensure_blocks(&*wallets.shared().chain, &convert::to_hash(&tip.hash), start, stop)?;
    let outcome = wallet.scan(&right, ScanRange { start, stop, save_progress: false })?;
    match outcome {
        ScanOutcome::Done(last) => {
            let stop = last.map(|last| last.height);
            Ok(Object::new().with("start_height", start).with("stop_height", stop).into())
        }
        ScanOutcome::Failed(_) => Err(RpcError::misc("Rescan failed. Potentially corrupted data files.")),
        ScanOutcome::Aborted => Err(RpcError::misc("Rescan aborted.")),
    }
}

/// Refuses to start what cannot be finished.
fn ensure_blocks(
    chain: &dyn Chain,
    tip: &interfaces::BlockHash,
    start: i32,
    stop: Option<i32>,
) -> Result<(), RpcError> {
    if chain.has_blocks(*tip, start, stop.unwrap_or(-1)).map_err(road)? {
        return Ok(());
    }
    let pruned = chain.have_pruned().map_err(road)?;
    if pruned && chain.prune_height().map_err(road)?.is_some_and(|height| height >= start) {
        return Err(RpcError::misc(
            "Can't rescan beyond pruned data. Use RPC call getblockchaininfo to determine your pruned height.",
        ));
    }
    if chain.has_assumed_valid_chain().map_err(road)? {
        return Err(RpcError::misc(
            "Failed to rescan unavailable blocks likely due to an in-progress assumeutxo background sync. Check logs or \
             getchainstates RPC for assumeutxo background sync progress and try again later.",
        ));
    }
    Err(RpcError::misc(
        "Failed to rescan unavailable blocks, potentially caused by data corruption. If the issue persists you may want to \
         reindex (see -reindex option).",
    ))
}

fn abort(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let scanning = wallet.scanning();
    let can = scanning.is_active() && !scanning.is_aborting();
    if can {
        scanning.abort();
    }
    Ok(can.into())
}
