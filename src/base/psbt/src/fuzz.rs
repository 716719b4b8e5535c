//! Entries for fuzzing: any bytes are a PSBT, or a script that has to be satisfied.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Script, ScriptBuf};
use descriptors::{Known, TaprootTree};
use primitives::{Codec, Destination};
use script::{SigVersion, SignatureChecker};

use crate::Psbt;
use crate::analyze::analyze;
use crate::finalize::finalize;
use crate::produce::produce;
use crate::spend::{Creator, Dummy, Id, Spend, Tweak};

/// Reads a PSBT, and does with it all that can be done without keys.
///
/// # Panics
/// If what was read is written as something else: that is what the fuzzer looks for.
pub fn psbt(bytes: &[u8]) {
    let Ok(read) = Psbt::decode(Codec::BITCOIN, bytes) else { return };
    let written = read.to_bytes();
    let again = Psbt::decode(Codec::BITCOIN, &written).expect("what was written can be read");
    assert_eq!(again.to_bytes(), written, "reading and writing changes nothing more");
    let _ = analyze(read.clone(), 2_100_000_000_000_000);
    let mut done = read.clone();
    let _ = finalize(&mut done);
    done.drop_needless_transactions();
    for output in &mut done.outputs {
        output.fill(&Known::default());
    }
    assert!(read.unique_id().is_none() || read.clone().merge(read.clone()) == Some(read), "a copy adds nothing");
}

/// Fills the places of all signatures that a script asks for, in a witness and in a taproot leaf.
///
/// # Panics
/// Never: that is what the fuzzer looks at.
pub fn satisfy(bytes: &[u8]) {
    let script = ScriptBuf::from_bytes(bytes.to_vec());
    let mut known = Known::default();
    let program = Destination::WitnessV0ScriptHash(sha256::Hash::hash(bytes).to_byte_array()).script_pubkey();
    known.add_script(script.clone());
    let _ = produce(&program, &known, &Dummy, &mut Spend::default());
    // The generator's x coordinate: nobody signs with it, because the tree has another output key.
    let generator = *bitcoin::secp256k1::constants::GENERATOR_X.first_chunk::<32>().expect("it has 32 bytes");
    let Ok(internal_key) = bitcoin::XOnlyPublicKey::from_slice(&generator) else { return };
    let tree = TaprootTree { internal_key, leaves: vec![(0, script)] };
    let Some(output) = tree.info().map(|info| info.output_key().serialize()) else { return };
    known.taproot.insert(output, tree);
    let _ = produce(&Destination::WitnessV1Taproot(output).script_pubkey(), &known, &OnlyLeaves, &mut Spend::default());
}

/// Signs in leaves only.
struct OnlyLeaves;

impl Creator for OnlyLeaves {
    fn ecdsa(&self, _: &Id, _: &Script, _: SigVersion) -> Option<Vec<u8>> {
        None
    }

    fn schnorr(&self, key: &[u8; 32], tweak: Tweak, leaf: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        leaf.and_then(|leaf| Dummy.schnorr(key, tweak, Some(leaf)))
    }

    fn checker(&self) -> &dyn SignatureChecker {
        Dummy.checker()
    }
}
