//! A node that is asked by a signal stops as well as one that is asked by RPC; a frozen one goes on where it was.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut tip = None;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut node = stage.start("a", &[])?;
        if let Some(tip) = &tip {
            expect_equal("the tip after a restart", &node.tip()?, tip)?;
        }
        tip = node.mine(2, stage.address()?)?.pop();
        let log = node.log_end();
        node.signal(signal)?;
        let status = node.wait_for_end()?;
        ensure!(status.success(), "after {signal} it ended with {status}");
        node.wait_for_log(log, "Shutdown done")?;
    }
    let mut node = stage.start("a", &[])?;
    node.frozen(|_| Ok(()))?;
    expect_equal("the height", &node.height()?, &4)?;
    node.stop()
}
