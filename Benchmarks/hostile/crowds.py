"""Too many, or those who have no business here."""

import asyncio
import base64
import hashlib
import hmac
import os

from hostile.attack import attack
from hostile.visit import BYE, CENTRIFUGE, COMMAND_ERROR, frame, refused, token_refused, upgrade


async def come(visit, stay, *reasons, request=upgrade(), expected="503 Retry-After"):
    """Upgrades, stays, says goodbye; or is refused with one of these reasons, told apart by the words of the answer."""
    await visit.open(request)
    if await visit.opened():
        await visit.stay(stay)
        await visit.send(BYE)
        return await visit.expect("1000")
    answer = await visit.answer()
    reason = next((reason for reason, words in reasons if words in visit.got), None)
    visit.note(answer, answer == expected and reason is not None, refused(reason))


RATE = "connect_rate", b"too many clients come at once"
FULL = "connection_limit", b"the node is full"


@attack("HTTP 503 with Retry-After", "--max-connect-rate", visits=900, over=1.0, sink="stay",
        needs=("503 Retry-After", "1000"))
async def connect_flood(visit, number):
    """three times as many upgrades in a second as may come"""
    await come(visit, 0, RATE, FULL)


@attack("HTTP 503 with Retry-After", "--max-connections", visits=550, over=1.85, sink="stay",
        needs=("503 Retry-After", "1000"))
async def full(visit, number):
    """more clients than there is room for, and they stay"""
    await come(visit, 2.2 - number * 1.85 / 550, FULL, RATE)


@attack("HTTP 429; in connect error 111 and close 1013", "--max-connections-per-user", visits=300, sink="stay",
        needs=("429 Retry-After", "1013", "1000"))
async def same_user(visit, number):
    """one user's good token, 300 times"""
    token = os.environ["FANFARE_ATTACK_TOKEN"]
    reason = "user_limit", b"this user has too many connections"
    if number % 2:
        request = upgrade("/channels/hostile/ws", f"Authorization: Bearer {token}")
        return await come(visit, 2.2 - number * 2 / 300, reason, request=request, expected="429 Retry-After")
    await visit.open(upgrade(CENTRIFUGE) + frame('{"id":1,"connect":{"token":"%s"}}' % token))
    await visit.hear(b'"id":1')
    if b'"code":111' not in visit.got:
        await visit.stay(2.2 - number * 2 / 300)
        await visit.send(BYE)
        return await visit.expect("1000")
    # An answer to its close spares the node the wait.
    await visit.send(frame((1013).to_bytes(2, "big"), opcode=8))
    await visit.expect("1013", COMMAND_ERROR, refused("user_limit"))


@attack("HTTP 403", "--allowed-origins")
async def origin(visit, number):
    """upgrades and publishes from pages elsewhere"""
    if number % 4:
        await visit.open(upgrade(CENTRIFUGE, f"Origin: {('http://evil.example', 'null', 'https://a.evil')[number % 3]}"))
    else:
        await visit.open(b"POST /channels/a HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}")
    await visit.expect("403", refused("origin"))


def _token(algorithm, signature):
    """A token with claims as they should be."""
    parts = [b'{"alg":"%s","typ":"JWT"}' % algorithm.encode(), b'{"sub":"42"}']
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (signed + b"." + base64.urlsafe_b64encode(signature(signed)).rstrip(b"=")).decode()


TOKENS = [
    ("signature", _token("HS256", lambda text: hmac.digest(b"another secret", text, hashlib.sha256))),
    ("signature", _token("ES256", lambda _: os.urandom(64))),
    ("algorithm", _token("none", lambda _: b"")),
    ("malformed", "x.y.z"),
]


@attack("HTTP 401; in connect error 101, with the second try close 3500", "--token-…")
async def tokens(visit, number):
    """forged HS256 and ES256 tokens, `none`, garbage: in Authorization and in connect"""
    reason, token = TOKENS[number // 2 % len(TOKENS)]
    visit.count(token_refused(reason))
    if number % 2:
        await visit.open(upgrade("/channels/hostile/ws", f"Authorization: Bearer {token}"))
        return await visit.expect("401", refused("unauthorized"))
    command = frame('{"id":1,"connect":{"token":"%s"}}' % token)
    await visit.open(upgrade(CENTRIFUGE) + command)
    await visit.hear(b'"code":101')
    visit.count(COMMAND_ERROR)
    await visit.send(command)
    await visit.expect("3500")


def _subscribes(names, first):
    return frame("\n".join(f'{{"id":{first + index},"subscribe":{{"channel":"{name}"}}}}' for index, name in enumerate(names)))


@attack("error 106; 107 for the name; 111 with `retry_after` for the rate",
        "--max-channels, --max-channel-bytes, --max-subscribe-rate", visits=60, sink="stay", needs=("1000",))
async def channels(visit, number):
    """more channels of one client than it may have, names that are too long, and all of it too fast"""
    await visit.open(upgrade(CENTRIFUGE) + frame('{"id":1,"connect":{}}'))
    await visit.hear(b'"id":1,')
    await visit.send(_subscribes(["n" * 300] * 5 + [f"h-{number}-{index}" for index in range(122)], 2))
    await visit.hear(b'"id":128,')
    # The rate lets some more through by then: to the last place, and beyond it.
    await asyncio.sleep(0.3)
    await visit.send(_subscribes([f"i-{number}-{index}" for index in range(20)], 129))
    await visit.hear(b'"id":148,')
    await visit.send(_subscribes([f"j-{number}-{index}" for index in range(100)], 149))
    await visit.hear(b'"id":248,')
    for code in (106, 107, 111):
        visit.note(f"error {code}", b'"code":%d' % code in visit.got)
    visit.count(*[COMMAND_ERROR] * visit.got.count(b'"error":'))
    await visit.send(BYE)
    await visit.expect("1000")
