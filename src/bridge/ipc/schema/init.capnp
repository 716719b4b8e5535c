# What Bitcoin Core's processes offer to whoever connects.
@0xf2c5cfa319406aa6;

using Echo = import "echo.capnp";
using Mining = import "mining.capnp";
using Proxy = import "proxy.capnp";
using Rpc = import "rpc.capnp";
using Wire = import "wire.capnp";

interface Init {
    # Each side gives the other the means to make threads.
    construct @0 (threadMap :Proxy.ThreadMap) -> (threadMap :Proxy.ThreadMap);
    makeEcho @1 (context :Proxy.Context) -> (result :Echo.Echo) $Wire.onLoop;
    makeMining @3 (context :Proxy.Context) -> (result :Mining.Mining);
    makeRpc @4 (context :Proxy.Context) -> (result :Rpc.Rpc);

    # The makeMining of a generation whose ordinals were others.
    makeMiningOld2 @2 () -> ()
        $Wire.refuse("Old mining interface (@2) not supported. Please update your client!");
}
