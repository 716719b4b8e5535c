//! The operating system's error texts, as Bitcoin Core prints them.

use std::io;

/// The description and the number: `Permission denied (13)`.
pub fn system_error_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{} ({code})", message_text(error)),
        None => error.to_string(),
    }
}

/// The description alone: `Permission denied`.
pub fn message_text(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => text.strip_suffix(&format!(" (os error {code})")).unwrap_or(&text).to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn texts_are_those_of_the_daemon() {
        let denied = io::Error::from_raw_os_error(13);
        assert_eq!(system_error_text(&denied), "Permission denied (13)");
        assert_eq!(message_text(&denied), "Permission denied");
        let own = io::Error::other("no number here");
        assert_eq!(system_error_text(&own), "no number here");
    }
}
