//! The request log: `-debug=ipc`.

/// Characters of arguments and results that a log line shows, as in Core.
const SHOWN: usize = 200;

/// Whether anyone reads it. With the category off no text is made and no clock is read.
pub(crate) fn enabled() -> bool {
    tracing::enabled!(target: "ipc", tracing::Level::DEBUG)
}

/// How many texts were made for the log.
#[cfg(test)]
pub(crate) static TEXTS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Cuts long text. Arguments and results all come through here.
pub(crate) fn shorten(mut text: String) -> String {
    #[cfg(test)]
    TEXTS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(cut);
        text.push_str("...");
    }
    text
}
