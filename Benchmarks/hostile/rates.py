"""Clients that may do what they do, but not so often."""

import asyncio

from hostile.attack import attack
from hostile.visit import BYE, CENTRIFUGE, COMMAND_ERROR, ended, frame, refused, upgrade


def _publish(channel, data, first=2, count=1):
    return "\n".join(f'{{"id":{first + i},"publish":{{"channel":"{channel}","data":{data}}}}}' for i in range(count))


async def _connect(visit):
    await visit.open(upgrade(CENTRIFUGE) + frame('{"id":1,"connect":{}}'))
    await visit.hear(b'"id":1,"connect"')


@attack("error 111 with `retry_after`", "--max-publish-rate", visits=40, sink="stay",
        rises=['fanfare_rate_refusals_total{limit="publish"}'])
async def publish_flood(visit, number):
    """1,000 publishes of a client at once"""
    await _connect(visit)
    channel = f"flood-{number}"
    for first in (2, 502):
        await visit.send(frame(_publish(channel, "1", first, 500)))
    await visit.hear(b'"id":1001')
    refusals = visit.got.count(b'"code":111')
    visit.note("error 111", refusals > 200 and visit.got.count(b'"retry_after"') >= refusals)
    visit.count(*[COMMAND_ERROR] * refusals)
    await visit.send(BYE)
    await visit.expect("1000")


async def _flood(visit, data, seconds):
    """Sends as fast as the other side takes it, then vanishes with what it did not take."""
    async def send():
        while True:
            await visit.loop.sock_sendall(visit.socket, data)

    try:
        await asyncio.wait_for(send(), seconds)
    except (TimeoutError, ConnectionError):
        pass
    visit.note("held back", not visit.is_ended())
    visit.reset()
    visit.count(ended(1006))


@attack("none: it is not read until its rate allows more", "--max-message-rate, --max-publish-rate", visits=20, over=0.5,
        sink="stay", rises=["fanfare_throttled_total"])
async def message_flood(visit, number):
    """messages as fast as the node takes them, raw and as commands"""
    if number % 2:
        await visit.open(upgrade(f"/channels/flood-{number}/ws"))
        return await _flood(visit, frame("x" * 50) * 100, 1.5)
    await _connect(visit)
    await _flood(visit, frame('{"id":9,"unsubscribe":{"channel":"a"}}') * 100, 1.5)


@attack("none: it is not read until its rate allows more", "--max-byte-rate", visits=4, over=0.2, sink="stay",
        rises=['fanfare_throttled_total{limit="bytes"}'])
async def byte_flood(visit, number):
    """publishes of 50 KB as fast as the node takes them"""
    await _connect(visit)
    await _flood(visit, frame(_publish(f"flood-{number}", '"%s"' % ("x" * 50_000))), 1.8)


POST = b"POST /channels/post-flood HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"


@attack("HTTP 429 with Retry-After", "--max-publish-rate", visits=20, sink="stay", needs=("429 Retry-After",),
        rises=['fanfare_rate_refusals_total{limit="publish"}'])
async def post_flood(visit, number):
    """500 publishes of a client at once, over HTTP on one connection"""
    await visit.open(POST * 500)
    await visit.answer()
    is_cut = b"HTTP/1.1 429 " in visit.got and b"\nretry-after:" in visit.got.lower()
    visit.note("429 Retry-After" if is_cut else "200", is_cut and visit.got.count(b"HTTP/1.1 200 ") < 400,
               refused("publish_rate"))
