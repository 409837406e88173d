"""Emitters of Socket.IO, unmodified: python-socketio's, and two from PyPI that speak the format of @socket.io/redis-emitter.

socketio_emitter_check.py REDIS_URL URL URL URL    events, rooms, joins, leaves and ends, with a client on each node
socketio_emitter_check.py REDIS_URL hostile        publishes what nobody should take; prints how many messages that was

REDIS_URL is redis://HOST:PORT, also of a node of a Redis Cluster, or redis+sentinel://HOST:PORT,…/0/MASTER, as python-socketio has it.
Prints a line `ok …` for each check.
"""

import asyncio
import json
import sys

import msgpack
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
import socketio
import socketio_emitter
from socket_io_emitter import Emitter

from stage import check

redis_url, *urls = sys.argv[1:]


def client_of(library, sentinel):
    """A client of Redis, of the library's plain or asynchronous part."""
    if not redis_url.startswith("redis+sentinel://"):
        return library.Redis.from_url(redis_url)
    hosts, _, master = redis_url.removeprefix("redis+sentinel://").split("/")
    return sentinel.Sentinel([host.split(":") for host in hosts.split(",")]).master_for(master)


backend = client_of(redis, redis.sentinel)


def hostile():
    packet = {"type": 2, "data": ["evil", 1], "nsp": "/"}
    deep = b"\x93\xa1e\x82\xa4type\x02\xa4data\x92\xa4evil" + b"\x91" * 900_000 + b"\xc0\x80"
    messages = [
        b"", b"\xc1", b"\x93", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x93\xc6\xff\xff\xff\xff", deep,
        msgpack.packb({"type": 2}), msgpack.packb([]), msgpack.packb(["e"]), msgpack.packb(["e", packet, {}, {}]),
        msgpack.packb(["e", [], {}]), msgpack.packb(["e", packet | {"data": []}, {}]),
        msgpack.packb(["e", packet | {"data": "evil"}, {}]), msgpack.packb(["e", packet | {"nsp": 7}, {}]),
        msgpack.packb(["e", packet | {"nsp": "/none"}, {}]), msgpack.packb(["e", packet | {"type": 3}, {}]),
        msgpack.packb(["e", packet, {"rooms": ["r"] * 1_000_000}])[:900_000],
        msgpack.packb(["e", packet, {"rooms": [f"r{number}" for number in range(100_000)]}]),
        msgpack.packb(["e", packet, {"rooms": [f"a-long-name-of-a-room-{number}" for number in range(1_000)]}]),
        msgpack.packb(["e", packet, {"rooms": [None]}]), msgpack.packb(["e", packet, {"rooms": ["*"]}]),
        msgpack.packb(["e", packet | {"data": ["evil", msgpack.ExtType(9, b"x")]}, {}]),
        msgpack.packb(["e", packet | {"data": ["evil", {"_placeholder": True, "num": 3}]}, {}]),
        msgpack.packb(["e", packet | {"data": ["evil"] + [b"x"] * 11}, {}]),
        msgpack.packb(["e", packet | {"data": ["disconnect"]}, {}]),
        msgpack.packb(["e", packet, {}]) + b"\x00", b"\x93\xa1e\x81\xa4data\x92\xa4evil\xa2\xc3\x28\x80",
    ]
    requests = [b"{", b"{}", b'{"type":2,"rooms":7}', b'{"type":2,"opts":[],"rooms":["a"]}', b'{"type":2,"rooms":["*"]}']
    pickles = [b"\x80\x04\x95", b"[]", b"{}", b'{"method":"emit"}', b'{"method":"none"}', b'{"method":"enter_room"}']
    for message in messages:
        backend.publish("socket.io#/#", message)
    for message in requests:
        backend.publish("socket.io-request#/#", message)
    for message in pickles:
        backend.publish("socketio", message)
    print(len(messages), len(requests) + len(pickles))


class Client:
    """A client of a node, and what it heard."""

    def __init__(self):
        self.sio, self.events, self.wake, self.is_gone = socketio.AsyncClient(reconnection=False), [], asyncio.Event(), False
        self.sio.on("*", self.add)
        self.sio.on("disconnect", self.gone)

    def add(self, event, *args):
        if event != "fanfare:offset":
            self.events.append((event, *args))
        self.wake.set()

    def gone(self, *reason):
        self.is_gone = True
        self.wake.set()

    @property
    def sid(self):
        return self.sio.get_sid("/")

    async def until(self, is_done):
        async with asyncio.timeout(60):
            while not is_done():
                self.wake.clear()
                await self.wake.wait()


