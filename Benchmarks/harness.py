"""Processes under measurement: pinned, in a network of their own, with their CPU time read from the kernel."""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "Benchmarks" / ".build-yardstick"
NODE = pathlib.Path(os.environ.get("FANFARE_BINARY", ROOT / ".build" / "release" / "fanfare"))


def build():
    """Compiles the C programs."""
    BUILD.mkdir(exist_ok=True)
    source = ROOT / "Benchmarks" / "yardstick"
    common = ["gcc", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
    for name in ("server", "client", "sink"):
        subprocess.run(common + ["-o", BUILD / name, source / f"{name}.c"], check=True)
    subprocess.run(common + ["-o", BUILD / "neighbours", source / "neighbours.c", "-lssl", "-lcrypto"], check=True)
    subprocess.run(common + ["-o", BUILD / "reader", source / "reader.c", "-lhiredis"], check=True)
    subprocess.run(common + ["-shared", "-fPIC", "-o", BUILD / "allocations.so", source / "allocations.c"], check=True)
    if not NODE.exists():
        sys.exit(f"error: {NODE} is not there; run make release")


def own_network():
    """Loopback of our own, without connection tracking or strangers, where we may (root); says so where not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(0x40000000) != 0:
        print("note: not root, so measured on the machine's own loopback", file=sys.stderr)
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def cpu_seconds(*pids):
    """CPU time of all threads, in seconds with a resolution of nanoseconds."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


class Process:
    """A child that ends with its `with` block."""

    def __init__(self, command, core=None, env=None, ahead=0, **options):
        pin = ["taskset", "-c", str(core)] if core is not None else []
        # Ahead of all that is less so, where we may say so.
        pin += ["chrt", "--rr", str(ahead)] if ahead and os.geteuid() == 0 else []
        self.child = subprocess.Popen(
            pin + [str(part) for part in command], env={**os.environ, **(env or {})}, text=True, **options)
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def wait_for_port(port, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"error: nothing answers on port {port}")


class Yardstick(Process):
    """The bare C server."""

    def __init__(self, port=17000, core=0):
        super().__init__([BUILD / "server", port], core)
        self.port, self.pids = port, [self.pid]
        wait_for_port(port)


class Node(Process):
    """A node with one event loop, open to all unless told otherwise, without pings unless asked for."""

    def __init__(self, port=17100, core=0, flags=(), wrapper=(), env=None, binary=NODE, dev=True, ahead=0,
                 rates=1_000_000):
        command = [*wrapper, binary, "serve", "--host", "127.0.0.1", "--port", port,
                   "--admin-port", port + 1000, "--drain", "0s", "--log-level", "error"]
        if dev:
            command.append("--dev")
        if rates is not None:
            # One client publishes for all: held to rates, as every client is, but to some that it does not reach.
            command += ["--max-message-rate", rates, "--max-publish-rate", rates, "--max-byte-rate", "1GiB"]
        if "--loops" not in flags:
            command += ["--loops", "1"]
        if "--ping-interval" not in flags:
            command += ["--ping-interval", "off"]
        super().__init__(command + list(flags), core, env, ahead)
        self.port, self.admin_port = port, port + 1000
        self.pids = [self.pid]
        wait_for_port(port)
        wait_for_port(port + 1000)

    def metric(self, name):
        import urllib.request
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        return None


class Redis(Process):
    def __init__(self, port=17379, core=None, ahead=0):
        super().__init__(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                         core, ahead=ahead, stdout=subprocess.DEVNULL)
        self.url, self.port = f"redis://127.0.0.1:{port}", port
        wait_for_port(port)


class Clients(Process):
    """The C client on the other core; each call is one of its commands."""

    def __init__(self, ports, clients, channels=1, payload=128, core=1, deflate=(), transport="ws"):
        more = deflate if transport == "ws" else [transport, stream_frame_bytes(ports[0], transport, payload)]
        super().__init__([BUILD / "client", ",".join(map(str, ports)), clients, channels, payload, *more], core,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, command):
        self.begin(command)
        return self.result()

    def begin(self, command):
        self.command = command
        print(command, file=self.child.stdin, flush=True)

    def result(self):
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"error: the client ended at '{self.command}'")
        return json.loads(line)

    def __exit__(self, *rest):
        self.child.stdin.close()
        super().__exit__(*rest)


