"""Clients that ask for much with little: histories, members, tokens to check."""

import asyncio

from hostile.attack import attack
from hostile.visit import BYE, CENTRIFUGE, COMMAND_ERROR, ended, frame, refused, token_refused, upgrade

CHANNEL = "past:read"
CONNECT = upgrade(CENTRIFUGE) + frame('{"id":1,"connect":{}}')
FILL = b"".join(frame('{"id":%d,"publish":{"channel":"%s","data":"%s"}}' % (number + 2, CHANNEL, "x" * 40_000))
                for number in range(60))
READ = 'fanfare_rate_refusals_total{limit="read"}'


async def fill(visit):
    """The first visit leaves 2.4 MB in the channel's history."""
    await visit.open(CONNECT + FILL)
    await visit.hear(b'"id":61')
    await visit.send(BYE)
    await visit.expect("1000")


async def _ask(visit, command):
    """256 commands in one message; all are answered, the most of them with error 111."""
    await visit.open(CONNECT)
    await visit.hear(b'"id":1,"connect"')
    await visit.send(frame("\n".join(f'{{"id":{number},{command}}}' for number in range(1001, 1257))))
    await visit.hear(b'"id":1256')
    refusals = visit.got.count(b'"code":111')
    visit.note("error 111", refusals > 100 and visit.got.count(b'"retry_after"') >= refusals)
    visit.count(*[COMMAND_ERROR] * refusals)
    await visit.send(BYE)
    await visit.expect("1000")


@attack("one at a time; error 111 with `retry_after`", "--max-read-rate, --max-queue-bytes", visits=20, sink="stay",
        rises=[READ])
async def pipelined_history(visit, number):
    """256 times the whole history of 2.4 MB in one message"""
    if number == 0:
        return await fill(visit)
    await _ask(visit, f'"history":{{"channel":"{CHANNEL}","limit":-1}}')


#: Visits that are members, and those that ask for them.
MEMBERS, ASKERS = 100, 20


@attack("one at a time; error 111 with `retry_after`", "--max-read-rate", visits=MEMBERS + ASKERS, sink="stay", rises=[READ])
async def pipelined_presence(visit, number):
    """256 times the members of a channel with 100 of them in one message, from 20"""
    if number >= MEMBERS:
        return await _ask(visit, f'"presence":{{"channel":"{CHANNEL}"}}')
    await visit.open(CONNECT + frame('{"id":2,"subscribe":{"channel":"%s"}}' % CHANNEL))
    await visit.hear(b'"id":2,"subscribe"')
    await visit.stay(2.5 - 2 * number / (MEMBERS + ASKERS))
    await visit.send(BYE)
    await visit.expect("1000")


@attack("one at a time; error 111 with `retry_after`", "--max-read-rate, --max-queue-bytes", visits=6, sink="stay",
        rises=[READ], redis=True)
async def redis_history(visit, number):
    """as pipelined-history, at one of two nodes on a Redis; the neighbours are on the other"""
    await pipelined_history(visit, number)


@attack("close 3008; HTTP 503 with Retry-After beyond the budget", "--max-recovery-bytes, --slow-timeout", visits=60,
        over=1.0, sink="stay", needs=("1000",), redis=True)
async def redis_recoveries(visit, number):
    """as raw-recoveries, at one of two nodes on a Redis; the neighbours are on the other"""
    await raw_recoveries(visit, number)


SMALL = "past:small"
FILL_SMALL = b"".join(frame('{"id":%d,"publish":{"channel":"%s","data":1}}' % (number + 2, SMALL)) for number in range(100))


@attack("all are answered", "--max-read-rate", visits=2, over=0.4, sink="stay", redis=True)
async def redis_reader(visit, number):
    """one reader of 100 small publications at its allowed rate, 128 times a second for two seconds, at one of two nodes on a Redis"""
    await visit.open(CONNECT + (FILL_SMALL if number == 0 else b""))
    await visit.hear(b'"id":1,"connect"')
    if number == 0:
        await visit.hear(b'"id":101')
    else:
        for first in range(1001, 1257, 16):
            await visit.send(frame("\n".join(f'{{"id":{command},"history":{{"channel":"{SMALL}","limit":-1}}}}'
                                             for command in range(first, first + 16))))
            await visit.hear(b'"id":%d' % (first + 15))
            await asyncio.sleep(0.125)
        visit.note("answered", visit.got.count(b'"publications":') == 256 and b'"error"' not in visit.got)
    await visit.send(BYE)
    await visit.expect("1000")


@attack("close 3008; HTTP 503 with Retry-After beyond the budget", "--max-recovery-bytes, --slow-timeout", visits=60,
        over=1.0, sink="stay", needs=("1000",))
async def raw_recoveries(visit, number):
    """59 upgrades with ?last=100 on 2.4 MB, that read nothing"""
    if number == 0:
        return await fill(visit)
    await visit.open(upgrade(f"/channels/{CHANNEL}/ws?last=100"), receive_buffer=4096)
    await visit.stay(2.5 - number / 60)
    answer = await visit.answer()
    if answer == "503 Retry-After":
        return visit.note(answer, True, refused("recoveries"))
    visit.note(answer, answer in ("3008", "closed", "reset"), ended(3008))


@attack("close 3501", "--max-channels", visits=200, rises=[ended(3501)])
async def connect_subs(visit, number):
    """connect with 1,000 channels in its `subs`"""
    subs = ",".join(f'"c{number}":{{"recover":true}}' for number in range(1000))
    await visit.open(upgrade(CENTRIFUGE) + frame('{"id":1,"connect":{"subs":{%s}}}' % subs))
    await visit.expect("3501")


@attack("error 103, two tokens a turn", "--max-subscribe-rate", visits=20, sink="stay",
        rises=[token_refused("malformed")])
async def token_batch(visit, number):
    """128 subscribes with tokens to check in one message"""
    await visit.open(CONNECT)
    await visit.hear(b'"id":1,"connect"')
    await visit.send(frame("\n".join(
        f'{{"id":{number},"subscribe":{{"channel":"${number}","token":"a.b.c"}}}}' for number in range(1001, 1129))))
    await visit.hear(b'"id":1128')
    visit.note("error 103", visit.got.count(b'"code":103') == 128)
    visit.count(*[COMMAND_ERROR, token_refused("malformed")] * 128)
    await visit.send(BYE)
    await visit.expect("1000")


@attack("HTTP 401; 429 with Retry-After before the token is checked", "--max-connect-rate-per-address", visits=400,
        needs=("401", "429 Retry-After"))
async def post_tokens(visit, number):
    """400 publishes over HTTP with a bad token, from one address behind a trusted proxy"""
    await visit.open(b"POST /channels/hostile HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.77\r\n"
                     b"Authorization: Bearer a.b.c\r\nContent-Length: 1\r\n\r\nx")
    answer = await visit.answer()
    if answer == "401":
        return visit.note(answer, True, refused("unauthorized"), token_refused("malformed"))
    visit.note(answer, answer == "429 Retry-After", refused("address_rate"))
