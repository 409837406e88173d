"""What a backend does with clients: Centrifugo's library for backends and the official Python SDK, both unmodified, on different
nodes. Arguments: WebSocket URL of each node, separated by commas, URL of another node's server API, HMAC secret, encoding."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time

from cent import (
    AsyncClient, ChannelOptionsOverride, BoolValue, Disconnect, DisconnectRequest, HistoryRequest, PublishRequest,
    RefreshRequest, StreamPosition, SubscribeRequest, UnsubscribeRequest,
)
from centrifuge import ClientEventHandler, SubscriptionEventHandler

from sdk import Client, heard

urls, api, secret = sys.argv[1:]
urls = urls.split(",")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(**claims):
    signed = encode(b'{"alg":"HS256"}') + "." + encode(json.dumps(claims).encode())
    return signed + "." + encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


class Life(ClientEventHandler):
    """All that a client is told, in order."""

    def __init__(self):
        self.events = asyncio.Queue()
        self.client = None

    async def on_connected(self, ctx):
        self.client = ctx.client

    async def on_disconnected(self, ctx):
        await self.events.put(("disconnected", ctx.code, ctx.reason))

    async def on_connecting(self, ctx):
        if ctx.code != 0:
            await self.events.put(("connecting", ctx.code))

    async def on_subscribed(self, ctx):
        data = None if ctx.data is None else heard(ctx.data)
        place = ctx.stream_position and ctx.stream_position.offset
        await self.events.put(("subscribed", ctx.channel, ctx.recoverable, place, data))

    async def on_unsubscribed(self, ctx):
        await self.events.put(("unsubscribed", ctx.channel))

    async def on_publication(self, ctx):
        await self.events.put(("publication", ctx.channel, heard(ctx.pub.data), ctx.pub.offset))

    async def next(self):
        return await asyncio.wait_for(self.events.get(), 60)


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.events = asyncio.Queue()

    async def on_unsubscribed(self, ctx):
        await self.events.put(ctx.code)


async def connect(url, user="42"):
    life = Life()
    client = Client(url, events=life, token=token(sub=user), min_reconnect_delay=0.1)
    await client.connect()
    await client.ready()
    return client, life


async def subscribes(backend):
    clients = [await connect(url) for url in urls]
    await backend.publish(PublishRequest(channel="kept:a", data="before"))
    place = await backend.history(HistoryRequest(channel="kept:a"))
    result = await backend.subscribe(SubscribeRequest(user="42", channel="kept:a", data={"role": "admin"}, session=""))
    assert result.num_clients == len(urls), result
    for _, life in clients:
        assert await life.next() == ("subscribed", "kept:a", True, place.offset, {"role": "admin"})
    await backend.publish(PublishRequest(channel="kept:a", data={"n": 2}))
    for _, life in clients:
        assert await life.next() == ("publication", "kept:a", {"n": 2}, place.offset + 1)
    print("ok subscribes all clients of a user", flush=True)

    one = clients[0][1]
    await backend.unsubscribe(UnsubscribeRequest(user="42", client=one.client, channel="kept:a"))
    assert await one.next() == ("unsubscribed", "kept:a")
    await backend.publish(PublishRequest(channel="kept:a", data=3))
    assert await clients[1][1].next() == ("publication", "kept:a", 3, place.offset + 2)
    on = BoolValue(value=True)
    await backend.subscribe(SubscribeRequest(
        user="42", client=one.client, channel="kept:a", override=ChannelOptionsOverride(force_recovery=on),
        recover_since=StreamPosition(offset=place.offset + 1, epoch=place.epoch)))
    assert await one.next() == ("subscribed", "kept:a", True, place.offset + 1, None)
    assert await one.next() == ("publication", "kept:a", 3, place.offset + 2)
    print("ok unsubscribes one client, which comes back with what it missed", flush=True)
    return clients


async def own_subscription(backend, client, life):
    """Also one that the client asked for: it does not come back to that channel."""
    inbox = Inbox()
    subscription = client.new_subscription("own", events=inbox)
    await subscription.subscribe()
    await subscription.ready()
    await backend.unsubscribe(UnsubscribeRequest(user="42", channel="own"))
    assert await asyncio.wait_for(inbox.events.get(), 60) == 2000
    print("ok unsubscribes a client from what it asked for", flush=True)


async def refreshes(backend):
    _, life = await connect(urls[0], "short")
    # The SDK passes over the push, and is ended when the time has come.
    await backend.refresh(RefreshRequest(user="short", expire_at=int(time.time()) + 8))
    assert await life.next() == ("connecting", 3005)
    client, life = await connect(urls[0], "short")
    await backend.refresh(RefreshRequest(user="short", client=life.client, expired=True))
    assert await life.next() == ("connecting", 3005)
    await client.disconnect()
    print("ok ends what has expired", flush=True)


async def disconnects(backend, clients):
    (_, one), (_, other) = clients[:2]
    await backend.disconnect(DisconnectRequest(
        user="42", whitelist=[other.client], disconnect=Disconnect(code=4501, reason="banned")))
    assert await one.next() == ("disconnected", 4501, "banned")
    await backend.disconnect(DisconnectRequest(user="42", disconnect=Disconnect(code=3011, reason="elsewhere")))
    assert await other.next() == ("connecting", 3011)
    await backend.disconnect(DisconnectRequest(user="nobody"))
    print("ok disconnects but for those that stay", flush=True)


async def main():
    backend = AsyncClient(api, api_key="unused", timeout=60)
    clients = await subscribes(backend)
    await own_subscription(backend, *clients[1])
    await refreshes(backend)
    await disconnects(backend, clients)
    for client, _ in clients:
        await client.disconnect()
    await backend.close()
    print("ok all", flush=True)


asyncio.run(asyncio.wait_for(main(), 200))
