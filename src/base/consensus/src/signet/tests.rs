//! The first blocks of the public signet, changed ones, and every way to write a solution.

use std::sync::Arc;

use coin::{ChainKind, TxFormat};
use primitives::{Block, Codec};

use super::*;
use crate::block::{BlockChecks, Scope};
use crate::reason::BlockReason;
use crate::testing::{block, input, output, params, raw_header, rules, transaction, tx};
use crate::{Rules, rules_for};

/// Blocks 1 and 2 of the default signet.
const BLOCKS: [&str; 2] = [
    "00000020f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000f575c83235984e7dc4afc1f30944c170\
     462e84437ab6f2d52e16878a79e4678bd1914d5fae77031eccf40700010100000000010100000000000000000000000000000000\
     00000000000000000000000000000000ffffffff025151feffffff0200f2052a010000001600149243f727dd5343293eb8317432\
     4019ec16c2630f0000000000000000776a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e\
     8cf94c4fecc7daa2490047304402205e423a8754336ca99dbe16509b877ef1bf98d008836c725005b3c787c41ebe46022047246e\
     4467ad7cc7f1ad98662afcaf14c115e0095a227c7b05c5182591c23e7e0100012000000000000000000000000000000000000000\
     0000000000000000000000000000000000",
    "00000020533b53ded9bff4adc94101d32400a144c54edc5ed492a3b26c63b2d686000000b38fef50592017cfafbcab88eb3d9cf5\
     0b2c801711cad8299495d26df5e54812e7914d5fae77031ecfdd0b00010100000000010100000000000000000000000000000000\
     00000000000000000000000000000000ffffffff025251feffffff0200f2052a01000000160014fd09839740f0e0b4fc6d5e2527\
     e4022aa9b89dfa0000000000000000776a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e\
     8cf94c4fecc7daa24900473044022031d64a1692cdad1fc0ced69838169fe19ae01be524d831b95fcf5ea4e6541c3c02204f9dea\
     0801df8b4d0cd0857c62ab35c6c25cc47c930630dc7fe723531daa3e9b0100012000000000000000000000000000000000000000\
     0000000000000000000000000000000000",
];

fn decode(text: &str) -> Block {
    let bytes: Vec<u8> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
    let codec = Codec::for_coin(coin::by_id("bitcoin").unwrap());
    codec.decode_block(&bytes).unwrap()
}

fn check(rules: &dyn Rules, block: &Block) -> Result<(), BlockReason> {
    rules.check_block(block, Scope::FULL, &mut BlockChecks::default())
}

#[test]
fn blocks_of_the_public_signet() {
    let public = rules("bitcoin", ChainKind::Signet);
    let challenge = public.params().signet_challenge().unwrap().to_vec();
    let other = rules_for(params("bitcoin", ChainKind::Signet).with_signet_challenge(vec![0x52, 0x87])).unwrap();
    let trivial = rules_for(params("bitcoin", ChainKind::Signet).with_signet_challenge(vec![0x51])).unwrap();
    for text in BLOCKS {
        let block = decode(text);
        assert_eq!(check(&*public, &block), Ok(()));
        assert_eq!(check(&*other, &block), Err(BlockReason::SignetSolution));
        // What solves a challenge by signature leaves too much for a trivial one, and that is fine without CLEANSTACK.
        assert_eq!(check(&*trivial, &block), Ok(()));
        // The solution commits to the time, and to all transactions but itself.
        let mut raw = *block.header.raw();
        raw.time += 1;
        assert!(!is_solved(&crate::testing::block(raw, block.txs.clone()), &challenge));
        let mut base = block.txs[0].inner().clone();
        base.output[0].value = Amount::from_sat(1);
        assert!(!is_solved(&crate::testing::block(*block.header.raw(), vec![Arc::new(tx(base))]), &challenge));
        // But not to the nonce or the target.
        let mut raw = *block.header.raw();
        raw.nonce += 1;
        assert!(is_solved(&crate::testing::block(raw, block.txs.clone()), &challenge));
    }
}

