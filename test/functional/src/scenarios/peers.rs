//! A peer asks and tells: it is given headers and blocks, its blocks and transactions are taken and passed on, in both
//! versions of the transport.

use anyhow::{Result, ensure};
use bitcoin::p2p::message::NetworkMessage;
use bitcoin::p2p::message_blockdata::Inventory;

use crate::mini::{Draft, MiniWallet};
use crate::node::Node;
use crate::peer::{Character, Peer, Transport};
use crate::stage::{Stage, Whose, expect_equal};
use crate::wait::{DEADLINE, until};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_plain_blocks()?;
    let magic = stage.regtest()?.magic;
    // Those who are trusted are told at once.
    let mut node = stage.start_listening(Whose::Tested, "a", &["-whitelist=noban@127.0.0.1"])?;
    let mut wallet = MiniWallet::new(stage)?;
    wallet.fill(&mut node, 3)?;
    for transport in Transport::ALL {
        let mut first = Peer::connect(&node, magic, &Character::new(transport))?;
        let shown = node.call("getpeerinfo", &[])?;
        let expected = if transport == Transport::V2 { "v2" } else { "v1" };
        expect_equal("the transport", &shown.at(0).get("transport_protocol_type").as_str()?, &expected)?;

        let headers = first.headers_after(None)?;
        expect_equal("headers", &u64::try_from(headers.len())?, &node.height()?)?;
        let last = headers.last().map_or(node.tip()?.parse()?, bitcoin::block::Header::block_hash);
        let block = first.block(last)?;
        expect_equal("the tip", &block.block_hash().to_string(), &node.tip()?)?;

        told_of_a_block(&mut node, &mut first)?;
        passes_a_transaction_on(&mut node, &mut wallet, &mut first, magic)?;
        drop(first);
        gone(&mut node)?;

        // The daemon calls too.
        let mut called = Peer::called_by(&mut node, magic, &Character::new(transport))?;
        ensure!(!called.headers_after(None)?.is_empty(), "no headers for a peer that was called");
        drop(called);
        gone(&mut node)?;
    }
    node.stop()
}

/// A block that a peer has found is taken.
fn told_of_a_block(node: &mut Node, peer: &mut Peer) -> Result<()> {
    let block = Draft::on_tip(node)?.build()?;
    peer.send(NetworkMessage::Block(block.clone()))?;
    peer.sync()?;
    let hash = block.block_hash().to_string();
    until("the block of the peer", DEADLINE, || Ok((node.tip()? == hash).then_some(())))
}

/// What one peer tells the other is told.
fn passes_a_transaction_on(node: &mut Node, wallet: &mut MiniWallet, first: &mut Peer, magic: [u8; 4]) -> Result<()> {
    let mut second = Peer::connect(node, magic, &Character::new(Transport::V1))?;
    let tx = wallet.pay(node, 10_000)?;
    first.send(NetworkMessage::Tx(tx.clone()))?;
    let wanted = Inventory::WTx(tx.compute_wtxid());
    second.expect("news of the transaction", |message| match message {
        NetworkMessage::Inv(list) => list.contains(&wanted).then_some(()),
        _ => None,
    })?;
    second.send(NetworkMessage::GetData(vec![wanted]))?;
    let came = second.expect("the transaction", |message| match message {
        NetworkMessage::Tx(tx) => Some(tx),
        _ => None,
    })?;
    expect_equal("the transaction", &came, &tx)?;
    let pool = node.call("getrawmempool", &[])?;
    ensure!(pool.write().contains(&tx.compute_txid().to_string()), "it is not in the pool");
    wallet.mine(node, 1).map(drop)
}

fn gone(node: &mut Node) -> Result<()> {
    until("the end of the connections", DEADLINE, || {
        Ok((node.call("getconnectioncount", &[])?.as_int::<u64>()? == 0).then_some(()))
    })
}
