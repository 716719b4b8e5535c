//! `importdescriptors`

use std::sync::Arc;

use ::rpc::values::range_from_value;
use ::rpc::{Code, Json, Object, Request, RpcError};
use descriptors::{Descriptor, parse};
use interfaces::Broadcast;
use signer::KeyRing;

use super::common::{ensure_unlocked, is_watch_only, label_of, synced_wallet};
use super::rescan::reserve;
use crate::book::Purpose;
use crate::convert;
use crate::keys::Extent;
use crate::loader::Wallets;
use crate::wallet::{Core, Draft, ScanOutcome, ScanRange, ScanReservation, TIMESTAMP_WINDOW, Wallet, road};

pub(super) fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let right = reserve(wallets, &wallet)?;
    let tip = wallet.read(|core| {
        ensure_unlocked(core)?;
        Ok::<_, RpcError>(core.ledger.tip())
    })?;
    let found = wallets.shared().chain.find_block(convert::to_hash(&tip.hash), false).map_err(road)?;
    let (mut lowest, now) = found.map_or((0, 0), |found| (found.time, found.median_time));
    let given = request.param(0).as_arr()?;
    let mut results = Vec::with_capacity(given.len());
    let mut rescan = false;
    wallet.change(|core, draft| {
        for item in given {
            let timestamp = timestamp_of(item, now)?.max(1);
            let result = import_one(core, draft, item, timestamp);
            lowest = lowest.min(timestamp);
            rescan |= result.is_success();
            results.push(result);
        }
        core.ledger.refresh_coins(&core.keys);
        Ok::<_, RpcError>(())
    })?;
    if rescan {
        let scanned = rescan_from(&wallet, &right, lowest)?;
        wallet.resubmit(Broadcast::MempoolNoBroadcast, true)?;
        if wallet.scanning().is_aborting() {
            return Err(RpcError::misc("Rescan aborted by user."));
        }
        if scanned > lowest {
            for (item, result) in given.iter().zip(&mut results) {
                let timestamp = timestamp_of(item, now)?;
                if scanned > timestamp && result.error.is_none() {
                    *result = Outcome::failed(unscanned(wallets, timestamp, scanned)?);
                }
            }
        }
    }
    Ok(results.into_iter().map(Outcome::into_json).collect())
}

/// What became of one descriptor.
struct Outcome {
    warnings: Vec<String>,
    error: Option<RpcError>,
}

impl Outcome {
    fn failed(error: RpcError) -> Self {
        Self { warnings: Vec::new(), error: Some(error) }
    }

    fn is_success(&self) -> bool {
        self.error.is_none()
    }

    fn into_json(self) -> Json {
        let mut object = Object::new().with("success", self.is_success());
        if let Some(error) = self.error {
            object.push("error", error.to_json());
        }
        if !self.warnings.is_empty() {
            object.push("warnings", self.warnings);
        }
        object.into()
    }
}

fn timestamp_of(item: &Json, now: i64) -> Result<i64, RpcError> {
    match item.as_obj()?.get("timestamp") {
        None => Err(RpcError::wrong_type("Missing required timestamp field for key")),
        Some(Json::Str(text)) if text == "now" => Ok(now),
        Some(number @ Json::Num(_)) => Ok(number.as_int()?),
        Some(other) => {
            let text = format!("Expected number or \"now\" timestamp value for key. got type {}", other.type_name());
            Err(RpcError::wrong_type(text))
        }
    }
}

fn import_one(core: &mut Core, draft: &mut Draft, item: &Json, timestamp: i64) -> Outcome {
    let mut warnings = Vec::new();
    let error = try_import(core, draft, item, timestamp, &mut warnings).err();
    Outcome { warnings, error }
}

fn bad(text: &'static str) -> RpcError {
    RpcError::invalid_parameter(text)
}

fn refused(text: &'static str) -> RpcError {
    RpcError::new(Code::WALLET_ERROR, text)
}

/// What is asked for one text.
struct Wish {
    text: String,
    descriptors: Vec<Descriptor>,
    ring: KeyRing,
    active: bool,
    internal: bool,
    label: String,
    extent: Extent,
}

