//! The first block, which no file needs to bring.

use std::sync::Arc;

use primitives::{Block, WitnessMode, genesis_block};
use store::FlatPos;

use crate::{Engine, Fatal, LoadError, shared::read};

impl Engine {
    /// Makes sure that genesis is there, and connects what can be connected.
    pub fn start(&mut self) -> Result<crate::Activation, LoadError> {
        self.begin()?;
        Ok(self.activate()?)
    }

    /// Makes sure that genesis is there and connected. The rest of the chain may have to be connected, too: how many
    /// blocks that are tells [`Engine::blocks_behind`].
    pub fn begin(&mut self) -> Result<(), LoadError> {
        let params = &self.shared.params;
        let genesis = Arc::new(genesis_block(params.chain()));
        let known = read(&self.shared.tree).find(&genesis.header.hash());
        match known {
            Some(id) if self.node(id).tx_count > 0 => {}
            Some(_) => return Err(LoadError::Genesis),
            None if !read(&self.shared.tree).is_empty() => return Err(LoadError::Genesis),
            None => self.take_genesis(&genesis, None)?,
        }
        let first = read(&self.shared.tree).find(&genesis.header.hash());
        if self.active_tip.is_none()
            && let Some(id) = first
            && let Err(reason) = self.connect_tip(id, None)?
        {
            return Err(Fatal::Inconsistent(format!("the first block is refused: {reason}")).into());
        }
        Ok(())
    }

    /// How many blocks lie between the tip and the best chain that is there.
    pub fn blocks_behind(&self) -> u32 {
        let tree = read(&self.shared.tree);
        let height = |id: Option<crate::NodeId>| id.map_or(0, |id| tree[id].height);
        height(self.candidates.best()).saturating_sub(height(self.active_tip))
    }

    /// Takes genesis in, from where it is stored already or into a file of ours.
    pub(crate) fn take_genesis(&mut self, block: &Arc<Block>, stored: Option<FlatPos>) -> Result<(), LoadError> {
        let bytes = block.to_bytes(WitnessMode::Include);
        let time = block.header.time();
        let pos = if let Some(pos) = stored {
            let len = u32::try_from(bytes.len()).expect("genesis is small");
            self.shared.files.note_block(pos, len, 0, time);
            pos
        } else {
            self.shared.files.write_block(&bytes, 0, time)?
        };
        let id = self.insert_header(&block.header, None);
        self.received(id, block, pos);
        Ok(())
    }
}
