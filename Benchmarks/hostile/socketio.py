"""Clients of Socket.IO that mean no good: sessions that nobody has or that are another's, floods of packets, what is announced and never
comes."""

import asyncio
import json
import re
import secrets

from hostile.addresses import RATE, STRANGER
from hostile.attack import attack
from hostile.crowds import FULL, RATE as CROWD
from hostile.visit import BYE, COMMAND_ERROR, Visit, ended, frame, refused, upgrade

PATH = "/socket.io/?EIO=4&transport="
#: Where a visit has no session, since it is the sink that it asks.
NOBODY = "00000000-0000-0000-0000-000000000000." + "0" * 32
SOCKET = upgrade(PATH + "websocket")


def poll(sid=None, *fields):
    """A GET: of a session, or that of a handshake."""
    lines = [f"GET {PATH}polling{f'&sid={sid}' if sid else ''} HTTP/1.1", "Host: a", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(sid, payload):
    payload = payload.encode()
    return b"POST %spolling&sid=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (
        PATH.encode(), sid.encode(), len(payload), payload)


async def begin(visit):
    """Opens a session by polling; its id."""
    await visit.open(poll(), receive_buffer=4096)
    await visit.hear(b"\r\n\r\n")
    if not visit.got.startswith(b"HTTP/1.1 200"):
        return NOBODY
    await visit.hear(b'"maxPayload"')
    return re.search(rb'"sid":"([^"]+)"', visit.got)[1].decode()


async def say(visit, sid, *packets):
    """Sends packets, and waits until they are taken."""
    taken = visit.got.count(b"\r\n\r\nok")
    await visit.send(post(sid, "\x1e".join(packets)))
    await visit.hear(b"\r\n\r\nok", times=taken + 1)


def _made_up(number):
    digits = secrets.token_hex(32)
    client = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]])
    return f"{client}.{digits[32:]}" if number % 3 else digits[:number % 64 + 1]


@attack("HTTP 400, code 1; 429 with Retry-After when the address has had its tries", "--max-connect-rate-per-address", visits=800,
        needs=("400", "429 Retry-After"))
async def forged_sids(visit, number):
    """800 polls and WebSockets of one address for sessions of Socket.IO that it made up"""
    visit.source = STRANGER
    sid = _made_up(number)
    await visit.open(poll(sid, "Connection: close") if number % 2 else upgrade(f"{PATH}websocket&sid={sid}"))
    answer = await visit.answer()
    is_late = RATE[1] in visit.got
    visit.note(answer, answer == ("429 Retry-After" if is_late else "400"), refused(RATE[0] if is_late else "no_session"))


@attack("HTTP 400 to both, and the session ends", "the secret in the id", visits=100, over=2.0, sink="stay", needs=("ended",))
async def sid_elsewhere(visit, number):
    """a session's id from another address, while its client polls"""
    sid = await begin(visit)
    await visit.send(poll(sid))
    other = Visit(visit.port, number + 10_000)
    try:
        await asyncio.sleep(0.05)
        await other.open(poll(sid, "Connection: close"))
        answer = await other.answer()
    finally:
        other.close()
    await visit.hear(b"\r\n\r\n1")
    is_told = visit.got.endswith(b"\r\n\r\n1")
    visit.note("ended", answer == "400" and is_told, refused("bad_request"), ended(1002))


@attack("HTTP 400, and the session ends: one body at a time", "--max-message-rate", visits=60, over=2.0, sink="stay", needs=("ended",),
        beside=(COMMAND_ERROR, refused("no_session")))
async def sid_posts(visit, number):
    """POSTs into one session beside one that its rate holds back"""
    sid = await begin(visit)
    await visit.send(post(sid, "\x1e".join(["40", *['42["x"]'] * 7_000])))
    other = Visit(visit.port, number + 10_000)
    try:
        await asyncio.sleep(0.1)
        await other.open(post(sid, '42["x"]') * 50)
        await other.hear(b"HTTP/1.1 400")
    finally:
        other.close()
    visit.note("ended", b"HTTP/1.1 400" in other.got, refused("bad_request"), ended(1002))


