//! The request log: `-debug=ipc`.

/// Characters of arguments and results that a log line shows, as in Core.
const SHOWN: usize = 200;

/// Whether anyone reads it. With the category off no text is made and no clock is read.
pub(crate) fn enabled() -> bool {
    tracing::enabled!(target: "ipc", tracing::Level::DEBUG)
}

/// Cuts long text.
pub(crate) fn shorten(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(cut);
        text.push_str("...");
    }
    text
}
