"""Clients of SockJS that mean no good: sessions that nobody has, that are left or never read, and names of functions that are programs."""

import asyncio
import secrets

from hostile.addresses import RATE, STRANGER
from hostile.attack import attack
from hostile.crowds import FULL, RATE as CROWD
from hostile.visit import ended, refused


def request(method, transport, body=b"", *fields, session=None):
    path = f"/sockjs/channels/sockjs/000/{session or secrets.token_hex(4)}/{transport}"
    lines = [f"{method} {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@attack("HTTP 404; 429 with Retry-After when the address has had its tries", "--max-connect-rate-per-address", visits=800,
        needs=("404", "429 Retry-After"))
async def sockjs_guesses(visit, number):
    """800 bodies of one address for sessions of SockJS that it made up"""
    visit.source = STRANGER
    await visit.open(request("POST", "xhr_send", b'["x"]', "Connection: close"))
    answer = await visit.answer()
    is_late = RATE[1] in visit.got
    visit.note(answer, answer == ("429 Retry-After" if is_late else "404"), refused(RATE[0] if is_late else "no_session"))


@attack("HTTP 200; the session ends after 5 s. 503 with Retry-After when too many come", "--max-connect-rate, --max-connections", visits=900,
        over=1.0, sink="stay", needs=("200", "503 Retry-After"))
async def sockjs_left(visit, number):
    """900 sessions of SockJS in a second that nobody comes back for"""
    await visit.open(request("POST", "xhr", b"", "Connection: close"))
    answer = await visit.answer()
    if answer == "200":
        return visit.note(answer, True, ended(1006))
    reason = next((reason for reason, words in (CROWD, FULL) if words in visit.got), None)
    visit.note(answer, answer == "503 Retry-After" and reason is not None, refused(reason))


@attack("close 3008, or the end of the connection", "--max-queue-bytes, --slow-timeout", visits=120, over=2.0, sink="stay",
        needs=("200", "cut"), rises=(ended(3008),), beside=(ended(3008), ended(1006)))
async def sockjs_unread(visit, number):
    """20 streams of SockJS that are never read, and 50 KB fifty times a second into their channel"""
    if number >= 20:
        body = b"x" * 50_000
        await visit.open(b"POST /channels/sockjs HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return await visit.expect("200")
    await visit.open(request("POST", "xhr_streaming"), receive_buffer=4096)
    await asyncio.sleep(2.2)
    visit.note("cut", True)


@attack("HTTP 500, and nothing of the name in the answer", "SockJS", visits=200, over=2.0, needs=("500",))
async def callbacks(visit, number):
    """functions of JSONP and htmlfile whose names are programs, header fields or too long"""
    name = ["alert(1)//", "a%0d%0aX:y", "%3Cscript%3E", "a" * 33, "f%22", ""][number % 6]
    transport = ("jsonp", "htmlfile")[number // 6 % 2] if number % 6 != 3 else "jsonp"
    await visit.open(request("GET", f"{transport}?c={name}", b"", "Referer: http://a/", "Connection: close"))
    answer = await visit.answer()
    body = visit.got.partition(b"\r\n\r\n")[2]
    visit.note(answer, answer == "500" and b"alert" not in body and b"<" not in body and b"\r\nX:" not in visit.got,
               refused("bad_request"))
