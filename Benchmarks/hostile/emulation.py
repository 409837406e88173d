"""Sessions that nobody has."""

import secrets

from hostile.addresses import RATE, STRANGER
from hostile.attack import attack
from hostile.visit import refused


def _post(session):
    body = b'{"session":"%s","node":"n","data":"{\\"id\\":1,\\"publish\\":{\\"channel\\":\\"a\\",\\"data\\":1}}"}' % session
    return b"POST /emulation HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body), body)


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
