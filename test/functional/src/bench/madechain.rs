//! A chain that is made without a daemon: real signatures of every usual kind, proof of work on regtest, block files in
//! the daemon's format. Two daemons that read it do exactly the same work, and both judge whether it is right.
//!
//! First come blocks that only pay to the miner, then blocks that each split one coinbase into many coins, then blocks
//! that spend coins from anywhere among them: two inputs to two outputs, so that the number of coins stays.
//!
//! Making it takes a while, so it is kept outside the checkout, in a directory named by a hash of the recipe.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bitcoin::block::{Header, Version as BlockVersion};
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::hex::DisplayHex as _;
use bitcoin::{Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Transaction, TxMerkleNode, TxOut};

use super::keys::{self, Coin, Keys};
use super::txs;

/// Blocks before a coinbase may be spent.
const MATURITY: u32 = 100;
/// Blocks between two halvings of the subsidy.
const HALVING: u32 = 150;
/// The time of regtest's genesis block, and how far blocks lie apart.
const FIRST_TIME: u32 = 1_296_688_602;
const SPACING: u32 = 600;
/// Easiest target.
const BITS: u32 = 0x207f_ffff;
const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];
/// A block file is not made longer than this.
const MAX_FILE: usize = 128 << 20;
/// What a transaction pays.
const FEE: u64 = 100;
/// Grows when a recipe makes another chain than before.
const EDITION: u32 = 1;

/// What the chain is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recipe {
    /// Blocks that split a coinbase, and into how many coins each.
    pub(super) splits: u32,
    pub(super) fan: u32,
    /// Blocks that spend coins, and how many transactions each has.
    pub(super) spending: u32,
    pub(super) pairs: u32,
}

/// A chain in a directory of its own.
#[derive(Debug)]
pub(super) struct MadeChain {
    dir: PathBuf,
    recipe: Recipe,
}

impl Recipe {
    /// The last block that splits.
    pub(super) fn base(self) -> u32 {
        MATURITY + self.splits
    }

    /// The last block.
    pub(super) fn height(self) -> u32 {
        self.base() + self.spending
    }

    fn name(self) -> String {
        let hash = sha256::Hash::hash(format!("{EDITION} {self:?}").as_bytes()).to_string();
        format!("chain-{}", &hash[..16])
    }
}

impl MadeChain {
    /// The chain of a recipe: made now, or found where an earlier run left it.
    pub(super) fn of(recipe: Recipe) -> Result<MadeChain> {
        let home = cache_home().context("no place to keep a chain: set XDG_CACHE_HOME or HOME")?;
        let dir = home.join("bulkhead").join("bench").join(recipe.name());
        let made = MadeChain { dir, recipe };
        if !made.dir.join("tip").exists() {
            println!("making a chain of {} blocks in {}", recipe.height(), made.dir.display());
            let unfinished = made.dir.with_extension(format!("{}", std::process::id()));
            fs::create_dir_all(&unfinished)?;
            make(recipe, &unfinished)?;
            let _ = fs::remove_dir_all(&made.dir);
            fs::rename(&unfinished, &made.dir)?;
        }
        Ok(made)
    }

    /// The hash of the last block.
    pub(super) fn tip(&self) -> Result<String> {
        Ok(fs::read_to_string(self.dir.join("tip"))?)
    }

    /// Puts the blocks up to the last one that splits, or all of them, into a data directory. Answers their bytes.
    pub(super) fn copy(&self, net: &Path, all: bool) -> Result<u64> {
        let blocks = net.join("blocks");
        fs::create_dir_all(&blocks)?;
        let (mut bytes, mut number) = (0, 0);
        for part in ["base", "spending"].iter().take(if all { 2 } else { 1 }) {
            for at in 0.. {
                let from = self.dir.join(format!("{part}{at:05}.dat"));
                if !from.exists() {
                    break;
                }
                bytes += fs::copy(from, blocks.join(format!("blk{number:05}.dat")))?;
                number += 1;
            }
        }
        Ok(bytes)
    }

    /// The blocks that spend, as `submitblock` takes them.
    pub(super) fn spending(&self) -> Result<Vec<String>> {
        Ok(self.blocks("spending")?.iter().map(|block| format!("{:x}", block.as_hex())).collect())
    }

