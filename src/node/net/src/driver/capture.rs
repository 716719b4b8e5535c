//! `-capturemessages`: every message of every peer in files, for those who want to see what happens.

use std::fs::{OpenOptions, create_dir_all};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use p2p::PeerId;

use super::Conn;

/// Names are this long in the files.
const NAME_LEN: usize = 12;

/// Where messages go, if they are recorded.
#[derive(Debug)]
pub(crate) struct Capture {
    directory: Option<PathBuf>,
}

impl Capture {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// Appends a message: time in microseconds, name, size, payload.
    pub(super) fn record(&self, _: PeerId, conn: &Conn, name: &str, payload: &[u8], incoming: bool, now: Duration) {
        let Some(directory) = &self.directory else { return };
        // Colons of IPv6 are not allowed in names of files everywhere.
        let peer = conn.address.to_string().replace(':', "_");
        let folder = directory.join(peer);
        let file = folder.join(if incoming { "msgs_recv.dat" } else { "msgs_sent.dat" });
        let mut record = u64::try_from(now.as_micros()).unwrap_or(u64::MAX).to_le_bytes().to_vec();
        let mut padded = [0; NAME_LEN];
        for (to, from) in padded.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        record.extend_from_slice(&padded);
        record.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        record.extend_from_slice(payload);
        let write = || -> std::io::Result<()> {
            create_dir_all(&folder)?;
            OpenOptions::new().append(true).create(true).open(&file)?.write_all(&record)
        };
        if let Err(error) = write() {
            tracing::debug!(target: "net", "Cannot record a message in {}: {error}", file.display());
        }
    }
}
