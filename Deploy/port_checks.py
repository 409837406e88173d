"""Checks of every transport through the one port that a cluster publishes, nginx'. Used by Deploy/compose_check.py.

No client here sends a cookie, so that each request may land on any node.
"""

import asyncio
import json
import secrets

import aiohttp
import socketio
import websockets

# How long what has to come is waited for.
WAIT = 20


class Port:
    """A cluster behind `host`, HOST:PORT, with a backend of its own.

    `api` is called with a method and the fields of its request, and gives the answer.
    """

    def __init__(self, host, api):
        self.url, self.host, self.api = f"http://{host}", host, api

    async def publish(self, channel, data):
        answer = await asyncio.to_thread(self.api, "publish", {"channel": channel, "data": data})
        assert "result" in answer, answer

    def web(self):
        """A client of HTTP without cookies; `nodes` are those that answered it."""
        nodes, trace = set(), aiohttp.TraceConfig()

        async def answered(_session, _context, request):
            nodes.add(request.response.headers.get("Fanfare-Node"))

        trace.on_request_end.append(answered)
        session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace], timeout=aiohttp.ClientTimeout(total=WAIT))
        return session, nodes


async def opened(request):
    """The answer of a request that opens something: a node that is just there may not be heard by the others yet (503)."""
    while (answer := await request()).status == 503:
        answer.close()
        await asyncio.sleep(0.2)
    assert answer.status == 200, (answer.status, await answer.text())
    return answer


async def polls(port):
    """Long polls from position to position, each through whichever node, while the channel goes on."""
    session, nodes = port.web()
    address, channel = f"{port.url}/channels/kept:polls/poll", "kept:polls"
    async with session:
        async with session.get(address, params={"wait": "0"}) as answer:
            assert answer.status == 204, answer.status
            position = answer.headers["Fanfare-Position"]

        async def publish():
            for number in range(20):
                await port.publish(channel, number)

        publishing, heard = asyncio.create_task(publish()), []
        while len(heard) < 20:
            async with session.get(address, params={"since": position}) as answer:
                assert answer.status == 200, answer.status
                for line in (await answer.text()).splitlines():
                    message = json.loads(line)
                    position = message["id"]
                    heard.append(message["data"])
        await publishing
        assert heard == list(range(20)), heard
        assert len(nodes) > 1, nodes


async def cursors(port):
    """Polls of a channel without history: what comes between two of them is kept, and found from any node."""
    session, nodes = port.web()
    address, channel = f"{port.url}/channels/cursors/poll", "cursors"
    async with session:
        async with session.get(address, params={"cursor": "new", "wait": "0"}) as answer:
            assert answer.status == 204, answer.status
            cursor = answer.headers["Fanfare-Cursor"]
        for number in range(10):
            await port.publish(channel, number)
            async with session.get(address, params={"cursor": cursor}) as answer:
                assert answer.status == 200, answer.status
                assert [json.loads(line)["data"] for line in (await answer.text()).splitlines()] == [number]
                cursor = answer.headers["Fanfare-Cursor"]
        assert len(nodes) > 1, nodes


class Messages:
    """JSON messages on an answer that goes on, a line each; of an event stream those of its events."""

    def __init__(self, answer):
        self.answer = answer

    async def next(self):
        while line := await self.answer.content.readline():
            line = line.strip().removeprefix(b"data: ")
            # Neither pings nor `retry:`.
            if line.startswith(b"{") and line != b"{}":
                return json.loads(line)
        raise AssertionError("the stream has ended")


async def centrifuge(call, heard, channel, port):
    """What a client of the Centrifuge protocol does: connects, subscribes, hears itself and a backend.

    `call` sends a command; `heard` gives the next reply or push.
    """
    await call({"id": 2, "subscribe": {"channel": channel}})
    reply = await heard()
    assert reply["id"] == 2 and "error" not in reply, reply
    for number in range(10):
        await call({"id": 3 + number, "publish": {"channel": channel, "data": number}})
        # The reply and the push come in either order.
        messages = [await heard(), await heard()]
        replies = [message["id"] for message in messages if "id" in message]
        data = [message["push"]["pub"]["data"] for message in messages if "push" in message]
        assert replies == [3 + number] and data == [number], messages
    await port.publish(channel, {"from": "backend"})
    push = await heard()
    assert push["push"]["pub"]["data"] == {"from": "backend"}, push


