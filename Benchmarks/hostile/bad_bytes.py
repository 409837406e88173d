"""Bytes that nobody should send."""

import functools
import zlib

from hostile.attack import attack
from hostile.visit import CENTRIFUGE, frame, refused, upgrade

FRAMES = [
    ("1002", frame("A", masked=False)),
    ("1002", frame("A", reserved=4)),
    ("1002", frame(opcode=3)),
    ("1002", frame(opcode=9, final=False)),
    ("1002", frame(bytes(126), opcode=9)),
    ("1002", frame("A", opcode=0)),
    ("1002", frame((1005).to_bytes(2, "big"), opcode=8)),
    ("1002", frame(b"\x03", opcode=8)),
    ("1007", frame(b"\xff")),
    ("1007", frame((1000).to_bytes(2, "big") + b"\xff", opcode=8)),
]


@attack("close 1002; 1007 where text is not UTF-8", "RFC 6455")
async def frames(visit, number):
    """no mask, reserved bits and opcodes, bad pings, continuations, closes and UTF-8"""
    code, data = FRAMES[number % len(FRAMES)]
    await visit.open(upgrade() + data)
    await visit.expect(code)


@attack("close 1009, by the header alone; HTTP 413", "--max-message-bytes")
async def oversize(visit, number):
    """a message above the limit: announced, the largest there can be, in fragments, as a POST"""
    match number % 4:
        case 0: await visit.open(upgrade() + frame(bytes(1000), opcode=2, announced=65_537))
        case 1: await visit.open(upgrade() + frame(bytes(1000), opcode=2, announced=2**63 - 1))
        case 2:
            await visit.open(upgrade())
            await visit.send(frame(bytes(33_000), opcode=2, final=False) + frame(bytes(33_000), opcode=0))
        case _:
            await visit.open(b"POST /channels/hostile HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + bytes(999))
            return await visit.expect("413", refused("bad_request"))
    await visit.expect("1009")


@functools.cache
def _bomb():
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflater.compress(bytes(60_000_000)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return frame(data[:-4], opcode=2, reserved=4)


@attack("close 1009, inflated no further than the limit", "--max-message-bytes", visits=200)
async def bomb(visit, number):
    """58 KB of permessage-deflate that would be 60 MB"""
    await visit.open(upgrade("/channels/hostile/ws", "Sec-WebSocket-Extensions: permessage-deflate") + _bomb())
    await visit.expect("1009")


@attack("close 1008", "--max-fragments", visits=200)
async def fragments(visit, number):
    """1,100 empty fragments of one message"""
    await visit.open(upgrade() + frame("A", final=False) + frame(opcode=0, final=False) * 1100)
    await visit.expect("1008")


@attack("close 1008", "--max-control-frames", visits=200)
async def ping_flood(visit, number):
    """500 pings, or pongs, at once"""
    await visit.open(upgrade() + frame("are you there?", opcode=9 + number % 2) * 500)
    await visit.expect("1008")


COMMANDS = ["hello", "[]", '{"id":1}', '{"id":1,"subscribe":{"channel":"a"}}', '{"id":1,"connect":{}', "[" * 60_000,
            '{"id":"1","connect":{}}', '{"id":1,"connect":{}}\n' * 2, "{}\n" * 600,
            # In Protobuf: cut off, no length, connect twice, 600 at once, a group, 20,000 channels in a connect.
            b"\x05\x08", b"\xff" * 60_000, b"\x04\x08\x01\x22\x00" * 2, bytes(600), b"\x06\x08\x01\x2a\x02\x0b\x0c",
            b"\xc6\xb8\x02\x08\x01\x22\xc0\xb8\x02" + b"\x1a\x00" * 20_000]


@attack("close 3501", "--max-commands; the Centrifuge protocol")
async def commands(visit, number):
    """no JSON, no Protobuf, unknown commands, commands before connect, connect twice, 600 commands at once"""
    command = COMMANDS[number % len(COMMANDS)]
    is_text = isinstance(command, str)
    await visit.open(
        upgrade(CENTRIFUGE if is_text else f"{CENTRIFUGE}?cf_protocol=protobuf") + frame(command, opcode=1 if is_text else 2))
    await visit.expect("3501")


@attack("close 3507", "publish= of --namespaces")
async def forbidden(visit, number):
    """raw messages into a channel where nobody may publish"""
    await visit.open(upgrade("/channels/closed:a/ws") + frame("x"))
    await visit.expect("3507")


def _without(field):
    return b"".join(line + b"\r\n" for line in upgrade()[:-4].split(b"\r\n") if not line.startswith(field)) + b"\r\n"


HANDSHAKES = [
    ("400", _without(b"Host")), ("400", _without(b"Connection")), ("400", _without(b"Sec-WebSocket-Key")),
    ("426", _without(b"Upgrade")), ("426", _without(b"Sec-WebSocket-Version")),
    ("400", upgrade("/channels/hostile/ws", "Host: b")), ("400", upgrade("/channels/hostile/ws", "Content-Length: 3") + b"abc"),
    ("400", upgrade("/channels/hostile/ws", "Sec-WebSocket-Extensions: permessage-deflate; =")),
    ("400", upgrade().replace(b"HTTP/1.1", b"HTTP/1.0")), ("405", upgrade().replace(b"GET", b"POST")),
]


@attack("HTTP 400; 426 where the version or the wish is missing; 405", "RFC 6455")
async def handshakes(visit, number):
    """upgrades with something missing, twice or wrong"""
    status, request = HANDSHAKES[number % len(HANDSHAKES)]
    await visit.open(request)
    await visit.expect(status, refused("not_found" if status == "405" else "bad_request"))


GARBAGE = [b"\x00\x01\x02 what\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
           bytes.fromhex("16030100f8010000f40303") + bytes(240), b"\xff" * 10_000]


@attack("HTTP 400", "RFC 9112")
async def garbage(visit, number):
    """what is not HTTP, a TLS hello among it"""
    await visit.open(GARBAGE[number % len(GARBAGE)])
    await visit.expect("400", refused("bad_request"))


HEADERS = [b"X: " + b"x" * 9_000, b"\r\n".join(b"X-%d: y" % i for i in range(100)),
           b"\r\n".join(b"X-%d: %s" % (i, b"y" * 4_000) for i in range(5)), b"X: " + b"x" * 300_000]


@attack("HTTP 431", "--max-header-field-bytes, --max-header-bytes, --max-header-fields")
async def headers(visit, number):
    """header fields that are too big, too many, too much in all, without end"""
    await visit.open(b"GET / HTTP/1.1\r\nHost: a\r\n" + HEADERS[number % len(HEADERS)] + b"\r\n\r\n")
    await visit.expect("431", refused("bad_request"))
