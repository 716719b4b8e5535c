# What our own processes offer one another, beyond Core's.
@0xdd0c7b1c3f0e4a96;

using Chain = import "chain.capnp";
using Init = import "init.capnp";
using Node = import "node.capnp";
using Proxy = import "proxy.capnp";
using Wallet = import "wallet.capnp";
using Wire = import "wire.capnp";

interface BulkheadInit extends(Init.Init) {
    handshake @0 (context :Proxy.Context, hello :Hello) -> (result :Hello) $Wire.onLoop;
    makeChain @1 (context :Proxy.Context) -> (result :Chain.Chain);
    makeNode @2 (context :Proxy.Context) -> (result :Node.Node);
    makeWalletLoader @3 (context :Proxy.Context, chain :Chain.Chain) -> (result :Wallet.WalletLoader);
    attachWallets @4 (context :Proxy.Context, wallets :Wallet.WalletLoader) -> ();
}

struct Hello {
    coin @0 :Text;
    chain @1 :Text;
    genesis @2 :Text;
    version @3 :Text;
    role @4 :Text;
    capabilities @5 :List(Text);
}
