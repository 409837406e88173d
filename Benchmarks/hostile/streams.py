"""Readers of streams over HTTP that read nothing, or speak where nobody listens."""

import asyncio

from hostile.attack import attack
from hostile.visit import ended


def stream(path):
    """The request of a browser's EventSource, or of a program that reads lines."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n".encode()


def _post(channel, body):
    return b"POST /channels/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        channel, len(body), body)


BLOCK = _post(b"asleep", b"x" * 50_000)


@attack("event `disconnect` with 3008, heard by who reads again within --close-timeout",
        "--max-queue-bytes, --slow-timeout", visits=120, over=2.0, sink="stay", needs=("200",))
async def sleeping_streams(visit, number):
    """20 streams, of events and of lines, that read nothing, and 50 KB fifty times a second into their channel"""
    if number >= 20:
        await visit.open(BLOCK)
        return await visit.expect("200")
    await visit.open(stream(f"/channels/asleep/{('sse', 'stream')[number % 2]}"), receive_buffer=4096)
    await asyncio.sleep(2.2)
    answer = await visit.answer()
    if answer == "200":
        answer = "3008" if b'"code":3008' in visit.got[-200:] else "closed"
    visit.note(answer, answer in ("3008", "closed", "reset"), ended(3008))


@attack("none: it is not read, and the stream goes on", "–", visits=21, over=1.0, sink="stay", needs=("hears on", "200"))
async def stream_talkers(visit, number):
    """20 streams whose readers send as fast as the node takes it, which is never, and hear on"""
    if number == 20:
        await visit.open(_post(b"talk", b"on"))
        return await visit.expect("200")
    await visit.open(stream("/channels/talk/sse"))
    talking = asyncio.create_task(_talk(visit))
    try:
        await visit.hear(b"data: on\n")
    finally:
        talking.cancel()
    # What it could send fits the kernels' buffers; the rest never left.
    visit.note("hears on", await talking < 32 << 20 and not visit.is_ended(), ended(1006))
    visit.reset()


async def _talk(visit):
    """Sends until it is told to end; the bytes that were taken."""
    sent, block = 0, b"x" * 65_536
    try:
        while True:
            await visit.loop.sock_sendall(visit.socket, block)
            sent += len(block)
    except (asyncio.CancelledError, OSError):
        return sent
