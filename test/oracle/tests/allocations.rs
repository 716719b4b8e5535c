//! No opcode takes memory from the allocator: a long script makes as many requests as a short one.
//!
//! The test is alone in its process, because the count is that of all threads.

use std::alloc::System;

use bitcoin::opcodes::all::{
    OP_1ADD, OP_1SUB, OP_2DROP, OP_2DUP, OP_ADD, OP_BOOLAND, OP_CHECKMULTISIG, OP_CHECKSIG, OP_CHECKSIGADD, OP_CLTV,
    OP_CSV, OP_DEPTH, OP_DROP, OP_DUP, OP_ELSE, OP_ENDIF, OP_EQUAL, OP_EQUALVERIFY, OP_FROMALTSTACK, OP_HASH160,
    OP_HASH256, OP_IF, OP_MAX, OP_NIP, OP_NUMEQUAL, OP_OVER, OP_PICK, OP_PUSHBYTES_0, OP_PUSHNUM_1, OP_PUSHNUM_2,
    OP_RIPEMD160, OP_ROLL, OP_ROT, OP_SHA1, OP_SHA256, OP_SIZE, OP_SWAP, OP_TOALTSTACK, OP_TUCK, OP_WITHIN,
};
use bitcoin::{Opcode, Script};
use script::{ExecutionData, Flags, NoTransaction, SigVersion, eval_script};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Every family of opcodes; what each group leaves behind is what it found: one number.
const GROUPS: [(&str, &[Opcode]); 10] = [
    ("copies", &[OP_DUP, OP_2DUP, OP_2DROP, OP_OVER, OP_TUCK, OP_NIP, OP_SWAP, OP_DROP, OP_DROP]),
    ("places", &[OP_DUP, OP_DUP, OP_ROT, OP_PUSHNUM_1, OP_PICK, OP_PUSHNUM_2, OP_ROLL, OP_2DROP, OP_DROP]),
    ("numbers", &[OP_1ADD, OP_1SUB, OP_DUP, OP_ADD, OP_DUP, OP_MAX, OP_DEPTH, OP_NUMEQUAL, OP_DROP, OP_PUSHNUM_1]),
    ("truth", &[OP_PUSHNUM_1, OP_PUSHNUM_2, OP_WITHIN, OP_PUSHNUM_1, OP_BOOLAND, OP_SIZE, OP_DROP]),
    ("hashes", &[OP_DUP, OP_RIPEMD160, OP_SHA1, OP_SHA256, OP_HASH160, OP_HASH256, OP_DROP]),
    ("branches", &[OP_DUP, OP_IF, OP_DUP, OP_ELSE, OP_DUP, OP_ENDIF, OP_DUP, OP_EQUALVERIFY]),
    ("other stack", &[OP_DUP, OP_TOALTSTACK, OP_FROMALTSTACK, OP_OVER, OP_EQUAL, OP_DROP]),
    ("locks", &[OP_CLTV, OP_CSV]),
    ("signatures", &[OP_DUP, OP_DUP, OP_CHECKSIG, OP_DROP]),
    ("multisig", &[OP_DUP, OP_DUP, OP_PUSHNUM_1, OP_DUP, OP_PUSHNUM_1, OP_CHECKMULTISIG, OP_DROP]),
];

/// What only tapscript has.
const TAPSCRIPT: [(&str, &[Opcode]); 1] =
    [("added", &[OP_PUSHBYTES_0, OP_PUSHNUM_2, OP_PUSHNUM_1, OP_CHECKSIGADD, OP_DROP])];

/// Requests to the allocator while a script of so many groups runs; the least of a few runs, because the test's own runner
/// may ask for memory at any time.
fn requests(group: &[Opcode], times: usize, version: SigVersion) -> usize {
    let bytes: Vec<u8> = group.iter().map(|opcode| opcode.to_u8()).collect::<Vec<_>>().repeat(times);
    let script = Script::from_bytes(&bytes);
    let run = || {
        let mut stack = vec![vec![1]];
        let mut exec = ExecutionData { weight_left: 1_000, ..ExecutionData::default() };
        let region = Region::new(COUNTING);
        let verdict = eval_script(&mut stack, script, Flags::NONE, &NoTransaction, version, &mut exec);
        let change = region.change();
        assert_eq!((verdict, stack), (Ok(()), vec![vec![1]]), "{script}");
        change.allocations + change.reallocations
    };
    (0..20).map(|_| run()).min().expect("it ran")
}

#[test]
fn long_scripts_ask_for_no_more_memory_than_short_ones() {
    let tapscript = TAPSCRIPT.map(|group| (SigVersion::Tapscript, group));
    let groups = GROUPS.map(|group| (SigVersion::Base, group)).into_iter().chain(tapscript);
    for (version, (name, group)) in groups {
        let (short, long) = (requests(group, 1, version), requests(group, 20, version));
        println!("{name:14} {short} requests for {:3} opcodes, {long} for {:3}", group.len(), group.len() * 20);
        assert_eq!(short, long, "{name}");
    }
}
