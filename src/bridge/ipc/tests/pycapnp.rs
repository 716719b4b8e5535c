//! An independent client: Python with pycapnp, as Core's own tests use it.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::process::Command;
use std::sync::Arc;

use common::{eventually, hello, options};
use fakes::FakeInit;
use ipc::{Address, Ipc};

/// Whether Python and its package are there.
#[expect(clippy::disallowed_methods, reason = "the oracle is another program")]
fn python(arguments: &[&str]) -> Option<std::process::Output> {
    Command::new("python3").args(arguments).output().ok()
}

#[test]
fn a_client_written_for_core() {
    if !python(&["-c", "import capnp"]).is_some_and(|output| output.status.success()) {
        eprintln!("skipped: python3 with the package pycapnp is not there");
        return;
    }
    let log = common::capture_log();
    let dir = tempfile::tempdir().unwrap();
    let server = Ipc::new(options("bitcoin-node"));
    let fake = FakeInit { hello: hello("node"), ..FakeInit::default() };
    server.listen(&Address::Unix(None), dir.path(), Arc::new(fake.clone())).unwrap();
    let socket = dir.path().join("node.sock");
    let here = env!("CARGO_MANIFEST_DIR");
    let script = format!("{here}/tests/python/client.py");
    let output = python(&[&script, socket.to_str().unwrap(), &format!("{here}/schema")]).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));

    // What the client left behind ends by itself.
    eventually("the end of forgotten templates", || fake.mining.templates() == 0);
    eventually("the end of all connections", || ipc::stats().connections == 0);
    for line in [
        "IPC server: socket connected.",
        "IPC server: socket disconnected.",
        "BlockTemplate.waitNext$Params",
        "IPC server post request  #",
        "canceled while executing.",
        "interrupted (canceled)",
        "IPC server send response #",
    ] {
        assert!(log.contains(line), "the log has no line with {line:?}");
    }
}
