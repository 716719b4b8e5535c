//! Names in paths, and descriptions that are sound.

use proptest::prelude::*;

use super::common::{url_decode, url_encode};

#[test]
fn names_in_paths_are_decoded_as_the_daemon_does() {
    assert_eq!(url_decode("a%20b"), "a b");
    assert_eq!(url_decode("50%"), "50%");
    assert_eq!(url_decode("%zz%4"), "%zz%4");
    assert_eq!(url_decode("%2Fpath%2fto"), "/path/to");
    assert_eq!(url_encode("a b/ä"), "a%20b%2F%C3%A4");
}

proptest! {
    #[test]
    fn every_name_survives_a_path(name in "\\PC{0,20}") {
        prop_assert_eq!(url_decode(&url_encode(&name)), name);
    }

    #[test]
    fn any_path_is_read(text in "[%0-9a-fA-Fxyz]{0,20}") {
        let _ = url_decode(&text);
    }
}
