//! The rules of Syscoin behind the trait of all coins.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use coin::{Activation, Chain, SyscoinExtra};
use primitives::{AuxPow, Block, FinalTx, Header, Tx, TxOutEntry};
use script::Flags;

use super::assets;
use super::auxpow::{self, AuxPowReason, ChainIds};
use super::{checkpoint, retarget, reward, tag, version};
use crate::block::{self, BlockChecks, HeaderContext};
use crate::deployment::{Buried, VersionBitsCache};
use crate::params::{ChainParams, OwnStart};
use crate::pow;
use crate::reason::{BlockReason, ConnectReason, HeaderReason, TxReason};
use crate::rules::{BlockEnds, MergedMining, Rules, Unverified};
use crate::tx::{self, CoinView};
use crate::view::{HeaderView, next_height};

/// What is not verified of a chain on which the NEVM and masternodes are in force.
pub const UNVERIFIED: &[&str] = &[
    "S8: proofs of mints from the NEVM",
    "S9: that the NEVM accepts each block",
    "S10: PoDA blobs; blocks that bring some cannot be read from peers, so the chain is followed to the first of them",
    "S11: masternode transactions, their collateral and quorum commitments",
    "S12: who is paid as the masternode, and how much within its bounds",
    "S13: who is paid by a superblock, and that it was voted for",
    "S14: chain locks",
];

/// The newest version of ordinary transactions.
const NEWEST_TX: i32 = 2;
/// The largest that NEVM data may be.
const MAX_NEVM_DATA: usize = 32 << 20;

/// Syscoin's rules.
#[derive(Debug)]
pub(crate) struct Syscoin {
    params: ChainParams,
    extra: SyscoinExtra,
    ids: ChainIds,
}

/// What a chain lacks to have these rules.
pub(crate) fn unsupported(chain: &Chain) -> Vec<&'static str> {
    // Bitcoin's signet under another name: the source leaves the heights of its own rules there undefined.
    if chain.syscoin().is_none() {
        vec!["heights at which rules begin, which its source leaves undefined"]
    } else {
        vec![]
    }
}

impl Syscoin {
    /// The rules of a chain; `None` if its profile lacks their numbers.
    pub(crate) fn new(params: ChainParams) -> Option<Self> {
        let mut extra = params.chain().syscoin()?.clone();
        for (rule, height) in params.moved_starts() {
            let start = Activation::At(*height);
            match rule {
                OwnStart::Masternodes => (extra.dip3_height, extra.nexus_start_block) = (start, start),
                OwnStart::Nevm => extra.nevm_start_block = start,
                OwnStart::Receipts => extra.cl_receipt_start_block = start,
                OwnStart::SecondBridge => extra.bridge_v2_start_block = start,
                OwnStart::Checkpoints => extra.btcc_start_block = start,
            }
        }
        let ids = ChainIds { id: extra.auxpow_chain_id, old: extra.auxpow_old_chain_id, strict: extra.strict_chain_id };
        Some(Self { params, extra, ids })
    }

    /// Whether nothing of what cannot be verified is in force: on the chain that people make for themselves.
    fn is_private(&self) -> bool {
        self.params.chain().kind == coin::ChainKind::Regtest
    }

    fn is_nexus(&self, height: u32) -> bool {
        self.extra.nexus_start_block.is_active_at(height)
    }

    /// The proof of work of a header, merged or not.
    fn check_work(&self, header: &Header) -> Result<(), HeaderReason> {
        let version = header.version();
        let Some(aux) = header.aux() else {
            if version::is_auxpow(version) {
                return Err(AuxPowReason::Missing.into());
            }
            let proven = pow::is_proven(&header.hash(), header.bits(), self.params.pow());
            return if proven { Ok(()) } else { Err(HeaderReason::HighHash) };
        };
        let AuxPow::Namecoin(proof) = &**aux else { return Err(AuxPowReason::Format.into()) };
        if self.ids.strict && !version::is_legacy(version) && !self.is_ours(version) {
            let named = version::chain_id(version) > 0;
            return Err(if named { AuxPowReason::ChainId } else { AuxPowReason::OldChainId }.into());
        }
        if !version::is_auxpow(version) {
            return Err(AuxPowReason::Unannounced.into());
        }
        if !pow::is_proven(&proof.parent.block_hash(), header.bits(), self.params.pow()) {
            return Err(AuxPowReason::Work.into());
        }
        auxpow::check(proof, header.hash().to_byte_array(), version::chain_id(version), self.ids)?;
        Ok(())
    }

