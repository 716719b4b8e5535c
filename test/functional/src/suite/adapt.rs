//! Suites that their coin took over from Bitcoin with Bitcoin's addresses in them.
//!
//! Such a suite fails with its own coin's daemon at the first address, or at the first message to a peer. So the scripts
//! are copied, and every address and every key of Bitcoin's test chain in them, and what messages begin with there, is
//! written as the coin writes the same. Nothing else changes: what a test expects stays what its authors expect.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use bitcoin::base58;
use bitcoin::bech32::{Hrp, segwit};
use coin::Chain;

/// What addresses of Bitcoin's test chain start with.
const THEIRS: &str = "bcrt";
/// The first bytes of its other addresses, and of its keys.
const THEIR_BYTES: [u8; 3] = [111, 196, 239];
/// What messages of its peers begin with.
const THEIR_MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// How a coin's test chain writes addresses and keys, and what its messages begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writing {
    hrp: Hrp,
    bytes: [u8; 3],
    magic: [u8; 4],
}

impl Writing {
    /// That of a chain.
    pub(super) fn of(chain: &Chain) -> Result<Self> {
        let bytes = [chain.base58_pubkey, chain.base58_script, chain.base58_secret];
        Ok(Self { hrp: Hrp::parse(chain.bech32_hrp)?, bytes, magic: chain.magic })
    }

    /// Whether Bitcoin's test chain writes the same.
    pub(super) fn is_theirs(&self) -> bool {
        self.hrp.as_str() == THEIRS && self.bytes == THEIR_BYTES && self.magic == THEIR_MAGIC
    }

    /// The word as the coin writes it; `None` if it is none that the coin writes otherwise.
    fn write(&self, word: &str) -> Option<String> {
        if word == spelt(THEIR_MAGIC, "") {
            return Some(spelt(self.magic, ""));
        }
        if word.starts_with(THEIRS) {
            if word == THEIRS {
                return Some(self.hrp.to_string());
            }
            let (_, version, program) = segwit::decode(word).ok()?;
            return segwit::encode(self.hrp, version, &program).ok();
        }
        // The lengths that addresses and keys can have.
        let mut bytes = base58::decode_check(Some(word).filter(|word| (26..=52).contains(&word.len()))?).ok()?;
        let (first, rest) = bytes.split_first_mut()?;
        let kind = THEIR_BYTES.iter().position(|theirs| theirs == first)?;
        let fits = if kind < 2 { rest.len() == 20 } else { matches!(rest.len(), 32 | 33) };
        *first = self.bytes[kind];
        fits.then(|| base58::encode_check(&bytes))
    }
}

/// Bytes in hexadecimal, with something before each of them.
fn spelt(bytes: [u8; 4], before: &str) -> String {
    bytes.map(|byte| format!("{before}{byte:02x}")).concat()
}

/// Copies the folder of scripts `from` to `to`, with addresses and keys in another writing.
pub(super) fn copy(from: &Path, to: &Path, writing: Writing) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let (from, to) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to, writing)?;
        } else {
            // First as it is, with its permissions: some scripts are run as programs.
            fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
            if from.extension().is_some_and(|ending| ending == "py" || ending == "json") {
                let text = fs::read_to_string(&from).with_context(|| format!("reading {}", from.display()))?;
                fs::write(&to, adapted(&text, writing))?;
            }
        }
    }
    Ok(())
}

/// The text with other addresses and keys. One with a wrong checksum, which a test has on purpose, stays.
fn adapted(text: &str, writing: Writing) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, found) = rest.split_at(at);
        let word = &found[..found.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(found.len())];
        out.push_str(before);
        match writing.write(word) {
            Some(other) => out.push_str(&other),
            None => out.push_str(word),
        }
        rest = &found[word.len()..];
    }
    (out + rest).replace(&spelt(THEIR_MAGIC, r"\x"), &spelt(writing.magic, r"\x"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_coin_writes_them() {
        let coins = Writing { hrp: Hrp::parse("wcrt").unwrap(), bytes: [66, 65, 193], magic: [1, 0xfe, 2, 3] };
        let program = [7; 32];
        let write = |hrp: &str| {
            let hrp = Hrp::parse(hrp).unwrap();
            (segwit::encode_v0(hrp, &program).unwrap(), segwit::encode_v1(hrp, &program).unwrap())
        };
        let ((theirs, tree), (ours, our_tree)) = (write(THEIRS), write("wcrt"));
        let text = |hrp: &str, one: &str, other: &str| format!("HRP = \"{hrp}\"\naddr({one})#x, '{other}' bcrt1q\n");
        assert_eq!(adapted(&text(THEIRS, &theirs, &tree), coins), text("wcrt", &ours, &our_tree));
        // A name that goes on, and an address that is wrong.
        let kept = format!("create_bcrt1_x(), {theirs}x, abcdefghijkmnopqrstuvwxyz2345678");
        assert_eq!(adapted(&kept, coins), kept);
        // The other addresses, and a key in both of its forms.
        let all = |bytes: [u8; 3]| {
            let word = |first: u8, len: usize| base58::encode_check(&[&[first][..], &vec![9; len]].concat());
            format!("('{}', {});{}_{}", word(bytes[0], 20), word(bytes[1], 20), word(bytes[2], 32), word(bytes[2], 33))
        };
        assert_eq!(adapted(&all(THEIR_BYTES), coins), all(coins.bytes));
        let magic = |magic: &str, hex: &str| format!("\"regtest\": b\"{magic}\", netmagic={hex}\n");
        let written = adapted(&magic(r"\xfa\xbf\xb5\xda", "fabfb5da"), coins);
        assert_eq!(written, magic(r"\x01\xfe\x02\x03", "01fe0203"));
        let theirs = Writing { hrp: Hrp::parse(THEIRS).unwrap(), bytes: THEIR_BYTES, magic: THEIR_MAGIC };
        assert!(
            theirs.is_theirs() && ![coins, Writing { magic: coins.magic, ..theirs }].iter().any(Writing::is_theirs)
        );
    }

    #[test]
    fn folders_are_copied_whole() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("data")).unwrap();
        fs::write(from.path().join("a.py"), "'bcrt'\n").unwrap();
        fs::write(from.path().join("data/b.json"), "\"bcrt\"\n").unwrap();
        let writing = Writing { hrp: Hrp::parse("rx").unwrap(), bytes: THEIR_BYTES, magic: THEIR_MAGIC };
        copy(from.path(), &to.path().join("x"), writing).unwrap();
        let read = |name: &str| fs::read_to_string(to.path().join("x").join(name)).unwrap();
        assert_eq!((read("a.py").as_str(), read("data/b.json").as_str()), ("'rx'\n", "\"rx\"\n"));
    }
}
