"""Clients in Protobuf beside clients in JSON and raw ones, and a Protobuf client without an SDK. Argument: ws://host:port of a
node with compression."""

import asyncio
import json
import sys

import centrifuge
import websockets
from centrifuge.codecs import _varint_decode, _varint_encode
from centrifuge.protocol.client_pb2 import Command, ConnectRequest, PingRequest, PublishRequest, Reply, SendRequest

base = sys.argv[1]
url = base + "/connection/websocket"


class Inbox(centrifuge.SubscriptionEventHandler):
    def __init__(self):
        self.publications = asyncio.Queue()

    async def on_publication(self, ctx):
        await self.publications.put(ctx.pub.data)

    async def next(self):
        return await asyncio.wait_for(self.publications.get(), 60)


async def subscribe(is_protobuf):
    client, inbox = centrifuge.Client(url, use_protobuf=is_protobuf), Inbox()
    await client.connect()
    subscription = client.new_subscription("mix", events=inbox)
    await subscription.subscribe()
    await subscription.ready()
    return client, subscription, inbox


async def hear_each_other():
    client, binary, bytes_heard = await subscribe(True)
    other, text, values_heard = await subscribe(False)
    raw = await websockets.connect(base + "/channels/mix/ws")

    async def hears(in_protobuf, in_json, in_raw):
        got = (await bytes_heard.next(), await values_heard.next(), await asyncio.wait_for(raw.recv(), 60))
        assert got == (in_protobuf, in_json, in_raw), got

    long = [{"number": number, "text": "größe 😀"} for number in range(200)]
    for value in [{"a": [1, None]}, "text", 5, long]:
        sent = json.dumps(value)
        await binary.publish(sent.encode())
        await hears(sent.encode(), value, sent)
    await binary.publish(b"not JSON")
    await hears(b"not JSON", "not JSON", "not JSON")
    for some, encoded in [(b"\xff\x00", "/wA="), (b"\x80" * 1_000, "gICA" * 333 + "gA==")]:
        await binary.publish(some)
        await hears(some, {"base64": encoded}, some)
        await raw.send(some)
        await hears(some, {"base64": encoded}, some)
    await text.publish({"b": [1, 2]})
    heard = await bytes_heard.next()
    assert json.loads(heard) == await values_heard.next() == {"b": [1, 2]}
    assert await raw.recv() == heard.decode()
    await raw.send("plain")
    await hears(b"plain", "plain", "plain")
    for one in [client, other]:
        await one.disconnect()
    await raw.close()
    print("ok all hear each other", flush=True)


def message(*commands):
    parts = [command.SerializeToString() for command in commands]
    return b"".join(_varint_encode(len(part)) + part for part in parts)


async def replies(socket, count):
    """So many replies, pings answered, in however many messages they come."""
    found = []
    while len(found) < count:
        data, place = await asyncio.wait_for(socket.recv(), 60), 0
        assert isinstance(data, bytes), data
        while place < len(data):
            length, place = _varint_decode(data, place)
            reply = Reply.FromString(data[place : place + length])
            place += length
            if reply == Reply():
                await socket.send(b"\x00")
            else:
                found.append(reply)
    return found


async def end(socket):
    try:
        await asyncio.wait_for(socket.recv(), 60)
        raise AssertionError("not ended")
    except websockets.ConnectionClosed:
        return socket.close_code


async def without_an_sdk():
    connect, ping = Command(id=1, connect=ConnectRequest()), Command(id=3, ping=PingRequest())
    publish = Command(id=2, publish=PublishRequest(channel="mix", data=b"1"))

    async def connected(**options):
        # A client that can offer no subprotocol says it in the query.
        socket = await websockets.connect(url + "?cf_protocol=protobuf", **options)
        return socket

    socket = await connected()
    assert socket.subprotocol is None
    await socket.send(message(connect, publish, ping))
    first = await replies(socket, 3)
    assert sorted(reply.id for reply in first) == [1, 2, 3] and first[0].connect.pong, first
    await socket.send(message(ping) + b"\x05\x08")
    assert [reply.id for reply in await replies(socket, 1)] == [3]
    assert await end(socket) == 3501
    print("ok a command that is cut off ends its client, those before it are done", flush=True)

    for sent, code in [
        (b"", 3501), ("{}", 1003), (message(connect, Command(send=SendRequest(data=b"1"))), 3508),
        (message(*[connect] * 600), 3501),
    ]:
        socket = await connected()
        await socket.send(sent)
        if code == 3508:
            await replies(socket, 1)
        assert await end(socket) == code, (sent, socket.close_code)

    socket = await connected(subprotocols=["centrifuge-json", "centrifuge-protobuf"])
    assert socket.subprotocol == "centrifuge-json"
    await socket.send('{"id":1,"connect":{}}')
    assert json.loads(await socket.recv())["id"] == 1
    await socket.close()
    print("ok without an SDK", flush=True)


async def main():
    await hear_each_other()
    await without_an_sdk()


asyncio.run(asyncio.wait_for(main(), 200))
