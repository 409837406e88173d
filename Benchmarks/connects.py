"""What a connect costs a node, by the token that comes with it."""

import socket
import time

from harness import Node, cpu_seconds, masked, median, spread
from keys import ALGORITHMS, Keys

CONNECTS, WAVE = 1000, 100


def upgrade(path, *fields):
    lines = [f"GET {path} HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _raw(token):
    """All of it is the upgrade."""
    return [(upgrade("/channels/c/ws", *([f"Authorization: Bearer {token}"] if token else [])), b"101 Switching")]


def _centrifuge(token):
    """The upgrade, then the command."""
    command = '{"id":1,"connect":{"token":"%s"}}' % token if token else '{"id":1,"connect":{}}'
    return [(upgrade("/connection/websocket"), b"101 Switching"), (masked(command), b'"connect":{"client"')]


def _wave(port, steps):
    """As many clients at once; each step of all of them before the next."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(WAVE)]
    for sent, expected in steps:
        for client in clients:
            client.sendall(sent)
        for client in clients:
            got = b""
            while expected not in got:
                part = client.recv(65536)
                if not part:
                    raise SystemExit(f"error: instead of {expected!r} came {got!r}")
                got += part
    return clients


def connects_per_second(node, steps):
    """Per second of the node's CPU; what comes after the connect is not counted."""
    used = 0
    for _ in range(CONNECTS // WAVE):
        before = cpu_seconds(node.pid)
        clients = _wave(node.port, steps)
        used += cpu_seconds(node.pid) - before
        for client in clients:
            client.close()
        while node.metric("fanfare_connections"):
            time.sleep(0.01)
    return CONNECTS / used


def connect_tokens(runs):
    """1,000 connects with and without a token: in the Centrifuge connect, and raw in Authorization"""
    rows = []
    with Keys() as keys, Node(17000, flags=["--anonymous", "subscribe", *keys.flags], dev=False) as node:
        tokens = {"no token": None} | {name: keys.token(name) for name in ALGORITHMS}
        for how, steps in (("connect", _centrifuge), ("Authorization", _raw)):
            rates = {name: [] for name in tokens}
            connects_per_second(node, steps(None))
            for _ in range(runs):
                for name, token in tokens.items():
                    rates[name].append(connects_per_second(node, steps(token)))
            for name, values in rates.items():
                more = median([1e6 / one - 1e6 / none for one, none in zip(values, rates["no token"])])
                rows.append((f"{how}, {name}: connects per CPU-second",
                             f"{median(values):,.0f}  ({spread(values)}), {more:+.0f} µs"))
    return rows
