"""The official Python SDK of the Centrifuge protocol, unmodified, against a node. Arguments: WebSocket URL, encoding."""

import asyncio
import sys

from centrifuge import ClientEventHandler, ReplyError, SubscriptionEventHandler

from sdk import Client, heard, sent

url = sys.argv[1]


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.publications = asyncio.Queue()

    async def on_publication(self, ctx):
        await self.publications.put(heard(ctx.pub.data))

    async def next(self):
        return await asyncio.wait_for(self.publications.get(), 60)


class Life(ClientEventHandler):
    def __init__(self):
        self.events = []

    async def on_connected(self, ctx):
        self.events.append("connected")

    async def on_connecting(self, ctx):
        self.events.append(f"connecting {ctx.code}")

    async def on_disconnected(self, ctx):
        self.events.append(f"disconnected {ctx.code}")


async def main():
    life, first_inbox, second_inbox = Life(), Inbox(), Inbox()
    first, second = Client(url, events=life), Client(url)
    await first.connect()
    await first.ready()
    await second.connect()
    print("ok connects", flush=True)

    mine = first.new_subscription("sdk:1", events=first_inbox)
    theirs = second.new_subscription("sdk:1", events=second_inbox)
    for subscription in [mine, theirs]:
        await subscription.subscribe()
        await subscription.ready()
    print("ok subscribes", flush=True)

    for data in [{"number": 1, "text": "größe 😀"}, [1, None, True], "text\nwith a line break", 1.5]:
        await mine.publish(sent(data))
        assert await first_inbox.next() == data and await second_inbox.next() == data, data
    await asyncio.gather(*(theirs.publish(sent({"n": n})) for n in range(200)))
    got = [(await first_inbox.next())["n"] for n in range(200)]
    assert sorted(got) == list(range(200))
    assert got == [(await second_inbox.next())["n"] for n in range(200)], "two orders"
    print("ok publishes and receives, in one order", flush=True)

    for call in [mine.presence, mine.presence_stats, mine.history]:
        try:
            await call()
            raise AssertionError("answered")
        except ReplyError as error:
            assert error.code == 108, error
    print("ok presence and history have the protocol's own error", flush=True)

    try:
        await first.rpc("anything", sent({}))
        raise AssertionError("answered")
    except ReplyError as error:
        assert error.code == 108, error
    print("ok rpc has the protocol's own error", flush=True)

    await theirs.unsubscribe()
    await mine.publish(sent("alone"))
    assert await first_inbox.next() == "alone"
    assert second_inbox.publications.empty()
    print("ok unsubscribes", flush=True)

    # Three ping intervals of the node under test: the SDK's pongs keep it alive.
    await asyncio.sleep(16)
    assert life.events == ["connecting 0", "connected"], life.events
    print("ok pings are answered", flush=True)
    await first.disconnect()
    await second.disconnect()
    print("ok disconnects", flush=True)


asyncio.run(asyncio.wait_for(main(), 200))
