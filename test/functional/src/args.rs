//! The command line of the runner.
#![allow(missing_docs, clippy::exhaustive_structs, reason = "the types are generated from the grammar below")]

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use coin::Coin;

use crate::plan::Shard;
use crate::programs::Shape;

xflags::xflags! {
    /// Runs the functional suite.
    cmd functional {
        /// Parts of the names of the cases to run; everything without one.
        repeated filters: String
        /// Folder with the executables under the coins' names.
        required --bin dir: PathBuf
        /// Folder with the recorded verdicts of foreign suites.
        optional --baselines dir: PathBuf
        /// Cases to run at once (as many as there are processors by default).
        optional -j, --jobs n: usize
        /// Coin, or `all` (the default).
        optional --coin name: String
        /// Shape: mono, multi, attached, or all (the default).
        optional --shape name: String
        /// The slow ones too.
        optional --slow
        /// Keep the directories of what passed as well.
        optional --keep
        /// Number from which everything random is drawn.
        optional --seed n: u64
        /// Write the results to this file.
        optional --junit file: PathBuf
        /// Run the functional suite of this checkout.
        optional --suite dir: PathBuf
        /// Record the verdicts of a foreign suite.
        optional --update-baseline
        /// Seconds that a test of a foreign suite may take (600 by default).
        optional --timeout seconds: u64
        /// The I-th share of N, counted from one.
        optional --shard share: String
        /// Print the names of the cases and stop.
        optional --list
        /// Time workloads instead; the filters are their names, and `BITCOIND` names the rival.
        optional --bench
        /// Give both daemons the same transactions, and print every difference in what they answer.
        optional --compare
        /// Pairs of runs of each workload (3 by default).
        optional --pairs n: usize
        /// A tenth of each workload.
        optional --quick
        /// Write all figures to this file.
        optional --json file: PathBuf
    }
}

impl Functional {
    /// Cases to run at once.
    pub fn jobs(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.unwrap_or_else(processors).max(1)
    }

    /// The coins to run with.
    pub fn coins(&self) -> Result<Vec<&'static Coin>> {
        match self.coin.as_deref() {
            None | Some("all") => Ok(coin::all().to_vec()),
            Some(name) => {
                let known = || coin::all().iter().map(|coin| coin.id).collect::<Vec<_>>().join(", ");
                Ok(vec![coin::by_id(name).with_context(|| format!("unknown coin `{name}`; known: {}", known()))?])
            }
        }
    }

    /// The shapes to run in.
    pub fn shapes(&self) -> Result<Vec<Shape>> {
        match self.shape.as_deref() {
            None | Some("all") => Ok(Shape::ALL.to_vec()),
            Some(name) => match Shape::ALL.iter().find(|shape| shape.name() == name) {
                Some(&shape) => Ok(vec![shape]),
                None => bail!("unknown shape `{name}`; known: mono, multi, attached, all"),
            },
        }
    }

    /// The share of this machine.
    pub fn shard(&self) -> Result<Shard> {
        let Some(text) = &self.shard else { return Ok(Shard::WHOLE) };
        let (part, of) = text.split_once('/').context("a share is written I/N")?;
        let shard = Shard { part: part.parse().context("bad share")?, of: of.parse().context("bad share")? };
        ensure!((1..=shard.of).contains(&shard.part), "a share I/N has 1 <= I <= N");
        Ok(shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Functional {
        let words = ["--bin", "b"].iter().chain(words).map(Into::into).collect();
        Functional::from_vec(words).unwrap()
    }

    #[test]
    fn everything_is_run_unless_less_is_asked_for() {
        let args = parse(&[]);
        assert_eq!(args.coins().unwrap().len(), coin::all().len());
        assert_eq!(args.shapes().unwrap(), Shape::ALL);
        assert_eq!(args.shard().unwrap(), Shard::WHOLE);
        let args = parse(&["reorg", "--coin", "widecoin", "--shape", "mono", "--shard", "2/3", "-j", "0"]);
        assert_eq!(args.coins().unwrap()[0].id, "widecoin");
        assert_eq!(args.shapes().unwrap(), [Shape::Mono]);
        assert_eq!(args.shard().unwrap(), Shard { part: 2, of: 3 });
        assert_eq!((args.jobs(), args.filters), (1, vec!["reorg".to_owned()]));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        assert!(parse(&["--coin", "doge"]).coins().unwrap_err().to_string().contains("arcadia, bitcoin"));
        assert!(parse(&["--shape", "x"]).shapes().is_err());
        for share in ["0/2", "3/2", "1", "a/b", "1/0"] {
            assert!(parse(&["--shard", share]).shard().is_err(), "{share}");
        }
    }
}
