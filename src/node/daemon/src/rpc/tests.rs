//! All methods together.

use std::collections::BTreeSet;

use super::methods;

#[test]
fn every_description_is_sound_and_every_name_is_there_once() {
    let methods = methods();
    let mut names = BTreeSet::new();
    for method in &methods {
        assert_eq!(method.doc.problems(), Vec::<String>::new(), "{}", method.doc.name);
        assert!(names.insert(method.doc.name.clone()), "{} is there twice", method.doc.name);
    }
    for name in ["getblockcount", "createrawtransaction", "decodepsbt", "validateaddress", "rpc.discover"] {
        assert!(names.contains(name), "{name}");
    }
}
