"""Clients that take nothing, and let the node gather as much as they can."""

import asyncio
import re

from hostile.attack import attack
from hostile.visit import BYE, CENTRIFUGE, ended, frame, upgrade

CHANNELS = [f"burst-{number}" for number in range(60)]
CONNECT = upgrade(CENTRIFUGE) + frame('{"id":1,"connect":{}}')
TEXT = "x" * 40_000


def _publishes(channels):
    return b"".join(frame(f'{{"id":{number + 2},"publish":{{"channel":"{channel}","data":"{TEXT}"}}}}')
                    for number, channel in enumerate(channels))


async def _sleep(visit, seconds, commands):
    """Says all of it, reads nothing, and hears at the end that it was cut, where the close frame still got through."""
    await visit.open(CONNECT + frame("\n".join(commands)), receive_buffer=4096)
    await visit.stay(seconds)
    answer = await visit.answer()
    visit.note(answer, answer in ("3008", "closed", "reset"), ended(3008))


@attack("close 3008; what waits is in memory once for all of them", "--max-queue-bytes, --slow-timeout", visits=25,
        over=2.0, sink="stay", needs=("1000",))
async def many_channel_burst(visit, number):
    """20 that read nothing in the same 60 channels, and five times 40 KB into all of these at once"""
    if number < 20:
        commands = [f'{{"id":{at + 2},"subscribe":{{"channel":"{channel}"}}}}' for at, channel in enumerate(CHANNELS)]
        return await _sleep(visit, 3.2 - number * 2 / 25, commands)
    await visit.open(CONNECT + _publishes(CHANNELS))
    await visit.hear(b'"id":61')
    await visit.send(BYE)
    await visit.expect("1000")


@attack("close 3008; all queues together have a bound", "--max-node-queue-bytes, --slow-timeout", visits=60, over=1.0,
        sink="stay", needs=("1000",))
async def sleeping_recoveries(visit, number):
    """2.4 MB of history for each of 59 that read nothing, 140 MB in all"""
    if number == 0:
        return await _publish_missed(visit)
    while not MISSED:
        await asyncio.sleep(0.01)
    subscribe = '{"id":2,"subscribe":{"channel":"past:a","recover":true,"offset":%s,"epoch":"%s"}}' % (*MISSED,)
    await _sleep(visit, 2.5 - number / 60, [subscribe])


#: Offset and epoch after which the others of this attack have missed everything.
MISSED = []


async def _publish_missed(visit):
    MISSED.clear()
    await visit.open(CONNECT + frame('{"id":90,"history":{"channel":"past:a","limit":0}}'))
    await visit.hear(b'"id":90')
    place = {key: re.search(rf'"{key}":"?(\w*)', visit.got.partition(b'"id":90')[2].decode()) for key in ("offset", "epoch")}
    await visit.send(_publishes(["past:a"] * 60))
    await visit.hear(b'"id":61')
    MISSED[:] = [place["offset"][1] if place["offset"] else "0", place["epoch"][1] if place["epoch"] else ""]
    await visit.send(BYE)
    await visit.expect("1000")
