//! Nobody is let in without the cookie, which is its owner's alone and new at each start.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Result, ensure};
use rpc::Json;
use rpc::client::{ClientError, Credentials};

use crate::node::Node;
use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &[])?;
    let mode = fs::metadata(node.cookie())?.permissions().mode() & 0o777;
    expect_equal("the cookie's permissions", &mode, &0o600)?;
    let cookie = fs::read_to_string(node.cookie())?;
    ensure!(cookie.starts_with("__cookie__:") && cookie.len() >= 11 + 64, "a weak cookie of {} bytes", cookie.len());
    // Who guesses is told of, and what he guessed is not.
    node.logs(&["incorrect password attempt from 127.0.0.1"], &[&cookie, "__cookie__"], |node| {
        refused(node, Credentials::Cookie(format!("{cookie}0")))
    })?;
    refused(&node, Credentials::CookieDisabled)?;
    node.stop()?;

    // The old cookie opens nothing, also while another way in exists.
    let mut node =
        stage.start("a", &["-rpcauth=bob:00$0000000000000000000000000000000000000000000000000000000000000000"])?;
    let fresh = fs::read_to_string(node.cookie())?;
    ensure!(fresh != cookie, "a cookie was used twice");
    refused(&node, Credentials::Cookie(cookie))?;
    refused(&node, Credentials::Password { user: "bob".into(), password: "guess".into() })?;
    expect_equal("the height", &node.height()?, &0)?;
    node.stop()
}

fn refused(node: &Node, credentials: Credentials) -> Result<()> {
    let answer = node.client_with(credentials).call("/", "getblockcount", Json::Arr(vec![]));
    ensure!(matches!(answer, Err(ClientError::Unauthorized(_))), "expected to be refused, got {answer:?}");
    Ok(())
}
