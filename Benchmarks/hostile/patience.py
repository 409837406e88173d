"""Connections that are there and do nothing, or next to nothing."""

import asyncio

from hostile.attack import attack
from hostile.visit import CENTRIFUGE, ended, frame, refused, upgrade


async def _expect_while(visit, dripping, expected, *counters):
    drip = asyncio.create_task(dripping)
    try:
        await visit.expect(expected, *counters)
    finally:
        drip.cancel()


@attack("HTTP 408", "--handshake-timeout", visits=150, over=1.0, sink="stay")
async def slow_head(visit, number):
    """a request, byte by byte"""
    await visit.open()
    await _expect_while(visit, visit.drip(upgrade()), "408", refused("handshake_timeout"))


@attack("close 3100", "--message-timeout", visits=150, over=1.0, sink="stay")
async def slow_message(visit, number):
    """a message, byte by byte, or in fragments with pongs between them"""
    await visit.open(upgrade())
    if number % 2:
        dripping = visit.drip(frame(bytes(100), opcode=2))
    else:
        await visit.send(frame("A", final=False))
        dripping = visit.drip((frame(opcode=10) + frame("A", opcode=0, final=False)) * 10)
    await _expect_while(visit, dripping, "3100")


@attack("HTTP 408; above the limit the oldest is closed at once", "--max-pending-connections, --handshake-timeout",
        visits=600, over=0.8, sink="stay", needs=("408", "closed"))
async def silent(visit, number):
    """more sockets that say nothing than there may be"""
    await visit.open()
    answer = await visit.answer()
    answer = "closed" if answer == "reset" else answer
    visit.note(answer, answer in ("408", "closed"), refused("handshake_timeout" if answer == "408" else "pending_limit"))


@attack("close 3502", "--first-command-timeout", visits=150, over=1.0, sink="stay")
async def mute(visit, number):
    """upgrades to the Centrifuge protocol without a connect"""
    await visit.open(upgrade(CENTRIFUGE))
    await visit.expect("3502")


@attack("close 3012", "--ping-interval, --pong-timeout", visits=150, over=0.6, sink="stay")
async def no_pong(visit, number):
    """peers that answer no ping; every second one reads nothing either, as a stopped process or a cut line"""
    await visit.open(upgrade())
    if number % 2:
        await asyncio.sleep(2)
    await visit.expect("3012")


BLOCK = b"POST /channels/slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000


@attack("close 3008, heard by who reads again within --close-timeout", "--max-queue-bytes, --slow-timeout", visits=120,
        over=2.0, sink="stay", needs=("200",))
async def slow_reader(visit, number):
    """20 that read nothing, and 50 KB fifty times a second into their channel"""
    if number < 20:
        await visit.open(upgrade("/channels/slow/ws"), receive_buffer=4096)
        await visit.stay(2.2)
        answer = await visit.answer()
        return visit.note(answer, answer in ("3008", "closed", "reset"), ended(3008))
    await visit.open(BLOCK)
    await visit.expect("200")


@attack("nothing; counted as bad_request within a request, as 1006 after the upgrade", "–", sink="stay")
async def reset(visit, number):
    """connections reset at once, in the middle of the request, after the upgrade"""
    match number % 3:
        case 0: await visit.open()
        case 1:
            await visit.open(upgrade()[:60])
            await asyncio.sleep(0.05)
            visit.count(refused("bad_request"))
        case _:
            await visit.open(upgrade())
            visit.note("101", await visit.opened(), ended(1006))
    visit.reset()
    visit.note("reset", True)
