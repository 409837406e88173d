"""Sessions that nobody has."""

import re
import secrets
import weakref

from hostile.addresses import RATE, STRANGER
from hostile.attack import OTHER, attack
from hostile.visit import Visit, refused


def _post(session, *fields):
    body = b'{"session":"%s","node":"n","data":"{\\"id\\":1,\\"publish\\":{\\"channel\\":\\"a\\",\\"data\\":1}}"}' % session
    more = b"".join(field.encode() + b"\r\n" for field in fields)
    return b"POST /emulation HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        more, len(body), body)


def _made_up(number):
    """Every third is none at all; the others are of some node and event loop."""
    if not number % 3:
        return secrets.token_hex(number % 64).encode()
    digits = secrets.token_hex(32)
    client = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]])
    return f"{client}.{digits[32:]}".encode()


@attack("HTTP 404; 429 with Retry-After when the address has had its tries", "--max-connect-rate-per-address", visits=800,
        needs=("404", "429 Retry-After"))
async def forged_sessions(visit, number):
    """800 requests of one address for sessions that it made up"""
    visit.source = STRANGER
    await visit.open(_post(_made_up(number)))
    answer = await visit.answer()
    is_late = RATE[1] in visit.got
    visit.note(answer, answer == ("429 Retry-After" if is_late else "404"), refused(RATE[0] if is_late else "no_session"))


#: The id of a client of another node, by the attack's event loop.
_clients = weakref.WeakKeyDictionary()


async def _abroad(visit, number):
    """The id that the first visit gets from the other node, which every client is told of itself."""
    client = _clients.setdefault(visit.loop, visit.loop.create_future())
    if number == 0:
        first = Visit(OTHER, number)
        body = b'{"id":1,"connect":{}}'
        try:
            await first.open(b"POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await first.hear(b'"client":"')
            await first.hear(b'","version"')
            client.set_result(re.search(rb'"client":"([^"]+)"', first.got)[1])
        finally:
            first.close()
    return await client


@attack("HTTP 404; 429 with Retry-After where too much waits for the other node", "EmulationBounds", visits=800, needs=("404",), cluster=True)
async def forged_abroad(visit, number):
    """800 requests of as many addresses for a client of another node, with secrets that they made up"""
    session = await _abroad(visit, number) + b"." + secrets.token_hex(16).encode()
    await visit.open(_post(session, f"X-Forwarded-For: 203.0.{113 + number // 250}.{1 + number % 250}"))
    answer = await visit.answer()
    is_full = answer == "429 Retry-After"
    visit.note(answer, is_full or answer == "404", refused("emulation_limit" if is_full else "no_session"))
