//! The contract of every interface: in one process, over a socket pair, and over a unix socket.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::sync::Arc;

use common::{Pair, hello};
use fakes::{FakeInit, contract};
use interfaces::{BulkheadInit, RawTx, WalletLoader};

/// All of them, over a connection or on the fake itself.
fn kept(init: &dyn BulkheadInit, fake: &FakeInit) {
    contract::check_init(init, &hello("gui"));
    contract::check_echo(&*init.make_echo().unwrap().unwrap());
    contract::check_rpc(&*init.make_rpc().unwrap().unwrap());
    contract::check_mining(&*init.make_mining().unwrap().unwrap(), &|| fake.mining.advance());
    fake.chain.advance(30);
    contract::check_chain(&*init.make_chain().unwrap().unwrap(), &|blocks| fake.chain.advance(blocks), &spend);
    contract::check_node(&*init.make_node().unwrap().unwrap());
    let wallets = init.make_wallet_loader(fake.chain.clone()).unwrap().unwrap().unwrap();
    contract::check_wallets(&*wallets);
    contract::check_attaching(init, &(fake.wallets.clone() as Arc<dyn WalletLoader>));
}

fn over(connect: impl Fn(Arc<FakeInit>) -> Pair) {
    let fake = Arc::new(FakeInit { hello: hello("node"), ..FakeInit::default() });
    let pair = connect(fake.clone());
    kept(&**pair.peer.init(), &fake);
}

#[test]
fn in_one_process() {
    let fake = FakeInit { hello: hello("node"), ..FakeInit::default() };
    kept(&fake, &fake);
}

/// What the fake chain takes for a transaction.
fn spend() -> RawTx {
    RawTx::new(&[5; 40])
}

#[test]
fn over_a_socket_pair() {
    over(common::socket_pair);
}

#[test]
fn over_a_unix_socket() {
    over(common::unix_socket);
}

#[test]
fn a_chain_that_goes_there_and_back() {
    // The node hands its chain to the wallet process, which calls it: every call runs back over the same connection.
    let fake = Arc::new(FakeInit { hello: hello("wallet"), ..FakeInit::default() });
    let pair = common::socket_pair(fake.clone());
    let ours = FakeInit::default();
    ours.chain.advance(30);
    let wallets = pair.peer.init().make_wallet_loader(ours.chain.clone()).unwrap().unwrap().unwrap();
    let theirs = fake.node_chain.lock().unwrap().clone().unwrap();
    contract::check_chain(&*theirs, &|blocks| ours.chain.advance(blocks), &spend);
    drop(wallets);
}
