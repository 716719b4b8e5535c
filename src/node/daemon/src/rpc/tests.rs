//! All methods together.

use std::collections::BTreeSet;

use ::rpc::Res;

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

#[test]
fn what_is_newer_is_so_for_a_release_that_can_be_asked_for() {
    fn newer(shape: &Res, all: &mut Vec<u32>) {
        all.push(shape.since);
        shape.inner.iter().for_each(|inner| newer(inner, all));
    }
    let mut all = Vec::new();
    methods().iter().flat_map(|method| &method.doc.results).for_each(|result| newer(result, &mut all));
    all.retain(|since| *since != 0);
    assert!(all.len() > 20, "{all:?}");
    // Release 29 is the oldest that can be asked for, 32 the one that comes.
    assert!(all.iter().all(|since| (30..=32).contains(since)), "{all:?}");
}
