"""The official Python SDK, unmodified, where a user may have one connection. Arguments: WebSocket URL, HMAC secret,
encoding."""

import asyncio
import base64
import hashlib
import hmac
import sys

from centrifuge import ClientEventHandler

from sdk import Client

url, secret = sys.argv[1:]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user):
    signed = encode(b'{"alg":"HS256"}') + "." + encode(b'{"sub":"%s"}' % user.encode())
    return signed + "." + encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


class Life(ClientEventHandler):
    def __init__(self):
        self.events = []

    async def on_connected(self, ctx):
        self.events.append("connected")

    async def on_disconnected(self, ctx):
        self.events.append(f"disconnected {ctx.code}")

    async def on_error(self, ctx):
        self.events.append(f"error {getattr(ctx.error, 'code', ctx.error)}")


async def until(condition, what):
    for _ in range(1_200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what())


def client(user):
    life = Life()
    return life, Client(
        url, token=token(user), events=life, min_reconnect_delay=0.1, max_reconnect_delay=0.5)


async def main():
    old_life, old = client("42")
    await old.connect()
    await until(lambda: "connected" in old_life.events, lambda: f"old: {old_life.events}")

    life, phone = client("42")
    await phone.connect()
    await until(lambda: life.events.count("error 111") >= 3, lambda: f"keeps trying: {life.events}")
    assert "connected" not in life.events and not any("disconnected" in e for e in life.events), life.events
    print("ok the one too many keeps trying")

    other_life, other = client("43")
    await other.connect()
    await until(lambda: "connected" in other_life.events, lambda: f"other: {other_life.events}")
    assert old_life.events == ["connected"], old_life.events

    await old.disconnect()
    await until(lambda: "connected" in life.events, lambda: f"comes in: {life.events}")
    await phone.disconnect()
    await other.disconnect()
    print("ok it comes in when there is a place")


asyncio.run(main())
