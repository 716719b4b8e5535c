//! Texts and classes that peers, miners and tests depend on.

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Txid, Wtxid};
use script::ScriptError;

use super::*;

#[test]
fn headers() {
    let hash = BlockHash::all_zeros();
    for (reason, text, result) in [
        (HeaderReason::HighHash, "high-hash, proof of work failed", BlockResult::InvalidHeader),
        (HeaderReason::BadDiffBits, "bad-diffbits, incorrect proof of work", BlockResult::InvalidHeader),
        (HeaderReason::TimeTooOld, "time-too-old, block's timestamp is too early", BlockResult::InvalidHeader),
        (HeaderReason::TimeTooNew, "time-too-new, block timestamp too far in the future", BlockResult::TimeFuture),
        (
            HeaderReason::BadVersion(3),
            "bad-version(0x00000003), rejected nVersion=0x00000003 block",
            BlockResult::InvalidHeader,
        ),
        (
            HeaderReason::BadVersion(-1),
            "bad-version(0xffffffff), rejected nVersion=0xffffffff block",
            BlockResult::InvalidHeader,
        ),
        (HeaderReason::MissingPrev, "prev-blk-not-found", BlockResult::MissingPrev),
        (HeaderReason::InvalidPrev, "bad-prevblk", BlockResult::InvalidPrev),
        (HeaderReason::LowWork, "too-little-chainwork", BlockResult::HeaderLowWork),
        (
            HeaderReason::CachedInvalid(hash),
            "duplicate-invalid, block 0000000000000000000000000000000000000000000000000000000000000000 was previously \
             marked invalid",
            BlockResult::CachedInvalid,
        ),
    ] {
        assert_eq!((reason.full().as_str(), reason.result()), (text, result));
        let block = BlockReason::from(reason.clone());
        assert_eq!((block.full().as_str(), block.result()), (text, result));
        let connect = ConnectReason::from(block);
        assert_eq!((connect.full().as_str(), connect.result()), (text, result));
    }
}

#[test]
fn only_what_the_header_commits_to_is_held_against_it() {
    for reason in [
        BlockReason::MerkleRoot,
        BlockReason::DuplicateTransactions,
        BlockReason::WitnessNonceSize,
        BlockReason::WitnessMerkleMatch,
        BlockReason::UnexpectedWitness,
    ] {
        assert_eq!(reason.result(), BlockResult::Mutated);
        assert!(!reason.result().is_permanent());
    }
    assert!(BlockReason::Weight.result().is_permanent());
    assert!(!BlockResult::TimeFuture.is_permanent() && BlockResult::InvalidPrev.is_permanent());
    assert_eq!(BlockReason::Weight.full(), "bad-blk-weight, ContextualCheckBlock : weight limit failed");
    assert_eq!(
        BlockReason::WitnessMerkleMatch.full(),
        "bad-witness-merkle-match, CheckWitnessMalleation : witness merkle commitment mismatch"
    );
}

#[test]
fn connecting() {
    let zeros = "0".repeat(64);
    let txid = Txid::all_zeros();
    let failure = ScriptFailure {
        error: ScriptError::EvalFalse,
        input: 2,
        txid,
        wtxid: Wtxid::all_zeros(),
        prevout: OutPoint { txid, vout: 7 },
    };
    let text = ScriptError::EvalFalse.to_string();
    assert_eq!(
        ConnectReason::Script(Box::new(failure)).full(),
        format!("block-script-verify-flag-failed ({text}), input 2 of {zeros} (wtxid {zeros}), spending {zeros}:7")
    );
    for (reason, expected) in [
        (ConnectReason::Bip30, "bad-txns-BIP30, tried to overwrite transaction".to_owned()),
        (ConnectReason::SigOps, "bad-blk-sigops, too many sigops".to_owned()),
        (
            ConnectReason::SequenceLock(txid),
            format!("bad-txns-nonfinal, contains a non-BIP68-final transaction {zeros}"),
        ),
        (
            ConnectReason::CoinbaseAmount { actual: 5, limit: 4 },
            "bad-cb-amount, coinbase pays too much (actual=5 vs limit=4)".to_owned(),
        ),
        (
            ConnectReason::Transaction { txid, reason: TxReason::MissingInputs },
            format!("bad-txns-inputs-missingorspent, CheckTxInputs: inputs missing/spent in transaction {zeros}"),
        ),
    ] {
        assert_eq!((reason.full(), reason.result()), (expected, BlockResult::Consensus));
    }
}
