//! Sending what was built, and sending again what did not get through.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bitcoin::Txid;
use interfaces::{Answer, Broadcast, Failure};
use platform::shell;
use primitives::Tx;

use super::{Core, Draft, Wallet, WalletError};
use crate::convert;
use crate::ledger::{Event, Notes, Stamp, State};
use crate::shared::Shared;

/// A transaction that came within this many seconds before the last block may just not have been mined yet.
const RECENT: i64 = 5 * 60;

impl Wallet {
    /// Takes a transaction of the wallet's own in, with notes, and sends it if the wallet sends anything.
    pub fn commit(&self, tx: &Arc<Tx>, notes: &Notes) -> Result<(), WalletError> {
        self.change(|core, draft| {
            self.enter(core, draft, tx, notes);
            Ok::<_, WalletError>(())
        })?;
        self.send_entered(tx)
    }

    /// Takes a transaction of the wallet's own in, with notes, as part of a larger change.
    pub(crate) fn enter(&self, core: &mut Core, draft: &mut Draft, tx: &Arc<Tx>, notes: &Notes) {
        self.log(&format!(
            "CommitTransaction:\nCTransaction(hash={}, ver={}, vin.size={}, vout.size={}, nLockTime={})",
            tx.txid(),
            tx.version(),
            tx.inputs().len(),
            tx.outputs().len(),
            tx.lock_time()
        ));
        let stamp = Stamp { now: self.shared.now(), ..Stamp::default() };
        let note = |details: &mut crate::ledger::Details| merge(&mut details.notes, notes);
        if self.broadcasts.load(Ordering::SeqCst) {
            // The node will tell of it at once. What that changes is written now, with the rest.
            core.note_outputs(tx, draft);
        }
        core.add_tx(tx, State::Inactive { abandoned: false }, stamp, draft, Some(&note));
        for input in tx.inputs() {
            let parent = input.previous_output.txid;
            if core.ledger.get(&parent).is_some() {
                draft.changes.events.push((parent, Event::Updated));
            }
        }
    }

    /// Sends a transaction that was taken in, if the wallet sends anything.
    pub(crate) fn send_entered(&self, tx: &Tx) -> Result<(), WalletError> {
        if !self.broadcasts.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Err(failure) = self.submit(&tx.txid(), Broadcast::MempoolAndBroadcastToAll)? {
            self.log(&format!("CommitTransaction(): Transaction cannot be broadcast immediately, {failure}"));
            // It stays in the wallet, and is tried again later.
        }
        Ok(())
    }

    /// Notes that another transaction replaces one.
    pub fn mark_replaced(&self, old: &Txid, new: Txid) -> Result<bool, WalletError> {
        let in_mempool = self.shared.chain.is_in_mempool(convert::to_txid(old))?;
        self.change(|core, draft| {
            core.ledger.refresh_mempool_state(old, in_mempool);
            Ok(core.ledger.edit(old, &mut draft.changes, |details| details.notes.replaced_by = Some(new)))
        })
    }

    /// Gives a transaction of the wallet to the node, unless it cannot be taken anyway.
    pub fn submit(&self, txid: &Txid, how: Broadcast) -> Result<Answer<()>, WalletError> {
        let refuse = |why: &str| Ok(Err(Failure::new(why)));
        if !self.broadcasts.load(Ordering::SeqCst) {
            return refuse("wallet does not broadcast");
        }
        let raw = self.read(|core| {
            let tx = core.ledger.get(txid)?;
            let fits = !tx.is_abandoned() && !tx.tx().is_coinbase() && core.ledger.depth(tx) == 0;
            fits.then(|| convert::to_raw(tx.tx()))
        });
        let Some(raw) = raw else { return refuse("not to be sent") };
        let what = match how {
            Broadcast::MempoolAndBroadcastToAll => "to mempool and for broadcast to peers",
            Broadcast::MempoolNoBroadcast => "to mempool without broadcast",
            Broadcast::NoMempoolPrivateBroadcast => "for private broadcast without adding to the mempool",
        };
        self.log(&format!("Submitting wtx {txid} {what}"));
        let answer = self.shared.chain.broadcast_transaction(&raw, self.settings.max_fee, how)?;
        if answer.is_ok() && how != Broadcast::NoMempoolPrivateBroadcast {
            // The notification will say the same, but its change may be wanted before.
            self.change(|core, _| {
                core.ledger.note_submitted(txid);
                Ok::<_, WalletError>(())
            })?;
        }
        Ok(answer)
    }

