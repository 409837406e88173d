"""What is done to the operator's port."""

import asyncio

from hostile.attack import attack

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@attack("the idlest of the address with the most is closed; requests get HTTP 200", "--max-admin-connections", visits=600,
        over=1.0, sink="stay", needs=("200", "closed", "kept"), rises=["fanfare_admin_evictions_total"], admin=True)
async def admin_idle(visit, number):
    """sockets on the admin port that ask for nothing, and now and then a health check"""
    if number % 20 == 10:
        await visit.open(HEALTH)
        return await visit.expect("200")
    # As many from one address as a careless backend would have.
    visit.source = "127.0.0.2"
    await visit.open()
    try:
        async with asyncio.timeout(2.2 - number / 600):
            answer = await visit.answer()
    except TimeoutError:
        answer = "kept"
    visit.note("closed" if answer == "reset" else answer, answer in ("closed", "reset", "kept"))
