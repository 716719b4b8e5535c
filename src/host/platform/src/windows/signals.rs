//! What wakes the thread that waits for signals: a condition variable. The system calls a console's handler on a thread of
//! its own, which may do anything.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

use super::check;
use crate::signals::{SignalEvent, deliver};

/// A thread waits for it, and any other may ring it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    #[expect(clippy::unnecessary_wraps, reason = "other systems fail here")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Wakes whoever waits.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits until `look` finds something, which is asked at first and after each ring. With a timeout, `None` says that
    /// it has passed.
    #[expect(clippy::unnecessary_wraps, reason = "other systems fail here")]
    pub(crate) fn wait<T>(&self, timeout: Option<Duration>, look: impl Fn() -> Option<T>) -> io::Result<Option<T>> {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            *rung = false;
            if let Some(found) = look() {
                return Ok(Some(found));
            }
            rung = match timeout {
                None => self.changed.wait_while(rung, |rung| !*rung).unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let waited = self.changed.wait_timeout_while(rung, limit, |rung| !*rung);
                    let (rung, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                    if waited.timed_out() {
                        return Ok(None);
                    }
                    rung
                }
            };
        }
    }
}

/// Takes over Ctrl-C, Ctrl-Break, the closing of the window and the end of the session, which all ask for a shutdown.
#[expect(unsafe_code, reason = "the standard library has no handlers")]
pub(crate) fn take_over() -> io::Result<()> {
    // SAFETY: the function lives as long as the process, and touches nothing that does not.
    check(unsafe { SetConsoleCtrlHandler(Some(on_control), 1) })
}

#[expect(unsafe_code, reason = "this is how the system declares it")]
unsafe extern "system" fn on_control(kind: u32) -> BOOL {
    deliver(SignalEvent::Shutdown);
    if kind != CTRL_C_EVENT && kind != CTRL_BREAK_EVENT {
        // The system ends the process as soon as this returns, so it does not: the shutdown gets all the time there is.
        loop {
            std::thread::park();
        }
    }
    1
}