    /// Gives the node all transactions that may still confirm: with `force` all, otherwise those that missed blocks.
    pub(crate) fn resubmit(&self, how: Broadcast, force: bool) -> Result<(), WalletError> {
        if !self.broadcasts.load(Ordering::SeqCst) {
            return Ok(());
        }
        let waiting = self.read(|core| core.to_resubmit((!force).then_some(core.block_came - RECENT)));
        let mut sent = 0_usize;
        for txid in waiting {
            if self.submit(&txid, how)?.is_ok() {
                sent += 1;
            }
        }
        if sent > 0 {
            self.log(&format!("ResubmitWalletTransactions: resubmit {sent} unconfirmed transactions"));
        }
        Ok(())
    }

    /// Sends what missed blocks, if it is time. Once in about a day, so that nobody can tell whose it is.
    pub(crate) fn resend_in_time(&self) -> Result<(), WalletError> {
        let due = self.next_resend.load(Ordering::SeqCst) <= self.shared.now();
        if !self.broadcasts.load(Ordering::SeqCst) || !due || !self.shared.chain.is_ready_to_broadcast()? {
            return Ok(());
        }
        self.resubmit(Broadcast::MempoolAndBroadcastToAll, false)?;
        self.next_resend.store(next_resend(&self.shared), Ordering::SeqCst);
        Ok(())
    }

    /// Runs the command of `-walletnotify`, and does not wait for it.
    pub(super) fn run_notify_command(&self, txid: &Txid) {
        let command = self.shared.config.args().get_str("walletnotify", "");
        if command.is_empty() {
            return;
        }
        let state = self.read(|core| core.ledger.get(txid).map(crate::ledger::WalletTx::state));
        let (block, height) = match state {
            Some(State::Confirmed { block, height, .. }) => (block.to_string(), height.to_string()),
            _ => ("unconfirmed".to_owned(), "-1".to_owned()),
        };
        let mut command = command.replace("%s", &txid.to_string()).replace("%b", &block).replace("%h", &height);
        // A name may be anything, and must not become a command.
        if shell::QUOTES_ANYTHING {
            command = command.replace("%w", &shell::quote(&self.name));
        }
        let started = platform::thread::spawn("walletnotify", move || match shell::run(&command) {
            Ok(status) if !status.success() => {
                tracing::warn!("runCommand error: system({command}) returned {status}");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!("runCommand error: system({command}): {error}"),
        });
        if let Err(error) = started {
            self.log(&format!("No thread for -walletnotify: {error}"));
        }
    }
}

/// Between twelve and thirty-six hours from now.
pub(super) fn next_resend(shared: &Shared) -> i64 {
    const HOUR: i64 = 60 * 60;
    let chance = platform::entropy::random_u64(&*shared.entropy).unwrap_or(0);
    let extra = i64::try_from(chance % 86_400).unwrap_or(0);
    shared.now().saturating_add(12 * HOUR + extra)
}

/// What is said now, over what was said before.
fn merge(notes: &mut Notes, new: &Notes) {
    let Notes { from, message, comment, comment_to, replaces, replaced_by, messages, payment_requests } = new.clone();
    notes.from = from.or(notes.from.take());
    notes.message = message.or(notes.message.take());
    notes.comment = comment.or(notes.comment.take());
    notes.comment_to = comment_to.or(notes.comment_to.take());
    notes.replaces = replaces.or(notes.replaces);
    notes.replaced_by = replaced_by.or(notes.replaced_by);
    if !messages.is_empty() {
        notes.messages = messages;
    }
    if !payment_requests.is_empty() {
        notes.payment_requests = payment_requests;
    }
}
