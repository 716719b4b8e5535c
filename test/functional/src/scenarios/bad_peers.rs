//! Peers that break the rules are hung up on, and the daemon goes on.

use anyhow::{Result, ensure};
use bitcoin::hashes::Hash as _;
use bitcoin::p2p::message::NetworkMessage;

use crate::mini::Draft;
use crate::node::Node;
use crate::peer::{Character, Peer, Transport};
use crate::stage::{Stage, Whose, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_plain_blocks()?;
    let magic = stage.regtest()?.magic;
    let mut node = stage.start_listening(Whose::Tested, "a", &[])?;
    node.mine(3, stage.address()?)?;
    let tip = node.tip()?;

    // On the wire of the first version: another network, a message that is too long.
    let header =
        |magic: [u8; 4], length: u32| [&magic[..], b"ping\0\0\0\0\0\0\0\0", &length.to_le_bytes(), &[0; 4]].concat();
    for bytes in [header([1, 2, 3, 4], 8), header(magic, 4_000_001)] {
        let mut peer = Peer::connect(&node, magic, &Character::new(Transport::V1))?;
        peer.send_bytes(&bytes)?;
        peer.expect_end()?;
    }
    // A wrong check sum costs the message, and not the connection.
    let mut peer = Peer::connect(&node, magic, &Character::new(Transport::V1))?;
    peer.send_bytes(&[header(magic, 8), vec![9; 8]].concat())?;
    let said = peer.heard()?;
    let echoed = NetworkMessage::Pong(u64::from_le_bytes([9; 8]));
    ensure!(!said.contains(&echoed), "a message with a wrong check sum was answered");

    for transport in Transport::ALL {
        // A message that nobody knows is passed over; one that is cut short too.
        let mut peer = Peer::connect(&node, magic, &Character::new(transport))?;
        peer.send_raw("nonsense", &[1, 2, 3])?;
        peer.send_raw("inv", &[5])?;
        peer.sync()?;
        wrong_blocks(&mut node, magic, transport)?;
        expect_equal("the tip", &node.tip()?, &tip)?;
    }
    // Bytes that no key opens, and more of them than any length that they may be taken for.
    let mut peer = Peer::connect(&node, magic, &Character::new(Transport::V2))?;
    // It may have hung up before it got them all.
    let _ = peer.send_bytes(&vec![0x5a; 5 << 20]);
    peer.expect_end()?;
    node.mine(1, stage.address()?)?;
    node.stop()
}

/// Each block breaks one rule.
fn wrong_blocks(node: &mut Node, magic: [u8; 4], transport: Transport) -> Result<()> {
    // A block that is known to be wrong costs whoever brings it again nothing, so all of them are new.
    let salt = if transport == Transport::V1 { 10 } else { 20 };
    let good = Draft { salt, ..Draft::on_tip(node)? };
    let greedy = Draft { reward: good.reward + 1, salt: salt + 1, ..good.clone() }.build()?;
    let mut torn = Draft { salt: salt + 2, ..good.clone() }.build()?;
    torn.header.merkle_root = bitcoin::TxMerkleNode::all_zeros();
    crate::mini::solve(&mut torn.header)?;
    let old = Draft { time: 1, salt: salt + 3, ..good }.build()?;
    for block in [greedy, torn, old] {
        let mut peer = Peer::connect(node, magic, &Character::new(transport))?;
        peer.send(NetworkMessage::Block(block))?;
        peer.expect_end()?;
    }
    Ok(())
}
