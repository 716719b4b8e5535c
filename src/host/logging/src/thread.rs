//! The start and the end of a thread, as the daemon logs them.

use tracing::info;

/// Runs the body of a named thread between the two lines that tools wait for: `<name> thread start` and, unless it
/// panics, `<name> thread exit`.
pub fn run_traced<T>(name: &str, body: impl FnOnce() -> T) -> T {
    info!("{name} thread start");
    let answer = body();
    info!("{name} thread exit");
    answer
}
