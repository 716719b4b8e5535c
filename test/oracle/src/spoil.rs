//! What is wrong with a block, and the steps between its transactions and its bytes.

use std::sync::Arc;

use bitcoin::hashes::{Hash as _, sha256d};
use bitcoin::script::Builder;
use bitcoin::{CompactTarget, ScriptBuf, Target, Transaction, TxIn, TxMerkleNode, TxOut, Witness};
use consensus::{Rules, commitment_index};
use primitives::{Block, Header, Tx, WitnessMode};
use script::Flags;

use crate::build::{Draft, amount, nowhere, spend};
use crate::ours::Chain;
use crate::plan::{BlockPlan, Spoil, Stage};

const COMMITMENT: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// How many numbers are tried for the work of a block; an easy target needs two.
const PATIENCE: u32 = 200;

/// The bytes of a planned block.
pub fn make(chain: &Chain, plan: &BlockPlan, unique: u64) -> Vec<u8> {
    let mut draft = Draft::new(chain, plan, unique);
    draft.shuffle(plan, Stage::Open);
    for spoil in &plan.spoils {
        draft.spoil_coinbase(*spoil);
    }
    draft.commit(plan);
    draft.shuffle(plan, Stage::Committed);
    draft.header.merkle_root = draft.block().merkle_root().0;
    for spoil in &plan.spoils {
        draft.spoil_header(*spoil);
    }
    draft.shuffle(plan, Stage::Sealed);
    draft.work(plan.spoils.iter().any(|spoil| matches!(spoil, Spoil::NoWork)));
    let mut bytes = draft.block().to_bytes(WitnessMode::Include);
    for spoil in &plan.spoils {
        match spoil {
            Spoil::Byte(place, byte) => {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            Spoil::Cut(less) => bytes.truncate(bytes.len().saturating_sub(usize::from(less.unsigned_abs()))),
            _ => {}
        }
    }
    bytes
}

impl Draft<'_> {
    fn block(&self) -> Block {
        let txs = self.txs.iter().map(|tx| Arc::new(Tx::new(tx.clone(), None))).collect();
        Block { header: Header::new(self.header), txs, tail: None }
    }

    /// Changes the list of transactions.
    fn shuffle(&mut self, plan: &BlockPlan, now: Stage) {
        for spoil in &plan.spoils {
            let count = self.txs.len();
            if count == 0 {
                return;
            }
            match *spoil {
                Spoil::Swap(stage, a, b) if stage == now => self.txs.swap(a.index(count), b.index(count)),
                Spoil::Repeat(stage, which) if stage == now => self.txs.push(self.txs[which.index(count)].clone()),
                Spoil::RepeatTail(stage, tail) if stage == now => {
                    self.txs.extend_from_within(count - count.min(tail.into())..);
                }
                Spoil::Drop(stage, which) if stage == now => drop(self.txs.remove(which.index(count))),
                Spoil::SecondCoinbase(stage) if stage == now => self.txs.push(self.txs[0].clone()),
                Spoil::Empty(stage) if stage == now => self.txs.clear(),
                _ => {}
            }
        }
    }

    fn spoil_coinbase(&mut self, spoil: Spoil) {
        let height = i64::from(self.height);
        let unique = self.unique.to_le_bytes();
        let Some(coinbase) = self.txs.first_mut() else { return };
        let script = &mut coinbase.input[0].script_sig;
        let named = |height: i64| Builder::new().push_int(height).push_slice(unique).into_script();
        match spoil {
            Spoil::CoinbaseScript(len) => {
                let mut bytes = script.to_bytes();
                bytes.resize(len.into(), 0x51);
                *script = ScriptBuf::from_bytes(bytes);
            }
            Spoil::CoinbaseHeight(more) => *script = named(height + i64::from(more)),
            Spoil::CoinbasePadded => {
                let mut bytes = vec![4];
                bytes.extend(self.height.to_le_bytes());
                bytes.extend(unique);
                *script = ScriptBuf::from_bytes(bytes);
            }
            Spoil::Reward(more) => {
                let value = coinbase.output[0].value.to_sat().cast_signed();
                coinbase.output[0].value = amount(value.saturating_add(more));
            }
            Spoil::Sigops(more) => self.pad_sigops(more),
            _ => {}
        }
    }

    /// Adds signature operations up to the limit, and so many.
    fn pad_sigops(&mut self, more: i8) {
        let rules = self.chain.rules();
        let cost: u64 = self.txs.iter().map(|tx| self.sigop_cost(rules, tx)).sum();
        let left = rules.params().max_block_sigops_cost().saturating_sub(cost) / 4;
        let count = usize::try_from(left).expect("a small limit").saturating_add_signed(more.into());
        let script_pubkey = ScriptBuf::from_bytes(vec![0xac; count]);
        self.txs[0].output.push(TxOut { value: amount(0), script_pubkey });
    }

    fn sigop_cost(&self, rules: &dyn Rules, tx: &Transaction) -> u64 {
        let coins = self.chain.coins();
        let spent: Option<Vec<_>> = tx.input.iter().map(|input| coins.get(&input.previous_output).cloned()).collect();
        rules.sigop_cost(&Tx::new(tx.clone(), None), &spent.unwrap_or_default(), Flags::P2SH | Flags::WITNESS)
    }

    /// Makes the coinbase commit to the witnesses, unless that is what is wrong.
    fn commit(&mut self, plan: &BlockPlan) {
        let has = |what: fn(&Spoil) -> bool| plan.spoils.iter().copied().find(what);
        if self.txs.is_empty() || has(|spoil| matches!(spoil, Spoil::NoCommitment)).is_some() {
            return;
        }
        let mut reserved = vec![vec![0_u8; 32]];
        for spoil in &plan.spoils {
            match *spoil {
                Spoil::Reserved(len) => reserved = vec![vec![1; len.into()]],
                Spoil::ReservedItems(count) => reserved = vec![vec![2; 32]; count.into()],
                _ => {}
            }
        }
        self.txs[0].input[0].witness = Witness::from_slice(&reserved);
        let script = [&COMMITMENT[..], &[0; 32]].concat();
        self.txs[0].output.push(TxOut { value: amount(0), script_pubkey: ScriptBuf::from_bytes(script) });
        let place = self.txs[0].output.len() - 1;
        for spoil in &plan.spoils {
            match *spoil {
                Spoil::Weight(more) => self.pad_weight(more),
                Spoil::Length(more) => self.pad_length(more),
                _ => {}
            }
        }
        let mut bytes = self.block().witness_merkle_root().to_byte_array().to_vec();
        bytes.extend(reserved.first().map_or(&[][..], Vec::as_slice));
        let mut root = sha256d::Hash::hash(&bytes).to_byte_array();
        for spoil in &plan.spoils {
            if let Spoil::WrongCommitment(bit) = *spoil {
                root[usize::from(bit / 8)] ^= 1 << (bit % 8);
            }
        }
        let script = [&COMMITMENT[..], &root].concat();
        self.txs[0].output[place].script_pubkey = ScriptBuf::from_bytes(script.clone());
        if let Some(Spoil::SecondCommitment(good)) = has(|spoil| matches!(spoil, Spoil::SecondCommitment(_))) {
            let mut second = script;
            if !good {
                second[20] ^= 1;
            }
            // What follows the commitment does not matter.
            second.extend([0x51, 0x52]);
            self.txs[0].output.push(TxOut { value: amount(0), script_pubkey: ScriptBuf::from_bytes(second) });
        }
        debug_assert!(commitment_index(&Tx::new(self.txs[0].clone(), None)).is_some());
    }

    /// Makes the block as heavy as it may be, and so much heavier, by a witness that nobody looks at.
    fn pad_weight(&mut self, more: i8) {
        let Some((outpoint, out)) = self.future_coin() else { return };
        let padding = TxIn { witness: Witness::from_slice(&[vec![7; 100_000]]), ..spend(outpoint) };
        let mut tx = Transaction { input: vec![padding], output: vec![out], ..self.txs[0].clone() };
        let most = self.chain.rules().params().max_block_weight();
        self.txs.push(tx.clone());
        let missing = most.saturating_add_signed(more.into()).saturating_sub(self.block().weight());
        let size = 100_000 + usize::try_from(missing).expect("a small limit");
        tx.input[0].witness = Witness::from_slice(&[vec![7; size]]);
        *self.txs.last_mut().expect("it was just pushed") = tx;
    }

    /// Makes the block as long as it may be without witnesses, and so much longer.
    fn pad_length(&mut self, more: i8) {
        let padding = |size: usize| {
            let script_pubkey = ScriptBuf::from_bytes([&[0x6a], &vec![0; size][..]].concat());
            TxOut { value: amount(0), script_pubkey }
        };
        // It must not be the last output: that is the commitment.
        self.txs[0].output.insert(0, padding(100_000));
        let size = self.block().size(WitnessMode::Strip);
        let most = 1_000_000_usize.saturating_add_signed(more.into());
        self.txs[0].output[0] = padding(100_000 + most - size.min(most));
    }

    fn spoil_header(&mut self, spoil: Spoil) {
        let header = &mut self.header;
        match spoil {
            Spoil::Time(more) => {
                header.time = u32::try_from(self.median + i64::from(more)).expect("a time of this century");
            }
            Spoil::AbsoluteTime(time) => header.time = time,
            Spoil::Bits(bits) => header.bits = CompactTarget::from_consensus(bits),
            Spoil::Parent(byte) => header.prev_blockhash = nowhere(byte),
            Spoil::MerkleRoot(bit) => {
                let mut root = header.merkle_root.to_byte_array();
                root[usize::from(bit / 8)] ^= 1 << (bit % 8);
                header.merkle_root = TxMerkleNode::from_byte_array(root);
            }
            _ => {}
        }
    }

    /// Searches for work, or for the lack of it; gives up on a target that is too hard.
    fn work(&mut self, lacking: bool) {
        let [a, b, c, ..] = self.unique.to_le_bytes();
        self.header.nonce = u32::from_le_bytes([0, a, b, c]);
        for _ in 0..PATIENCE {
            let target = Target::from_compact(self.header.bits);
            if target.is_met_by(self.header.block_hash()) != lacking {
                return;
            }
            self.header.nonce = self.header.nonce.wrapping_add(1);
        }
    }
}
