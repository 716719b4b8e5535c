//! Reading the chain again, for transactions that were missed.
//!
//! The node looks for the wallet's scripts and coins and hands over what it finds. If that uses up scripts that were made
//! ahead, more are made, and the wallet answers with them: the scan goes back to the block where that happened, because
//! they may be used right there.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bitcoin::ScriptBuf;
use interfaces::{BlockRef, Call, OutPoint, ScanBatch, ScanReply, ScanRequest, ScanSink, Script};
use platform::{Clock, MockableClock};
use walletdb::Records;

use super::{Core, Wallet, WalletError, lock};
use crate::convert;
use crate::ledger::{Stamp, State, WalletTx};

/// Progress is noted in the log and, if wanted, in the file after this.
const NOTE_INTERVAL: Duration = Duration::from_mins(1);

/// How a scan ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanOutcome {
    /// At the last block that was wanted; none if there was none.
    Done(Option<BlockRef>),
    /// The node could not read some blocks; the last one of those, if it is known.
    Failed(Option<BlockRef>),
    /// Somebody stopped it.
    Aborted,
}

/// What to scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanRange {
    pub(crate) start: i32,
    pub(crate) stop: Option<i32>,
    pub(crate) save_progress: bool,
}

/// Whether and how far a wallet is scanning.
#[derive(Debug, Default)]
pub struct Scanning {
    active: AtomicBool,
    abort: AtomicBool,
    with_passphrase: AtomicBool,
    /// A number between 0 and 1, as bits.
    progress: AtomicU64,
    started: Mutex<Duration>,
}

/// The right to scan. Only one at a time has it.
pub struct ScanReservation<'s> {
    scanning: &'s Scanning,
}

impl fmt::Debug for ScanReservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScanReservation")
    }
}

impl Drop for ScanReservation<'_> {
    fn drop(&mut self) {
        self.scanning.with_passphrase.store(false, Ordering::SeqCst);
        self.scanning.active.store(false, Ordering::SeqCst);
    }
}

impl Scanning {
    /// Takes the right to scan, unless somebody has it. `with_passphrase` keeps the wallet from being locked meanwhile.
    pub fn reserve(&self, with_passphrase: bool, clock: &MockableClock) -> Option<ScanReservation<'_>> {
        if self.active.swap(true, Ordering::SeqCst) {
            return None;
        }
        self.abort.store(false, Ordering::SeqCst);
        self.with_passphrase.store(with_passphrase, Ordering::SeqCst);
        self.progress.store(0, Ordering::SeqCst);
        *lock(&self.started) = clock.monotonic();
        Some(ScanReservation { scanning: self })
    }

    /// Whether a scan runs.
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::SeqCst)
    }

    /// Whether a scan runs that needs the keys.
    pub fn needs_passphrase(&self) -> bool {
        self.is_active() && self.with_passphrase.load(Ordering::SeqCst)
    }

    /// Whether it is to stop.
    pub fn is_aborting(&self) -> bool {
        self.abort.load(Ordering::SeqCst)
    }

    /// Stops it.
    pub fn abort(&self) {
        self.abort.store(true, Ordering::SeqCst);
    }

    /// How far it is, from 0 to 1.
    pub fn progress(&self) -> f64 {
        f64::from_bits(self.progress.load(Ordering::SeqCst))
    }

    /// For how long it has run.
    pub fn duration(&self, clock: &MockableClock) -> Duration {
        clock.monotonic().saturating_sub(*lock(&self.started))
    }

    fn set_progress(&self, progress: f64) {
        self.progress.store(progress.clamp(0.0, 1.0).to_bits(), Ordering::SeqCst);
    }
}

/// Takes the matches of one run.
struct Sink {
    wallet: Arc<Wallet>,
    range: ScanRange,
    state: Mutex<SinkState>,
}

#[derive(Default)]
struct SinkState {
    last: Option<BlockRef>,
    failed: Option<WalletError>,
    noted: Duration,
    end: i32,
}

