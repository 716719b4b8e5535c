//! `--compare`: both daemons get the same transactions in the same order, and everything that they answer is compared:
//! each verdict with its reason, what would be in the next block, and in the end the whole pool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Result;
use rpc::{Json, Object};

use super::daemon::{Daemon, Program};
use super::http::Connection;
use super::keys::Keys;
use super::madechain::{MadeChain, Recipe};
use super::net_dir;
use super::offers::{Offer, Offers};
use super::txs;

/// How many differences of one kind are printed.
const SHOWN: usize = 20;
/// Offers between two blocks.
const ROUND: u32 = 10_000;
/// Offers in one request.
const BATCH: usize = 250;

/// What both have answered.
#[derive(Debug, Default)]
struct Report {
    asked: BTreeMap<&'static str, u32>,
    answers: BTreeMap<String, u32>,
    different: Vec<String>,
}

impl Report {
    fn compare(&mut self, what: &str, ours: &str, theirs: &str) {
        if ours != theirs {
            self.different.push(format!("{what}\n  ours:  {ours}\n  rival: {theirs}"));
        }
    }
}

/// Plays `count` offers. Answers whether there was no difference.
pub(super) fn run(ours: &Path, rival: &Path, count: u32) -> Result<bool> {
    let recipe = Recipe { splits: 140, fan: 1000, spending: 0, pairs: 0 };
    let chain = MadeChain::of(recipe)?;
    let keys = Keys::new();
    let (coins, immature) = chain.coins()?;
    let mut offers = Offers::new(keys, coins, immature, 0xc0de);
    let dir = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let clock = format!("-mocktime={}", chain.base_time() + 60);
    let start = |program: Program, name: &str| -> Result<(Daemon, Connection)> {
        let dir = dir.path().join(name);
        fs::create_dir_all(&dir)?;
        chain.copy(&net_dir(&dir), false)?;
        let daemon = program.start(&dir, &["-reindex", "-persistmempool=0", &clock])?;
        super::chain::reach(&daemon, recipe.base().into())?;
        let connection = daemon.connect()?;
        Ok((daemon, connection))
    };
    let (ours, mut a) = start(Program::ours(ours), "ours")?;
    let (theirs, mut b) = start(Program::rival(rival), "rival")?;
    let mut report = Report::default();
    let mut number = 0;
    while number < count {
        let round: Vec<Offer> = (0..ROUND.min(count - number)).map(|_| offers.next()).collect();
        for part in round.chunks(BATCH) {
            let calls: Vec<_> = part.iter().map(|offer| (offer.method, offer.params.clone())).collect();
            for (offer, (ours, theirs)) in part.iter().zip(a.batch(&calls)?.into_iter().zip(b.batch(&calls)?)) {
                let [ours, theirs] = [ours, theirs].map(|answer| canonical(&answer.unwrap_or_else(|error| error)));
                number += 1;
                *report.asked.entry(offer.kind).or_default() += 1;
                *report.answers.entry(shape(&ours)).or_default() += 1;
                report.compare(&format!("{number} {} {:?}", offer.kind, offer.params), &ours, &theirs);
            }
        }
        compare_pools(&mut a, &mut b, &mut report)?;
        let hash = a.call("generatetoaddress", &[1.into(), txs::ADDRESS.into()])?.at(0).clone();
        let block = a.call("getblock", &[hash, 0.into()])?;
        let verdict = b.call("submitblock", &[block])?;
        report.compare("a block of ours", "null", &verdict.write());
        compare_pools(&mut a, &mut b, &mut report)?;
        println!("{number} offers, {} differences", report.different.len());
    }
    ours.stop()?;
    theirs.stop()?;
    for (kind, number) in &report.asked {
        println!("{number:7} offers: {kind}");
    }
    for (answer, number) in &report.answers {
        println!("{number:7} answers: {answer}");
    }
    for difference in report.different.iter().take(SHOWN) {
        println!("{}", difference.chars().take(4000).collect::<String>());
    }
    println!("{} differences", report.different.len());
    Ok(report.different.is_empty())
}

