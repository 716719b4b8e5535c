//! Transactions of every kind that a pool meets: good ones side by side and in chains, better and worse ones for coins
//! that are spent already, packages, and everything that some rule refuses. Which rule that is the daemons have to say.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use rpc::Json;

use super::keys::{ANCHOR, Coin, Keys};
use super::madechain::Dice;
use super::txs;

/// A call that both daemons get.
#[derive(Debug)]
pub(super) struct Offer {
    /// What is tried, for whoever reads a difference.
    pub(super) kind: &'static str,
    pub(super) method: &'static str,
    pub(super) params: Vec<Json>,
}

/// Makes offers, the same ones every time.
#[derive(Debug)]
pub(super) struct Offers {
    keys: Keys,
    dice: Dice,
    /// Confirmed and not spent yet.
    coins: Vec<Coin>,
    /// Outputs of what was offered, the newest last. Nobody knows whether it was taken.
    made: Vec<Coin>,
    /// Spent by something that was offered.
    spent: Vec<Coin>,
    offered: Vec<Transaction>,
    immature: Vec<OutPoint>,
    /// The end of a chain that grows until it is too long.
    chain: Option<Coin>,
}

/// So many of the newest outputs are built upon.
const RECENT: usize = 400;

fn send(kind: &'static str, tx: &Transaction) -> Offer {
    Offer { kind, method: "sendrawtransaction", params: vec![serialize_hex(tx).into(), 0.into()] }
}

fn package(kind: &'static str, txs: &[Transaction]) -> Offer {
    let txs = Json::Arr(txs.iter().map(|tx| serialize_hex(tx).into()).collect());
    Offer { kind, method: "submitpackage", params: vec![txs, 0.into()] }
}

fn script(bytes: &[u8]) -> ScriptBuf {
    ScriptBuf::from_bytes(bytes.to_vec())
}

impl Offers {
    pub(super) fn new(keys: Keys, coins: Vec<Coin>, immature: Vec<OutPoint>, seed: u64) -> Offers {
        let (made, spent, offered) = (Vec::new(), Vec::new(), Vec::new());
        Offers { keys, dice: Dice::new(seed), coins, made, spent, offered, immature, chain: None }
    }

    fn roll(&mut self, end: u64) -> u64 {
        u64::try_from(self.dice.below(usize::try_from(end).unwrap_or(1))).unwrap_or(0)
    }

    /// A confirmed coin that nothing spends yet.
    fn fresh(&mut self) -> Coin {
        let at = self.dice.below(self.coins.len());
        let coin = self.coins.swap_remove(at);
        self.spent.push(coin);
        coin
    }

    /// An output of something that was offered lately.
    fn recent(&mut self) -> Coin {
        if self.made.is_empty() {
            return self.fresh();
        }
        let at = self.made.len() - 1 - self.dice.below(self.made.len().min(RECENT));
        let coin = self.made.swap_remove(at);
        self.spent.push(coin);
        coin
    }

    /// A transaction to `count` outputs. It is changed before it is signed.
    fn build(&mut self, from: &[Coin], count: u64, fee: u64, change: impl FnOnce(&mut Transaction)) -> Transaction {
        let sum = from.iter().map(|coin| coin.value).sum::<u64>().saturating_sub(fee);
        let keys: Vec<usize> = (0..count).map(|_| self.dice.below(48)).collect();
        let outputs = keys.iter().map(|key| self.keys.output(*key, sum / count)).collect();
        let outs: Vec<OutPoint> = from.iter().map(|coin| coin.out).collect();
        let mut tx = txs::spend_to(&outs, outputs);
        change(&mut tx);
        if tx.input.len() == from.len() {
            self.keys.sign(&mut tx, from);
        }
        let txid = tx.compute_txid();
        for ((vout, output), key) in (0..).zip(&tx.output).zip(keys) {
            if output.script_pubkey == self.keys.output(key, 0).script_pubkey {
                self.made.push(Coin { out: OutPoint { txid, vout }, value: output.value.to_sat(), key });
            }
        }
        self.offered.push(tx.clone());
        tx
    }

