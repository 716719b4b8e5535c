//! What every index is: told of each block that comes and goes, and asked for what it needs to go on from there.

use std::sync::Arc;

use chainstate::Node;
use primitives::{Block, BlockUndo};
use store::{Access, Family, Kv, KvBatch};

use crate::IndexError;

/// The records of an index, by key in order.
pub(crate) const RECORDS: &str = "records";
/// What it knows about itself.
pub(crate) const STATE: &str = "state";
/// Where it stands: a block hash under this key of [`STATE`].
pub(crate) const BEST: &[u8] = b"B";

/// The column families of an index.
pub(crate) fn families(access: Access) -> [Family; 2] {
    [Family(RECORDS, access), Family(STATE, Access::Scan)]
}

/// A block on its way into an index, or out of it.
#[derive(Debug)]
pub struct IndexedBlock {
    /// What the tree knows of it.
    pub node: Node,
    /// The block.
    pub block: Arc<Block>,
    /// The outputs that it spent, if the index asked for them; genesis spends none.
    pub undo: Option<BlockUndo>,
}

/// Something that follows the chain block by block. All calls come from one thread, in the chain's order.
pub trait Index: Send + std::fmt::Debug + 'static {
    /// What logs and `getindexinfo` call it.
    fn name(&self) -> &str;

    /// What its thread is called.
    fn thread(&self) -> &'static str;

    /// Its database.
    fn kv(&self) -> &Kv;

    /// Whether it wants undo data with a new block.
    fn wants_undo(&self) -> bool {
        false
    }

    /// Takes up what it was at the block where it stands; `None` before the first.
    fn resume(&mut self, _best: Option<&Node>) -> Result<(), IndexError> {
        Ok(())
    }

    /// Adds a block on top of where it stands.
    fn append(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError>;

    /// Takes the block where it stands back.
    fn remove(&mut self, _block: &IndexedBlock, _batch: &mut KvBatch) -> Result<(), IndexError> {
        Ok(())
    }

    /// Adds what it has to know to resume here.
    fn save(&self, _batch: &mut KvBatch) {}
}