    /// The coins that the blocks which split have made, and the last coinbases, which are not mature.
    pub(super) fn coins(&self) -> Result<(Vec<Coin>, Vec<OutPoint>)> {
        let (mut coins, mut coinbases) = (Vec::new(), Vec::new());
        for block in self.blocks("base")? {
            let block: Block = bitcoin::consensus::encode::deserialize(&block)?;
            coinbases.push(txs::first(block.txdata[0].compute_txid()));
            for tx in &block.txdata[1..] {
                coins.extend(keys::coins_of(tx, coins.len()));
            }
        }
        Ok((coins, coinbases.split_off(coinbases.len().saturating_sub(MATURITY as usize / 2))))
    }

    /// The time of the last block that splits.
    pub(super) fn base_time(&self) -> u32 {
        FIRST_TIME + SPACING * self.recipe.base()
    }

    fn blocks(&self, part: &str) -> Result<Vec<Vec<u8>>> {
        let mut blocks = Vec::new();
        for at in 0.. {
            let Ok(bytes) = fs::read(self.dir.join(format!("{part}{at:05}.dat"))) else { break };
            let mut rest = &bytes[..];
            while let Some((head, body)) = rest.split_at_checked(8) {
                let len = u32::from_le_bytes(head[4..].try_into().expect("four of eight bytes"));
                let (block, next) = body.split_at_checked(usize::try_from(len)?).context("a block is cut off")?;
                blocks.push(block.to_vec());
                rest = next;
            }
        }
        Ok(blocks)
    }

    /// Checks a figure that must be the same for every daemon, such as the hash of all coins.
    pub(super) fn agree(&self, what: &str, value: &str) -> Result<()> {
        let file = self.dir.join(what);
        if let Ok(before) = fs::read_to_string(&file) {
            ensure!(before == value, "{what} of {:?}: {value}, but another run found {before}", self.recipe);
            return Ok(());
        }
        Ok(fs::write(file, value)?)
    }
}

fn cache_home() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))
}

/// Block files of one part of the chain.
struct Files<'a> {
    dir: &'a Path,
    part: &'static str,
    number: u32,
    open: Option<(BufWriter<File>, usize)>,
}

impl<'a> Files<'a> {
    fn new(dir: &'a Path, part: &'static str) -> Files<'a> {
        Files { dir, part, number: 0, open: None }
    }

    fn add(&mut self, block: &Block) -> Result<()> {
        let bytes = serialize(block);
        if self.open.as_ref().is_some_and(|(_, len)| len + bytes.len() + 8 > MAX_FILE) {
            self.finish()?;
        }
        if self.open.is_none() {
            let file = File::create(self.dir.join(format!("{}{:05}.dat", self.part, self.number)))?;
            self.number += 1;
            self.open = Some((BufWriter::new(file), 0));
        }
        let (file, len) = self.open.as_mut().expect("a file was opened above");
        file.write_all(&MAGIC)?;
        file.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
        file.write_all(&bytes)?;
        *len += bytes.len() + 8;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if let Some((mut file, _)) = self.open.take() {
            file.flush()?;
        }
        Ok(())
    }
}

/// Numbers that look random and are the same every time.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

fn subsidy(height: u32) -> u64 {
    5_000_000_000_u64.checked_shr(height / HALVING).unwrap_or(0)
}

fn make(recipe: Recipe, dir: &Path) -> Result<()> {
    let keys = Keys::new();
    let genesis = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    let mut coinbases = vec![];
    let mut coins: Vec<Coin> = Vec::new();
    let mut dice = Dice::new(0x5eed);
    let mut prev = genesis.block_hash();
    let mut files = Files::new(dir, "base");
    files.add(&genesis)?;
    for height in 1..=recipe.height() {
        let txs = if height <= MATURITY {
            vec![]
        } else if height <= recipe.base() {
            let from = height - MATURITY;
            let tx = split(recipe, &keys, coinbases[usize::try_from(from - 1)?], subsidy(from), coins.len());
            coins.extend(keys::coins_of(&tx, coins.len()));
            vec![tx]
        } else {
            if height == recipe.base() + 1 {
                files.finish()?;
                files = Files::new(dir, "spending");
            }
            spend(recipe, &keys, &mut coins, &mut dice)?
        };
        let block = mine(height, prev, txs);
        prev = block.block_hash();
        coinbases.push(block.txdata[0].compute_txid());
        files.add(&block)?;
    }
    files.finish()?;
    fs::write(dir.join("tip"), prev.to_string())?;
    Ok(())
}