    fn simple(&mut self, change: impl FnOnce(&mut Transaction)) -> Transaction {
        let (coin, fee) = (self.fresh(), 300 + self.roll(5000));
        self.build(&[coin], 2, fee, change)
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Offer {
        match self.roll(100) {
            0..30 => self.independent(),
            30..50 => self.chained(),
            50..60 => self.conflict(),
            60..62 => self.again(),
            62..74 => self.unusual(),
            74..79 => self.unproven(),
            79..85 => self.restricted(),
            85..89 => self.pair(),
            89..91 => self.test(),
            91..94 => self.cheap(),
            94..96 => self.nowhere(),
            96..98 => self.longer(),
            98 => self.prioritised(),
            _ => self.ephemeral(),
        }
    }

    fn independent(&mut self) -> Offer {
        let from: Vec<Coin> = (0..=self.roll(3)).map(|_| self.fresh()).collect();
        let (count, fee) = (1 + self.roll(3), 200 + self.roll(20_000));
        send("independent", &self.build(&from, count, fee, |_| {}))
    }

    fn chained(&mut self) -> Offer {
        let mut from: Vec<Coin> = (0..=self.roll(2)).map(|_| self.recent()).collect();
        if self.roll(4) == 0 {
            from.push(self.fresh());
        }
        let (count, fee) = (1 + self.roll(3), 200 + self.roll(10_000));
        send("chained", &self.build(&from, count, fee, |_| {}))
    }

    fn conflict(&mut self) -> Offer {
        let Some(last) = self.spent.len().checked_sub(1) else { return self.independent() };
        let at = last - self.dice.below(self.spent.len().min(3000));
        let mut from = vec![self.spent[at]];
        match self.roll(6) {
            0 => from.push(self.spent[self.dice.clone().below(self.spent.len())]),
            1 => from.push(self.recent()),
            2 => from.push(self.fresh()),
            _ => {}
        }
        from.dedup_by_key(|coin| coin.out);
        let fee = 300 + self.roll(40_000);
        send("conflict", &self.build(&from, 1, fee, |_| {}))
    }

    fn again(&mut self) -> Offer {
        if self.offered.is_empty() {
            return self.independent();
        }
        let mut tx = self.offered[self.dice.below(self.offered.len())].clone();
        if self.roll(3) == 0 {
            tx.input[0].witness.push([1]);
            return send("another witness", &tx);
        }
        send("again", &tx)
    }

    /// Form, sizes, scripts and locks that are not usual, and some that are not right.
    fn unusual(&mut self) -> Offer {
        let to = |tx: &mut Transaction, bytes: &[u8], value| {
            tx.output.push(TxOut { value: Amount::from_sat(value), script_pubkey: script(bytes) });
        };
        let key = self.keys.public_bytes();
        let bare = |m: u8| {
            let mut bytes = vec![0x50 + m];
            (0..3).for_each(|_| bytes.extend([&[33][..], &key].concat()));
            bytes.extend([0x53, 0xae]);
            bytes
        };
        let number = self.roll(24);
        let kind = "unusual";
        let tx = match number {
            0 => self.simple(|tx| tx.version = Version(0)),
            1 => self.simple(|tx| tx.version = Version(4)),
            2 => self.simple(|tx| tx.output[0].value = Amount::from_sat(100)),
            3 => self.simple(|tx| to(tx, &[0x6a, 2, 1, 2], 0)),
            4 => self.simple(|tx| (0..3).for_each(|n| to(tx, &[0x6a, 1, n], 0))),
            5 => self.simple(|tx| to(tx, &[0x6a, 0x4c], 0)),
            6 => self.simple(|tx| to(tx, &bare(2), 10_000)),
            7 => self.simple(|tx| to(tx, &[0x51], 10_000)),
            8 => self.simple(|tx| to(tx, &[0x52, 2, 1, 2], 10_000)),
            9 => self.simple(|tx| tx.input[0].script_sig = script(&[1, 1])),
            10 => self.simple(|tx| tx.input[0].script_sig = script(&[0x61])),
            11 => self.simple(|tx| {
                tx.lock_time = LockTime::from_consensus(100_000);
            }),
            12 => self.simple(|tx| tx.lock_time = LockTime::from_consensus(2_000_000_000)),
            13 => self.simple(|tx| tx.input[0].sequence = Sequence(5)),
            14 => self.simple(|tx| tx.input[0].sequence = Sequence(60_000)),
            15 => self.simple(|tx| tx.input[0].sequence = Sequence((1 << 22) | 0xea60)),
            16 => self.simple(|tx| tx.output.clear()),
            17 => self.simple(|tx| tx.output[0].value = Amount::from_sat(2_100_000_000_000_001)),
            18 => self.simple(|tx| tx.output[0].value = Amount::from_sat(100_000_000_000)),
            19 => self.simple(|tx| {
                let more = tx.input[0].clone();
                tx.input.push(more);
            }),
            20 => {
                let coin = self.fresh();
                self.build(&[coin], 1, 1000, |tx| tx.output[0].script_pubkey = script(&[0x6a]))
            }
            21 => self.simple(|tx| to(tx, &[&[0x6a, 0x4d, 0x20, 0x4e][..], &vec![7; 20_000]].concat(), 0)),
            22 if self.roll(20) == 0 => {
                self.simple(|tx| to(tx, &[&[0x6a, 0x4e, 0, 0x94, 0x01, 0][..], &vec![7; 103_424]].concat(), 0))
            }
            _ => {
                let tx = self.simple(|_| {});
                let mut hex = serialize_hex(&tx);
                hex.truncate(hex.len() - 2);
                return Offer { kind: "cut off", method: "sendrawtransaction", params: vec![hex.into(), 0.into()] };
            }
        };
        send(kind, &tx)
    }

    /// Witnesses that do not prove anything.
    fn unproven(&mut self) -> Offer {
        let mut tx = self.simple(|_| {});
        let mut items: Vec<Vec<u8>> = tx.input[0].witness.to_vec();
        let at = usize::from(items.len() > 2);
        match self.roll(7) {
            0 => items[at][10] ^= 1,
            1 => items.clear(),
            2 => items.push(vec![1]),
            3 => {
                items.pop();
            }
            4 => items[at].clear(),
            5 => items[at].push(0x81),
            _ => items = vec![vec![0; 600]; 2],
        }
        tx.input[0].witness = Witness::from_slice(&items);
        send("unproven", &tx)
    }

    /// Version 3, with parents and children of this and of other versions.
    fn restricted(&mut self) -> Offer {
        let (version, number) = (if self.roll(8) == 0 { Version::TWO } else { Version(3) }, self.roll(5));
        let from = match number {
            0 | 1 => vec![self.fresh()],
            2 | 3 => vec![self.recent()],
            _ => vec![self.recent(), self.fresh()],
        };
        let (count, fee) = (if self.roll(10) == 0 { 40 } else { 2 }, 200 + self.roll(9000));
        let tx = self.build(&from, count, fee, |tx| tx.version = version);
        if number > 0 && self.roll(2) == 0 {
            // It will be built upon soon.
            let child = self.made[self.made.len() - 1 - self.dice.below(2)];
            let fee = 200 + self.roll(9000);
            let child = self.build(&[child], 1, fee, |tx| tx.version = Version(3));
            return package("version 3, two", &[tx, child]);
        }
        send("version 3", &tx)
    }

    /// A parent that pays little, or nothing, and a child that pays for both, or does not.
    fn pair(&mut self) -> Offer {
        let (coin, low) = (self.fresh(), if self.roll(3) == 0 { 0 } else { self.roll(300) });
        let version = if self.roll(2) == 0 { Version::TWO } else { Version(3) };
        let parent = self.build(&[coin], 2, low, |tx| tx.version = version);
        let Some(first) = self.made.pop() else { return self.independent() };
        let mut from = vec![first];
        if self.roll(4) == 0 {
            from.push(self.fresh());
        }
        let high = self.roll(4000);
        let child = self.build(&from, 1, high, |tx| tx.version = version);
        match self.roll(5) {
            0 => package("child before parent", &[child, parent]),
            1 => package("child alone", &[child]),
            _ => package("parent and child", &[parent, child]),
        }
    }

    fn test(&mut self) -> Offer {
        let from = [self.fresh(), self.recent()];
        let first = self.build(&from[..1], 2, 500, |_| {});
        let second = self.build(&from[1..], 1, 400, |_| {});
        let txs = Json::Arr([first, second].iter().map(|tx| serialize_hex(tx).into()).collect());
        Offer { kind: "only a test", method: "testmempoolaccept", params: vec![txs, 0.into()] }
    }

    /// Fees around the least that is taken.
    fn cheap(&mut self) -> Offer {
        let (coin, fee) = (self.fresh(), self.roll(40));
        send("cheap", &self.build(&[coin], 1, fee, |_| {}))
    }

    /// Coins that are not there, or not yet.
    fn nowhere(&mut self) -> Offer {
        let coin = self.fresh();
        let mut tx = self.build(&[coin], 1, 500, |_| {});
        let out = match self.roll(3) {
            0 => OutPoint { vout: 5000, ..coin.out },
            1 => self.immature[self.dice.below(self.immature.len())],
            _ => OutPoint { txid: tx.compute_txid(), vout: 0 },
        };
        tx.input[0] = TxIn { previous_output: out, witness: Witness::from_slice(&[[0x51]]), ..tx.input[0].clone() };
        send("nowhere", &tx)
    }

    fn longer(&mut self) -> Offer {
        let from = match self.chain.take() {
            Some(end) if self.roll(150) != 0 => end,
            _ => self.fresh(),
        };
        let tx = self.build(&[from], 1, 300, |_| {});
        self.chain = self.made.pop();
        send("a long chain", &tx)
    }

    fn prioritised(&mut self) -> Offer {
        let txid = self.offered.last().map_or_else(|| "00".repeat(32), |tx| tx.compute_txid().to_string());
        let delta = i64::try_from(self.roll(20_000)).unwrap_or(0) - 5000;
        Offer { kind: "priority", method: "prioritisetransaction", params: vec![txid.into(), 0.into(), delta.into()] }
    }

    /// Dust that is spent at once, or is not.
    fn ephemeral(&mut self) -> Offer {
        let (coin, dust) = (self.fresh(), self.roll(2) * 200);
        let fee = if self.roll(4) == 0 { 300 } else { 0 };
        let parent = self.build(&[coin], 1, fee + dust, |tx| {
            tx.version = Version(3);
            tx.output.push(TxOut { value: Amount::from_sat(dust), script_pubkey: script(&[0x51, 2, 0x4e, 0x73]) });
        });
        let Some(main) = self.made.pop() else { return self.independent() };
        let anchor = Coin { out: OutPoint { txid: parent.compute_txid(), vout: 1 }, value: dust, key: ANCHOR };
        let from = match self.roll(4) {
            0 => vec![main],
            1 => vec![anchor],
            _ => vec![main, anchor],
        };
        let fee = if from.len() > 1 { 2000 } else { 0 };
        let child = self.build(&from, 1, fee, |tx| tx.version = Version(3));
        package("ephemeral dust", &[parent, child])
    }
}