impl ScanSink for Sink {
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply> {
        let mut state = lock(&self.state);
        if self.wallet.scanning.is_aborting() {
            return Ok(ScanReply::default());
        }
        match self.wallet.take_batch(batch) {
            Ok((again, fresh)) => {
                if again.is_none() {
                    state.last = Some(batch.scanned);
                    self.note_progress(batch, &mut state);
                }
                let scripts = fresh.iter().map(|script| Script::new(script.as_bytes())).collect();
                Ok(ScanReply { go_on: true, scripts, again: again.unwrap_or(i32::MAX) })
            }
            Err(error) => {
                state.failed = Some(error);
                Ok(ScanReply::default())
            }
        }
    }
}

impl Sink {
    fn note_progress(&self, batch: &ScanBatch, state: &mut SinkState) {
        let (start, height) = (self.range.start, batch.scanned.height);
        let total = f64::from(state.end.saturating_sub(start).max(1));
        let progress = f64::from(height.saturating_sub(start)) / total;
        self.wallet.scanning.set_progress(progress);
        let now = self.wallet.shared.clock.monotonic();
        if now.saturating_sub(state.noted) < NOTE_INTERVAL {
            return;
        }
        state.noted = now;
        self.wallet.log(&format!("Still rescanning. At block {height}. Progress={progress:.6}"));
        if self.range.save_progress {
            self.wallet.log(&format!("Saving scan progress {height}."));
            let found = self.wallet.shared.chain.find_block(batch.scanned.hash, false);
            if let Ok(Some(found)) = found
                && let Err(error) = self.wallet.file.put_best_block(convert::from_locator(&found.locator))
            {
                self.wallet.log(&format!("The scan's progress could not be noted: {error}"));
            }
        }
    }
}

impl Wallet {
    /// Scans blocks, and without an end also the mempool.
    pub(crate) fn scan(
        self: &Arc<Self>,
        _right: &ScanReservation<'_>,
        range: ScanRange,
    ) -> Result<ScanOutcome, WalletError> {
        let chain = &self.shared.chain;
        let start_hash = chain.block_hash(range.start)?;
        let variant = if chain.has_block_filter_index()? {
            "fast variant using block filters"
        } else {
            "slow variant inspecting all blocks"
        };
        let hash = start_hash.map_or_else(|_| "null".to_owned(), |hash| hash.to_string());
        self.log(&format!("Rescan started from block {hash}... ({variant})"));
        let begun = self.shared.clock.monotonic();
        self.show_progress(0);
        let outcome = self.scan_runs(range)?;
        if range.stop.is_none() {
            self.log("Scanning current mempool transactions.");
            self.read_mempool()?;
        }
        self.show_progress(100);
        let height = self.read(|core| core.ledger.tip().height);
        match outcome {
            ScanOutcome::Aborted if chain.shutdown_requested()? => {
                self.log(&format!("Rescan interrupted by shutdown request at block {height}."));
            }
            ScanOutcome::Aborted => self.log(&format!("Rescan aborted at block {height}.")),
            ScanOutcome::Done(_) | ScanOutcome::Failed(_) => {
                let took = self.shared.clock.monotonic().saturating_sub(begun).as_millis();
                self.log(&format!("Rescan completed in {took:>15}ms"));
            }
        }
        Ok(outcome)
    }

    /// Scans what is there. Blocks that are missing, because they were pruned or are not downloaded yet, are passed over.
    fn scan_runs(self: &Arc<Self>, range: ScanRange) -> Result<ScanOutcome, WalletError> {
        let outcome = self.scan_run(range)?;
        let ScanOutcome::Failed(read) = outcome else { return Ok(outcome) };
        let chain = &self.shared.chain;
        let first = read.map_or(range.start, |read| read.height.saturating_add(1));
        let end = range.stop.unwrap_or(chain.tip()?.map_or(0, |tip| tip.height));
        let mut missing = end;
        while missing >= first && chain.have_block_on_disk(missing)? {
            missing -= 1;
        }
        if missing >= first && missing < end {
            let rest = ScanRange { start: missing + 1, ..range };
            if matches!(self.scan_run(rest)?, ScanOutcome::Aborted) {
                return Ok(ScanOutcome::Aborted);
            }
        }
        let failed = missing.max(first);
        Ok(ScanOutcome::Failed(chain.block_hash(failed)?.ok().map(|hash| BlockRef { hash, height: failed })))
    }

