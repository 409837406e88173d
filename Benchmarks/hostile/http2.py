"""HTTP/2 at a node that speaks TLS: frames that cost their sender little."""

from hostile.attack import attack
from hostile.tls import Handshake
from hostile.visit import ended, refused

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def block(*fields):
    """Header fields as literals that nobody remembers."""
    return b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)


def request(stream, path, method=b"GET", flags=END_STREAM | END_HEADERS):
    fields = block((b":method", method), (b":scheme", b"https"), (b":authority", b"a"), (b":path", path))
    return frame(HEADERS, flags, stream, fields)


CANCEL = (8).to_bytes(4, "big")
#: A client's first word: its windows are closed.
NO_WINDOW = frame(SETTINGS, payload=b"\0\x04" + bytes(4))
OPEN = frame(SETTINGS)


class Session:
    """HTTP/2 within a visit's TLS."""

    def __init__(self, visit):
        self.visit, self.handshake, self.got = visit, Handshake("h2"), b""

    async def open(self, first):
        data, is_complete = self.handshake.go_on()
        await self.visit.open(data)
        while not is_complete:
            received = await self.visit.read()
            if not received:
                return
            data, is_complete = self.handshake.go_on(received)
            await self.visit.send(data)
        await self.visit.send(self.handshake.seal(PREFACE + first))

    async def frames(self):
        """Kind, stream and payload of each frame that comes, to the end of the connection."""
        while True:
            while len(self.got) >= 9 and len(self.got) >= 9 + (size := int.from_bytes(self.got[:3], "big")):
                head, payload, self.got = self.got[:9], self.got[9:9 + size], self.got[9 + size:]
                yield head[3], int.from_bytes(head[5:9], "big"), payload
            try:
                received = await self.visit.read()
            except ConnectionResetError:
                return
            if not received:
                return
            self.got += self.handshake.unseal(received)

    async def end(self, expected, *counters):
        """Reads to the end, which has to be GOAWAY with one of these codes, or a reset that ate it."""
        code = None
        async for kind, _, payload in self.frames():
            if kind == GOAWAY:
                code = int.from_bytes(payload[4:8], "big")
        self.visit.note("closed" if code is None else f"GOAWAY {code}", code is None or code in expected, *counters)


CALM, PROTOCOL, COMPRESSION = 11, 1, 9


@attack("GOAWAY 11", "`HTTP2Bounds`", visits=100, beside=(ended(1006), refused("connect_rate")), tls=True)
async def h2_rapid_reset(visit, number):
    """300 streams that are begun and reset at once (CVE-2023-44487)"""
    session = Session(visit)
    streams = b"".join(request(stream, b"/channels/past:a/poll") + frame(RESET, 0, stream, CANCEL)
                       for stream in range(1, 601, 2))
    await session.open(OPEN + streams)
    await session.end((CALM,), refused("http2"))


@attack("GOAWAY 11; 1 where it is the bytes that are too many", "`HTTP2Bounds`, --max-header-bytes", visits=200, tls=True)
async def h2_continuation(visit, number):
    """header fields without end, in empty frames and in big ones"""
    session = Session(visit)
    piece = [b"", bytes(16_000)][number % 2]
    begun = frame(HEADERS, END_STREAM, 1, b"\0")
    await session.open(OPEN + begun + frame(CONTINUATION, 0, 1, piece) * (4 if piece else 1_000))
    await session.end((CALM, PROTOCOL, COMPRESSION), refused("http2"))


FLOODS = [frame(PING, payload=bytes(8)) * 1_000, OPEN * 1_000, frame(PRIORITY, 0, 1, bytes(5)) * 1_000,
          frame(WINDOW_UPDATE, payload=b"\0\0\0\1") * 25_000,
          request(1, b"/channels/a", b"POST", END_HEADERS) + frame(DATA, 0, 1) * 100]


@attack("GOAWAY 11", "`HTTP2Bounds`", visits=200, tls=True)
async def h2_floods(visit, number):
    """pings, settings, priorities, window updates, empty data"""
    session = Session(visit)
    await session.open(OPEN + FLOODS[number % len(FLOODS)])
    await session.end((CALM,), refused("http2"))


@attack("RST_STREAM 8, then GOAWAY 0", "--handshake-timeout", visits=100, over=1.0, sink="stay", tls=True)
async def h2_closed_window(visit, number):
    """20 requests for the page whose answers are never let through"""
    session = Session(visit)
    await session.open(NO_WINDOW + b"".join(request(stream, b"/") for stream in range(1, 41, 2)))
    kinds = [kind async for kind, _, _ in session.frames()]
    visit.note(f"{kinds.count(RESET)} RST_STREAM", kinds.count(RESET) == 20 and DATA not in kinds)


@attack("HTTP 408 for each stream, then GOAWAY 0", "--handshake-timeout", visits=20, over=1.0, sink="stay", tls=True)
async def h2_half_requests(visit, number):
    """15 requests of which no body comes"""
    session = Session(visit)
    halves = b"".join(request(stream, b"/channels/a", b"POST", END_HEADERS) for stream in range(1, 31, 2))
    await session.open(OPEN + halves)
    ended = [stream async for kind, stream, _ in session.frames() if kind == RESET]
    visit.note(f"{len(ended)} ended", len(ended) == 15, *[refused("handshake_timeout")] * 15)
