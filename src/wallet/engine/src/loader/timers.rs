//! What happens by itself: keys are forgotten in time, and transactions sent again.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use platform::Clock;

use super::Wallets;
use crate::wallet::lock;

/// The longest time without a look.
const ROUND: Duration = Duration::from_mins(1);

/// Wakes the timers.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    ended: bool,
}

impl Bell {
    /// Something has changed: look again.
    pub(crate) fn ring(&self) {
        lock(&self.state).rung = true;
        self.bell.notify_all();
    }

    /// Ends the timers.
    pub(super) fn end(&self) {
        lock(&self.state).ended = true;
        self.bell.notify_all();
    }

    /// Waits until the bell rings or the time is over. False at the end.
    fn wait(&self, limit: Duration) -> bool {
        let state = lock(&self.state);
        let idle = |state: &mut State| !state.rung && !state.ended;
        let (mut state, _) = self.bell.wait_timeout_while(state, limit, idle).unwrap_or_else(PoisonError::into_inner);
        state.rung = false;
        !state.ended
    }
}

/// Starts the timers. They end with the bell, or when the wallets are gone.
pub(super) fn start(wallets: &Arc<Wallets>) -> std::io::Result<()> {
    let (weak, bell) = (Arc::downgrade(wallets), Arc::clone(wallets.bell()));
    platform::thread::spawn("scheduler", move || run(&weak, &bell)).map(drop)
}

fn run(wallets: &Weak<Wallets>, bell: &Bell) {
    let mut limit = ROUND;
    while bell.wait(limit) {
        let Some(wallets) = wallets.upgrade() else { return };
        wallets.tick(Duration::ZERO);
        limit = wallets.next_due();
    }
}

impl Wallets {
    /// Does what is due, or will be due within `ahead`.
    pub(super) fn tick(&self, ahead: Duration) {
        let now = self.shared.clock.monotonic().saturating_add(ahead);
        for wallet in self.list() {
            wallet.lock_keys_in_time(now);
            if let Err(error) = wallet.resend_in_time() {
                tracing::warn!("{} Transactions could not be sent again: {error}", wallet.display_name());
            }
        }
    }

    /// How long nothing is due.
    fn next_due(&self) -> Duration {
        let now = self.shared.clock.monotonic();
        let due = self.list().iter().filter_map(|wallet| wallet.relock_due()).min();
        due.map_or(ROUND, |due| due.saturating_sub(now)).clamp(Duration::from_millis(20), ROUND)
    }
}
