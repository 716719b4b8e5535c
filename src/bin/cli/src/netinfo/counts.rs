//! How many peers there are, by network and direction.

use std::fmt::Write as _;

use rpc::Json;

use super::peer::{NETWORKS, SHORT_NAMES, network_id};
use crate::error::CliError;

/// Networks that are never reachable: shown only if a peer is there all the same.
const UNREACHABLE: [usize; 2] = [0, NETWORKS.len() - 1];

/// The numbers.
#[derive(Debug, Default)]
pub(super) struct Counts {
    inbound: [u32; NETWORKS.len()],
    outbound: [u32; NETWORKS.len()],
    block_relay: u32,
    manual: u32,
}

impl Counts {
    /// Counts a peer.
    pub(super) fn add(&mut self, network: usize, outbound: bool, connection_type: &str) {
        let row = if outbound { &mut self.outbound } else { &mut self.inbound };
        if let Some(count) = row.get_mut(network) {
            *count += 1;
        }
        self.block_relay += u32::from(connection_type == "block-relay-only");
        self.manual += u32::from(connection_type == "manual");
    }

    /// Adds the table; its columns are the networks that the server can reach.
    pub(super) fn write(&self, networks: &Json, text: &mut String) -> Result<(), CliError> {
        let mut total = self.inbound;
        total.iter_mut().zip(self.outbound).for_each(|(total, outbound)| *total += outbound);

        let mut columns = Vec::new();
        text.push_str("     ");
        for network in networks.as_arr()? {
            let name = network.get("name").as_str()?;
            if network.get("reachable").as_bool()?
                && let Some(id) = network_id(name)
            {
                let _ = write!(text, "{name:>8}");
                columns.push(id);
            }
        }
        for id in UNREACHABLE.into_iter().filter(|id| total[*id] > 0) {
            let _ = write!(text, "{:>8}", SHORT_NAMES[id]);
            columns.push(id);
        }
        text.push_str("   total   block");
        if self.manual > 0 {
            text.push_str("  manual");
        }
        for (name, row) in [("in", self.inbound), ("out", self.outbound), ("total", total)] {
            let _ = write!(text, "\n{name:<5}");
            for id in &columns {
                let _ = write!(text, "{:>8}", row[*id]);
            }
            let _ = write!(text, "   {:>5}", row.iter().sum::<u32>());
            if name == "out" {
                let _ = write!(text, "   {:>5}", self.block_relay);
                if self.manual > 0 {
                    let _ = write!(text, "   {:>5}", self.manual);
                }
            }
        }
        Ok(())
    }
}