    /// Scans up to the first block that cannot be read; a failure names the last one that could.
    fn scan_run(self: &Arc<Self>, range: ScanRange) -> Result<ScanOutcome, WalletError> {
        let chain = &self.shared.chain;
        let tip = chain.tip()?.map_or(0, |tip| tip.height);
        let request = self.change(|core, _| Ok::<_, WalletError>(core.begin_scan(range)))?;
        let state =
            SinkState { noted: self.shared.clock.monotonic(), end: range.stop.unwrap_or(tip), ..SinkState::default() };
        let sink = Arc::new(Sink { wallet: Arc::clone(self), range, state: Mutex::new(state) });
        let answer = chain.scan_blocks(&request, Arc::clone(&sink) as Arc<dyn ScanSink>);
        lock(&self.core).keys.end_journal();
        let mut state = lock(&sink.state);
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        let answer = answer?;
        // A node that stops ends a scan by itself. It is asked once: asked with each batch, it would be kept waiting.
        if self.scanning.is_aborting() || chain.shutdown_requested()? {
            self.scanning.abort();
            return Ok(ScanOutcome::Aborted);
        }
        Ok(match answer {
            Ok(scanned) => ScanOutcome::Done(scanned.or(state.last)),
            Err(failure) => {
                self.log(&format!("The node could not scan: {failure}"));
                ScanOutcome::Failed(state.last)
            }
        })
    }

    fn show_progress(&self, percent: i32) {
        let title = format!("{} Rescanning…", self.display_name());
        self.each_watcher(move |watcher| watcher.show_progress(&title, percent));
    }

    /// Takes in what one batch has. Returns scripts that were made since the last one, and the height from which they are to
    /// be looked for, if it was the batch that made them; what it has after that height comes again.
    fn take_batch(&self, batch: &ScanBatch) -> Result<(Option<i32>, Vec<ScriptBuf>), WalletError> {
        let now = self.shared.now();
        let mut decoded = Vec::with_capacity(batch.matches.len());
        for found in &batch.matches {
            let txs: Vec<_> = found.txs.iter().filter_map(|tx| Some((tx.index, self.decode_tx(&tx.tx)?))).collect();
            decoded.push((found.block, found.time, txs));
        }
        self.change(|core, draft| {
            let scanned = batch.scanned;
            if scanned.height > core.ledger.tip().height {
                core.ledger.set_tip(convert::from_hash(&scanned.hash), scanned.height);
            }
            // Others may have made some meanwhile.
            let mut fresh = core.keys.take_journal();
            for (block, time, txs) in decoded {
                let stamp = Stamp { now, block: Some((time, time)), rescanning: true };
                let (hash, height) = (convert::from_hash(&block.hash), block.height);
                let before = fresh.len();
                for (index, tx) in txs {
                    let index = i32::try_from(index).unwrap_or(i32::MAX);
                    core.sync_tx(&tx, State::Confirmed { block: hash, height, index }, stamp, draft);
                }
                fresh.append(&mut core.keys.take_journal());
                if fresh.len() > before {
                    return Ok((Some(height), fresh));
                }
            }
            Ok((None, fresh))
        })
    }
}

impl Core {
    /// What to look for: the scripts that pay to the wallet, and the outputs whose spending concerns it. These are its coins,
    /// and what its unconfirmed transactions spend, because somebody else may spend that first. From now on the keys keep
    /// a journal of new scripts.
    fn begin_scan(&mut self, range: ScanRange) -> ScanRequest {
        self.keys.begin_journal();
        let scripts = self.keys.scripts().map(|script| Script::new(script.as_bytes())).collect();
        let outpoints = self.ledger.coins().map(|(outpoint, _, _)| convert::to_outpoint(&outpoint)).collect();
        let may_confirm = |tx: &&WalletTx| match tx.state() {
            State::InMempool | State::Inactive { .. } => !tx.tx().is_coinbase(),
            State::Confirmed { .. } | State::Conflicted { .. } => false,
        };
        let spent = self
            .ledger
            .in_order()
            .filter(may_confirm)
            .flat_map(|tx| tx.tx().inputs())
            .map(|input| &input.previous_output);
        let strangers: BTreeSet<OutPoint> =
            spent.filter(|out| self.ledger.coin(out).is_none()).map(convert::to_outpoint).collect();
        ScanRequest {
            start_height: range.start,
            stop_height: range.stop.unwrap_or(-1),
            scripts,
            outpoints,
            strangers: strangers.into_iter().collect(),
        }
    }
}
