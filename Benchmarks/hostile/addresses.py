"""Who is many, and in truth one."""

from hostile.attack import attack
from hostile.crowds import come
from hostile.visit import refused, upgrade

#: An address that is none of the node's proxies.
STRANGER = "127.9.9.9"
RATE = "address_rate", b"too many attempts from this address"
PLACES = "address_limit", b"this address has too many connections"


@attack("HTTP 429 with Retry-After", "--max-connections-per-address, --max-connect-rate-per-address", sink="stay",
        needs=("429 Retry-After", "1000"))
async def same_address(visit, number):
    """400 upgrades from one address behind a trusted proxy; those who come in stay"""
    request = upgrade("/channels/hostile/ws", "X-Forwarded-For: 203.0.113.9")
    await come(visit, 2.2 - number * 2 / 400, RATE, PLACES, request=request, expected="429 Retry-After")


@attack("HTTP 408; above the share closed at once", "--max-pending-connections-per-address, --handshake-timeout",
        visits=300, over=1.0, sink="stay", needs=("408", "closed"))
async def silent_address(visit, number):
    """sockets of one address that say nothing, more than its share"""
    visit.source = STRANGER
    await visit.open()
    answer = await visit.answer()
    answer = "closed" if answer == "reset" else answer
    reason = "handshake_timeout" if answer == "408" else "pending_address_limit"
    visit.note(answer, answer in ("408", "closed"), refused(reason))