def idle_bytes(transport="ws", count=9500, **options):
    """Resident memory of a node for each of so many clients that do nothing, once others have come before."""
    with Node(17000, flags=["--ping-interval", "25s"], **options) as node:
        with Clients([node.port], 500, transport=transport) as warm:
            warm("connect")
        with Clients([node.port], count, transport=transport) as clients:
            before = settled_bytes(node.pid)
            clients("connect")
            return (settled_bytes(node.pid) - before) / count


def settled_bytes(pid):
    """Resident memory that has not changed for a second."""
    last = resident_bytes(pid)
    for _ in range(20):
        time.sleep(1)
        if (now := resident_bytes(pid)) == last:
            break
        last = now
    return last


def flood(redis, channel, count, size=128):
    """Publishes as fast as Redis takes it."""
    return Process(["redis-benchmark", "-p", redis.port, "-q", "-c", "4", "-P", "64", "-n", count, "PUBLISH", channel,
                    "x" * size], core=1, stdout=subprocess.DEVNULL)


def masked(text):
    body = text.encode()
    head = bytes([0x81, 0x80 | len(body)]) if len(body) < 126 else b"\x81\xfe" + len(body).to_bytes(2, "big")
    return head + bytes(4) + body


def deflated_frame_bytes(port, payload):
    """How long the frame is in which a node sends that text to clients that take permessage-deflate."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /channels/probe/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" + masked(payload))
        got = b""
        while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 4:
            got += client.recv(65536)
        frame = got.partition(b"\r\n\r\n")[2]
        if frame[0] != 0xC1:
            sys.exit("error: the node did not compress")
        return 2 + frame[1] if frame[1] < 126 else 4 + int.from_bytes(frame[2:4], "big")


def stream_frame_bytes(port, transport, size):
    """How long a message of so many bytes is on a stream (`sse` or `stream`), with the chunk around it."""
    payload = "x" * size
    with socket.create_connection(("127.0.0.1", port)) as reader:
        reader.sendall(f"GET /channels/probe/{transport} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        ahead = _read_until(reader, b"\n\r\n" if transport == "sse" else b"\r\n\r\n", behind=b"\r\n\r\n")
        if not ahead.startswith(b"HTTP/1.1 200"):
            sys.exit(f"error: no stream: {ahead!r}")
        with socket.create_connection(("127.0.0.1", port)) as publisher:
            publisher.sendall(f"POST /channels/probe HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n{payload}".encode())
            _read_until(publisher, b"\r\n\r\n")
        return len(_read_until(reader, b"\n\r\n"))


def _read_until(client, end, behind=None):
    """Reads up to these bytes, byte for byte, and where it is given, up to some others first."""
    got = _read_until(client, behind) if behind and behind != end else b""
    first = len(got)
    while not got[first:].endswith(end):
        part = client.recv(1)
        if not part:
            sys.exit(f"error: instead of {end!r} came {got!r}")
        got += part
    return got


def subscriptions(port, count):
    """Centrifuge clients that hold so many channels of their own, 100 each."""
    sockets = []
    for first in range(0, count, 100):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET /connection/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        commands = ['{"id":1,"connect":{}}']
        commands += [json.dumps({"id": i + 2, "subscribe": {"channel": f"other-{first + i}"}})
                     for i in range(min(100, count - first))]
        client.sendall(masked("\n".join(commands)))
        got = b""
        while got.count(b'"subscribe":{}') < len(commands) - 1:
            got += client.recv(65536)
        sockets.append(client)
    return sockets


def median(values):
    return statistics.median(values)


def spread(values):
    return f"{min(values):.3g}–{max(values):.3g}"