@attack("close 3008", "--max-queue-bytes, --slow-timeout", visits=120, over=2.0, sink="stay", needs=("200", "cut"))
async def unread_polls(visit, number):
    """20 sessions of Socket.IO whose polls are never read, and 50 KB fifty times a second into their channel"""
    if number >= 20:
        body = b"x" * 50_000
        await visit.open(b"POST /channels/unread HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return await visit.expect("200")
    sid = await begin(visit)
    await say(visit, sid, "40", '42["subscribe","unread"]')
    await visit.send(poll(sid) * 3)
    await asyncio.sleep(2.2)
    visit.note("cut", True, ended(3008))


@attack("HTTP 200; the session ends with 3502. 503 with Retry-After when too many come", "--handshake-timeout, --max-connect-rate",
        visits=900, over=1.0, sink="stay", needs=("200", "503 Retry-After"))
async def half_open_sids(visit, number):
    """900 sessions of Socket.IO in a second that nobody comes back for"""
    await visit.open(poll(None, "Connection: close"))
    answer = await visit.answer()
    if answer == "200":
        return visit.note(answer, True, ended(3502))
    reason = next((reason for reason, words in (CROWD, FULL) if words in visit.got), None)
    visit.note(answer, answer == "503 Retry-After" and reason is not None, refused(reason))


@attack("close 3100; 3501 where something else comes, or too many are announced", "--message-timeout, --max-attachments", visits=150,
        over=1.0, sink="stay", needs=("3100", "3501"))
async def attachments(visit, number):
    """attachments that are announced and never sent, texts in their place, eleven of them"""
    binary = '["publish","hostile",{"_placeholder":true,"num":0}]'
    packets = [frame("40"), frame(f"45{11 if number % 3 == 2 else 1}-{binary}")]
    if number % 3 == 1:
        packets.append(frame('42["x"]'))
    await visit.open(SOCKET + b"".join(packets))
    await visit.expect("3501" if number % 3 else "3100")


@attack("HTTP 413, and the session goes on; 200, and it ends with 1008", "--max-message-bytes, --max-control-frames", visits=60, over=2.0,
        sink="stay", needs=("413", "1008"))
async def packets(visit, number):
    """payloads of 100,000 packets, and of 30,000 that are no messages"""
    sid = await begin(visit)
    if number % 2:
        await visit.send(post(sid, "\x1e".join(["6"] * 100_000)))
        await visit.hear(b"HTTP/1.1 413")
        # Its client has not come back as far as the session knows.
        return visit.note("413", b"HTTP/1.1 413" in visit.got, refused("bad_request"), ended(3502))
    await visit.send(post(sid, "\x1e".join(["3"] * 30_000)))
    await visit.hear(b"\r\n\r\nok")
    visit.note("1008", True, ended(1008))


@attack("close 3501; where the packet is whole, the event's own answer", "Socket.IO 5", visits=200, over=2.0, sink="stay",
        needs=("3501", "error", "published"))
async def placeholders(visit, number):
    """placeholders for attachments that are not there, that are there twice, or that a thousand arrays hold"""
    place = {"_placeholder": True, "num": 0}
    deep = "[" * 1_000 + json.dumps(place) + "]" * 1_000
    arguments = [json.dumps(place | {"num": 7}), json.dumps(place | {"num": -1}), json.dumps(place | {"num": "0"}),
                 f"{json.dumps(place)},{json.dumps(place)}", deep][number % 5]
    await visit.open(SOCKET + frame("40") + frame(f'451-1["publish","hostile",{arguments}]') + frame(b"x", opcode=2))
    if number % 5 < 3:
        return await visit.expect("3501")
    await visit.hear(b"431[")
    await visit.hear(b"}]")
    await visit.send(BYE)
    answer = await visit.answer()
    is_error = b'431[{"error"' in visit.got
    visit.note("error" if is_error else "published", answer == "1000" and is_error == (number % 5 == 4), ended(1000),
               *[COMMAND_ERROR] * is_error)