async def emulation(port, form):
    """The Centrifuge protocol without a WebSocket: one stream, and commands with POSTs that any node takes."""
    session, nodes = port.web()
    first = json.dumps({"id": 1, "connect": {}})
    async with session:
        if form == "sse":
            answer = await opened(lambda: session.get(
                f"{port.url}/connection/sse", params={"cf_connect": first}, headers={"Accept": "text/event-stream"}))
        else:
            answer = await opened(lambda: session.post(f"{port.url}/connection/http_stream", data=first))
        messages = Messages(answer)
        connect = (await messages.next())["connect"]

        async def call(command):
            body = {"session": connect["session"], "node": connect["node"], "data": json.dumps(command)}
            async with session.post(f"{port.url}/emulation", json=body) as taken:
                assert taken.status == 204, (taken.status, await taken.text())

        await centrifuge(call, messages.next, f"emulation-{form}", port)
        assert len(nodes) > 1, nodes
        answer.close()


async def unidirectional(port):
    """An event stream that only hears: the backend subscribes it, by its id, through whichever node."""
    session, _ = port.web()
    async with session:
        answer = await opened(lambda: session.get(
            f"{port.url}/connection/uni_sse", params={"cf_connect": "{}"}, headers={"Accept": "text/event-stream"}))
        messages = Messages(answer)
        client = (await messages.next())["connect"]["client"]
        done = await asyncio.to_thread(port.api, "subscribe", {"client": client, "channel": "unidirectional"})
        assert done["result"]["num_clients"] == 1, done
        await messages.next()
        await port.publish("unidirectional", "hello")
        assert (await messages.next())["pub"]["data"] == "hello"
        answer.close()


class SockJS:
    """A session of SockJS over HTTP, on a service as `channels/a` or `centrifuge`."""

    def __init__(self, session, port, service, transport):
        self.session, self.transport, self.stream, self.waiting = session, transport, None, []
        self.address = f"{port.url}/sockjs/{service}/000/{secrets.token_hex(8)}"

    async def frame(self):
        """The next frame that is no heartbeat and no prelude."""
        while True:
            line = await self.line()
            line = line.strip().removeprefix("data: ")
            if line and line.strip("h"):
                return line

    async def line(self):
        if self.transport == "xhr":
            async with self.session.post(f"{self.address}/xhr") as answer:
                assert answer.status == 200, answer.status
                return await answer.text()
        if self.stream is None:
            method = self.session.get if self.transport == "eventsource" else self.session.post
            self.stream = await opened(lambda: method(f"{self.address}/{self.transport}"))
        line = await self.stream.content.readline()
        assert line, "the stream has ended"
        return line.decode()

    def close(self):
        if self.stream is not None:
            self.stream.close()

    async def next(self):
        """The next message."""
        while not self.waiting:
            frame = await self.frame()
            assert frame.startswith("a["), frame
            self.waiting = [part for message in json.loads(frame[1:]) for part in message.splitlines() if part]
        return self.waiting.pop(0)

    async def send(self, *messages):
        async with self.session.post(
                f"{self.address}/xhr_send", data=json.dumps(messages), headers={"Content-Type": "text/plain"}) as answer:
            assert answer.status == 204, (answer.status, await answer.text())


async def sockjs_raw(port, transport):
    """A channel's service: what is sent is published there, and heard."""
    session, nodes = port.web()
    async with session:
        client = SockJS(session, port, f"channels/sockjs-{transport}", transport)
        assert await client.frame() == "o"
        for number in range(10):
            await client.send(f"{number} a", f"{number} b")
            assert [await client.next(), await client.next()] == [f"{number} a", f"{number} b"]
        await port.publish(f"sockjs-{transport}", "from the backend")
        assert await client.next() == '"from the backend"'
        assert len(nodes) > 1, nodes
        client.close()


