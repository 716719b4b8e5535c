//! Bitcoin Core's kernel on a regtest or signet chain of its own, in a temporary directory.
//!
//! The kernel names the class of a failure in a callback and its reason only in the log, so both are listened to. With no
//! worker threads everything happens on the thread that hands the block in, and what it logged is found there.

use std::cell::RefCell;
use std::sync::Once;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash as _;
use bitcoinkernel::prelude::{BlockHashExt as _, BlockValidationStateExt as _};
use bitcoinkernel::{
    Block, BlockValidationResult, BlockValidationStateRef, ChainType, ChainstateManager, Context, ContextBuilder, Log,
    Logger, ProcessBlockResult, ValidationMode,
};
use consensus::BlockResult;

use crate::verdict::Verdict;

thread_local! {
    /// What the kernel said on this thread since somebody asked.
    static HEARD: RefCell<Heard> = RefCell::default();
}

#[derive(Default)]
struct Heard {
    text: Option<String>,
    class: Option<BlockValidationResult>,
}

/// The lines that hold a reason: what comes before it, and what comes behind.
const REASONS: [(&str, &str); 2] = [("AcceptBlock FAILED (", ")"), (" failed, ", "")];

struct Listener;

impl Log for Listener {
    fn log(&self, message: &str) {
        let line = message.trim_end();
        let reason = REASONS.iter().find_map(|(before, behind)| line.split_once(before)?.1.strip_suffix(behind));
        if let Some(reason) = reason {
            HEARD.with_borrow_mut(|heard| heard.text = Some(reason.to_owned()));
        }
    }
}

/// Listens to the log of all kernels of this process, from now on.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The logger is global; it is never taken down.
        std::mem::forget(Logger::new(Listener).expect("the kernel can log"));
    });
}

/// A chain of the kernel's.
pub struct Kernel {
    manager: ChainstateManager,
    _context: Context,
    _dir: tempfile::TempDir,
}

impl Kernel {
    /// A regtest chain with nothing but its genesis block.
    pub fn regtest() -> Self {
        Self::start(|builder| builder.chain_type(ChainType::Regtest))
    }

    /// A signet with this challenge and nothing but its genesis block.
    pub fn signet(challenge: &[u8]) -> Self {
        Self::start(|builder| builder.signet(challenge))
    }

    fn start(chain: impl FnOnce(ContextBuilder) -> ContextBuilder) -> Self {
        listen();
        let builder = chain(ContextBuilder::new()).with_block_checked_validation(
            |_: Block, state: BlockValidationStateRef<'_>| {
                if state.mode() != ValidationMode::Valid {
                    HEARD.with_borrow_mut(|heard| heard.class = Some(state.result()));
                }
            },
        );
        let context = builder.build().expect("the kernel makes a context");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name).to_str().expect("a path of plain text").to_owned();
        let manager = ChainstateManager::builder(&context, &path("data"), &path("blocks"))
            .and_then(|builder| {
                builder.worker_threads(0).block_tree_db_in_memory(true).chainstate_db_in_memory(true).build()
            })
            .expect("the kernel starts a chain");
        manager.import_blocks().expect("the kernel makes the genesis block");
        Self { manager, _context: context, _dir: dir }
    }

    /// Hands a block in.
    pub fn submit(&self, bytes: &[u8]) -> Verdict {
        HEARD.take();
        let Ok(block) = Block::new(bytes) else { return Verdict::Undecodable };
        let result = self.manager.process_block(&block);
        let Heard { text, class } = HEARD.take();
        match (result, text, class) {
            (ProcessBlockResult::NewBlock, None, None) => Verdict::Accepted,
            (ProcessBlockResult::NewBlock | ProcessBlockResult::Rejected, Some(text), Some(class)) => {
                Verdict::Rejected { class: class_of(class), text }
            }
            // Neither is an answer: the block was seen before, or the kernel did not say what is wrong.
            (result, text, class) => panic!("the kernel says {result:?}, {text:?}, {class:?}"),
        }
    }

    /// The hash and height of the tip.
    pub fn tip(&self) -> (BlockHash, u32) {
        let chain = self.manager.active_chain();
        let hash = BlockHash::from_byte_array(chain.tip().block_hash().to_bytes());
        (hash, u32::try_from(chain.height()).expect("heights are not negative"))
    }
}

fn class_of(result: BlockValidationResult) -> BlockResult {
    match result {
        BlockValidationResult::Unset => panic!("the kernel names no class"),
        BlockValidationResult::Consensus => BlockResult::Consensus,
        BlockValidationResult::CachedInvalid => BlockResult::CachedInvalid,
        BlockValidationResult::InvalidHeader => BlockResult::InvalidHeader,
        BlockValidationResult::Mutated => BlockResult::Mutated,
        BlockValidationResult::MissingPrev => BlockResult::MissingPrev,
        BlockValidationResult::InvalidPrev => BlockResult::InvalidPrev,
        BlockValidationResult::TimeFuture => BlockResult::TimeFuture,
        BlockValidationResult::HeaderLowWork => BlockResult::HeaderLowWork,
    }
}
