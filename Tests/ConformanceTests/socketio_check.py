"""python-socketio, unmodified: its clients through nginx, on a WebSocket, by polling, and from one to the other.

socketio_check.py NGINX_URL ADMIN_URL

The node has the namespaces `chat` (history, recovery, presence) and `*`. Prints a line `ok …` for each check.
"""

import asyncio
import json
import sys
import urllib.request

import engineio.payload
import socketio

from stage import check

# By default these clients end where a poll brings more than 16 packets, whoever their server is.
engineio.payload.Payload.max_decode_packets = 1_000

url, admin = sys.argv[1:3]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def publish(channel, data):
    request = urllib.request.Request(
        f"{admin}/api/publish", data=json.dumps({"channel": channel, "data": data}).encode(),
        headers={"Content-Type": "application/json"})
    with opener.open(request, timeout=60) as answer:
        assert answer.status == 200 and b"error" not in answer.read()


class Heard:
    """Events of a client, in order."""

    def __init__(self):
        self.events, self.wake = [], asyncio.Event()

    def add(self, *event):
        self.events.append(event)
        self.wake.set()

    async def until(self, is_done):
        async with asyncio.timeout(60):
            while not is_done(self.events):
                self.wake.clear()
                await self.wake.wait()
        return self.events


def client(namespace="/"):
    sio, heard = socketio.AsyncClient(reconnection=False), Heard()
    # Where libraries that recover by themselves learn their place; this one does not.
    sio.on("fanfare:offset", lambda offset: None, namespace=namespace)
    sio.on("*", lambda event, *args: heard.add(event, *args), namespace=namespace)
    sio.on("message", lambda *args: heard.add("message", *args), namespace=namespace)
    return sio, heard


async def transport(name, transports):
    sio, heard = client()
    await sio.connect(url, transports=transports)
    answer = await sio.call("subscribe", f"room-{name}")
    check(f"{name}: subscribe", answer == {"room": f"room-{name}"}, answer)
    await asyncio.to_thread(publish, f"room-{name}", {"event": "news", "args": ["hello", {"a": [1]}]})
    await asyncio.to_thread(publish, f"room-{name}", {"plain": True})
    events = await heard.until(lambda events: len(events) >= 2)
    check(f"{name}: publications are events", events == [("news", "hello", {"a": [1]}), ("message", {"plain": True})], events)
    answer = await sio.call("publish", (f"room-{name}", b"\x00\xff\x1e"))
    check(f"{name}: bytes go out", answer == {}, answer)
    events = await heard.until(lambda events: len(events) >= 3)
    check(f"{name}: bytes come in", events[2] == ("message", b"\x00\xff\x1e"), events)
    # As many as fill several polls, in their order.
    for number in range(200):
        await sio.emit("publish", (f"room-{name}", {"event": "n", "args": [number]}))
    events = await heard.until(lambda events: len(events) >= 203)
    check(f"{name}: in order", [event[1] for event in events[3:]] == list(range(200)), events[3:])
    answer = await sio.call("hello", 1)
    check(f"{name}: no handler", answer["error"]["code"] == 108, answer)
    await sio.call("unsubscribe", f"room-{name}")
    await sio.disconnect()


async def namespaces():
    sio, heard = client("/chat")
    await sio.connect(url, namespaces=["/chat"], transports=["websocket"])
    answer = await sio.call("subscribe", "1", namespace="/chat")
    check("a room of a namespace is a channel in it", answer["room"] == "1" and "position" in answer, answer)
    before = answer["position"]
    await asyncio.to_thread(publish, "chat:1", {"event": "said", "args": ["a"]})
    events = await heard.until(lambda events: events and events[-1][0] == "said")
    check("an event says where the client is", events[-1][1] == "a" and events[-1][2].endswith("/chat:1"), events)
    answer = await sio.call("history", ("1", {"limit": 10}), namespace="/chat")
    check("history", [p["data"]["args"] for p in answer["publications"]] == [["a"]], answer)
    answer = await sio.call("presence_stats", "1", namespace="/chat")
    check("presence", answer["clients"] == 1, answer)
    await sio.disconnect()
    # What python-socketio can't do by itself: come back to a place.
    again, heard = client("/chat")
    await again.connect(url, namespaces=["/chat"], transports=["polling"])
    answer = await again.call("subscribe", {"room": "1", "since": before}, namespace="/chat")
    check("coming back by hand", answer["recovered"] is True, answer)
    events = await heard.until(lambda events: events and events[-1][0] == "said")
    check("what was missed", events[-1][1] == "a", events)
    await again.disconnect()


async def refusals():
    sio, heard = client()
    sio.on("connect_error", lambda error: heard.add(error), namespace="/nowhere")
    try:
        await sio.connect(url, namespaces=["/nowhere"], transports=["websocket"])
        check("an unknown namespace", False, "connected")
    except socketio.exceptions.ConnectionError:
        check("an unknown namespace", heard.events == [({"message": "Invalid namespace"},)], heard.events)
    await sio.disconnect()


async def main():
    await transport("websocket", ["websocket"])
    await transport("polling", ["polling"])
    await transport("upgrade", None)
    await namespaces()
    await refusals()
    print("ok all of it")


asyncio.run(main())
