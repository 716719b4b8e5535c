//! An entry for fuzzing: any text is a descriptor.

use crate::{NoPrivateKeys, Notation, infer, parse};

/// Reads a descriptor, writes it, and makes its scripts.
///
/// # Panics
/// If what was written is read as something else: that is what the fuzzer looks for.
pub fn descriptor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let [bitcoin, ..] = coin::all() else { return };
    let Some(chain) = bitcoin.chains.first() else { return };
    let notation = Notation::new(bitcoin, chain);
    let Ok(parsed) = parse(text, false, &notation, &mut NoPrivateKeys) else { return };
    for descriptor in parsed.descriptors {
        let written = descriptor.to_string();
        let again = parse(&written, true, &notation, &mut NoPrivateKeys).expect("what was written can be read");
        assert_eq!(again.descriptors.as_slice(), std::slice::from_ref(&descriptor), "{written}");
        let _ = descriptor.satisfaction(false);
        if let Some(expansion) = descriptor.expand(0, &NoPrivateKeys) {
            for script in &expansion.scripts {
                let _ = infer(script, &expansion.known, &notation);
            }
        }
    }
}
