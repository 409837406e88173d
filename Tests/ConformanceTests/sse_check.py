"""httpx-sse, unmodified: reads a channel through nginx, loses its node to `kill -9`, and comes back with its last id.

sse_check.py NGINX_URL CHANNEL ADMIN_URL NAME=PID…

ADMIN_URL is of a node that stays; the channel keeps a history. Prints a line `ok …` for each check.
"""

import asyncio
import os
import signal
import sys

import httpx
from httpx_sse import SSEError, aconnect_sse

url, channel, admin = sys.argv[1:4]
pids = dict(node.split("=") for node in sys.argv[4:])
COUNT, KILL_AT = 300, 100


async def publish(client, data):
    answer = await client.post(f"{admin}/api/publish", json={"channel": channel, "data": data})
    assert answer.status_code == 200, answer.text


async def read_on(client, route, headers, heard, is_done):
    """Reads events until `is_done` or the connection breaks; the last id and the time after which to come back."""
    last, retry = headers.get("Last-Event-ID", ""), None
    try:
        async with aconnect_sse(
                client, "GET", f"{url}/channels/{channel}/sse", params={"route": route}, headers=headers) as source:
            assert source.response.status_code == 200, source.response.status_code
            heard.nodes.append(source.response.headers["fanfare-node"])
            async for event in source.aiter_sse():
                last, retry = event.id or last, event.retry or retry
                heard.events.append((event.event, event.data))
                heard.wake.set()
                if is_done():
                    break
    except httpx.HTTPError as error:
        heard.breaks.append(type(error).__name__)
    return last, retry


class Heard:
    def __init__(self):
        self.events, self.nodes, self.breaks, self.wake = [], [], [], asyncio.Event()

    def messages(self):
        return [data for name, data in self.events if name == "message"]


async def route_to(client, spared):
    """A route whose node is not the one that publishes."""
    for number in range(200):
        answer = await client.get(url, params={"route": f"h{number}"})
        if answer.headers["fanfare-node"] != spared:
            return f"h{number}", answer.headers["fanfare-node"]
    raise AssertionError("no route to another node")


async def recovery(client):
    spared = [name for name in pids if pids[name] == "0"][0]
    route, node = await route_to(client, spared)
    heard = Heard()
    is_done = lambda: bool(heard.messages()) and heard.messages()[-1] == str(COUNT)
    reading = asyncio.create_task(read_on(client, route, {}, heard, is_done))
    await asyncio.wait_for(heard.wake.wait(), 60)
    assert heard.events[0][0] == "position" and heard.nodes == [node], heard.events

    async def publish_all():
        for number in range(1, COUNT + 1):
            await publish(client, number)
            if number == KILL_AT:
                os.kill(int(pids[node]), signal.SIGKILL)

    publishing = asyncio.create_task(publish_all())
    last, retry = await asyncio.wait_for(reading, 60)
    assert not is_done() and heard.breaks, "the connection broke under it"
    print(f"ok its node was killed: {heard.breaks[0]}, after {len(heard.messages())} messages, retry {retry}", flush=True)
    before = len(heard.events)
    await asyncio.wait_for(read_on(client, route, {"Last-Event-ID": last}, heard, is_done), 60)
    await publishing
    assert heard.events[before] == ("position", last), heard.events[before]
    assert heard.nodes[1] != node, heard.nodes
    assert heard.messages() == [str(number) for number in range(1, COUNT + 1)], heard.messages()
    print("ok it came back on another node: nothing lost, repeated or reordered", flush=True)


async def content(client):
    heard = Heard()
    is_done = lambda: heard.events[-1] == ("message", "end")
    reading = asyncio.create_task(read_on(client, "content", {}, heard, is_done))
    await asyncio.wait_for(heard.wake.wait(), 60)
    post = lambda body, kind: client.post(f"{url}/channels/{channel}", content=body, headers={"Content-Type": kind})
    for body, kind in [
            ("two\nlines", "text/plain"), ("säg\u2028hej \U0001f600", "text/plain"), (b"\xff\x00\n", "application/octet-stream"),
            ("end", "text/plain")]:
        answer = await post(body.encode() if isinstance(body, str) else body, kind)
        assert answer.status_code == 200, answer.text
    await asyncio.wait_for(reading, 60)
    expected = [("message", "two\nlines"), ("message", "säg\u2028hej \U0001f600"), ("binary", "/wAK"), ("message", "end")]
    assert heard.events[1:] == expected, heard.events
    print("ok lines, other line breaks of Unicode and bytes", flush=True)
    foreign = Heard()
    await asyncio.wait_for(
        read_on(client, "content", {"Last-Event-ID": "none of yours"}, foreign, lambda: True), 20)
    assert foreign.events[0][0] == "reset", foreign.events
    print("ok an id of somebody else is a reset", flush=True)


async def refusal(client):
    """What is no event stream is an error to the library, and what is one is none."""
    async with aconnect_sse(client, "GET", f"{url}/channels/no%20name/sse") as source:
        try:
            [event async for event in source.aiter_sse()]
            raise AssertionError("read as a stream")
        except SSEError:
            assert source.response.status_code == 400
    print("ok a refusal for good is an error", flush=True)


async def main():
    async with httpx.AsyncClient(timeout=httpx.Timeout(60), trust_env=False) as client:
        await content(client)
        await refusal(client)
        await recovery(client)


asyncio.run(main())
