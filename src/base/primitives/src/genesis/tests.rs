//! All genesis blocks, recomputed from their fields.

use bitcoin::Target;
use bitcoin::hashes::{Hash, sha256, sha256d};

use super::*;
use crate::{Addresses, Codec, Destination, WitnessMode};

#[test]
fn all_twenty_five_are_what_their_profiles_say() {
    let mut count = 0;
    for coin in coin::all() {
        let codec = Codec::for_coin(coin);
        for chain in coin.chains {
            let tag = format!("{} {}", coin.id, chain.kind);
            let block = genesis_block(chain);
            let genesis = &chain.genesis;
            assert_eq!(block.txs[0].to_bytes(WitnessMode::Include), genesis.coinbase_tx, "{tag}");
            assert_eq!(block.txs[0].txid().to_byte_array(), genesis.merkle_root, "{tag}");
            assert_eq!(block.merkle_root().0.to_byte_array(), genesis.merkle_root, "{tag}");
            assert_eq!(block.hash().to_byte_array(), genesis.hash, "{tag}");
            assert_eq!(codec.decode_block(&block.to_bytes(WitnessMode::Include)), Ok(block.clone()), "{tag}");
            let target = Target::from_compact(CompactTarget::from_consensus(genesis.bits));
            assert!(target.is_met_by(block.hash()), "{tag}");
            let limit = Target::from_le_bytes(chain.pow_limit);
            assert!(target <= limit, "{tag}");
            assert_eq!(limit.to_compact_lossy().to_consensus(), chain.pow_limit_bits, "{tag}");
            count += 1;
        }
    }
    assert_eq!(count, 25);
}

#[test]
fn c1pzos_source_computes_another_genesis() {
    for chain in coin::by_id("c1pzo").unwrap().chains {
        let source = chain.genesis.recovered().unwrap();
        let block = genesis_block(chain);
        let mut coinbase = block.txs[0].inner().clone();
        // The source pushes the script as if it were a key, and adds the check of a signature once more.
        coinbase.output[0].script_pubkey =
            Destination::PubKey(chain.genesis.outputs[0].script.to_vec()).script_pubkey();
        let root = Tx::new(coinbase, None).txid().to_byte_array();
        assert_eq!(root, source.literal_merkle_root);
        let mut header = *block.header.raw();
        header.merkle_root = TxMerkleNode::from_byte_array(root);
        header.nonce = source.nonce;
        assert_eq!(Header::new(header).hash().to_byte_array(), source.literal_hash);
    }
}

#[test]
fn freicoins_merged_mining_key_comes_from_its_genesis() {
    for chain in coin::by_id("freicoin").unwrap().chains {
        let tag = sha256::Hash::hash(b"auxpow").to_byte_array();
        let block = genesis_block(chain).to_bytes(WitnessMode::Include);
        let key = sha256d::Hash::hash(&[tag.as_slice(), &tag, &block].concat()).to_byte_array();
        assert_eq!(key, chain.freicoin().unwrap().aux_pow_path);
    }
}

#[test]
fn signets_magic_comes_from_its_challenge() {
    for chain in coin::all().iter().filter_map(|coin| coin.chain(coin::ChainKind::Signet)) {
        let mut bytes = Vec::new();
        crate::put_bytes(&mut bytes, chain.signet_challenge.unwrap());
        assert_eq!(sha256d::Hash::hash(&bytes).to_byte_array()[..4], chain.magic);
    }
}

#[test]
fn sample_addresses_are_what_their_profiles_say() {
    for coin in coin::all() {
        for chain in coin.chains {
            let addresses = Addresses::new(coin, chain);
            let samples = [
                (Destination::PubKeyHash([0; 20]), chain.addr_zero_p2pkh),
                (Destination::ScriptHash([0; 20]), chain.addr_zero_p2sh),
                (Destination::WitnessV0KeyHash([0; 20]), chain.addr_zero_wit20),
            ];
            for (destination, text) in samples {
                assert_eq!(addresses.encode(&destination).as_deref(), Some(text), "{} {}", coin.id, chain.kind);
                assert_eq!(addresses.decode(text), Ok(destination), "{} {}", coin.id, chain.kind);
            }
        }
    }
}