fn try_import(
    core: &mut Core,
    draft: &mut Draft,
    item: &Json,
    timestamp: i64,
    warnings: &mut Vec<String>,
) -> Result<(), RpcError> {
    let wish = read(core, item, timestamp, warnings)?;
    if is_watch_only(core) && !wish.ring.is_empty() {
        return Err(refused("Cannot import private keys to a wallet with private keys disabled"));
    }
    let count = wish.descriptors.len();
    for (position, descriptor) in wish.descriptors.iter().enumerate() {
        let internal = if count == 2 { position == 1 } else { wish.internal };
        check(core, &wish, descriptor, warnings)?;
        add(core, draft, &wish, descriptor, internal, warnings)?;
    }
    core.older(timestamp);
    Ok(())
}

fn read(core: &Core, item: &Json, timestamp: i64, warnings: &mut Vec<String>) -> Result<Wish, RpcError> {
    let text = item.get("desc");
    if text.is_null() {
        return Err(bad("Descriptor not found."));
    }
    let text = text.as_str()?.to_owned();
    let flag =
        |name: &str| -> Result<Option<bool>, RpcError> { Ok(item.as_obj()?.get(name).map(Json::as_bool).transpose()?) };
    let active = flag("active")?.unwrap_or(false);
    let label = label_of(item.get("label"))?;
    let has_label = item.as_obj()?.contains("label");
    let mut ring = KeyRing::new(*core.keys.notation());
    let parsed = parse(&text, true, core.keys.notation(), &mut ring)
        .map_err(|error| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, error.to_string()))?;
    let descriptors = parsed.descriptors;
    let internal = flag("internal")?;
    if internal.is_some() && descriptors.len() > 1 {
        let text = "Cannot have multipath descriptor while also specifying 'internal'";
        return Err(RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text));
    }
    let ranged = descriptors.first().is_some_and(Descriptor::is_range);
    let (start, end, next) = read_range(core, item, ranged, warnings)?;
    let internal = internal.unwrap_or(false);
    if active && !ranged {
        return Err(bad("Active descriptors must be ranged"));
    }
    if descriptors.len() > 1 && has_label {
        return Err(bad("Multipath descriptors should not have a label"));
    }
    if ranged && has_label {
        return Err(bad("Ranged descriptors should not have a label"));
    }
    if internal && has_label {
        return Err(bad("Internal addresses should not have a label"));
    }
    if active && !descriptors.first().is_some_and(Descriptor::is_single) {
        return Err(refused("Combo descriptors cannot be set to active"));
    }
    let created = u64::try_from(timestamp).unwrap_or(0);
    let extent = Extent { created, start, end, next };
    Ok(Wish { text, descriptors, ring, active, internal, label, extent })
}

/// The first index, the one behind the last, and the next to give out.
fn read_range(core: &Core, item: &Json, ranged: bool, warnings: &mut Vec<String>) -> Result<(i32, i32, i32), RpcError> {
    let range = item.as_obj()?.get("range");
    if !ranged {
        return match range {
            Some(_) => Err(bad("Range should not be specified for an un-ranged descriptor")),
            None => Ok((0, 1, 0)),
        };
    }
    let (start, end) = if let Some(range) = range {
        let (start, last) = range_from_value(range)?;
        (start, last + 1)
    } else {
        warnings.push("Range not given, using default keypool range".to_owned());
        (0, i64::from(core.keys.keypool()))
    };
    let next = match item.as_obj()?.get("next_index") {
        Some(next) => next.as_int::<i64>()?,
        None => start,
    };
    if !(start..end).contains(&next) {
        return Err(bad("next_index is out of range"));
    }
    let small = |number: i64| i32::try_from(number).map_err(|_| bad("End of range is too high"));
    Ok((small(start)?, small(end)?, small(next)?))
}