/// One coinbase into many coins.
fn split(recipe: Recipe, keys: &Keys, coinbase: bitcoin::Txid, value: u64, first: usize) -> Transaction {
    let each = value / u64::from(recipe.fan + 1);
    let count = usize::try_from(recipe.fan).unwrap_or(0);
    let outputs = (first..first + count).map(|n| keys.output(n, each)).collect();
    txs::spend_to(&[txs::first(coinbase)], outputs)
}

/// Transactions of two inputs and two outputs each. Their coins take the places of those that they spend.
fn spend(recipe: Recipe, keys: &Keys, coins: &mut [Coin], dice: &mut Dice) -> Result<Vec<Transaction>> {
    let mut plans = Vec::new();
    let mut taken = std::collections::HashSet::new();
    while plans.len() < usize::try_from(recipe.pairs)? {
        let (a, b) = (dice.below(coins.len()), dice.below(coins.len()));
        // What a block makes it does not spend: then all of it can be signed at once.
        if a != b && !taken.contains(&a) && !taken.contains(&b) {
            taken.extend([a, b]);
            plans.push([a, b]);
        }
    }
    let sign = |places: &[usize; 2]| {
        let from = places.map(|place| coins[place]);
        let sum = from.iter().map(|coin| coin.value).sum::<u64>().saturating_sub(FEE);
        let outputs = vec![keys.output(places[0] + 1, sum / 2), keys.output(places[1], sum - sum / 2)];
        (keys.signed(&from, outputs), *places)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let made: Vec<(Transaction, [usize; 2])> = std::thread::scope(|scope| {
        let parts = plans.chunks(plans.len().div_ceil(threads).max(1));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(sign).collect::<Vec<_>>())).collect();
        parts.into_iter().map(|part| part.join().ok().context("a signer panicked")).collect::<Result<Vec<_>>>()
    })?
    .concat();
    for (tx, [a, b]) in &made {
        let txid = tx.compute_txid();
        coins[*a] = Coin { out: OutPoint { txid, vout: 0 }, value: tx.output[0].value.to_sat(), key: *a + 1 };
        coins[*b] = Coin { out: OutPoint { txid, vout: 1 }, value: tx.output[1].value.to_sat(), key: *b };
    }
    Ok(made.into_iter().map(|(tx, _)| tx).collect())
}

/// A block of these transactions.
fn mine(height: u32, prev: BlockHash, txs: Vec<Transaction>) -> Block {
    let mut coinbase = txs::coinbase(height, subsidy(height));
    let header = Header {
        version: BlockVersion::from_consensus(0x2000_0000),
        prev_blockhash: prev,
        merkle_root: TxMerkleNode::all_zeros(),
        time: FIRST_TIME + SPACING * height,
        bits: CompactTarget::from_consensus(BITS),
        nonce: 0,
    };
    let mut block = Block { header, txdata: vec![coinbase.clone()] };
    block.txdata.extend(txs);
    if block.txdata.len() > 1 {
        let root = block.witness_root().expect("a block has transactions");
        let commitment = Block::compute_witness_commitment(&root, &[0; 32]);
        let mut script = vec![0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
        script.extend(commitment.to_byte_array());
        coinbase.output.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) });
        coinbase.input[0].witness.push([0; 32]);
        block.txdata[0] = coinbase;
    }
    block.header.merkle_root = block.compute_merkle_root().expect("a block has transactions");
    while block.header.validate_pow(block.header.target()).is_err() {
        block.header.nonce += 1;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_chain_is_whole() {
        let recipe = Recipe { splits: 3, fan: 40, spending: 2, pairs: 9 };
        let dir = tempfile::tempdir().unwrap();
        make(recipe, dir.path()).unwrap();
        let made = MadeChain { dir: dir.path().to_owned(), recipe };
        let blocks = made.spending().unwrap();
        assert_eq!(blocks.len(), 2);
        let block: Block = bitcoin::consensus::encode::deserialize_hex(&blocks[1]).unwrap();
        assert_eq!(block.block_hash().to_string(), made.tip().unwrap());
        assert_eq!(block.bip34_block_height().unwrap(), u64::from(recipe.height()));
        assert!(block.check_merkle_root() && block.check_witness_commitment());
        assert_eq!(block.txdata.len(), 10);
        made.agree("sum", "1").unwrap();
        assert!(made.agree("sum", "2").is_err());
        let net = tempfile::tempdir().unwrap();
        let (base, all) = (made.copy(net.path(), false).unwrap(), made.copy(net.path(), true).unwrap());
        assert!(base > 0 && all > base && net.path().join("blocks/blk00001.dat").exists());
    }
}
