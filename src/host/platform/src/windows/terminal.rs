//! The console.

use std::io;
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::System::Console::{CONSOLE_MODE, ENABLE_ECHO_INPUT, GetConsoleMode, SetConsoleMode};

/// What the console was set to before its echo was taken away.
pub(crate) struct Before(CONSOLE_MODE);

/// Standard input, if it is a console, shows no more what is typed.
#[expect(unsafe_code, reason = "the standard library does not do that")]
pub(crate) fn hide_echo() -> Option<Before> {
    let console = io::stdin().as_raw_handle();
    let mut before = 0;
    // SAFETY: the handle is that of standard input, and the number is ours.
    let told = unsafe { GetConsoleMode(console, &raw mut before) } != 0;
    // SAFETY: as above.
    (told && unsafe { SetConsoleMode(console, before & !ENABLE_ECHO_INPUT) } != 0).then_some(Before(before))
}

/// Back to what was.
#[expect(unsafe_code, reason = "the standard library does not do that")]
pub(crate) fn restore(before: &Before) {
    // SAFETY: the handle is that of standard input. If the console has gone there is nothing to restore.
    let _ = unsafe { SetConsoleMode(io::stdin().as_raw_handle(), before.0) };
}
