//! Headers of chains that have not proven their work yet; see [`crate::presync`].

use std::time::Duration;

use primitives::Header;

use super::PeerManager;
use crate::PeerId;
use crate::message::MAX_HEADERS;
use crate::presync::Presync;
use crate::view::{BlockInfo, ChainAccess, TxAccess};

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Headers that connect but have too little work: if there may be more, the chain is fetched twice.
    pub(super) fn low_work(&mut self, id: PeerId, start: &BlockInfo, headers: &[Header], now: Duration) {
        let end = usize::try_from(start.height).unwrap_or(usize::MAX).saturating_add(headers.len());
        if headers.len() < MAX_HEADERS {
            tracing::debug!(target: "net", "Ignoring low-work chain (height={end}) from peer={id}");
            return;
        }
        let Some(bits) = self.chain.header(&start.hash).map(|header| header.bits()) else { return };
        let minimum = self.work_threshold();
        let presync = Presync::new(self.options.presync, *start, bits, minimum, now, &mut self.chance);
        tracing::debug!(
            target: "net",
            "Initial headers sync started with peer={id}: height={}, max_commitments={}, min_work={minimum:x}",
            start.height, presync.most_commitments()
        );
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.presync = Some(presync);
        }
        self.continue_presync(id, headers, now);
    }

    /// What part of its headers a chain has come to, in percent, if blocks are as far apart as they should be.
    pub(super) fn progress(&self, height: u32, time: u32, now: Duration) -> f64 {
        let left = now.as_secs().saturating_sub(u64::from(time)) / u64::from(self.options.block_spacing.max(1));
        let left = f64::from(u32::try_from(left).unwrap_or(u32::MAX));
        100.0 * f64::from(height) / (f64::from(height) + left).max(1.0)
    }

    /// Feeds headers to a chain that is fetched twice. `None` if they did not belong to it; else those that have proven
    /// their chain's work, of which there may be none yet.
    pub(super) fn continue_presync(&mut self, id: PeerId, headers: &[Header], now: Duration) -> Option<Vec<Header>> {
        let mut presync = self.peers.get_mut(&id).and_then(|peer| peer.presync.take())?;
        let first_pass = presync.height();
        let step = presync.take(headers, &self.chain);
        if let Some(why) = step.failed {
            tracing::debug!(target: "net", "Initial headers sync aborted with peer={id}: {why}");
            return None;
        }
        let peer = self.peers.get_mut(&id)?;
        peer.last_getheaders = None;
        let Some(next) = step.next else {
            let height = presync.reached();
            if presync.is_complete() {
                tracing::debug!(
                    target: "net",
                    "Initial headers sync complete with peer={id}: releasing all at height={height} (redownload phase)"
                );
            } else {
                let phase = if presync.height().is_some() { "presync" } else { "redownload" };
                tracing::debug!(
                    target: "net",
                    "Initial headers sync aborted with peer={id}: incomplete headers message at height={height} ({phase} phase)"
                );
            }
            return Some(step.ready);
        };
        match (first_pass, presync.height()) {
            (Some(height), None) => tracing::debug!(
                target: "net",
                "Initial headers sync transition with peer={id}: reached sufficient work at height={height}, \
                 redownloading from height={}",
                presync.start_height()
            ),
            (Some(_), Some(height)) if self.chain.is_initial_download() => {
                let percent = self.progress(height, presync.time(), now);
                tracing::info!("Pre-synchronizing blockheaders, height: {height} (~{percent:.2}%)");
            }
            _ => {}
        }
        let mut have = vec![next];
        have.extend(self.locator(presync.start()));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.presync = Some(presync);
        }
        if self.ask_with(id, have, now) {
            tracing::debug!(target: "net", "more getheaders (from {next}) to peer={id}");
        }
        Some(step.ready)
    }
}
