"""Presence, join and leave with the official Python SDK and with `cent`, Centrifugo's library for backends, unmodified.

Arguments: WebSocket URL, URL of the server API, encoding.
"""

import asyncio
import sys

from cent import AsyncClient, PresenceRequest, PresenceStatsRequest
from centrifuge import ReplyError, SubscriptionEventHandler

from sdk import Client

url, api_url = sys.argv[1:]


class Watch(SubscriptionEventHandler):
    def __init__(self):
        self.events = asyncio.Queue()

    async def on_join(self, ctx):
        await self.events.put(("join", ctx.info.client))

    async def on_leave(self, ctx):
        await self.events.put(("leave", ctx.info.client))

    async def next(self):
        return await asyncio.wait_for(self.events.get(), 60)


async def connect():
    client = Client(url)
    await client.connect()
    await client.ready()
    return client


async def subscribe(client, channel, **options):
    subscription = client.new_subscription(channel, **options)
    await subscription.subscribe()
    await subscription.ready()
    return subscription


async def main():
    watch = Watch()
    first, second = await connect(), await connect()
    mine = await subscribe(first, "room:1", events=watch, join_leave=True)
    kind, me = await watch.next()
    assert kind == "join"
    theirs = await subscribe(second, "room:1")
    kind, other = await watch.next()
    assert kind == "join" and other != me
    print("ok joins are heard", flush=True)

    members = (await mine.presence()).clients
    assert set(members) == {me, other}, members
    assert members[other].client == other and members[other].user == "", members
    stats = await theirs.presence_stats()
    assert (stats.num_clients, stats.num_users) == (2, 1), stats
    print("ok presence and its numbers are seen", flush=True)

    api = AsyncClient(api_url, "no key is asked for")
    presence = (await api.presence(PresenceRequest(channel="room:1"))).presence
    assert set(presence) == {me, other} and presence[me].client == me and presence[me].user == "", presence
    numbers = await api.presence_stats(PresenceStatsRequest(channel="room:1"))
    assert (numbers.num_clients, numbers.num_users) == (2, 1), numbers

    await theirs.unsubscribe()
    assert await watch.next() == ("leave", other)
    await theirs.subscribe()
    assert await watch.next() == ("join", other)
    await second.disconnect()
    assert await watch.next() == ("leave", other)
    assert set((await mine.presence()).clients) == {me}
    print("ok leaves are heard", flush=True)

    lots = [await subscribe(await connect(), "lots:1") for _ in range(3)]
    try:
        await lots[2].presence()
        raise AssertionError("answered")
    except ReplyError as error:
        assert error.code == 106, error
    assert (await lots[2].presence_stats()).num_clients == 3
    assert len((await api.presence(PresenceRequest(channel="lots:1"))).presence) == 3
    print("ok the server API agrees", flush=True)


asyncio.run(asyncio.wait_for(main(), 200))