fn compare_pools(a: &mut Connection, b: &mut Connection, report: &mut Report) -> Result<()> {
    let [ours, theirs] = [pool(a)?, pool(b)?];
    for txid in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let entry = |pool: &BTreeMap<String, String>| pool.get(txid).map_or("not there", String::as_str).to_owned();
        report.compare(&format!("pool entry {txid}"), &entry(&ours), &entry(&theirs));
    }
    let [ours, theirs] = [template(a)?, template(b)?];
    report.compare("template", &ours, &theirs);
    Ok(())
}

fn pool(connection: &mut Connection) -> Result<BTreeMap<String, String>> {
    let entries = connection.call("getrawmempool", &[true.into()])?;
    Ok(members(&entries).map(|(txid, entry)| (txid.to_owned(), canonical(entry))).collect())
}

/// What the next block would have. In which order is the daemon's choice.
fn template(connection: &mut Connection) -> Result<String> {
    let rules = Json::from(Object::new().with("rules", Json::Arr(vec!["segwit".into()])));
    let template = connection.call("getblocktemplate", &[rules])?;
    let txs = template.get("transactions").as_arr().map(<[Json]>::to_vec).unwrap_or_default();
    let mut txids: Vec<String> = txs.iter().map(|tx| tx.get("txid").write()).collect();
    txids.sort_unstable();
    Ok(format!("{} {} {}", template.get("coinbasevalue").write(), txids.len(), txids.join(" ")))
}

fn members(object: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let Json::Obj(object) = object else { return None.into_iter().flatten() };
    Some(object.iter()).into_iter().flatten()
}

/// The same text for the same content: members in the order of their names, lists of names sorted.
fn canonical(value: &Json) -> String {
    match value {
        Json::Obj(_) => {
            let mut all: Vec<String> =
                members(value).map(|(name, value)| format!("{name}: {}", canonical(value))).collect();
            all.sort_unstable();
            format!("{{{}}}", all.join(", "))
        }
        Json::Arr(values) => {
            let mut all: Vec<String> = values.iter().map(canonical).collect();
            all.sort_unstable();
            format!("[{}]", all.join(", "))
        }
        other => other.write(),
    }
}

/// An answer without its ids and numbers, to count those that are alike.
fn shape(answer: &str) -> String {
    let words = answer.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let kept = words.filter(|word| word.len() < 60 && !word.starts_with(|c: char| c.is_ascii_digit()));
    kept.collect::<String>().chars().take(140).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_makes_no_difference() {
        let [a, b] = [&br#"{"b":[2,1],"a":{"y":null,"x":"s"}}"#[..], br#"{"a":{"x":"s","y":null},"b":[1,2]}"#]
            .map(|text| canonical(&rpc::json::parse(text).unwrap()));
        assert_eq!(a, b);
        assert_eq!(a, "{a: {x: \"s\", y: null}, b: [1, 2]}");
    }

    #[test]
    fn offers_are_the_same_every_time() {
        let all = || {
            let keys = Keys::new();
            let out = bitcoin::OutPoint { txid: "11".repeat(32).parse().unwrap(), vout: 0 };
            let coins = (0..2000)
                .map(|vout| super::super::keys::Coin { out: bitcoin::OutPoint { vout, ..out }, value: 100_000, key: 1 })
                .collect();
            let mut offers = Offers::new(keys, coins, vec![out], 3);
            (0..400).map(|_| offers.next()).map(|offer| (offer.kind, format!("{:?}", offer.params))).collect::<Vec<_>>()
        };
        let offers = all();
        assert_eq!(offers, all());
        let kinds: BTreeSet<_> = offers.iter().map(|offer| offer.0).collect();
        assert!(kinds.len() > 14, "{kinds:?}");
    }
}