fn check(core: &Core, wish: &Wish, descriptor: &Descriptor, warnings: &mut Vec<String>) -> Result<(), RpcError> {
    let Some(expansion) = descriptor.expand(0, &wish.ring) else {
        return Err(refused(
            "Cannot expand descriptor. Probably because of hardened derivations without private keys provided",
        ));
    };
    warnings.extend(descriptor.warnings());
    let watch_only = is_watch_only(core);
    if !watch_only {
        if wish.ring.is_empty() {
            return Err(refused("Cannot import descriptor without private keys to a wallet with private keys enabled"));
        }
        if !wish.ring.has_all_of(descriptor) {
            let text = "Not all private keys provided. Some wallet functionality may return unexpected errors";
            warnings.push(text.to_owned());
        }
    }
    if expansion.scripts.is_empty() {
        if watch_only {
            return Err(refused("Cannot import unused() to wallet without private keys enabled"));
        }
        let keys = descriptor.keys();
        let mut publics = keys
            .iter()
            .filter_map(|key| key.root().map(descriptors::ExtendedKey::public_key).or(key.single_key().copied()));
        if publics.any(|public| core.keys.private_key(&public).is_some()) {
            return Err(refused("Cannot import an unused() descriptor when its private key is already in the wallet"));
        }
    }
    Ok(())
}

fn add(
    core: &mut Core,
    draft: &mut Draft,
    wish: &Wish,
    descriptor: &Descriptor,
    internal: bool,
    warnings: &mut Vec<String>,
) -> Result<(), RpcError> {
    let added = core.keys.import(descriptor.clone(), wish.extent, &wish.ring, &mut draft.records);
    let id = added.map_err(|error| {
        RpcError::new(Code::WALLET_ERROR, format!("Could not add descriptor '{}': {error}", wish.text))
    })?;
    if !descriptor.is_range() && !internal {
        let scripts: Vec<_> = core.keys.manager(&id).into_iter().flat_map(|m| m.scripts().cloned()).collect();
        for script in scripts {
            let destination = core.destination(&script);
            if destination.has_address() {
                core.set_label(destination, &wish.label, Some(Purpose::Receive), draft);
            }
        }
    }
    match (descriptor.address_type(), wish.active) {
        (Some(kind), true) => core.keys.activate(id, kind, internal, &mut draft.records),
        (Some(kind), false) => core.deactivate(&id, kind, internal, draft),
        (None, true) => warnings.push("Unknown output type, cannot set descriptor to active.".to_owned()),
        (None, false) => {}
    }
    Ok(())
}

/// Scans from a time on. Returns the time from which everything was scanned.
fn rescan_from(wallet: &Arc<Wallet>, right: &ScanReservation<'_>, time: i64) -> Result<i64, RpcError> {
    let chain = &wallet.shared().chain;
    let first = chain.find_first_block_with_time_and_height(time.saturating_sub(TIMESTAMP_WINDOW), 0).map_err(road)?;
    let Some(first) = first else { return Ok(time) };
    let range = ScanRange { start: first.block.height, stop: None, save_progress: false };
    match wallet.scan(right, range)? {
        ScanOutcome::Done(_) | ScanOutcome::Aborted => Ok(time),
        ScanOutcome::Failed(last) => {
            let last = last.unwrap_or(first.block);
            let found = chain.find_block(last.hash, false).map_err(road)?;
            Ok(found.map_or(time, |found| found.max_time.saturating_add(TIMESTAMP_WINDOW + 1)))
        }
    }
}

/// What is said of a descriptor whose first blocks could not be read.
fn unscanned(wallets: &Wallets, timestamp: i64, scanned: i64) -> Result<RpcError, RpcError> {
    let chain = &wallets.shared().chain;
    let mut text = format!(
        "Rescan failed for descriptor with timestamp {timestamp}. There was an error reading a block from time {}, which is \
         after or within {TIMESTAMP_WINDOW} seconds of key creation, and could contain transactions pertaining to the desc. \
         As a result, transactions and coins using this desc may not appear in the wallet.",
        scanned.saturating_sub(TIMESTAMP_WINDOW + 1)
    );
    text.push_str(if chain.have_pruned().map_err(road)? {
        " This error could be caused by pruning or data corruption (see bitcoind log for details) and could be dealt with by \
         downloading and rescanning the relevant blocks (see -reindex option and rescanblockchain RPC)."
    } else if chain.has_assumed_valid_chain().map_err(road)? {
        " This error is likely caused by an in-progress assumeutxo background sync. Check logs or getchainstates RPC for \
         assumeutxo background sync progress and try again later."
    } else {
        " This error could potentially caused by data corruption. If the issue persists you may want to reindex (see \
         -reindex option)."
    });
    Ok(RpcError::misc(text))
}