    /// Whether a merged-mined version names this chain, in the new way or in the old.
    fn is_ours(&self, version: i32) -> bool {
        let (id, expected) = match version::chain_id(version) {
            0 => (version::old_chain_id(version), self.ids.old),
            id => (id, self.ids.id),
        };
        u32::try_from(id) == Ok(expected)
    }

    fn check_version(&self, header: &Header, height: u32) -> Result<(), HeaderReason> {
        let version = header.version();
        let dip3 = self.extra.dip3_height.is_active_at(height);
        let base = if dip3 { version::base_version(version) } else { version::old_base_version(version) };
        let outdated = [(2, Buried::HeightInCoinbase), (3, Buried::Dersig), (4, Buried::Cltv)];
        let outdated = outdated.iter().any(|(least, rule)| base < *least && self.params.is_active(*rule, height));
        let id = version::chain_id(version);
        let strange = !version::is_valid_base(base) || id > 0 && u32::try_from(id) != Ok(self.ids.id);
        // From that height on the test network takes everything.
        let lenient = dip3 && self.params.chain().kind == coin::ChainKind::Test;
        if !lenient && (outdated || dip3 && strange) {
            return Err(HeaderReason::BadBaseVersion { base, version });
        }
        Ok(())
    }
}

impl Rules for Syscoin {
    fn params(&self) -> &ChainParams {
        &self.params
    }

    fn unverified(&self) -> Option<Unverified> {
        let starts = [
            self.extra.dip3_height,
            self.extra.nevm_start_block,
            self.extra.poda_start_block,
            self.extra.nexus_start_block,
        ];
        let from = starts.iter().filter_map(|start| start.height()).min();
        let needed = from.filter(|_| !self.is_private());
        needed.map(|from_height| Unverified { option: "syscoinbase", from_height, rules: UNVERIFIED })
    }

    fn block_version(&self, signalled: i32, height: u32) -> i32 {
        let named = self.extra.dip3_height.is_active_at(height);
        if named { version::with_chain_id(signalled, self.ids.id) } else { signalled }
    }

    fn merged_mining(&self, signalled: i32, prev: &dyn HeaderView) -> Option<MergedMining> {
        let nevm = if self.is_private() { 0 } else { version::NEVM };
        let version = version::with_chain_id(signalled, self.ids.id) | version::AUXPOW | nevm;
        let naming = checkpoint::is_naming(self.extra.btcc_start_block, next_height(Some(prev)));
        let name_tag = naming.then_some(checkpoint::NAME_TAG);
        Some(MergedMining { version, chain_id: self.ids.id, parent_output: tag::output(prev)?, name_tag })
    }

    fn trusted_below(&self) -> Option<u32> {
        self.extra.nexus_start_block.height().filter(|_| !self.is_private())
    }

    fn is_proven(&self, header: &Header) -> bool {
        self.check_work(header).is_ok()
    }

    fn check_header(&self, header: &Header) -> Result<(), HeaderReason> {
        self.check_work(header)
    }

    fn next_work_required(&self, prev: &dyn HeaderView, header: &Header) -> u32 {
        retarget::next_work_required(self.params.pow(), &self.extra, prev, header.time())
    }

    fn permitted_transition(&self, height: u32, old_bits: u32, new_bits: u32) -> bool {
        retarget::permitted_transition(self.params.pow(), &self.extra, height, old_bits, new_bits)
    }

    fn check_header_context(
        &self,
        header: &Header,
        prev: &dyn HeaderView,
        context: HeaderContext,
    ) -> Result<(), HeaderReason> {
        let height = next_height(Some(prev));
        if version::is_legacy(header.version()) && height >= self.extra.legacy_blocks_before {
            return Err(HeaderReason::LegacyBlock);
        }
        if header.bits() != self.next_work_required(prev, header) {
            return Err(HeaderReason::BadDiffBits);
        }
        block::check_place(&self.params, header, prev, context)?;
        let expects_nevm = self.extra.nevm_start_block.is_active_at(height) && !self.is_private();
        if expects_nevm && !version::is_nevm(header.version()) {
            return Err(HeaderReason::NevmVersion);
        }
        self.check_version(header, height)?;
        if let Some(AuxPow::Namecoin(proof)) = header.aux().map(|aux| &**aux)
            && self.is_nexus(height)
        {
            tag::check(&proof.coinbase, prev)?;
        }
        Ok(())
    }

