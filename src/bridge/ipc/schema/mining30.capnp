# The mining interface of release 30, whose ordinals were others, for clients that know only that one. On the wire its
# interfaces have the names of their successors.
@0xd2b7f1c9a4e83610;

using Common = import "common.capnp";
using Proxy = import "proxy.capnp";
using Wire = import "wire.capnp";

interface Mining30 $Wire.typeId(0xf9c68436df3af39e) $Wire.interruptBy("interrupt") {
    isTestChain @0 (context :Proxy.Context) -> (result :Bool) $Wire.onLoop;
    isInitialBlockDownload @1 (context :Proxy.Context) -> (result :Bool);
    getTip @2 (context :Proxy.Context) -> (result :Common.BlockRef, hasResult :Bool);
    waitTipChanged @3 (context :Proxy.Context, currentTip :Data, timeout :Float64) -> (result :Common.BlockRef);
    # These two name no thread, and so run on the event loop, as they did then.
    createNewBlock @4 (options :BlockCreateOptions30) -> (result :BlockTemplate30) $Wire.onLoop;
    checkBlock @5 (block :Data, options :BlockCheckOptions30) -> (reason :Text, debug :Text, result :Bool) $Wire.onLoop;

    # Not of that release: it ends what waits for a client that is gone.
    interrupt @6 () -> () $Wire.onLoop;
}

interface BlockTemplate30 $Wire.typeId(0xf9671ad841b2f622) $Wire.interruptBy("interruptWait") $Wire.bounded {
    destroy @0 (context :Proxy.Context) -> ();
    getBlockHeader @1 (context :Proxy.Context) -> (result :Data);
    getBlock @2 (context :Proxy.Context) -> (result :Data);
    getTxFees @3 (context :Proxy.Context) -> (result :List(Int64));
    getTxSigops @4 (context :Proxy.Context) -> (result :List(Int64));
    getCoinbaseTx @5 (context :Proxy.Context) -> (result :Data);
    getCoinbaseCommitment @6 (context :Proxy.Context) -> (result :Data);
    getWitnessCommitmentIndex @7 (context :Proxy.Context) -> (result :Int32);
    getCoinbaseMerklePath @8 (context :Proxy.Context) -> (result :List(Data));
    submitSolution @9 (context :Proxy.Context, version :UInt32, timestamp :UInt32, nonce :UInt32, coinbase :Data)
        -> (result :Bool);
    waitNext @10 (context :Proxy.Context, options :BlockWaitOptions30) -> (result :BlockTemplate30);
    interruptWait @11 () -> () $Wire.onLoop;
}

struct BlockCreateOptions30 {
    useMempool @0 :Bool;
    blockReservedWeight @1 :UInt64;
    coinbaseOutputMaxAdditionalSigops @2 :UInt64;
}

struct BlockWaitOptions30 {
    timeout @0 :Float64;
    feeThreshold @1 :Int64;
}

struct BlockCheckOptions30 {
    checkMerkleRoot @0 :Bool;
    checkPow @1 :Bool;
}
