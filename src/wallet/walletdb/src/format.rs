//! Whose wallets these are: what depends on the coin and its chain.

use coin::{Chain, Coin};
use primitives::Codec;

/// What a wallet file takes from the coin and the chain that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    magic: [u8; 4],
    codec: Codec,
    client_name: &'static str,
}

impl Format {
    /// Of a chain. A signet of one's own has another magic: see [`Format::with_magic`].
    pub fn for_chain(coin: &'static Coin, chain: &Chain) -> Self {
        Self::with_magic(coin, chain.magic)
    }

    /// Of a network that is told apart by `magic`.
    pub fn with_magic(coin: &'static Coin, magic: [u8; 4]) -> Self {
        Self { magic, codec: Codec::for_coin(coin), client_name: coin.client_name }
    }

    /// The first bytes of the network's messages. A file has them as its application id.
    pub fn magic(&self) -> [u8; 4] {
        self.magic
    }

    /// How transactions are written.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// The name of the client, for texts.
    pub fn client_name(&self) -> &'static str {
        self.client_name
    }
}
