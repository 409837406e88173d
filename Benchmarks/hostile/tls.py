"""Against a node that speaks TLS."""

import asyncio
import ssl

from hostile.attack import attack
from hostile.visit import refused, upgrade


def context(*protocols):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


#: By what is offered in ALPN.
CONTEXTS = {None: context(), "h2": context("h2")}


class Handshake:
    """The client's side of TLS, in memory: what goes over the wire is for the visit."""

    def __init__(self, protocol=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = CONTEXTS[protocol].wrap_bio(self.incoming, self.outgoing)

    def go_on(self, received=b""):
        """What to send next, and whether the handshake is complete."""
        self.incoming.write(received)
        try:
            self.tls.do_handshake()
            return self.outgoing.read(), True
        except ssl.SSLWantReadError:
            return self.outgoing.read(), False

    def seal(self, data):
        """The records that bring data."""
        self.tls.write(data)
        return self.outgoing.read()

    def unseal(self, received):
        """The data in records, as far as it has come."""
        self.incoming.write(received)
        data = b""
        try:
            while part := self.tls.read(65_536):
                data += part
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return data


HELLO = Handshake().go_on()[0]
NO_TLS = [upgrade(), bytes(500), b"\x16\x03\x01\xff\xff" + bytes(500), HELLO[:9] + bytes(range(256)) * 2, b"\xff" * 20_000]


@attack("closed", "RFC 8446", tls=True)
async def tls_garbage(visit, number):
    """plain HTTP, zeros, records that are too long, hellos that make no sense"""
    await visit.open(NO_TLS[number % len(NO_TLS)])
    answer = await visit.answer()
    visit.note("closed" if answer == "reset" else answer, answer in ("closed", "reset"), refused("tls"))


@attack("nothing", "–", visits=200, tls=True)
async def tls_handshakes(visit, number):
    """whole handshakes, 100 a second, and gone"""
    handshake = Handshake()
    data, is_complete = handshake.go_on()
    await visit.open(data)
    while not is_complete:
        received = await visit.read()
        if not received:
            return visit.note("closed", False)
        data, is_complete = handshake.go_on(received)
        await visit.send(data)
    visit.note(handshake.tls.version(), True)
    await asyncio.sleep(0.05)
    visit.reset()


@attack("closed", "--handshake-timeout", visits=300, over=1.0, sink="stay", tls=True)
async def tls_silence(visit, number):
    """nothing, half a hello, a hello without what has to follow, a hello byte by byte"""
    await visit.open([b"", HELLO[:100], HELLO, b""][number % 4])
    drip = asyncio.create_task(visit.drip(HELLO if number % 4 == 3 else b""))
    try:
        answer = await visit.answer()
    finally:
        drip.cancel()
    visit.note("closed" if answer == "reset" else answer, answer in ("closed", "reset"), refused("handshake_timeout"))
