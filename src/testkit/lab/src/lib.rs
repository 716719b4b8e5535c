//! A regtest chain in a temporary directory, a miner for it, and transactions that need no keys. For tests only.
//!
//! [`Lab::new`] opens an empty chain state; [`Lab::mine`] puts blocks on it, whose coinbases pay to [`anyone`]: a witness
//! script that is true. Such outputs are standard, and [`spend`] spends them. Everything panics when it goes wrong.

use std::{collections::VecDeque, num::NonZeroU32, path::Path, sync::Arc};

use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
    absolute::LockTime,
    block::Header as RawHeader,
    hashes::{Hash, sha256},
    transaction::Version,
};
use chainstate::{
    Accepted, Activation, Arrival, ChainHandle, Engine, EngineOptions, LoadOptions, Reader, Refusal, ValidationThread,
};
use consensus::{ChainParams, Rules, rules_for};
use platform::{Clock, ManualClock, SystemEntropy};
use primitives::{Block, Header, Tx};
use store::KeepingDisk;
use tempfile::TempDir;

/// A time shortly after the genesis block of regtest.
pub const START: i64 = 1_300_000_000;

/// A chain state and its surroundings.
#[derive(Debug)]
pub struct Lab {
    clock: Arc<ManualClock>,
    rules: Arc<dyn Rules>,
    engine: Engine,
    salt: u32,
    /// Coinbase outputs that were mined, oldest first, with their values.
    coins: VecDeque<(OutPoint, u64)>,
    /// The last to go: databases write into it until they are closed.
    dir: TempDir,
}

/// A chain whose engine runs on its own thread. The thread has ended when this is gone, whoever still holds a handle of the
/// chain: a database that is closed while the process exits would meet what the exit has taken from it.
#[derive(Debug)]
pub struct Running {
    /// The way to the engine.
    pub chain: ChainHandle,
    /// The rules of the chain.
    pub rules: Arc<dyn Rules>,
    /// The clock of the chain state.
    pub clock: Arc<ManualClock>,
    /// Coinbase outputs that were mined and not asked for, oldest first, with their values.
    pub coins: VecDeque<(OutPoint, u64)>,
    validation: Option<ValidationThread>,
    dir: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.chain.stop();
        // Whoever waited for a thread that panicked has told of it.
        drop(self.validation.take().map(ValidationThread::join));
    }
}

impl Running {
    /// The directory with everything that is on the disk.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// A new chain of nothing but the genesis block.
    pub fn new() -> Self {
        let coin = coin::by_id("bitcoin").expect("bitcoin is a coin");
        let params = ChainParams::new(coin, coin.chain(coin::ChainKind::Regtest).expect("it has a regtest"));
        let rules = rules_for(params).expect("its rules are known");
        let dir = TempDir::new().expect("a temporary directory");
        let clock = Arc::new(ManualClock::new(START));
        let path = dir.path();
        let load = LoadOptions {
            blocks_dir: path.join("blocks"),
            index_dir: path.join("blocks/index"),
            chainstate_dir: path.join("chainstate"),
            xor: true,
            fast_prune: true,
            reindex: false,
            reindex_chainstate: false,
            compact: false,
            script_threads: 1,
            script_cache_bytes: 1 << 20,
            index_cache_bytes: 2 << 20,
            coins_cache_bytes: 2 << 20,
        };
        let options = EngineOptions {
            cache_bytes: 64 << 20,
            inspect_every: NonZeroU32::new(1),
            prefetch: true,
            batch_bytes: 8 << 20,
            mishap: None,
            prune_target: None,
            prune_after_height: 0,
            stop_at_height: None,
            max_tip_age: 24 * 60 * 60,
            leave_download_at_first_block: true,
        };
        let mut engine = Engine::load(
            Arc::clone(&rules),
            &load,
            options,
            Arc::new(KeepingDisk::default()),
            Arc::clone(&clock) as Arc<dyn Clock>,
            &SystemEntropy,
        )
        .expect("an empty directory loads");
        engine.start().expect("the genesis block connects");
        Self { dir, clock, rules, engine, salt: 0, coins: VecDeque::new() }
    }

    /// The clock of the chain state.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// The rules of the chain.
    pub fn rules(&self) -> Arc<dyn Rules> {
        Arc::clone(&self.rules)
    }

    /// The engine itself.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Gives the engine its thread, as in a running node.
    pub fn run(self) -> Running {
        let Self { dir, clock, rules, engine, coins, .. } = self;
        let (chain, validation) = chainstate::spawn(engine, |e| panic!("{e}")).expect("a thread can be started");
        Running { chain, rules, clock, coins, validation: Some(validation), dir }
    }

    /// The directory with everything that is on the disk.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A view of the chain.
    pub fn reader(&self) -> Reader {
        self.engine.reader()
    }

    /// The hash of the tip.
    pub fn tip(&self) -> BlockHash {
        self.reader().tip().expect("there is a chain").hash
    }

    /// The height of the tip.
    pub fn height(&self) -> u32 {
        self.reader().tip().expect("there is a chain").height
    }