    fn limits_block_size(&self, block: &Block) -> bool {
        block.header.time() >= self.extra.nevm_start_time
    }

    fn limits_block_weight(&self, height: u32) -> bool {
        self.is_private() || self.extra.nevm_start_block.is_active_at(height)
    }

    fn check_body_extra(&self, block: &Block) -> Result<(), BlockReason> {
        let data = block.tail.as_deref().unwrap_or_default();
        if version::is_nevm(block.header.version()) && data.is_empty() && !self.is_private() {
            return Err(BlockReason::NevmData);
        }
        if data.len() > MAX_NEVM_DATA { Err(BlockReason::NevmSize) } else { Ok(()) }
    }

    fn check_block_context(
        &self,
        block: &Block,
        prev: Option<&dyn HeaderView>,
        checks: &mut BlockChecks,
    ) -> Result<(), BlockReason> {
        // A block that is no merged one must not look like the parent of another that is.
        let direct = !version::is_auxpow(block.header.version());
        if direct && self.extra.bridge_v2_start_block.is_active_at(next_height(prev)) {
            let script = block.txs.first().and_then(|tx| tx.inputs().first()).map(|input| &input.script_sig);
            if script.is_some_and(|script| auxpow::find(script.as_bytes(), &auxpow::MERGED_MINING_MAGIC).is_some()) {
                return Err(BlockReason::DirectAuxPowParent);
            }
        }
        block::check_block_context(self, block, prev, checks)
    }

    fn check_block_extra(&self, block: &Block, prev: Option<&dyn HeaderView>) -> Result<(), BlockReason> {
        let (coinbase, rest) = block.txs.split_first().ok_or(BlockReason::CoinbaseMissing)?;
        if self.is_nexus(next_height(prev)) {
            let version = coinbase.version();
            if version.cast_signed() > NEWEST_TX && version != assets::QUORUM_COMMITMENT {
                return Err(BlockReason::CoinbaseVersion(version.cast_signed()));
            }
        }
        if rest.iter().any(|tx| tx.version() == assets::QUORUM_COMMITMENT) {
            return Err(BlockReason::QuorumVersion);
        }
        if checkpoint::is_naming(self.extra.btcc_start_block, next_height(prev)) {
            checkpoint::check_name(block)?;
        }
        Ok(())
    }

    fn value_out(&self, tx: &Tx) -> Option<i64> {
        assets::value_out(tx)
    }

    fn check_inputs(&self, tx: &Tx, spent: &[TxOutEntry], height: u32) -> Result<i64, TxReason> {
        let fee = tx::check_inputs(self, tx, spent, height)?;
        let context =
            assets::Context { extra: &self.extra, height, max: self.params.max_money(), verified: self.is_private() };
        assets::check(tx, spent, context)?;
        Ok(fee)
    }

    fn enforces_bip30(&self, _: &BlockHash, _: &dyn HeaderView) -> bool {
        true
    }

    fn open_block(
        &self,
        block: &Block,
        prev: &dyn HeaderView,
        _: Flags,
        _: &dyn CoinView,
        _: &dyn VersionBitsCache,
    ) -> Result<Option<FinalTx>, ConnectReason> {
        checkpoint::check_report(self.extra.btcc_start_block, block, prev).map_err(BlockReason::Checkpoint)?;
        Ok(None)
    }

    fn block_ends(
        &self,
        prev: &dyn HeaderView,
        _: &dyn CoinView,
        _: &dyn VersionBitsCache,
    ) -> Result<BlockEnds, ConnectReason> {
        let reports = checkpoint::reported(self.extra.btcc_start_block, next_height(Some(prev))).is_some();
        let data = if reports { checkpoint::empty_report() } else { Vec::new() };
        Ok(BlockEnds { data, ..BlockEnds::usual(&self.params, prev) })
    }

    fn reward(&self, height: u32, fees: i64) -> i64 {
        // Not what masternodes could be paid on top.
        self.subsidy(height).saturating_add(fees)
    }

    fn reward_limit(&self, height: u32, fees: i64) -> i64 {
        reward::limit(&self.extra, self.is_private(), height, self.subsidy(height), fees)
    }
}
