# The node as a GUI sees it.
@0xa30f1d6be84c9d27;

using Chain = import "chain.capnp";
using Common = import "common.capnp";
using Proxy = import "proxy.capnp";
using Wallet = import "wallet.capnp";

interface Node {
    destroy @0 (context :Proxy.Context) -> ();
    status @1 (context :Proxy.Context) -> (result :NodeStatus);
    executeRpc @2 (context :Proxy.Context, request :Text, uri :Text) -> (result :Text);
    listRpcCommands @3 (context :Proxy.Context) -> (result :List(Text));
    setNetworkActive @4 (context :Proxy.Context, active :Bool) -> ();
    walletLoader @5 (context :Proxy.Context) -> (result :Wallet.WalletLoader);
    handleNotifications @6 (context :Proxy.Context, notifications :NodeNotifications) -> (result :Chain.Handler);
    startShutdown @7 (context :Proxy.Context) -> ();
}

interface NodeNotifications {
    destroy @0 (context :Proxy.Context) -> ();
    initMessage @1 (context :Proxy.Context, message :Text) -> ();
    showProgress @2 (context :Proxy.Context, title :Text, progress :Int32) -> ();
    messageBox @3 (context :Proxy.Context, message :Text, style :Text) -> ();
    blockTip @4 (context :Proxy.Context, tip :Common.BlockRef, time :Int64, progress :Float64) -> ();
    headerTip @5 (context :Proxy.Context, tip :Common.BlockRef, time :Int64) -> ();
    networkChanged @6 (context :Proxy.Context, connections :UInt32, active :Bool) -> ();
    alertsChanged @7 (context :Proxy.Context, warnings :Text) -> ();
}

struct NodeStatus {
    tip @0 :Common.BlockRef;
    tipTime @1 :Int64;
    headerHeight @2 :Int32;
    headerTime @3 :Int64;
    progress @4 :Float64;
    initialBlockDownload @5 :Bool;
    connectionsIn @6 :UInt32;
    connectionsOut @7 :UInt32;
    networkActive @8 :Bool;
    mempoolCount @9 :UInt64;
    mempoolBytes @10 :UInt64;
    bytesReceived @11 :UInt64;
    bytesSent @12 :UInt64;
    warnings @13 :Text;
}