async def main():
    manager = socketio.RedisManager(redis_url, write_only=True)
    clients = [Client() for _ in urls]
    for client, url in zip(clients, urls):
        await client.sio.connect(url, transports=["websocket"])
    one, two, three = clients
    number = 0

    async def heard(what, expected):
        """What each got since the last time, but for what waits for rooms. What came twice would be there, too, or the next time: in a
        Redis Cluster a room's events may come behind those to all."""
        nonlocal number
        number += 1
        count = lambda client: sum(event[0] not in ("end", "in") for event in client.events)
        for client, events in zip(clients, expected):
            await client.until(lambda: count(client) >= len(events))
        manager.emit("end", number)
        for client, events in zip(clients, expected):
            await client.until(lambda: ("end", number) in client.events)
            seen = [event for event in client.events if event[0] not in ("end", "in")]
            check(f"{what}: {urls[clients.index(client)]}", seen == events, seen)
            client.events.clear()

    async def rooms(of):
        """Waits until rooms have these clients, and no others."""
        for room, members in of.items():
            for attempt in range(1_000):
                manager.emit("in", (room, attempt), room=room)
                manager.emit("end", ("in", attempt))
                for client in clients:
                    await client.until(lambda: ("end", "in", attempt) in client.events)
                found = [client for client in clients if ("in", room, attempt) in client.events]
                for client in clients:
                    client.events.clear()
                if found == members:
                    break
            else:
                sys.exit(f"FAILED the room {room} has {len(found)} clients")
        print(f"ok rooms {list(of)}", flush=True)

    manager.emit("all", {"n": 1})
    await heard("to all", [[("all", {"n": 1})]] * 3)

    for client in (one, two):
        manager.enter_room(client.sid, "/", "a")
    for client in (two, three):
        manager.enter_room(client.sid, "/", "b")
    await rooms({"a": [one, two], "b": [two, three]})

    manager.emit("a", (1, "two"), room="a")
    await heard("to a room", [[("a", 1, "two")], [("a", 1, "two")], []])
    manager.emit("ab", None, room=["a", "b"])
    await heard("to two rooms, once", [[("ab", None)]] * 3)
    manager.emit("skip", 1, skip_sid=two.sid)
    await heard("but for one", [[("skip", 1)], [], [("skip", 1)]])
    manager.emit("own", b"\x00\xff", to=three.sid)
    await heard("to a socket, bytes", [[], [], [("own", b"\x00\xff")]])
    manager.emit("bytes", {"x": [b"1", b"2"]}, room="b")
    await heard("bytes in a tree", [[], [("bytes", {"x": [b"1", b"2"]})], [("bytes", {"x": [b"1", b"2"]})]])
    for _ in range(3):
        manager.emit("tick", None, room="a")
    await heard("the same again is another", [[("tick", None)] * 3, [("tick", None)] * 3, []])
    for step in range(200):
        manager.emit("step", step, room=["a", "b"] if step % 2 else "a")
    steps = [("step", step) for step in range(200)]
    await heard("in order", [steps, steps, steps[1::2]])

    old = Emitter({"client": backend})
    old.To("a").In("b").Emit("old", {"x": [1, -1, 1.5, None, True, "é"]}, b"\xff")
    await heard("socket.io-emitter, two rooms, once", [[("old", {"x": [1, -1, 1.5, None, True, "é"]}, b"\xff")]] * 3)
    old.Emit("old", 2)
    await heard("socket.io-emitter, all", [[("old", 2)]] * 3)

    new = socketio_emitter.Emitter(client_of(redis.asyncio, redis.asyncio.sentinel))
    async with new.namespace("/"), new.all_rooms(except_=["b"]):
        await new.emit("new", {"n": 1})
    await heard("socket-io-redis-emitter, but for a room", [[("new", {"n": 1})], [], []])
    async with new.namespace("/"), new.rooms("a", "b"):
        await new.emit("new", {"n": 2}, volatile=True)
    await heard("socket-io-redis-emitter, two rooms, once", [[("new", {"n": 2})]] * 3)
    async with new.namespace("/"), new.rooms("b"):
        await new.join("c")
    await rooms({"c": [two, three]})
    async with new.namespace("/"), new.rooms(two.sid):
        await new.leave("c", "a")
    await rooms({"c": [three], "a": [one]})

    # As @socket.io/redis-emitter writes it.
    backend.publish("socket.io#/#", msgpack.packb(
        ["emitter", {"type": 2, "data": ["node", msgpack.ExtType(0, b"\x00"), msgpack.ExtType(0, b"\x01\x02")], "nsp": "/"},
         {"rooms": ["a", "b"], "except": [three.sid], "flags": {"compress": True}}]))
    await heard("notepack's extensions", [[("node", None, b"\x01\x02")], [("node", None, b"\x01\x02")], []])

    manager.close_room("b")
    await rooms({"b": [], "a": [one]})
    backend.publish("socket.io-request#/#", json.dumps({"type": 4, "opts": {"rooms": ["a"], "except": []}, "close": True}))
    await one.until(lambda: one.is_gone)
    backend.publish("socketio", json.dumps(
        {"method": "disconnect", "sid": two.sid, "namespace": "/", "host_id": "other"}))
    await two.until(lambda: two.is_gone)
    check("ended are those and no other", not three.is_gone)
    manager.emit("last", 1)
    await three.until(lambda: ("last", 1) in three.events)
    for client in clients:
        await client.sio.disconnect()
    print("ok all of it", flush=True)


if urls == ["hostile"]:
    hostile()
else:
    asyncio.run(main())
