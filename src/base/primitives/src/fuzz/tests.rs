//! The fuzz targets run a little in every test run, on random bytes and on damaged good ones.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::strategies;

const ALL: [fn(&[u8]); 5] = [tx, block, header, address, coin];

proptest! {
    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..300)) {
        for target in ALL {
            target(&bytes);
        }
    }

    #[test]
    fn damaged_blocks(
        blocks in (strategies::block(), strategies::freicoin_block(), strategies::syscoin_block()),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for block in [blocks.0, blocks.1, blocks.2] {
            let mut bytes = block.to_bytes(WitnessMode::Include);
            for (at, with) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *with;
            }
            super::block(&bytes);
            header(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            super::block(&bytes);
            for tx in &block.txs {
                let mut bytes = tx.to_bytes(WitnessMode::Include);
                for (at, with) in &damage {
                    let at = at.index(bytes.len());
                    bytes[at] = *with;
                }
                super::tx(&bytes);
                coin(&bytes);
            }
        }
    }

    #[test]
    fn damaged_addresses(hash in any::<[u8; 32]>(), at in any::<prop::sample::Index>(), with in 32_u8..127) {
        for coin in coin::all() {
            for chain in coin.chains {
                let mut text = Addresses::new(coin, chain)
                    .encode(&Destination::WitnessV0ScriptHash(hash))
                    .unwrap()
                    .into_bytes();
                let at = at.index(text.len());
                text[at] = with;
                address(&text);
            }
        }
    }
}