/// A block whose coinbase has a commitment, and behind it these pushes.
fn with_pushes(pushes: &[&[u8]]) -> Block {
    let mut script = vec![0x6a];
    push_data(&mut script, &[&[0xaa, 0x21, 0xa9, 0xed][..], &[0xff; 32]].concat());
    for push in pushes {
        push_data(&mut script, push);
    }
    with_script(&script)
}

fn with_script(script: &[u8]) -> Block {
    let base = Arc::new(tx(transaction(vec![input(OutPoint::null())], vec![output(0, script)])));
    block(raw_header(bitcoin::BlockHash::all_zeros(), 1, 0x1e03_77ae), vec![Arc::clone(&base), base])
}

#[test]
fn ways_to_write_a_solution() {
    let solved = |block: &Block| {
        assert_eq!(SignetTxs::new(block, &[0x51]).is_some(), is_solved(block, &[0x51]));
        is_solved(block, &[0x51])
    };
    let header = |more: &[u8]| [&HEADER[..], more].concat();
    assert!(!solved(&block(raw_header(bitcoin::BlockHash::all_zeros(), 1, 1), vec![])), "no transactions");
    assert!(!solved(&with_script(&[])), "no commitment");
    assert!(solved(&with_pushes(&[])), "no solution");
    assert!(solved(&with_pushes(&[&HEADER])), "nothing behind the header");
    assert!(!solved(&with_pushes(&[&header(&[0x01, 0x51])])), "no witness");
    assert!(solved(&with_pushes(&[&header(&[0x01, 0x51, 0x00])])));
    assert!(!solved(&with_pushes(&[&header(&[0x01, 0x51, 0x00, 0x00])])), "more behind");
    assert!(solved(&with_pushes(&[&header(&[0x00, 0x00])])));
    assert!(!solved(&with_pushes(&[&header(&[0xfd, 0x01, 0x00, 0x51, 0x00])])), "a length that is not the shortest");
    assert!(!solved(&with_pushes(&[&header(&[0xfe, 0xff, 0xff, 0xff, 0xff])])), "a length without an end");
    // Only the first one counts.
    assert!(solved(&with_pushes(&[&HEADER, &header(&[0x00, 0x00]), &header(&[0x77])])));
}

#[test]
fn the_commitment_is_written_again_without_the_solution() {
    let header = |more: &[u8]| [&HEADER[..], more].concat();
    let mut script = vec![0x6a, 0x4c, 0x02, 0x05, 0x06];
    push_data(&mut script, &header(&[1, 2, 3]));
    push_data(&mut script, &header(&[4]));
    script.extend([0x4d, 0x00, 0x00, 0x51]);
    let (solution, rest) = take_solution(&script).unwrap();
    assert_eq!(solution, [1, 2, 3]);
    let mut expected = vec![0x6a, 0x02, 0x05, 0x06, 0x04];
    expected.extend(HEADER);
    expected.push(0x05);
    expected.extend(header(&[4]));
    // A push of nothing loses its length.
    expected.extend([0x4d, 0x51]);
    assert_eq!(rest, expected);
    // What cannot be read is dropped.
    script.extend([0x4c, 0x09, 0x01]);
    assert_eq!(take_solution(&script).unwrap().1, expected);
    assert_eq!(take_solution(&[0x6a, 0x51]), None);
    assert_eq!(coin::by_id("bitcoin").unwrap().consensus.tx_format, TxFormat::Bitcoin);
}

#[test]
fn the_genesis_block_needs_no_solution() {
    let rules = rules("bitcoin", ChainKind::Signet);
    let genesis = primitives::genesis_block(rules.params().chain());
    assert!(!is_solved(&genesis, rules.params().signet_challenge().unwrap()));
    assert_eq!(check(&*rules, &genesis), Ok(()));
}
