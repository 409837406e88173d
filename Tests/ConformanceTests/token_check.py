"""The official Python SDK with tokens, unmodified, against a node. Arguments: WebSocket URL, HMAC secret, admin URL,
encoding.

The node has an expiry grace and a leeway of seconds, so that expiries can be waited for.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.request

from centrifuge import ClientEventHandler, SubscriptionEventHandler

from sdk import Client, heard

url, secret, admin = sys.argv[1:]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(**claims):
    signed = encode(b'{"alg":"HS256"}') + "." + encode(json.dumps(claims).encode())
    return signed + "." + encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def later(seconds):
    return int(time.time()) + seconds


def publish(channel, data):
    body = json.dumps({"channel": channel, "data": data}).encode()
    request = urllib.request.Request(admin + "/api/publish", body, {"Content-Type": "application/json"})
    assert urllib.request.urlopen(request, timeout=60).status == 200


class Life(ClientEventHandler):
    def __init__(self):
        self.events = []
        self.publications = asyncio.Queue()
        self.subscribed = asyncio.Queue()

    async def on_connected(self, ctx):
        self.events.append("connected")

    async def on_connecting(self, ctx):
        self.events.append(f"connecting {ctx.code}")

    async def on_disconnected(self, ctx):
        self.events.append(f"disconnected {ctx.code}")

    async def on_subscribed(self, ctx):
        await self.subscribed.put(ctx.channel)

    async def on_publication(self, ctx):
        await self.publications.put((ctx.channel, heard(ctx.pub.data)))


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.events = []
        self.publications = asyncio.Queue()

    async def on_subscribed(self, ctx):
        self.events.append("subscribed")

    async def on_subscribing(self, ctx):
        self.events.append(f"subscribing {ctx.code}")

    async def on_unsubscribed(self, ctx):
        self.events.append(f"unsubscribed {ctx.code}")

    async def on_publication(self, ctx):
        await self.publications.put(heard(ctx.pub.data))


async def until(condition, what):
    for _ in range(1_200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


async def get(queue):
    return await asyncio.wait_for(queue.get(), 60)


async def connects_and_hears():
    life = Life()
    client = Client(url, events=life, token=token(sub="42", info={"name": "Zoë"}, channels=["news", "$private"]))
    await client.connect()
    await client.ready()
    assert {await get(life.subscribed), await get(life.subscribed)} == {"news", "$private"}
    await asyncio.to_thread(publish, "$private", {"n": 1})
    assert await get(life.publications) == ("$private", {"n": 1})
    await client.disconnect()
    print("ok connects with a token and hears its channels", flush=True)


async def refreshes():
    asked = []

    async def get_token():
        asked.append(time.time())
        return token(sub="42", exp=later(4))

    life = Life()
    client = Client(url, events=life, get_token=get_token)
    await client.connect()
    await client.ready()
    await until(lambda: len(asked) >= 3, f"the SDK refreshes, {life.events}")
    assert life.events == ["connecting 0", "connected"], life.events
    await client.disconnect()
    print("ok refreshes its token without a reconnect", flush=True)


async def expired_at_connect():
    tokens = [token(sub="42", exp=later(-60)), token(sub="42")]

    async def get_token():
        return tokens.pop(0)

    life = Life()
    client = Client(url, events=life, get_token=get_token, min_reconnect_delay=0.05)
    await client.connect()
    await until(lambda: "connected" in life.events, f"connected with the second token, {life.events}")
    assert not tokens
    await client.disconnect()
    print("ok gets a new token when the first has expired", flush=True)


async def invalid():
    life = Life()
    client = Client(url, events=life, token=token(sub="42") + "x")
    await client.connect()
    await until(lambda: any(event.startswith("disconnected") for event in life.events), f"given up, {life.events}")
    assert life.events[-1] == "disconnected 101", life.events
    print("ok gives up with an invalid token", flush=True)


async def private_channel():
    asked = []

    async def get_token(channel):
        asked.append(channel)
        return token(sub="42", channel=channel, exp=later(4))

    client, inbox = Client(url, token=token(sub="42")), Inbox()
    await client.connect()
    subscription = client.new_subscription("$room", events=inbox, get_token=get_token)
    await subscription.subscribe()
    await subscription.ready()
    await asyncio.to_thread(publish, "$room", "in")
    assert await get(inbox.publications) == "in"
    await until(lambda: len(asked) >= 3, "the SDK refreshes its subscription")
    assert inbox.events == ["subscribing 0", "subscribed"], inbox.events
    await client.disconnect()
    print("ok subscribes to a private channel and refreshes", flush=True)


async def subscription_expires():
    """The new token comes too late: the node ends the subscription, and the SDK makes it anew."""
    client, inbox = Client(url, token=token(sub="42")), Inbox()
    await client.connect()

    async def late_token(channel):
        await asyncio.sleep(25)
        return token(sub="42", channel=channel)

    subscription = client.new_subscription(
        "$short", events=inbox, token=token(sub="42", channel="$short", exp=later(6)), get_token=late_token
    )
    await subscription.subscribe()
    await subscription.ready()
    await until(lambda: "subscribing 2501" in inbox.events, f"ended, {inbox.events}")
    await until(lambda: inbox.events.count("subscribed") == 2, f"made anew, {inbox.events}")
    await client.disconnect()
    print("ok a subscription that expires is made anew", flush=True)


async def main():
    checks = [connects_and_hears, refreshes, expired_at_connect, invalid, private_channel, subscription_expires]
    await asyncio.gather(*(check() for check in checks))
    print("ok all", flush=True)


asyncio.run(asyncio.wait_for(main(), 200))
