//! The signal of a page that cannot be had.

use std::ffi::CString;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::OnceLock;

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::stat::Mode;
use nix::unistd::write;

/// What the handler writes, made before it runs: a handler may not allocate.
#[derive(Debug)]
struct Notice {
    for_person: Vec<u8>,
    for_log: Vec<u8>,
    log: Option<CString>,
}

static NOTICE: OnceLock<Notice> = OnceLock::new();

#[expect(unsafe_code, reason = "sigaction has no safe form")]
pub(crate) fn tell_of_lost(text: &str, log: Option<&Path>) -> io::Result<()> {
    let log = log.map(|path| CString::new(path.as_os_str().as_bytes())).transpose()?;
    let (for_person, for_log) = (format!("Error: {text}\n").into_bytes(), format!("{text}\n").into_bytes());
    if NOTICE.set(Notice { for_person, for_log, log }).is_err() {
        return Ok(());
    }
    let action = SigAction::new(SigHandler::Handler(on_lost_page), SaFlags::SA_ONSTACK, SigSet::empty());
    // SAFETY: the handler reads what was set before it could run and is never freed, and calls open(2), write(2) and
    // _exit(2), which are async-signal-safe. It does not return to the page that is not there.
    unsafe { sigaction(Signal::SIGBUS, &action) }?;
    Ok(())
}

#[expect(unsafe_code, reason = "the standard library has no _exit, and no handle of standard error without a lock")]
extern "C" fn on_lost_page(_: libc::c_int) {
    if let Some(notice) = NOTICE.get() {
        // SAFETY: number 2 is what the process writes errors to as long as it lives.
        let _ = write(unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) }, &notice.for_person);
        let append = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CLOEXEC;
        if let Some(Ok(file)) = notice.log.as_deref().map(|path| open(path, append, Mode::empty())) {
            let _ = write(&file, &notice.for_log);
        }
    }
    // SAFETY: it ends the process at once and runs nothing of it.
    unsafe { libc::_exit(1) }
}
