//! Ours and another node read the chain from each other, whoever calls whom, in both versions of the transport.

use anyhow::Result;
use rpc::Json;

use crate::mini::MiniWallet;
use crate::node::Node;
use crate::stage::{Stage, Whose, expect_equal};
use crate::wait::{DEADLINE, until};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_judge()?;
    for (round, v2) in [true, false].into_iter().enumerate() {
        for (from, to) in [(Whose::Ours, Whose::Judge), (Whose::Judge, Whose::Ours)] {
            let name = |side: &str| format!("{side}-{round}-{from:?}");
            let transport = format!("-v2transport={}", u8::from(v2));
            let mut source = stage.start_listening(from, &name("source"), &[&transport])?;
            let mut wallet = MiniWallet::new(stage)?;
            wallet.fill(&mut source, 30)?;
            for _ in 0..30 {
                wallet.send(&mut source, 1000)?;
            }
            wallet.mine(&mut source, 2)?;

            let mut sink = stage.start_listening(to, &name("sink"), &[&transport])?;
            meet(&mut sink, &source, v2)?;
            agree(&mut source, &mut sink)?;
            let shown = sink.call("getpeerinfo", &[])?;
            let expected = if v2 { "v2" } else { "v1" };
            expect_equal("the transport", &shown.at(0).get("transport_protocol_type").as_str()?, &expected)?;
            for field in ["txouts", "hash_serialized_3", "total_amount", "bogosize"] {
                let there = source.call("gettxoutsetinfo", &[])?;
                expect_equal(field, sink.call("gettxoutsetinfo", &[])?.get(field), there.get(field))?;
            }
            source.stop()?;
            sink.stop()?;
        }
    }
    Ok(())
}

/// One calls the other.
pub(super) fn meet(caller: &mut Node, called: &Node, v2: bool) -> Result<()> {
    let address = called.p2p().map(|address| address.to_string()).unwrap_or_default();
    caller.call("addnode", &[address.as_str().into(), "onetry".into(), Json::Bool(v2)])?;
    until("the peers to meet", DEADLINE, || {
        let shown = caller.call("getpeerinfo", &[])?;
        let found = shown.as_arr()?.iter().any(|peer| {
            peer.get("addr").as_str() == Ok(address.as_str())
                && peer.get("version").as_int::<u64>().is_ok_and(|v| v > 0)
        });
        Ok(found.then_some(()))
    })
}

/// Waits until both have the same tip.
pub(super) fn agree(first: &mut Node, second: &mut Node) -> Result<()> {
    until("one tip of both", DEADLINE, || Ok((first.tip()? == second.tip()?).then_some(())))
}