async def sockjs_centrifuge(port, transport):
    """The Centrifuge protocol within SockJS."""
    session, nodes = port.web()
    async with session:
        client = SockJS(session, port, "centrifuge", transport)
        assert await client.frame() == "o"

        async def heard():
            return json.loads(await client.next())

        async def call(command):
            await client.send(json.dumps(command))

        await call({"id": 1, "connect": {}})
        assert "connect" in await heard()
        await centrifuge(call, heard, f"sockjs-centrifuge-{transport}", port)
        assert len(nodes) > 1, nodes
        client.close()


async def sockjs_websocket(port):
    """The same on SockJS' WebSocket."""
    address = f"ws://{port.host}/sockjs/centrifuge/000/{secrets.token_hex(8)}/websocket"
    async with websockets.connect(address) as socket:
        assert await socket.recv() == "o"
        waiting = []

        async def heard():
            while not waiting:
                frame = await asyncio.wait_for(socket.recv(), WAIT)
                if frame != "h":
                    waiting.extend(part for text in json.loads(frame[1:]) for part in text.splitlines() if part)
            return json.loads(waiting.pop(0))

        async def call(command):
            await socket.send(json.dumps([json.dumps(command)]))

        await call({"id": 1, "connect": {}})
        assert "connect" in await heard()
        await centrifuge(call, heard, "sockjs-centrifuge-websocket", port)


async def socket_io(port, name, transports, ends_on):
    """Socket.IO's own client: joins a room, hears a backend's events and what it publishes itself."""
    session, nodes = port.web()
    async with session:
        client, heard = socketio.AsyncClient(reconnection=False, http_session=session, handle_sigint=False), asyncio.Queue()
        client.on("news", lambda *args: heard.put_nowait(args))
        while True:
            try:
                await client.connect(port.url, transports=transports)
                break
            except socketio.exceptions.ConnectionError:
                # A node that is just there is not heard by the others: 503. The check's own deadline ends this.
                await asyncio.sleep(0.2)
        try:
            assert client.transport() == ends_on, client.transport()
            room = f"socketio-{name}"
            assert await client.call("subscribe", room, timeout=WAIT) == {"room": room}
            await port.publish(room, {"event": "news", "args": ["from the backend", {"a": [1]}]})
            assert await asyncio.wait_for(heard.get(), WAIT) == ("from the backend", {"a": [1]})
            for number in range(10):
                answer = await client.call("publish", (room, {"event": "news", "args": [number]}), timeout=WAIT)
                assert answer == {}, answer
                assert await asyncio.wait_for(heard.get(), WAIT) == (number,)
            assert ends_on == "websocket" or len(nodes) > 1, nodes
        finally:
            await client.disconnect()


CHECKS = [
    ("long polls go from position to position", polls),
    ("polls of a channel without history go on from their cursor", cursors),
    ("Centrifuge over an event stream and POSTs", lambda port: emulation(port, "sse")),
    ("Centrifuge over a stream of lines and POSTs", lambda port: emulation(port, "http_stream")),
    ("an event stream that a backend subscribes", unidirectional),
    ("SockJS on a channel, polling", lambda port: sockjs_raw(port, "xhr")),
    ("SockJS on a channel, streaming", lambda port: sockjs_raw(port, "xhr_streaming")),
    ("SockJS on a channel, an event stream", lambda port: sockjs_raw(port, "eventsource")),
    ("Centrifuge within SockJS, streaming", lambda port: sockjs_centrifuge(port, "xhr_streaming")),
    ("Centrifuge within SockJS, on a WebSocket", sockjs_websocket),
    ("Socket.IO, polling", lambda port: socket_io(port, "polling", ["polling"], "polling")),
    ("Socket.IO, on a WebSocket", lambda port: socket_io(port, "websocket", ["websocket"], "websocket")),
    ("Socket.IO, from polling to a WebSocket", lambda port: socket_io(port, "upgrade", None, "websocket")),
]
