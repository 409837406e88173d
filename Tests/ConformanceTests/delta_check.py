"""Deltas with the official Python SDK and with `cent`, Centrifugo's library for backends, unmodified.

The SDK applies what it is sent and fails where that does not fit. Arguments: WebSocket URL, URL of the server API, encoding.
When it prints `restart`, the node is to be replaced by another one with the same ports.
"""

import asyncio
import sys

from cent import AsyncClient, PublishRequest
from centrifuge import DeltaType, SubscriptionEventHandler

from sdk import Client, heard

url, api_url = sys.argv[1:]
WORDS = ["price", "größe", "\"quoted\"", "漢字", "emoji 😀", "back\\slash", "line\nbreak"]


def document(number):
    """Much of it stays the same from one to the next."""
    state = {f"{word} {index}": number // (index + 1) for index, word in enumerate(WORDS * 4)}
    return {"n": number, "state": state, "note": WORDS[number % len(WORDS)] * 3}


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.publications = asyncio.Queue()
        self.subscribed = []
        self.deltas = 0

    async def on_subscribed(self, ctx):
        self.subscribed.append(ctx)

    async def on_publication(self, ctx):
        self.deltas += bool(ctx.pub.delta)
        await self.publications.put(heard(ctx.pub.data))

    async def expect(self, numbers):
        for number in numbers:
            got = await asyncio.wait_for(self.publications.get(), 60)
            assert got == document(number), (number, got)


async def listen(channel, **options):
    client, inbox = Client(url, max_reconnect_delay=0.5), Inbox()
    subscription = client.new_subscription(channel, events=inbox, **options)
    await client.connect()
    await subscription.subscribe()
    await subscription.ready()
    return client, inbox


async def main():
    api = AsyncClient(api_url, api_key="none")

    async def publish(channel, numbers):
        for number in numbers:
            await api.publish(PublishRequest(channel=channel, data=document(number), delta=channel != "none:a"))

    async def exchange(channel, numbers, *inboxes):
        """One after the other, so that no two come in one turn: the first turn of a subscription is whole."""
        for number in numbers:
            await publish(channel, [number])
            for inbox in inboxes:
                await inbox.expect([number])

    for channel in ["kept:a", "live:a"]:
        first, inbox = await listen(channel, delta=DeltaType.FOSSIL)
        second, plain = await listen(channel)
        await exchange(channel, range(20), inbox, plain)
        third, late = await listen(channel, delta=DeltaType.FOSSIL)
        await exchange(channel, range(20, 40), inbox, plain, late)
        assert inbox.deltas >= 30 and late.deltas >= 15 and plain.deltas == 0, (inbox.deltas, late.deltas)
        for client in [first, second, third]:
            await client.disconnect()
    print("ok deltas apply, with history and without", flush=True)

    client, inbox = await listen("none:a", delta=DeltaType.FOSSIL)
    await publish("none:a", range(3))
    await inbox.expect(range(3))
    assert inbox.deltas == 0
    await client.disconnect()
    print("ok a channel without deltas says so", flush=True)

    client, inbox = await listen("kept:b", delta=DeltaType.FOSSIL)
    await exchange("kept:b", range(5), inbox)
    for round in range(3):
        number = 5 + round * 10
        client._conn.transport.abort() if hasattr(client._conn, "transport") else await client._conn.close()
        await publish("kept:b", range(number, number + 5))
        await inbox.expect(range(number, number + 5))
        await exchange("kept:b", range(number + 5, number + 10), inbox)
        assert inbox.subscribed[-1].was_recovering and inbox.subscribed[-1].recovered, inbox.subscribed[-1]
    before = inbox.deltas
    assert before >= 10, before
    print("ok deltas go on after a recovery", flush=True)

    times = len(inbox.subscribed)
    print("restart", flush=True)
    for _ in range(600):
        if len(inbox.subscribed) > times:
            break
        await asyncio.sleep(0.05)
    assert inbox.subscribed[-1].recovered, inbox.subscribed[-1]
    await exchange("kept:b", range(35, 45), inbox)
    assert inbox.publications.empty() and inbox.deltas > before
    await client.disconnect()
    print("ok deltas go on over a restart of the node", flush=True)


asyncio.run(main())
