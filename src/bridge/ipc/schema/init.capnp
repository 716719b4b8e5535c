# What Bitcoin Core's processes offer to whoever connects.
@0xf2c5cfa319406aa6;

using Echo = import "echo.capnp";
using Mining = import "mining.capnp";
using Mining30 = import "mining30.capnp";
using Proxy = import "proxy.capnp";
using Rpc = import "rpc.capnp";
using Wire = import "wire.capnp";

interface Init {
    # Each side gives the other the means to make threads.
    construct @0 (threadMap :Proxy.ThreadMap) -> (threadMap :Proxy.ThreadMap);
    makeEcho @1 (context :Proxy.Context) -> (result :Echo.Echo) $Wire.onLoop;
    makeMining @3 (context :Proxy.Context) -> (result :Mining.Mining);
    makeRpc @4 (context :Proxy.Context) -> (result :Rpc.Rpc);

    # The makeMining of release 30, which is served only if the user says so.
    makeMiningOld2 @2 (context :Proxy.Context) -> (result :Mining30.Mining30) $Wire.onLoop;
}
