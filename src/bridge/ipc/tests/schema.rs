//! The compiled schema that is checked in is what the compiler makes of the `.capnp` files, and says what Core's says.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use capnp::message::ReaderOptions;
use capnp::schema_capnp::code_generator_request;

/// Runs the Cap'n Proto compiler, if it is there.
#[expect(clippy::disallowed_methods, reason = "the compiler is another program")]
fn capnp(arguments: &[&str]) -> Option<Vec<u8>> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let output = Command::new("capnp").current_dir(schema).args(arguments).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// What a schema says, without the places in the files and the version of the compiler, which differ between releases.
fn says(bytes: &[u8]) -> BTreeMap<u64, String> {
    let options = ReaderOptions { traversal_limit_in_words: None, nesting_limit: 100 };
    let message = capnp::serialize::read_message(bytes, options).unwrap();
    let request: code_generator_request::Reader<'_> = message.get_root().unwrap();
    let mut all = BTreeMap::new();
    for node in request.get_nodes().unwrap() {
        // The library's own schema of schemas is older than byte positions, and so leaves them out.
        all.insert(node.get_id(), format!("{node:?}"));
    }
    all
}

#[test]
fn the_compiled_schema_is_up_to_date() {
    let checked_in = include_bytes!("../schema/bulkhead.cgr");
    let mut files: Vec<String> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "capnp"))
        .collect();
    files.sort();
    let mut arguments = vec!["compile", "-o-"];
    arguments.extend(files.iter().map(String::as_str));
    let Some(compiled) = capnp(&arguments) else {
        eprintln!("skipped: the Cap'n Proto compiler is not there");
        return;
    };
    let (ours, theirs) = (says(checked_in), says(&compiled));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "run the command of doc/ipc.md");
    for (id, node) in &ours {
        assert_eq!(*node, theirs[id], "run the command of doc/ipc.md");
    }
}

/// The numbers that other programs have compiled into them.
#[test]
fn the_types_that_core_has_are_the_same_types() {
    let schema = says(include_bytes!("../schema/bulkhead.cgr"));
    for (id, name) in [
        (0xee5e_3717_9ad9_dc9d, "ThreadMap"),
        (0x81c1_e260_0d0b_56c5, "Thread"),
        (0x9c44_e664_5d0b_22c6, "Context"),
        (0x8838_c700_ba5c_ba65, "Init"),
        (0xd36b_8964_0dc9_4399, "Echo"),
        (0xf9c6_8436_df3a_f39e, "Mining"),
        (0xf967_1ad8_41b2_f622, "BlockTemplate"),
        (0xacb1_d37f_0a71_3129, "Rpc"),
        (0xb3be_4b89_4935_0369, "BlockRef"),
        (0x80fc_a083_ef81_a559, "BlockCreateOptions"),
        (0x9ba4_37d9_de0c_452e, "BlockWaitOptions"),
        (0x89f3_f39b_6c9d_d162, "BlockCheckOptions"),
        (0xdc39_9c6d_34ae_7e69, "CoinbaseTx"),
    ] {
        assert!(schema.get(&id).is_some_and(|node| node.contains(&format!(":{name}"))), "{name} is not {id:#x}");
    }
}
