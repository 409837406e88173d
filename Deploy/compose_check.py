"""Checks a running compose cluster from outside, through nginx' published port. Called by Deploy/compose-test.

    compose_check.py HOST:PORT [ADMIN_URL]

With ADMIN_URL, a node's admin port, it checks any cluster of several nodes with the namespaces of Deploy/compose-test, and leaves
out what only compose can do. As here, where the nodes are built for debugging:

    SERVE_FLAGS='--namespaces kept:history=100/10m' FANFARE_BINARY=.build/debug/fanfare Deploy/cluster
    .venv/bin/python Deploy/compose_check.py 127.0.0.1:8080 http://127.0.0.1:9001
"""

import asyncio
import json
import pathlib
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request

import websockets
from centrifuge import Client, SubscriptionEventHandler

from port_checks import CHECKS as PORT_CHECKS, Port

HOST = sys.argv[1]
ADMIN = sys.argv[2] if len(sys.argv) > 2 else None


def compose(*arguments):
    return subprocess.run(["docker", "compose", *arguments], check=True, capture_output=True, text=True).stdout


def api(method, fields):
    """Calls the server API; compose does not publish its port, so nginx' container asks a node, whichever."""
    command = ["curl", "-sS", "-m", "10", "-H", "Content-Type: application/json", "-d", json.dumps(fields)]
    if ADMIN:
        answer = subprocess.run([*command, f"{ADMIN}/api/{method}"], check=True, capture_output=True, text=True).stdout
    else:
        answer = compose("exec", "-T", "nginx", *command, f"http://node:9000/api/{method}")
    return json.loads(answer)


async def raw(channel, route=None, **options):
    route = route or secrets.token_hex(8)
    # No bound on unread messages: at its bound the client would stop reading and not see its connection end.
    return await websockets.connect(f"ws://{HOST}/channels/{channel}/ws?route={route}", max_queue=None, **options)


def node_of(connection):
    return connection.response.headers["Fanfare-Node"]


async def raw_on_different_nodes(channel, count):
    """One raw client on each of `count` nodes."""
    clients = {}
    deadline = time.monotonic() + 60
    while len(clients) < count:
        assert time.monotonic() < deadline, f"only {sorted(clients)} answered, {count} nodes expected"
        client = await raw(channel)
        if node_of(client) in clients:
            await client.close()
        else:
            clients[node_of(client)] = client
    return clients


async def both_protocols_across_nodes():
    clients = await raw_on_different_nodes("compose", 3)
    first, *others = clients.values()
    await first.send("hello")
    for client in clients.values():
        assert await asyncio.wait_for(client.recv(), 60) == "hello"
    got = asyncio.Queue()

    class Events(SubscriptionEventHandler):
        async def on_publication(self, ctx):
            await got.put(ctx.pub.data)

    sdk = Client(f"ws://{HOST}/connection/websocket?route={secrets.token_hex(8)}")
    await sdk.connect()
    subscription = sdk.new_subscription("compose", events=Events())
    await subscription.subscribe()
    await subscription.ready()
    await others[0].send(json.dumps({"from": "raw"}))
    assert await asyncio.wait_for(got.get(), 60) == {"from": "raw"}
    await subscription.publish({"from": "sdk"})
    await others[1].recv()
    assert json.loads(await asyncio.wait_for(others[1].recv(), 60)) == {"from": "sdk"}
    await sdk.disconnect()
    for client in clients.values():
        await client.close()


