//! Whole blocks on a regtest chain: the same verdict and the same text as the kernel.

use oracle::duel::Duel;
use oracle::plan;
use oracle::verdict::Verdict;
use spends::{number, search};

/// Reasons that a search of this many cases has always met. A search that no longer meets them has lost its teeth.
const CASES: u32 = 5_000;
const MET: [&str; 33] = [
    "(accepted)",
    "(undecodable)",
    "bad-blk-length",
    "bad-blk-sigops",
    "bad-blk-weight",
    "bad-cb-amount",
    "bad-cb-height",
    "bad-cb-length",
    "bad-cb-missing",
    "bad-cb-multiple",
    "bad-diffbits",
    "bad-txnmrklroot",
    "bad-txns-duplicate",
    "bad-txns-in-belowout",
    "bad-txns-inputs-duplicate",
    "bad-txns-inputs-missingorspent",
    "bad-txns-nonfinal",
    "bad-txns-premature-spend-of-coinbase",
    "bad-txns-prevout-null",
    "bad-txns-txouttotal-toolarge",
    "bad-txns-vout-empty",
    "bad-txns-vout-negative",
    "bad-txns-vout-toolarge",
    "bad-version",
    "bad-witness-merkle-match",
    "bad-witness-nonce-size",
    "block-script-verify-flag-failed (Locktime requirement not satisfied)",
    "block-script-verify-flag-failed (Witness provided for non-witness script)",
    "high-hash",
    "prev-blk-not-found",
    "time-too-new",
    "time-too-old",
    "unexpected-witness",
];

#[test]
fn blocks_are_judged_alike() {
    let mut duel = Duel::new();
    search("blocks", CASES, &plan::block(), |plan| duel.play(&plan).map(|verdict| verdict == Verdict::Accepted));
    for (reason, times) in duel.seen() {
        println!("{times:8}  {reason}");
    }
    if number("BULKHEAD_DIFF_CASES", CASES.into()) >= CASES.into() {
        let missed: Vec<_> = MET.into_iter().filter(|reason| !duel.seen().contains_key(*reason)).collect();
        assert!(missed.is_empty(), "never met: {missed:?}");
    }
}
