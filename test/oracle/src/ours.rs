//! The rules of this project, driven over a chain in memory as the node drives them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock};

use bitcoin::{BlockHash, OutPoint};
use coin::ChainKind;
use consensus::{
    Below, BlockChecks, BlockReason, ChainParams, CoinView, ConnectReason, Connecting, HeaderContext, HeaderReason,
    HeaderVec, HeaderView, MemoryCache, Rules, Scope, ScriptCheck, rules_for,
};
use primitives::{Block, Codec, Header, Reader, TxOutEntry, WitnessMode};
use script::templates::is_unspendable;
use script::{Keep, SignatureCache};

use crate::verdict::Verdict;

/// What a node remembers. Signatures are not put in, so each is verified, with what is known of keys and signers.
pub static CACHE: LazyLock<SignatureCache> = LazyLock::new(|| SignatureCache::new(1 << 20, &[7; 32]));

/// A chain in memory.
pub struct Chain {
    rules: Arc<dyn Rules>,
    headers: HeaderVec,
    known: Vec<BlockHash>,
    coins: BTreeMap<OutPoint, TxOutEntry>,
}

/// The coins of the chain as the transactions of a block change them.
struct Overlay<'a> {
    below: &'a BTreeMap<OutPoint, TxOutEntry>,
    added: BTreeMap<OutPoint, TxOutEntry>,
    spent: HashSet<OutPoint>,
}

impl CoinView for Overlay<'_> {
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry> {
        if self.spent.contains(outpoint) {
            return None;
        }
        self.added.get(outpoint).or_else(|| self.below.get(outpoint)).cloned()
    }
}

impl Chain {
    /// Bitcoin's regtest, with nothing but its genesis block.
    pub fn regtest() -> Self {
        Self::start(params(ChainKind::Regtest))
    }

    /// A signet with this challenge.
    pub fn signet(challenge: &[u8]) -> Self {
        Self::start(params(ChainKind::Signet).with_signet_challenge(challenge.to_vec()))
    }

    fn start(params: ChainParams) -> Self {
        let genesis = &params.chain().genesis;
        let headers = HeaderVec::new(params.genesis_hash(), genesis.version, genesis.time, genesis.bits);
        let known = vec![params.genesis_hash()];
        let rules = rules_for(params).expect("Bitcoin's rules are implemented");
        Self { rules, headers, known, coins: BTreeMap::new() }
    }

    /// The rules.
    pub fn rules(&self) -> &dyn Rules {
        &*self.rules
    }

    /// The headers up to the tip.
    pub fn headers(&self) -> &HeaderVec {
        &self.headers
    }

    /// The hash and height of the tip.
    pub fn tip(&self) -> (BlockHash, u32) {
        (self.known[self.known.len() - 1], self.headers.height())
    }

    /// The unspent outputs.
    pub fn coins(&self) -> &BTreeMap<OutPoint, TxOutEntry> {
        &self.coins
    }

    /// Judges a block that may build on any block of the chain. Nothing is changed.
    pub fn judge(&self, bytes: &[u8], now: i64) -> Verdict {
        let Some(block) = read(bytes) else { return Verdict::Undecodable };
        match self.check(&block, now) {
            Ok(()) => Verdict::Accepted,
            Err(reason) => Verdict::Rejected { class: reason.result(), text: reason.full() },
        }
    }

    fn check(&self, block: &Block, now: i64) -> Result<(), ConnectReason> {
        let mut checks = BlockChecks::default();
        self.rules.check_block(block, Scope::FULL, &mut checks)?;
        let parent = self.known.iter().rposition(|hash| *hash == block.header.prev());
        let height = parent.ok_or(BlockReason::Header(HeaderReason::MissingPrev))?;
        let branch = Below::new(&self.headers, u32::try_from(height).expect("a short chain"));
        let context = HeaderContext { now, checkpoint: None };
        self.rules.check_header_context(&block.header, &branch, context).map_err(BlockReason::Header)?;
        self.rules.check_block_context(block, Some(&branch), &mut checks)?;
        if block.header.prev() == self.tip().0 { self.connect(block) } else { Ok(()) }
    }

    /// The rules that need coins, script by script in the order of the block: what one thread does.
    fn connect(&self, block: &Block) -> Result<(), ConnectReason> {
        let mut view = Overlay { below: &self.coins, added: BTreeMap::new(), spent: HashSet::new() };
        let cache = MemoryCache::default();
        let mut connecting = Connecting::start(&*self.rules, block, &self.headers, &view, &cache)?;
        for tx in &block.txs {
            let spent = Arc::new(connecting.spend(tx, &view)?);
            ScriptCheck::whole(tx, &spent, connecting.flags(), self.rules.dialect())
                .run(Some((&CACHE, Keep::Forget)))
                .map_err(|failure| ConnectReason::Script(Box::new(failure)))?;
            if !tx.is_coinbase() {
                view.spent.extend(tx.inputs().iter().map(|input| input.previous_output));
            }
            view.added.extend(created(tx, connecting.height()));
        }
        connecting.finish(&block.txs[0]).map(|_| ())
    }

    /// Puts a block on the tip, whatever was said about it.
    pub fn follow(&mut self, bytes: &[u8]) {
        let block = read(bytes).expect("the other engine read it");
        let header: &Header = &block.header;
        self.headers.push(header.hash(), header.version(), header.time(), header.bits());
        self.known.push(header.hash());
        for tx in &block.txs {
            for input in tx.inputs() {
                self.coins.remove(&input.previous_output);
            }
            self.coins.extend(created(tx, self.headers.height()));
        }
    }
}

/// A block; as in the other engine, what follows it is nobody's business.
fn read(bytes: &[u8]) -> Option<Block> {
    Codec::BITCOIN.read_block(&mut Reader::new(bytes), WitnessMode::Include).ok()
}

fn params(kind: ChainKind) -> ChainParams {
    let bitcoin = coin::by_id("bitcoin").expect("there is a Bitcoin");
    ChainParams::new(bitcoin, bitcoin.chain(kind).expect("it has this chain"))
}

/// What a transaction adds to the coins.
fn created(tx: &primitives::Tx, height: u32) -> Vec<(OutPoint, TxOutEntry)> {
    let entries =
        (0..tx.outputs().len()).filter_map(|vout| Codec::BITCOIN.new_coin(tx, vout, height).map(|c| (vout, c)));
    entries
        .filter(|(_, coin)| !is_unspendable(&coin.out.script_pubkey))
        .map(|(vout, coin)| (OutPoint { txid: tx.txid(), vout: u32::try_from(vout).expect("few outputs") }, coin))
        .collect()
}
