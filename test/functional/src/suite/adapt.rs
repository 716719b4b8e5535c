//! Suites that their coin took over from Bitcoin with Bitcoin's addresses in them.
//!
//! Such a suite fails with its own coin's daemon at the first address. So the scripts are copied, and every address of
//! Bitcoin's test chain in them is written as the coin writes the same program. Nothing else changes: what a test expects
//! stays what its authors expect.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use bitcoin::bech32::{Hrp, segwit};

/// What addresses of Bitcoin's test chain start with.
pub(super) const THEIRS: &str = "bcrt";

/// Copies the folder of scripts `from` to `to`, with the addresses as they start with `hrp`.
pub(super) fn copy(from: &Path, to: &Path, hrp: Hrp) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let (from, to) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to, hrp)?;
        } else {
            // First as it is, with its permissions: some scripts are run as programs.
            fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
            if from.extension().is_some_and(|ending| ending == "py" || ending == "json") {
                let text = fs::read_to_string(&from).with_context(|| format!("reading {}", from.display()))?;
                fs::write(&to, adapted(&text, hrp))?;
            }
        }
    }
    Ok(())
}

/// The text with other addresses. One with a wrong checksum, which a test has on purpose, stays.
fn adapted(text: &str, hrp: Hrp) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(THEIRS) {
        let (before, found) = rest.split_at(at);
        let word = &found[..found.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(found.len())];
        out.push_str(before);
        match segwit::decode(word) {
            _ if word == THEIRS => out.push_str(hrp.as_str()),
            Ok((_, version, program)) => match segwit::encode(hrp, version, &program) {
                Ok(address) => out.push_str(&address),
                Err(_) => out.push_str(word),
            },
            Err(_) => out.push_str(word),
        }
        rest = &found[word.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_coin_writes_them() {
        let coins = Hrp::parse("wcrt").unwrap();
        let program = [7; 32];
        let write = |hrp: &str| {
            let hrp = Hrp::parse(hrp).unwrap();
            (segwit::encode_v0(hrp, &program).unwrap(), segwit::encode_v1(hrp, &program).unwrap())
        };
        let ((theirs, tree), (ours, our_tree)) = (write(THEIRS), write("wcrt"));
        let text = |hrp: &str, one: &str, other: &str| format!("HRP = \"{hrp}\"\naddr({one})#x, '{other}' bcrt1q\n");
        assert_eq!(adapted(&text(THEIRS, &theirs, &tree), coins), text("wcrt", &ours, &our_tree));
        // A name that goes on, and an address that is wrong.
        let kept = format!("create_bcrt1_x(), {theirs}x");
        assert_eq!(adapted(&kept, coins), kept);
    }

    #[test]
    fn folders_are_copied_whole() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("data")).unwrap();
        fs::write(from.path().join("a.py"), "'bcrt'\n").unwrap();
        fs::write(from.path().join("data/b.json"), "\"bcrt\"\n").unwrap();
        copy(from.path(), &to.path().join("x"), Hrp::parse("rx").unwrap()).unwrap();
        let read = |name: &str| fs::read_to_string(to.path().join("x").join(name)).unwrap();
        assert_eq!((read("a.py").as_str(), read("data/b.json").as_str()), ("'rx'\n", "\"rx\"\n"));
    }
}
