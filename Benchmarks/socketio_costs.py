#!/usr/bin/env python3
"""What Fanfare costs beside python-socketio: deliveries per CPU-second, and memory of idle clients on a WebSocket and by polling.

    Benchmarks/socketio_costs.py [--clients 200 1000] [--runs 5] [--server aiohttp|uvicorn] [--json FILE]

Both servers are one process on one core, the clients are on the other; they take turns, and the ratio is the median of those of neighbouring
runs. Both do the same: a client subscribes to a room with an event, one publishes 128 bytes with another, all get `message`. Needs
python-socketio and aiohttp, which the tests have in .venv, or uvicorn with uvloop.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import re
import socket
import sys

import harness
from harness import BUILD, Node, Process, cpu_seconds, median, settled_bytes, spread, wait_for_port

PAYLOAD = 128
#: Of `42["message","…"]` with a header of four bytes.
FRAME = 4 + len('42["message",""]') + PAYLOAD
PATH = "/socket.io/?EIO=4&transport=polling"


class Reference(Process):
    def __init__(self, port, kind, core=0):
        program = pathlib.Path(__file__).with_name("yardstick") / "socketio_server.py"
        super().__init__([sys.executable, program, port, kind], core)
        self.port = port
        wait_for_port(port)


class Clients(harness.Clients):
    """The C client, as clients of Socket.IO."""

    def __init__(self, port, count):
        Process.__init__(self, [BUILD / "client", port, count, 1, PAYLOAD, "socketio", FRAME], 1,
                         stdin=harness.subprocess.PIPE, stdout=harness.subprocess.PIPE)


def node(port):
    return Node(port, flags=["--ping-interval", "60s", "--pong-timeout", "15s"])


def deliveries(kind, counts, runs):
    rows = {}
    for count in counts:
        found = {"fanfare": [], "python": []}
        with contextlib.ExitStack() as stack:
            servers = {"fanfare": stack.enter_context(node(17000)), "python": stack.enter_context(Reference(17010, kind))}
            crowds = {name: stack.enter_context(Clients(server.port, count)) for name, server in servers.items()}
            for crowd in crowds.values():
                crowd("connect")
                crowd("rounds 20 1")
            for _ in range(runs):
                for name, server in servers.items():
                    rounds = 400 if name == "fanfare" else 4_000 // count * 10
                    crowds[name]("pong")
                    before = cpu_seconds(server.pid)
                    result = crowds[name](f"rounds {rounds} 1")
                    if result["lost"]:
                        sys.exit(f"error: {name} lost {result['lost']} deliveries")
                    found[name].append(result["deliveries"] / (cpu_seconds(server.pid) - before))
        rows[f"deliveries per CPU-second, {count} clients"] = found
    return rows


def _answer(connection):
    """The body of one answer."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.read()


def poller(port):
    """A client that has joined the namespace, and whose poll waits."""
    connection = socket.create_connection(("127.0.0.1", port))
    ask = lambda query: connection.sendall(f"GET {PATH}{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())  # noqa: E731
    ask("")
    sid = "&sid=" + re.search(rb'"sid":"([^"]+)"', _answer(connection))[1].decode()
    connection.sendall(f"POST {PATH}{sid} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n40".encode())
    _answer(connection)
    ask(sid)
    _answer(connection)
    ask(sid)
    return connection


def idle_on_websockets(server, count):
    with Clients(server.port, 200) as warm:
        warm("connect")
    with Clients(server.port, count) as crowd:
        before = settled_bytes(server.pid)
        crowd("connect")
        return (settled_bytes(server.pid) - before) / count


def idle_by_polling(server, count):
    for connection in [poller(server.port) for _ in range(200)]:
        connection.close()
    before = settled_bytes(server.pid)
    connections = [poller(server.port) for _ in range(count)]
    try:
        return (settled_bytes(server.pid) - before) / count
    finally:
        for connection in connections:
            connection.close()


def memory(kind, count, runs):
    rows = {}
    for name, measure in [("on a WebSocket", idle_on_websockets), ("by polling", idle_by_polling)]:
        found = {"fanfare": [], "python": []}
        for _ in range(min(runs, 3)):
            with node(17000) as server:
                found["fanfare"].append(measure(server, count))
            with Reference(17010, kind) as server:
                found["python"].append(measure(server, count))
        rows[f"bytes of an idle client {name}, {count} of them"] = found
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--server", choices=["aiohttp", "uvicorn"], default="aiohttp")
    parser.add_argument("--json")
    asked = parser.parse_args()
    harness.build()
    harness.own_network()
    rows = deliveries(asked.server, asked.clients, asked.runs) | memory(asked.server, 1_000, asked.runs)
    print(f"Fanfare and python-socketio on {asked.server}; medians, in brackets the range")
    for name, found in rows.items():
        ratios = [ours / theirs for ours, theirs in zip(found["fanfare"], found["python"])]
        print(f"{name}: {median(found['fanfare']):,.0f} ({spread(found['fanfare'])}) and {median(found['python']):,.0f} "
              f"({spread(found['python'])}), ratio {median(ratios):.3g} ({spread(ratios)})")
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(rows))


main()
