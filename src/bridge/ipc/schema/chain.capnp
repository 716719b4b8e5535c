# The node's chain as a wallet reads it: one interface for each reader, and their sum.
@0xb9ae6d1c0a2f7e35;

using Common = import "common.capnp";
using Proxy = import "proxy.capnp";
using Wire = import "wire.capnp";

interface Handler {
    destroy @0 (context :Proxy.Context) -> ();
    disconnect @1 (context :Proxy.Context) -> ();
}

interface Chain extends(ChainTip, ChainBlocks, ChainMempool, ChainFees, ChainBroadcast, ChainEvents, ChainHost) {
    destroy @0 (context :Proxy.Context) -> ();
}

interface ChainTip {
    tip @0 (context :Proxy.Context) -> (result :Common.BlockRef, hasResult :Bool) $Wire.quick;
    blockHash @1 (context :Proxy.Context, height :Int32) -> (result :Data) $Wire.quick;
    isInitialBlockDownload @2 (context :Proxy.Context) -> (result :Bool) $Wire.quick;
    isReadyToBroadcast @3 (context :Proxy.Context) -> (result :Bool);
    verificationProgress @4 (context :Proxy.Context, block :Data) -> (result :Float64);
    havePruned @5 (context :Proxy.Context) -> (result :Bool) $Wire.quick;
    pruneHeight @6 (context :Proxy.Context) -> (result :Int32, hasResult :Bool);
    hasAssumedValidChain @7 (context :Proxy.Context) -> (result :Bool);
}

interface ChainBlocks {
    findBlock @0 (context :Proxy.Context, hash :Data, data :Bool) -> (result :FoundBlock);
    findFirstBlockWithTimeAndHeight @1 (context :Proxy.Context, minTime :Int64, minHeight :Int32)
        -> (result :FoundBlock);
    findAncestorByHeight @2 (context :Proxy.Context, hash :Data, height :Int32) -> (result :FoundBlock);
    findAncestorByHash @3 (context :Proxy.Context, hash :Data, ancestor :Data) -> (result :FoundBlock);
    findCommonAncestor @4 (context :Proxy.Context, first :Data, second :Data) -> (result :CommonAncestor);
    findLocatorFork @5 (context :Proxy.Context, locator :Locator) -> (result :Int32, hasResult :Bool);
    haveBlockOnDisk @6 (context :Proxy.Context, height :Int32) -> (result :Bool);
    hasBlocks @7 (context :Proxy.Context, hash :Data, minHeight :Int32, maxHeight :Int32) -> (result :Bool);
    hasBlockFilterIndex @8 (context :Proxy.Context) -> (result :Bool);
    scanBlocks @9 (context :Proxy.Context, request :ScanRequest, sink :ScanSink) -> (result :Common.BlockRef);
}

interface ScanSink {
    batch @0 (context :Proxy.Context, batch :ScanBatch) -> (goOn :Bool, scripts :List(Data), again :Int32);
}

interface ChainMempool {
    findCoins @0 (context :Proxy.Context, outpoints :List(OutPoint)) -> (result :List(MaybeCoin));
    isInMempool @1 (context :Proxy.Context, txid :Data) -> (result :Bool);
    hasDescendantsInMempool @2 (context :Proxy.Context, txid :Data) -> (result :Bool);
    transactionAncestries @3 (context :Proxy.Context, txids :List(Data)) -> (result :List(TxAncestry));
    individualBumpFees @4 (context :Proxy.Context, outpoints :List(OutPoint), feeRate :Int64) -> (result :List(BumpFee));
    combinedBumpFee @5 (context :Proxy.Context, outpoints :List(OutPoint), feeRate :Int64)
        -> (result :Int64, hasResult :Bool);
    packageLimits @6 (context :Proxy.Context) -> (result :PackageLimits);
    checkChainLimits @7 (context :Proxy.Context, tx :Data) -> ();
}

interface ChainFees {
    estimateFeeRate @0 (context :Proxy.Context, blocks :UInt32, conservative :Bool) -> (result :FeeEstimate);
    maxFeeTarget @1 (context :Proxy.Context) -> (result :UInt32);
    mempoolMinFee @2 (context :Proxy.Context) -> (result :Int64);
    relayMinFee @3 (context :Proxy.Context) -> (result :Int64);
    relayIncrementalFee @4 (context :Proxy.Context) -> (result :Int64);
    relayDustFee @5 (context :Proxy.Context) -> (result :Int64);
}

