"""What transports cost beside WebSocket: deliveries, memory of the idle, connects, polls."""

import contextlib
import re
import socket
import ssl
import statistics
import time
import urllib.parse

from connects import CONNECTS, connects_per_second, upgrade
from harness import Clients, Node, cpu_seconds, idle_bytes, masked, median, spread
from hostile.http2 import OPEN, PREFACE, request
from keys import Keys

TRANSPORTS = {"WebSocket": "ws", "events": "sse", "lines": "stream"}


def streams(runs):
    """one channel, 1,000 clients, 128 bytes, one message a turn and 16: event and line streams against WebSocket"""
    rates = {(name, burst): [] for burst in (1, 16) for name in TRANSPORTS}
    opened = {}
    with contextlib.ExitStack() as stack:
        for index, (name, transport) in enumerate(TRANSPORTS.items()):
            node = stack.enter_context(Node(17000 + 10 * index))
            crowd = stack.enter_context(Clients([node.port], 1000, transport=transport))
            opened[name] = node, crowd
            crowd("connect")
            crowd("rounds 100 1")
        for _ in range(runs):
            for (name, burst), values in rates.items():
                node, crowd = opened[name]
                before = cpu_seconds(node.pid)
                result = crowd(f"rounds 400 {burst}")
                if result["lost"]:
                    raise SystemExit(f"error: {name} lost {result['lost']} deliveries")
                values.append(result["deliveries"] / (cpu_seconds(node.pid) - before))
    rows = []
    for (name, burst), values in rates.items():
        cost = [ours / other for ours, other in zip(rates["WebSocket", burst], values)]
        rows.append((f"{name}, {burst} a turn: deliveries per CPU-second",
                     f"{median(values):,.0f}  ({spread(values)}), cost of one / WebSocket {median(cost):.2f}"))
    return rows


def idle_streams(runs):
    """9,500 idle clients of each transport: resident memory of each"""
    rows = []
    for name, transport in TRANSPORTS.items():
        memory = [idle_bytes(transport) for _ in range(min(runs, 3))]
        rows.append((f"{name}: resident memory of each", f"{median(memory) / 1024:.2f} KB"))
    return rows


