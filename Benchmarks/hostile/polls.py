"""Polls without end, polls whose clients never come back or never read, and pages from elsewhere."""

import asyncio
import re
import weakref

from hostile.addresses import RATE
from hostile.attack import OTHER, attack
from hostile.reads import CHANNEL, fill
from hostile.visit import Visit, ended, refused

#: Where a visit has no cursor, since it is the sink that it asks.
NOBODY = b"00000000-0000-0000-0000-000000000000.0"


def poll(channel, query, *fields):
    lines = ["GET /channels/%s/poll?%s HTTP/1.1" % (channel, query), "Host: a", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _of(number):
    """An address of its own behind a trusted proxy, so that the limits by address hold."""
    return f"X-Forwarded-For: 203.0.{113 + number // 250}.{1 + number % 250}"


async def _begin(visit, number):
    """A first poll; its cursor."""
    await visit.open(poll("polled", "cursor=new&wait=0", _of(number)))
    await visit.hear(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\nfanfare-cursor: (\S+)", visit.got)
    return (found[1] if found else NOBODY).decode()


@attack("HTTP 204, then 429 with Retry-After", "--max-connect-rate-per-address", visits=20, over=2.0, sink="stay",
        needs=("429 Retry-After",))
async def poll_flood(visit, number):
    """20 pollers of one address that ask 5,000 times at once whether anything is new"""
    cursor = await _begin(visit, 0)
    if b"HTTP/1.1 429" not in visit.got:
        await visit.send(poll("polled", f"cursor={cursor}&wait=0", _of(0)) * 5_000)
        # What was kept for it is thrown away when it does not come back.
        visit.count(ended(1006))
    await visit.answer()
    visit.count(*[ended(1000)] * visit.got.count(b"HTTP/1.1 204"))
    visit.note("429 Retry-After", visit.got.count(b"HTTP/1.1 429") == 1, refused("address_rate"))


#: The one cursor of an attack, by its event loop.
_cursors = weakref.WeakKeyDictionary()


async def _shared(visit, number, port):
    """The cursor that the first visit begins at that port, and all others have from it."""
    cursor = _cursors.setdefault(visit.loop, visit.loop.create_future())
    if number == 0:
        first = Visit(port, number)
        try:
            cursor.set_result(await _begin(first, number))
        finally:
            first.close()
    return await cursor


#: What ends it: the rate of the node, or that of an address.
RATES = {"503 Retry-After": ("connect_rate", b"too many clients come at once"), "429 Retry-After": RATE}


async def _ask(visit, number, cursor):
    """Polls as fast as they are taken: 3,700 that wait for nothing, and from every tenth address 10 that would wait."""
    if number % 10:
        await visit.open(poll("polled", f"cursor={cursor}&wait=0", _of(number)) * 3_700)
    else:
        one = poll("polled", f"cursor={cursor}&wait=1ms", _of(number))
        await visit.open(one * 9 + one[:-2] + b"Connection: close\r\n\r\n")
    await visit.answer()
    count = visit.got.count(b"HTTP/1.1 204")
    visit.count(*[ended(1000)] * count)
    for answer, (reason, text) in RATES.items():
        if text in visit.got:
            return visit.note(answer, visit.got.count(b"HTTP/1.1 ") == count + 1, refused(reason))
    visit.note("204", count == 10 and not number % 10)


@attack("HTTP 204, then 503 with Retry-After, 429 where it is the address", "--max-connect-rate, --max-connect-rate-per-address", visits=300,
        over=2.0, sink="stay", needs=("503 Retry-After",))
async def one_cursor(visit, number):
    """a million polls of one cursor, from 300 addresses, some of which would wait"""
    cursor = await _shared(visit, number, visit.port)
    if number == 0:
        # The poll that began it, and what was kept.
        visit.count(ended(1000), ended(1006))
    await _ask(visit, number, cursor)


@attack("HTTP 204, then 503 with Retry-After, 429 where it is the address", "--max-connect-rate, --max-connect-rate-per-address", visits=300,
        over=2.0, sink="stay", needs=("503 Retry-After",), cluster=True)
async def one_cursor_abroad(visit, number):
    """the same of a cursor that another node keeps: each poll is a message to that node, and its answer"""
    await _ask(visit, number, await _shared(visit, number, OTHER))


@attack("HTTP 204; what is kept ends after --poll-gap", "--poll-gap, --max-connections-per-address", visits=300, over=2.0,
        sink="stay", needs=("204",))
async def polls_left(visit, number):
    """300 polls that begin a cursor and never come back"""
    await _begin(visit, number)
    visit.note("204", b"HTTP/1.1 204" in visit.got, ended(1000), ended(1006))


@attack("HTTP 200 that ends early, with the end of a line; 503 with Retry-After beyond the budget", "--max-recovery-bytes, --slow-timeout",
        visits=60, over=1.0, sink="stay", needs=("1000",))
async def sleeping_polls(visit, number):
    """59 polls with ?last=100 on 2.4 MB, that read nothing"""
    if number == 0:
        return await fill(visit)
    await visit.open(poll(CHANNEL, "last=100"), receive_buffer=4096)
    await asyncio.sleep(2.5 - number / 60)
    answer = await visit.answer()
    if answer == "503 Retry-After":
        return visit.note(answer, True, refused("recoveries"))
    visit.note(answer, answer in ("200", "closed", "reset"), ended(3008))


@attack("HTTP 403", "--allowed-origins", visits=400)
async def cors_probes(visit, number):
    """preflights and polls of pages elsewhere"""
    origin = f"Origin: {('http://evil.example', 'null', 'https://a.evil')[number % 3]}"
    if number % 2:
        await visit.open(poll("polled", "wait=0", origin))
    else:
        await visit.open(
            f"OPTIONS /channels/polled/poll HTTP/1.1\r\nHost: a\r\n{origin}\r\n"
            "Access-Control-Request-Method: GET\r\n\r\n".encode())
    await visit.expect("403", refused("origin"))