async def streams():
    """An event stream and lines through the published port hear what is published on whichever node."""
    def read(form, accept):
        request = urllib.request.Request(f"http://{HOST}/channels/streams/{form}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as answer:
            listening.append(form)
            return next(line for line in answer if b"hello" in line)

    listening = []
    readers = [asyncio.create_task(asyncio.to_thread(read, *form)) for form in [("sse", "text/event-stream"), ("stream", "*/*")]]
    while len(listening) < 2 and not any(reader.done() for reader in readers):
        await asyncio.sleep(0.05)
    post = urllib.request.Request(f"http://{HOST}/channels/streams", data=b"hello", headers={"Content-Type": "text/plain"})
    await asyncio.to_thread(lambda: urllib.request.urlopen(post, timeout=60).close())
    heard = await asyncio.gather(*readers)
    assert heard == [b"data: hello\n", b'{"data":"hello"}\n'], heard


async def pages():
    """The pages of the docs in a browser, as they stand there."""
    script = pathlib.Path(__file__).parents[1] / "Tests/ConformanceTests/docs_pages_check.py"
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-B", script, HOST], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    assert ended.returncode == 0 and "ok all pages" in ended.stdout, ended.stdout[-2_000:]


async def sticky_cookie():
    with urllib.request.urlopen(f"http://{HOST}/") as answer:
        cookie, node = answer.headers["Set-Cookie"].split(";")[0], answer.headers["Fanfare-Node"]
        assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Lax" in answer.headers["Set-Cookie"]
    for _ in range(10):
        request = urllib.request.Request(f"http://{HOST}/", headers={"Cookie": cookie})
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Fanfare-Node"] == node and answer.headers["Set-Cookie"] is None


async def admin_is_not_reachable():
    for path in ["/metrics", "/api/publish", "/readyz", "/healthz"]:
        try:
            urllib.request.urlopen(f"http://{HOST}{path}")
            raise AssertionError(f"{path} is reachable")
        except urllib.error.HTTPError as error:
            assert error.code == 404, f"{path}: {error.code}"


async def killed_node():
    """A killed node's client comes back elsewhere within seconds, and the others' clients lose nothing."""
    clients = await raw_on_different_nodes("kill", 3)
    names = sorted(clients)
    victim, publisher, witness = clients[names[0]], clients[names[1]], clients[names[2]]
    received = []

    async def listen():
        async for message in witness:
            received.append(int(message))

    listener = asyncio.create_task(listen())
    for number in range(100):
        await publisher.send(str(number))
        if number == 30:
            compose_kill(names[0])
        await asyncio.sleep(0.02)
    began = time.monotonic()
    while True:
        try:
            again = await raw("kill", open_timeout=10)
            break
        except Exception:
            assert time.monotonic() - began < 30, "no way back in within 30 s"
    assert node_of(again) != names[0]
    deadline = time.monotonic() + 30
    while len(received) < 100 and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    listener.cancel()
    assert received == list(range(100)), f"the witness got {len(received)} of 100"
    for client in [again, publisher, witness]:
        await client.close()
    await asyncio.wait_for(victim.wait_closed(), 30)


def compose_kill(node):
    """A node's default name is its container's host name: the beginning of the container's id."""
    containers = compose("ps", "-q", "node").split()
    (container,) = [name for name in containers if name.startswith(node)]
    subprocess.run(["docker", "kill", "--signal", "KILL", container], check=True, capture_output=True)


async def scale():
    compose("up", "-d", "--wait", "--no-recreate", "--scale", "node=5")
    clients = await raw_on_different_nodes("scale", 5)
    for client in clients.values():
        await client.close()


async def nodes_are_healthy():
    states = [json.loads(line) for line in compose("ps", "--format", "json", "node").splitlines()]
    assert len(states) == 5 and all(state["Health"] == "healthy" for state in states), states


def through_the_port(check):
    return lambda: check(Port(HOST, api))


CHECKS = [
    ("raw and Centrifuge clients hear each other across nodes", both_protocols_across_nodes),
    ("event streams and lines pass as they are published", streams),
    *[(name, through_the_port(check)) for name, check in PORT_CHECKS],
    ("the pages of docs/socketio.md and docs/sockjs.md work as they stand there", pages),
    ("the route cookie keeps a client on its node", sticky_cookie),
    ("the admin port is not reachable through nginx", admin_is_not_reachable),
]
COMPOSE_CHECKS = [
    ("a killed node moves its clients, the others lose nothing", killed_node),
    ("--scale node=5: nginx finds the new nodes", scale),
    ("all five nodes are healthy", nodes_are_healthy),
]


async def main():
    for name, check in CHECKS if ADMIN else CHECKS + COMPOSE_CHECKS:
        began = time.monotonic()
        try:
            await asyncio.wait_for(check(), 250 if check is pages else 90)
        except Exception as error:
            print(f"FAILED {name}: {error!r}", flush=True)
            sys.exit(1)
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)


asyncio.run(main())