    /// A valid block on `parent` with these transactions. No two are the same.
    pub fn block(&mut self, parent: BlockHash, txs: &[Arc<Tx>]) -> Arc<Block> {
        self.salt += 1;
        let (id, node) = self.reader().find(&parent).expect("the parent is known");
        let time = self.reader().tree(|tree| tree.median_time_past(id)) + 1;
        let height = node.height + 1;
        let subsidy = u64::try_from(self.rules.subsidy(height)).expect("a subsidy is not negative");
        let mut script_sig = consensus::height_script(height);
        script_sig.push(4);
        script_sig.extend(self.salt.to_le_bytes());
        let mut coinbase = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                script_sig: ScriptBuf::from_bytes(script_sig),
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[consensus::WITNESS_RESERVED_VALUE]),
            }],
            output: vec![TxOut { value: Amount::from_sat(subsidy), script_pubkey: anyone() }],
        };
        let raw = RawHeader {
            version: bitcoin::block::Version::from_consensus(0x2000_0000),
            prev_blockhash: parent,
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce: 0,
        };
        let with = |coinbase: &Transaction| {
            std::iter::once(Arc::new(Tx::new(coinbase.clone(), None))).chain(txs.iter().cloned()).collect()
        };
        let mut block = Block { header: Header::new(raw), txs: with(&coinbase), tail: None };
        coinbase.output.push(consensus::commitment_output(&block, &[]));
        block.txs = with(&coinbase);
        let merkle_root = block.merkle_root().0;
        block.header = (0..u32::MAX)
            .map(|nonce| Header::new(RawHeader { merkle_root, nonce, ..raw }))
            .find(|header| self.rules.is_proven(header))
            .expect("regtest is easy");
        Arc::new(block)
    }

    /// Hands a block in and lets the chain move.
    pub fn submit(&mut self, block: &Arc<Block>) -> (Result<Accepted, Refusal>, Activation) {
        let taken = self.engine.accept_block(block, Arrival::SUBMITTED).expect("the disk works");
        (taken, self.engine.activate().expect("the disk works"))
    }

    /// Mines a block with these transactions on the tip.
    pub fn mine_with(&mut self, txs: &[Arc<Tx>]) -> Arc<Block> {
        let tip = self.tip();
        let block = self.block(tip, txs);
        let (taken, activation) = self.submit(&block);
        taken.expect("the block is valid by itself");
        assert_eq!(self.tip(), block.hash(), "the block connects: {activation:?}");
        let coinbase = &block.txs[0];
        let value = coinbase.outputs()[0].value.to_sat();
        self.coins.push_back((OutPoint { txid: coinbase.txid(), vout: 0 }, value));
        block
    }

    /// Mines empty blocks on the tip.
    pub fn mine(&mut self, count: u32) {
        for _ in 0..count {
            self.mine_with(&[]);
        }
    }

    /// A chain with so many coinbases that can be spent in the next block.
    pub fn with_coins(count: u32) -> Self {
        let mut lab = Self::new();
        lab.mine(count + lab.rules.coinbase_maturity(0) - 1);
        lab
    }

    /// The oldest coinbase output that was not asked for yet, with its value.
    pub fn take_coin(&mut self) -> (OutPoint, u64) {
        self.coins.pop_front().expect("enough blocks were mined")
    }
}

/// What anyone can satisfy: a witness script that is true.
const TRUE_SCRIPT: [u8; 1] = [0x51];

/// An output script that anyone can spend with a witness, and that is standard.
pub fn anyone() -> ScriptBuf {
    let mut script = vec![0, 32];
    script.extend(sha256::Hash::hash(&TRUE_SCRIPT).to_byte_array());
    ScriptBuf::from_bytes(script)
}

/// An input that spends an output of [`anyone`].
pub fn input(from: OutPoint) -> TxIn {
    TxIn {
        previous_output: from,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::from_slice(&[TRUE_SCRIPT]),
    }
}

/// A transaction of some version from outputs of [`anyone`] to outputs of these values.
pub fn spend_as(version: i32, from: &[OutPoint], values: &[u64]) -> Arc<Tx> {
    let output = |value: &u64| TxOut { value: Amount::from_sat(*value), script_pubkey: anyone() };
    let tx = Transaction {
        version: Version(version),
        lock_time: LockTime::ZERO,
        input: from.iter().copied().map(input).collect(),
        output: values.iter().map(output).collect(),
    };
    Arc::new(Tx::new(tx, None))
}

/// A transaction of version 2 from outputs of [`anyone`] to outputs of these values.
pub fn spend(from: &[OutPoint], values: &[u64]) -> Arc<Tx> {
    spend_as(2, from, values)
}

/// An output of a transaction.
pub fn out(tx: &Tx, vout: u32) -> OutPoint {
    OutPoint { txid: tx.txid(), vout }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lab_has_written_goes_with_it() {
        for _ in 0..5 {
            let lab = Lab::with_coins(1);
            let path = lab.dir.path().to_owned();
            assert!(path.join("chainstate").exists());
            drop(lab);
            assert!(!path.exists());
        }
    }
}
