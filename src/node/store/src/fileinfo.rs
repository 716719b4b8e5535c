//! What is known of each numbered block file: how full it is, and which heights and times it spans.

/// Statistics of one `blk`/`rev` pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileInfo {
    /// Blocks stored in the file.
    pub blocks: u32,
    /// Used bytes of the block file.
    pub size: u32,
    /// Used bytes of the undo file.
    pub undo_size: u32,
    /// Lowest height stored.
    pub height_first: u32,
    /// Highest height stored.
    pub height_last: u32,
    /// Earliest block time stored.
    pub time_first: u32,
    /// Latest block time stored.
    pub time_last: u32,
}

impl FileInfo {
    const ENCODED: usize = 28;

    /// Counts one more block in.
    pub(crate) fn add(&mut self, height: u32, time: u32) {
        if self.blocks == 0 || height < self.height_first {
            self.height_first = height;
        }
        if self.blocks == 0 || time < self.time_first {
            self.time_first = time;
        }
        self.blocks += 1;
        self.height_last = self.height_last.max(height);
        self.time_last = self.time_last.max(time);
    }

    /// Bytes on disk that removing the file would free.
    pub fn disk_size(&self) -> u64 {
        u64::from(self.size) + u64::from(self.undo_size)
    }

    pub(crate) fn encode(&self) -> [u8; Self::ENCODED] {
        let fields = [
            self.blocks,
            self.size,
            self.undo_size,
            self.height_first,
            self.height_last,
            self.time_first,
            self.time_last,
        ];
        let mut out = [0; Self::ENCODED];
        for (slot, field) in out.chunks_exact_mut(4).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::ENCODED] = bytes.try_into().ok()?;
        let mut fields = bytes.chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().expect("a chunk of 4")));
        let mut next = || fields.next().expect("seven fields in 28 bytes");
        Some(Self {
            blocks: next(),
            size: next(),
            undo_size: next(),
            height_first: next(),
            height_last: next(),
            time_first: next(),
            time_last: next(),
        })
    }
}