def _get(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def _post(path, body):
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


CONNECT = '{"id":1,"connect":{}}'
CONNECTED = b'"connect":{"client"'
#: What a client sends, and what tells that it is there.
CONNECTING = {
    "WebSocket": [(upgrade("/channels/c/ws"), b"101 Switching")],
    "events": [(_get("/channels/c/sse"), b"retry: ")],
    "lines": [(_get("/channels/c/stream"), b"\r\n\r\n")],
    "poll, wait=0": [(_get("/channels/c/poll?wait=0"), b"\r\n\r\n")],
    "Centrifuge on a WebSocket": [(upgrade("/connection/websocket"), b"101 Switching"), (masked(CONNECT), CONNECTED)],
    "Centrifuge on events": [(_get("/connection/sse?cf_connect=" + urllib.parse.quote(CONNECT)), CONNECTED)],
    "Centrifuge on lines": [(_post("/connection/http_stream", CONNECT), CONNECTED)],
    "SockJS on a WebSocket": [(upgrade("/sockjs/channels/c/000/a/websocket"), b"\x81\x01o")],
    "Socket.IO on a WebSocket": [(upgrade("/socket.io/?EIO=4&transport=websocket"), b"pingInterval"), (masked("40"), b'40{"sid"')],
}


def connects(runs):
    """1,000 connects by transport, one after the other in the same node: how many a second of its CPU"""
    rates = {name: [] for name in CONNECTING}
    with Node(17000) as node:
        for steps in CONNECTING.values():
            connects_per_second(node, steps)
        for _ in range(runs):
            for name, steps in CONNECTING.items():
                rates[name].append(connects_per_second(node, steps))
    with Keys() as keys, Node(17000, flags=keys.certificate) as node:
        _streams_per_second(node)
        rates["events over HTTP/2, 100 a connection with TLS"] = [_streams_per_second(node) for _ in range(runs)]
    return [(f"{name}: connects per CPU-second", f"{median(values):,.0f}  ({spread(values)})")
            for name, values in rates.items()]


def _streams_per_second(node):
    """Event streams that begin in a second of the node's CPU, a hundred on each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    wanted = PREFACE + OPEN + b"".join(request(stream, b"/channels/c/sse") for stream in range(1, 200, 2))
    before, connections = cpu_seconds(node.pid), []
    for _ in range(CONNECTS // 100):
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", node.port)))
        connection.sendall(wanted)
        got = b""
        # One in the first data of each stream.
        while got.count(b"retry: ") < 100:
            part = connection.recv(65536)
            if not part:
                raise SystemExit(f"error: {got.count(b'retry: ')} streams began")
            got += part
        connections.append(connection)
    used = cpu_seconds(node.pid) - before
    for connection in connections:
        connection.close()
    while node.metric("fanfare_connections"):
        time.sleep(0.01)
    return CONNECTS / used


def polls(runs):
    """a poll and its answer: asked when something is there, and waiting when it comes; alone, then 200 at once"""
    alone, waiting, cost = [], [], []
    with Node(17000, flags=["--namespaces", "h: history=100/10m"]) as node:
        since = _position(_answer(node, _get("/channels/h:a/poll?wait=0")))
        for _ in range(40 * runs):
            _publish(node)
            began = time.perf_counter()
            since = _last_id(_answer(node, _get(f"/channels/h:a/poll?since={since}")))
            alone.append(time.perf_counter() - began)
            poller = _begin(node, since)
            _await_clients(node, 1)
            began = time.perf_counter()
            _publish(node)
            since = _last_id(_read(poller))
            waiting.append(time.perf_counter() - began)
        for _ in range(runs):
            before = cpu_seconds(node.pid)
            for _ in range(10):
                pollers = [_begin(node, since) for _ in range(200)]
                # Counted in: asking costs the node some microseconds.
                _await_clients(node, 200)
                _publish(node)
                since = [_last_id(_read(poller)) for poller in pollers][-1]
            cost.append((cpu_seconds(node.pid) - before) / 2_000 * 1e6)
    return [("with a connection of its own, something is there", f"{statistics.median(alone) * 1e3:.2f} ms"),
            ("waiting: from the publish to the whole answer", f"{statistics.median(waiting) * 1e3:.2f} ms"),
            ("CPU of the node for each of 200 that wait, connect included", f"{median(cost):.0f} µs  ({spread(cost)})")]


def _begin(node, since):
    poller = socket.create_connection(("127.0.0.1", node.port))
    poller.sendall(_get(f"/channels/h:a/poll?since={since}"))
    return poller


def _await_clients(node, count):
    while node.metric("fanfare_connections") < count:
        time.sleep(0.01)


def _answer(node, sent):
    client = socket.create_connection(("127.0.0.1", node.port))
    client.sendall(sent)
    return _read(client)


def _read(client):
    """An answer with its last chunk, its length, or without a body."""
    got = b""
    with client:
        while not _is_whole(got):
            part = client.recv(65536)
            if not part:
                break
            got += part
    if not got.startswith(b"HTTP/1.1 20"):
        raise SystemExit(f"error: {got!r}")
    return got


def _is_whole(got):
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return False
    if b"chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    return len(body) >= int(length[1]) if length else True


def _publish(node):
    _answer(node, b"POST /channels/h:a HTTP/1.1\r\nHost: a\r\nContent-Length: 128\r\n\r\n" + b"x" * 128)


def _position(answer):
    return re.search(rb"(?i)fanfare-position: (\S+)", answer)[1].decode()


def _last_id(answer):
    return re.findall(rb'"id":"([^"]+)"', answer)[-1].decode()
