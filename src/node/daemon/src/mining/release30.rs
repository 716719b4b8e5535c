//! The mining interface of release 30 over that of today, for clients that know only that one (`-ipccompat=30`).

use std::sync::Arc;

use config::Config;
use interfaces::{
    Answer, BlockCheck, BlockCheckOptions30, BlockCreateOptions30, BlockHash, BlockRef, BlockTemplate, BlockTemplate30,
    BlockWaitOptions30, Bytes, Call, MerkleHash, Mining, Mining30, RawBlock, RawHeader, RawTx, Wait,
};
use primitives::WitnessMode;

use super::{MiningObject, TemplateObject};
use crate::options::BadOption;

/// The only older release whose interface is served.
const RELEASE: &str = "30";

/// Whether the user wants the old interface served.
pub fn wants_release30(config: &Config) -> Result<bool, BadOption> {
    match config.args().get("ipccompat") {
        None => Ok(false),
        Some(release) if release == RELEASE => Ok(true),
        Some(other) => Err(BadOption(format!(
            "Unknown -ipccompat release '{other}': only {RELEASE} can be served besides this one."
        ))),
    }
}

/// A miner of that time.
#[derive(Debug)]
pub struct MiningObject30(pub MiningObject);

/// A template of that time.
#[derive(Debug)]
struct TemplateObject30(TemplateObject);

fn shared(template: TemplateObject) -> Arc<dyn BlockTemplate30> {
    Arc::new(TemplateObject30(template))
}

impl Mining30 for MiningObject30 {
    fn is_test_chain(&self) -> Call<bool> {
        self.0.is_test_chain()
    }

    fn is_initial_block_download(&self) -> Call<bool> {
        self.0.is_initial_block_download()
    }

    fn get_tip(&self) -> Call<Option<BlockRef>> {
        self.0.get_tip()
    }

    fn wait_tip_changed(&self, current_tip: BlockHash, timeout: Wait) -> Call<Option<BlockRef>> {
        self.0.wait_tip_changed(current_tip, timeout)
    }

    fn create_new_block(&self, options: &BlockCreateOptions30) -> Call<Answer<Option<Arc<dyn BlockTemplate30>>>> {
        // That release knew no cool-down.
        Ok(self.0.template(&(*options).into(), false).map(|template| template.map(shared)))
    }

    fn check_block(&self, block: &RawBlock, options: &BlockCheckOptions30) -> Call<Answer<BlockCheck>> {
        self.0.check_block(block, &(*options).into())
    }

    fn interrupt(&self) -> Call<()> {
        self.0.interrupt()
    }
}

impl BlockTemplate30 for TemplateObject30 {
    fn get_block_header(&self) -> Call<RawHeader> {
        self.0.get_block_header()
    }

    fn get_block(&self) -> Call<RawBlock> {
        self.0.get_block()
    }

    fn get_tx_fees(&self) -> Call<Vec<interfaces::Amount>> {
        self.0.get_tx_fees()
    }

    fn get_tx_sigops(&self) -> Call<Vec<i64>> {
        self.0.get_tx_sigops()
    }

    fn get_coinbase_tx(&self) -> Call<RawTx> {
        Ok(self.0.draft()?.coinbase.to_bytes(WitnessMode::Include).into())
    }

    fn get_coinbase_commitment(&self) -> Call<Bytes> {
        let draft = self.0.draft()?;
        let required = draft.plan.required.first();
        Ok(required.map_or_else(Bytes::default, |output| Bytes::new(output.script_pubkey.as_bytes())))
    }

    fn get_witness_commitment_index(&self) -> Call<i32> {
        let index = consensus::commitment_index(&self.0.draft()?.coinbase);
        Ok(index.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1))
    }

    fn get_coinbase_merkle_path(&self) -> Call<Vec<MerkleHash>> {
        self.0.get_coinbase_merkle_path()
    }

    fn submit_solution(&self, version: u32, timestamp: u32, nonce: u32, coinbase: &RawTx) -> Call<Answer<bool>> {
        Ok(self.0.submit_solution(version, timestamp, nonce, coinbase)?.map(|done| done.result))
    }

    fn wait_next(&self, options: &BlockWaitOptions30) -> Call<Answer<Option<Arc<dyn BlockTemplate30>>>> {
        Ok(self.0.next_template(&(*options).into())?.map(|template| template.map(shared)))
    }

    fn interrupt_wait(&self) -> Call<()> {
        self.0.interrupt_wait()
    }
}
