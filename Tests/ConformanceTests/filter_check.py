"""Filters by tags, and who published, with the official Python SDK and with `cent`, unmodified.

Arguments: WebSocket URL, URL of the server API, encoding.
"""

import asyncio
import sys

from cent import AsyncClient, PublishRequest
from centrifuge import Filter, SubscriptionEventHandler

from sdk import Client, heard, sent

url, api_url = sys.argv[1:]


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.publications = asyncio.Queue()
        self.subscribed = []
        self.unsubscribed = asyncio.Queue()

    async def on_subscribed(self, ctx):
        self.subscribed.append(ctx)

    async def on_unsubscribed(self, ctx):
        await self.unsubscribed.put(ctx)

    async def on_publication(self, ctx):
        await self.publications.put(ctx.pub)

    async def expect(self, numbers):
        for number in numbers:
            pub = await asyncio.wait_for(self.publications.get(), 60)
            assert heard(pub.data) == number, (pub, number)


async def listen(channel, **options):
    client, inbox = Client(url, max_reconnect_delay=0.5), Inbox()
    subscription = client.new_subscription(channel, events=inbox, **options)
    await client.connect()
    await subscription.subscribe()
    await subscription.ready()
    return client, subscription, inbox


async def main():
    api = AsyncClient(api_url, api_key="none")
    wanted = Filter.all(
        Filter.is_in("ticker", ["FANF", "RE"]),
        Filter.any(Filter.gt("price", "100"), Filter.starts_with("venue", "X")),
        Filter.negate(Filter.exists("test")),
    )
    client, _, inbox = await listen("ticks:a", tags_filter=wanted)
    _, _, everything = await listen("ticks:a")
    number = 0
    passing = []

    async def publish(tags, passes):
        nonlocal number
        number += 1
        if passes:
            passing.append(number)
        await api.publish(PublishRequest(channel="ticks:a", data=number, tags=tags))

    async def round():
        await publish({"ticker": "FANF", "price": "100.5"}, True)
        await publish({"ticker": "FANF", "price": "99.99"}, False)
        await publish({"ticker": "RE", "price": "9", "venue": "XETRA"}, True)
        await publish({"ticker": "RE", "price": "900", "test": ""}, False)
        await publish({"ticker": "OTHER", "price": "900"}, False)
        await publish(None, False)

    await round()
    await inbox.expect(passing)
    await everything.expect(range(1, number + 1))
    print("ok a filter lets through what it is to", flush=True)

    passing.clear()
    client._conn.transport.abort() if hasattr(client._conn, "transport") else await client._conn.close()
    for _ in range(5):
        await round()
    await inbox.expect(passing)
    passing.clear()
    await round()
    await inbox.expect(passing)
    assert inbox.subscribed[-1].was_recovering and inbox.subscribed[-1].recovered, inbox.subscribed[-1]
    assert inbox.publications.empty()
    print("ok so does a recovery", flush=True)

    refused = Inbox()
    subscription = client.new_subscription("plain:a", events=refused, tags_filter=wanted)
    await subscription.subscribe()
    ctx = await asyncio.wait_for(refused.unsubscribed.get(), 60)
    assert ctx.code == 107, ctx
    print("ok a channel without filters refuses one", flush=True)

    _, chat, names = await listen("chat:a")
    await chat.publish(sent("hello"))
    pub = await asyncio.wait_for(names.publications.get(), 60)
    assert heard(pub.data) == "hello" and pub.info.client and pub.info.user == "", pub
    await api.publish(PublishRequest(channel="chat:a", data=1, tags={"a": "b"}))
    pub = await asyncio.wait_for(names.publications.get(), 60)
    assert pub.info is None and pub.tags == {"a": "b"}, pub
    print("ok publications say who published, and their tags", flush=True)


asyncio.run(main())
