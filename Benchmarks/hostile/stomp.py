"""Clients of STOMP that have the node keep what they never want: heads without an end, messages without ACK, transactions without COMMIT."""

from hostile.attack import attack
from hostile.visit import COMMAND_ERROR, ended, frame, upgrade

CONNECT = upgrade("/stomp", "Sec-WebSocket-Protocol: v12.stomp") + frame("CONNECT\naccept-version:1.2\nhost:a\n\n\0")
BODY = "x" * 60_000


@attack("ERROR, close 1008, as soon as the head is too long", "STOMPBounds", visits=300, needs=("1008",))
async def stomp_heads(visit, number):
    """headers without an end: a line, many lines, a command, and a value of escapes"""
    head = [b"SEND\nk:" + b"x" * 17_000, b"SEND\n" + b"k:v\n" * 70, b"x" * 17_000, b"SEND\n" + b"k:" + b"\\c" * 8_300][number % 4]
    await visit.open(CONNECT)
    await visit.hear(b"CONNECTED\n")
    await visit.send(frame(head))
    await visit.expect("1008", COMMAND_ERROR)


@attack("close 3008, or nothing more until they acknowledge; nothing is kept when they are gone", "--max-queue-bytes, --max-node-queue-bytes",
        visits=160, over=2.0, sink="stay", needs=("kept", "1000"), rises=(ended(1006),), beside=(ended(1006), ended(3008)))
async def stomp_windows(visit, number):
    """120 windows without an ACK in a channel with a history, and 60 KB twenty times a second into it"""
    if number % 4 == 3:
        await visit.open(CONNECT)
        await visit.hear(b"CONNECTED\n")
        await visit.send(frame(f"SEND\ndestination:past\\ca\nreceipt:r\n\n{BODY}\0") + frame("DISCONNECT\nreceipt:d\n\n\0"))
        return await visit.expect("1000")
    await visit.open(CONNECT)
    await visit.hear(b"CONNECTED\n")
    await visit.send(frame("SUBSCRIBE\nid:0\ndestination:past\\ca\nack:client\n\n\0"))
    await visit.stay(2.2 - number / 80)
    visit.note("kept", True)


@attack("close 3008 for those who hold most; nothing is kept when they are gone", "--max-node-queue-bytes", visits=400, over=2.0, sink="stay",
        needs=("kept", "1008"), rises=(ended(1006),), beside=(ended(1006), ended(3008)))
async def stomp_transactions(visit, number):
    """350 transactions of 240 KB without a COMMIT, 84 MB in all, and 50 clients with one too many"""
    await visit.open(CONNECT)
    await visit.hear(b"CONNECTED\n")
    if number % 8 == 7:
        await visit.send(b"".join(frame(f"BEGIN\ntransaction:{at}\n\n\0") for at in range(17)))
        return await visit.expect("1008", COMMAND_ERROR)
    send = frame(f"SEND\ndestination:a\ntransaction:t\n\n{BODY}\0")
    await visit.send(frame("BEGIN\ntransaction:t\n\n\0") + 4 * send)
    await visit.stay(2.2 - number / 200)
    visit.note("kept", True)
