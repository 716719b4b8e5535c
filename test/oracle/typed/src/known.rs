//! Where the types do not read what they should, each with the reason. Most are wrong about Bitcoin Core's own answers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// A type that does not read an answer.
#[derive(Debug)]
pub struct Known {
    /// Whose answer it should read.
    pub method: &'static str,
    /// The releases of which the type is.
    pub releases: RangeInclusive<u32>,
    /// A part of what it says.
    pub error: &'static str,
    /// Why. It follows the name of the method and the release.
    pub why: &'static str,
}

/// All that are known.
pub const KNOWN: [Known; 6] = [
    Known {
        method: "getdescriptoractivity",
        releases: 29..=31,
        error: "unknown field `spend_vin`",
        why: "is typed with `spend_vout`, where every daemon says `spend_vin`",
    },
    Known {
        method: "getorphantxs",
        releases: 29..=29,
        error: "missing field `entry`",
        why: "told when an orphan came and when it would go, which is not noted any more",
    },
    Known {
        method: "getrawtransaction",
        releases: 29..=31,
        error: "unknown field `fee`",
        why: "is typed without the fee, which is told with the outputs that are spent",
    },
    Known {
        method: "gettransaction",
        releases: 29..=31,
        error: "invalid type: map, expected a string",
        why: "is typed with a text for the decoded transaction, which is an object",
    },
    Known {
        method: "signrawtransactionwithkey",
        releases: 29..=31,
        error: "unknown field `witness`",
        why: "is typed without the witness of an input that could not be signed",
    },
    Known {
        method: "validateaddress",
        releases: 29..=31,
        error: "unknown field `error_locations`",
        why: "is typed for addresses alone, not for a text that is none",
    },
];

impl Known {
    /// Whether this is why an answer could not be read.
    pub fn explains(&self, method: &str, release: u32, error: &str) -> bool {
        self.method == method && self.releases.contains(&release) && error.contains(self.error)
    }
}

/// Those of a release that were not met, although everything was asked.
pub fn mended(release: u32, met: &BTreeSet<usize>) -> Vec<String> {
    let of_release = KNOWN.iter().enumerate().filter(|(_, known)| known.releases.contains(&release));
    let mended = of_release.filter(|(place, _)| !met.contains(place)).map(|(_, known)| known);
    mended.map(|known| format!("{} of {release} {}, it is said, and was read", known.method, known.why)).collect()
}
