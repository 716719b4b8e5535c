//! An entry for fuzzing: any bytes are a script, a witness and flags.

use bitcoin::{
    Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute, transaction,
};

use crate::checker::TxSignatureChecker;
use crate::dialect::MAST;
use crate::flags::Flags;
use crate::txdata::TxData;
use crate::{asm, sigops, templates, verify_script, verify_script_in};

/// Runs everything in the crate that reads scripts on the given bytes.
///
/// Four bytes choose the flags; then come the output's script, the input's script and the elements of the witness,
/// each behind a length of two bytes.
///
/// # Panics
/// If flags allow what fewer flags forbid: that is what the fuzzer looks for.
pub fn script_eval(bytes: &[u8]) {
    let Some((flags, mut rest)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let mut next = || {
        let (len, tail) = rest.split_first_chunk::<2>()?;
        let (part, tail) = tail.split_at(usize::from(u16::from_le_bytes(*len)).min(tail.len()));
        rest = tail;
        Some(part)
    };
    let output = Script::from_bytes(next().unwrap_or_default());
    let input = Script::from_bytes(next().unwrap_or_default());
    let elements: Vec<&[u8]> = std::iter::from_fn(next).take(2000).collect();
    let witness = Witness::from_slice(&elements);
    let tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: input.to_owned(),
            sequence: Sequence::ZERO,
            witness: Witness::new(),
        }],
        output: vec![TxOut { value: Amount::ONE_SAT, script_pubkey: ScriptBuf::new() }],
    };
    let spent = TxOut { value: Amount::ONE_BTC, script_pubkey: output.to_owned() };
    let data = TxData::new(&tx, [&spent]);
    let checker = TxSignatureChecker::new(&data, 0, spent.value);
    let bits = Flags::from_bits(u64::from(u32::from_le_bytes(*flags)));
    let flags = bits & Flags::ALL;

    let strict = verify_script(input, output, &witness, flags, &checker);
    // Flags only ever forbid. Without P2SH there is no witness, and without either no clean stack.
    let base = flags & (Flags::P2SH | Flags::WITNESS);
    if strict.is_ok() && flags.is_coherent() {
        assert_eq!(verify_script(input, output, &witness, base, &checker), Ok(()), "fewer flags, fewer scripts");
    }
    // Freicoin's Script has a flag that lifts limits, so that nothing is promised but an end.
    let lifted = bits & Flags::ALL.with(Flags::PROTOCOL_CLEANUP);
    let _ = verify_script_in(&MAST, input, output, &witness, lifted, &checker);
    for script in [input, output] {
        let _ = asm::to_asm(script, true);
        let _ = templates::solve(script);
        let _ = templates::match_multi_a(script);
        let _ = sigops::count(script, true);
    }
    let _ = sigops::count_witness(input, output, &witness, flags);
}
