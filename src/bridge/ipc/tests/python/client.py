#!/usr/bin/env python3
"""A client of Bitcoin Core's IPC interface, in the language of Core's own tests.

Usage: client.py SOCKET SCHEMA_DIR. Exits with 0 if the node behaves as Core's does.
"""
import asyncio
import sys

import capnp


async def connect(schemas, socket):
    stream = await capnp.AsyncIoStream.create_unix_connection(socket)
    client = capnp.TwoPartyClient(stream)
    return client.bootstrap().cast_as(schemas["init"].Init)


def make_context(schemas, init, name="pythread"):
    # Nothing is waited for: the thread is named before it exists.
    context = schemas["proxy"].Context()
    context.thread = init.construct().threadMap.makeThread(name).result
    return context


async def fails(promise, text):
    try:
        await promise
    except capnp.KjException as error:
        assert error.description == f"remote exception: {text}", error.description
        assert error.type == "FAILED", error.type
        return
    raise AssertionError(f"expected: {text}")


async def echo(schemas, init):
    context = make_context(schemas, init)
    echo = init.makeEcho(context).result
    for text in ["hallo", "", "haha"]:
        assert (await echo.echo(context, text)).result == text
    await echo.destroy(context)
    await fails(echo.echo(context, "x"), "std::exception: Echo was called after it was destroyed")


async def refused(schemas, init):
    await fails(
        init.makeMiningOld2(),
        "std::exception: Old mining interface (@2) not supported. Please update your client!",
    )
    context = make_context(schemas, init)
    rpc = init.makeRpc(context).result
    await fails(rpc.executeRpc(context, "nonsense", "/", "u"), "std::exception: invalid JSON received over IPC")
    assert (await rpc.executeRpc(context, "{}", "/", "u")).result == '{"result":{"uri":"/","request":{}},"error":null,"id":null}'


async def threads(schemas, init):
    nobody = schemas["proxy"].Context()
    await fails(init.makeMining(nobody), "std::exception: no thread specified and no pool configured")
    threads = init.construct().threadMap
    await threads.makePool(2)
    await fails(threads.makePool(2), "std::exception: makePool called on connection with existing pool")
    mining = (await init.makeMining(nobody)).result
    assert (await mining.getTip(nobody)).hasResult
    thread = (await threads.makeThread("worker")).result
    assert (await thread.getName()).result.endswith(" (from worker)")


async def mining(schemas, init):
    context = make_context(schemas, init)
    mining = init.makeMining(context).result
    assert (await mining.isTestChain(context)).result
    assert not (await mining.isInitialBlockDownload(context)).result
    tip = await mining.getTip(context)
    assert tip.hasResult and len(tip.result.hash) == 32
    same = (await mining.waitTipChanged(context, tip.result.hash, 1.0)).result
    assert bytes(same.hash) == bytes(tip.result.hash)

    other = make_context(schemas, init, "other")

    async def interrupt():
        await asyncio.sleep(0.05)
        await mining.interrupt()

    waited, _ = await asyncio.gather(mining.waitTipChanged(other, tip.result.hash, 600000.0), interrupt())
    assert len(waited.result.hash) == 0

    options = schemas["mining"].BlockCreateOptions()
    options.blockReservedWeight = 0
    await fails(
        mining.createNewBlock(context, options),
        "std::exception: block_reserved_weight (0) is lower than minimum safety value of (2000)",
    )
    template = (await mining.createNewBlock(context, schemas["mining"].BlockCreateOptions())).result
    assert len((await template.getBlockHeader(context)).result) == 80
    coinbase = (await template.getCoinbaseTx(context)).result
    assert coinbase.version == 2 and coinbase._has("witness") and len(coinbase.requiredOutputs) == 1
    assert list((await template.getTxFees(context)).result) == [1000, 2000]
    assert [bytes(h) for h in (await template.getCoinbaseMerklePath(context)).result] == [bytes([7] * 32)]

    wait = schemas["mining"].BlockWaitOptions()
    wait.timeout = 1.0
    timed_out = await template.waitNext(context, wait)
    assert not timed_out._has("result")

    # This generation and the one before it.
    refused = await template.submitSolution(context, 0, 0, 0, b"\x00")
    assert (refused.result, refused.reason) == (False, "bad-version(0x00000000)")
    assert not (await template.submitSolutionOld7(context, 0, 0, 0, b"\x00")).result
    assert (await template.submitSolutionOld7(context, 1, 0, 0, b"\x00")).result
    await fails(
        mining.submitBlock(context, b""),
        "std::exception: SpanReader::read(): end of data: unspecified iostream_category error",
    )
    answer = (await mining.getTransactionsByTxID(context, [bytes([1] * 32), bytes(32)])).result
    assert bytes(answer[0]) == bytes([1] * 32) and bytes(answer[1]) == b""
    await template.destroy(context)


async def order(schemas, init):
    """Calls on one thread run in the order they were made, also when neither the thread nor the object is there yet."""
    context = make_context(schemas, init)
    mining = init.makeMining(context).result
    first = mining.getTip(context)
    calls = []
    for _ in range(25):
        calls.append(mining.submitBlock(context, bytes([1] * 80)))
        calls.append(mining.getTip(context))
    base = (await first).result.height
    answers = await asyncio.gather(*calls)
    heights = [answer.result.height for answer in answers[1::2]]
    assert heights == list(range(base + 1, base + 26)), (base, heights)


async def forgetful(schemas, init):
    """Goes away in the middle of a call."""
    context = make_context(schemas, init)
    mining = init.makeMining(context).result
    template = (await mining.createNewBlock(context, schemas["mining"].BlockCreateOptions())).result
    wait = schemas["mining"].BlockWaitOptions()
    wait.timeout = 600000.0
    wait.feeThreshold = 1
    promise = template.waitNext(context, wait)
    await asyncio.sleep(0.1)
    del promise


async def main(socket, schema_dir):
    load = lambda name: capnp.load(f"{schema_dir}/{name}.capnp", imports=[schema_dir])
    schemas = {name: load(name) for name in ["proxy", "init", "echo", "mining"]}
    for part in [echo, refused, threads, mining, order, forgetful]:
        init = await connect(schemas, socket)
        await part(schemas, init)
        sys.stdout.write(f"{part.__name__} ok\n")
    # Connecting and leaving at once harms nobody.
    for _ in range(20):
        await capnp.AsyncIoStream.create_unix_connection(socket)
    assert await echo(schemas, await connect(schemas, socket)) is None


asyncio.run(capnp.run(main(sys.argv[1], sys.argv[2])))
