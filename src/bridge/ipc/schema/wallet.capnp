# Wallets, as the node and the GUI see them.
@0xe5712c0d94be8f13;

using Chain = import "chain.capnp";
using Proxy = import "proxy.capnp";

interface WalletLoader {
    destroy @0 (context :Proxy.Context) -> ();
    rpcCommands @1 (context :Proxy.Context) -> (result :List(RpcCommand));
    executeRpc @2 (context :Proxy.Context, request :Text, uri :Text, user :Text, tip :Data) -> (result :Text);
    load @3 (context :Proxy.Context) -> ();
    start @4 (context :Proxy.Context) -> ();
    stop @5 (context :Proxy.Context) -> ();
    createWallet @6 (context :Proxy.Context, options :WalletCreate) -> (result :WalletOpened);
    loadWallet @7 (context :Proxy.Context, name :Text) -> (result :WalletOpened);
    restoreWallet @8 (context :Proxy.Context, name :Text, backupFile :Text) -> (result :WalletOpened);
    listWallets @9 (context :Proxy.Context) -> (result :List(Text));
    listWalletDir @10 (context :Proxy.Context) -> (result :List(WalletDirEntry));
    getWallet @11 (context :Proxy.Context, name :Text) -> (result :Wallet);
    setMockTime @12 (context :Proxy.Context, time :Int64) -> ();
    mockScheduler @13 (context :Proxy.Context, seconds :Int64) -> ();
}

interface Wallet {
    destroy @0 (context :Proxy.Context) -> ();
    name @1 (context :Proxy.Context) -> (result :Text);
    encrypt @2 (context :Proxy.Context, passphrase :Text) -> ();
    isCrypted @3 (context :Proxy.Context) -> (result :Bool);
    lock @4 (context :Proxy.Context) -> ();
    isLocked @5 (context :Proxy.Context) -> (result :Bool);
    unlock @6 (context :Proxy.Context, passphrase :Text) -> ();
    changePassphrase @7 (context :Proxy.Context, old :Text, new :Text) -> ();
    balances @8 (context :Proxy.Context) -> (result :WalletBalances);
    newAddress @9 (context :Proxy.Context, addressType :Text, label :Text) -> (result :Text);
    executeRpc @10 (context :Proxy.Context, request :Text, user :Text) -> (result :Text);
    backup @11 (context :Proxy.Context, file :Text) -> ();
    abortRescan @12 (context :Proxy.Context) -> ();
    handleNotifications @13 (context :Proxy.Context, notifications :WalletNotifications) -> (result :Chain.Handler);
    coins @14 (context :Proxy.Context) -> (result :List(WalletCoin));
}

interface WalletNotifications {
    destroy @0 (context :Proxy.Context) -> ();
    transactionChanged @1 (context :Proxy.Context, txid :Data, change :Text) -> ();
    addressBookChanged @2 (context :Proxy.Context, address :Text, label :Text, purpose :Text, change :Text) -> ();
    statusChanged @3 (context :Proxy.Context) -> ();
    showProgress @4 (context :Proxy.Context, title :Text, progress :Int32) -> ();
    unload @5 (context :Proxy.Context) -> ();
}

struct RpcCommand {
    category @0 :Text;
    name @1 :Text;
    args @2 :List(Text);
    description @3 :Text;
}

struct WalletCreate {
    name @0 :Text;
    passphrase @1 :Text;
    flags @2 :UInt64;
    loadOnStartup @3 :Bool;
    hasLoadOnStartup @4 :Bool;
}

struct WalletOpened {
    name @0 :Text;
    warnings @1 :List(Text);
}

struct WalletDirEntry {
    path @0 :Text;
    format @1 :Text;
}

struct WalletBalances {
    trusted @0 :Int64;
    untrustedPending @1 :Int64;
    immature @2 :Int64;
}

struct WalletCoin {
    outpoint @0 :Chain.OutPoint;
    script @1 :Data;
    address @2 :Text;
    label @3 :Text;
    valueReceived @4 :Int64;
    valueNow @5 :Int64;
    depth @6 :Int32;
    safe @7 :Bool;
}