interface ChainBroadcast {
    broadcastTransaction @0 (context :Proxy.Context, tx :Data, maxFee :Int64, how :Broadcast) -> ();
}

interface ChainEvents {
    handleNotifications @0 (context :Proxy.Context, notifications :ChainNotifications) -> (result :Handler);
    waitForNotifications @1 (context :Proxy.Context) -> ();
    waitForNotificationsIfTipChanged @2 (context :Proxy.Context, oldTip :Data) -> ();
    requestMempoolTransactions @3 (context :Proxy.Context, notifications :ChainNotifications) -> ();
}

interface ChainNotifications {
    destroy @0 (context :Proxy.Context) -> ();
    transactionAddedToMempool @1 (context :Proxy.Context, tx :Data) -> ();
    transactionRemovedFromMempool @2 (context :Proxy.Context, tx :Data, reason :Text) -> ();
    blockConnected @3 (context :Proxy.Context, block :ConnectedBlock, background :Bool) -> ();
    blockDisconnected @4 (context :Proxy.Context, block :ConnectedBlock) -> ();
    updatedBlockTip @5 (context :Proxy.Context) -> ();
    chainStateFlushed @6 (context :Proxy.Context, locator :Locator) -> ();
}

interface ChainHost {
    shutdownRequested @0 (context :Proxy.Context) -> (result :Bool);
    initMessage @1 (context :Proxy.Context, message :Text) -> ();
    initWarning @2 (context :Proxy.Context, message :Text) -> ();
    initError @3 (context :Proxy.Context, message :Text) -> ();
    showProgress @4 (context :Proxy.Context, title :Text, progress :Int32, resumePossible :Bool) -> ();
    rpcEnableDeprecated @5 (context :Proxy.Context, method :Text) -> (result :Bool);
    getSetting @6 (context :Proxy.Context, name :Text) -> (result :Text);
    getSettingsList @7 (context :Proxy.Context, name :Text) -> (result :List(Text));
    getRwSetting @8 (context :Proxy.Context, name :Text) -> (result :Text);
    updateRwSetting @9 (context :Proxy.Context, name :Text, expected :Text, value :Text, write :Bool) -> ();
}

enum Broadcast {
    mempoolAndBroadcastToAll @0;
    mempoolNoBroadcast @1;
    noMempoolPrivateBroadcast @2;
}

struct OutPoint {
    txid @0 :Data;
    index @1 :UInt32;
}

struct Coin {
    value @0 :Int64;
    script @1 :Data;
    height @2 :UInt32;
    coinbase @3 :Bool;
}

struct MaybeCoin {
    coin @0 :Coin;
}

struct TxAncestry {
    ancestors @0 :UInt64;
    cluster @1 :UInt64;
    ancestorSize @2 :UInt64;
    ancestorFees @3 :Int64;
}

struct BumpFee {
    outpoint @0 :OutPoint;
    fee @1 :Int64;
}

struct PackageLimits {
    ancestors @0 :UInt32;
    descendants @1 :UInt32;
}

struct FeeEstimate {
    feeRate @0 :Int64;
    target @1 :UInt32;
}

struct Locator {
    hashes @0 :List(Data);
}

struct FoundBlock {
    block @0 :Common.BlockRef;
    time @1 :Int64;
    maxTime @2 :Int64;
    medianTime @3 :Int64;
    inActiveChain @4 :Bool;
    next @5 :Common.BlockRef;
    locator @6 :Locator;
    data @7 :Data;
}

struct CommonAncestor {
    ancestor @0 :Common.BlockRef;
    first @1 :Common.BlockRef;
    second @2 :Common.BlockRef;
}

struct ConnectedBlock {
    block @0 :Common.BlockRef;
    prev @1 :Data;
    maxTime @2 :Int64;
    data @3 :Data;
}

struct ScanRequest {
    startHeight @0 :Int32;
    stopHeight @1 :Int32;
    scripts @2 :List(Data);
    outpoints @3 :List(OutPoint);
    strangers @4 :List(OutPoint);
}

struct ScanBatch {
    scanned @0 :Common.BlockRef;
    time @1 :Int64;
    matches @2 :List(ScanMatch);
}

struct ScanMatch {
    block @0 :Common.BlockRef;
    time @1 :Int64;
    txs @2 :List(ScannedTx);
}

struct ScannedTx {
    index @0 :UInt32;
    tx @1 :Data;
}
