"""The scenarios: each a function of the number of runs that returns rows of a label and a text."""

import subprocess
import time

from connects import connect_tokens
from harness import (BUILD, Clients, Node, Process, Redis, Yardstick, cpu_seconds, flood, median, resident_bytes, spread,
                     subscriptions)
from transports import connects, idle_streams, polls, streams


def _against(servers, clients, work, runs, **options):
    """Deliveries per CPU-second of several servers, interleaved: one warm process each, `runs` turns each."""
    samples = {name: [] for name in servers}
    opened = {}
    try:
        for index, (name, make) in enumerate(servers.items()):
            server = make(17000 + 10 * index)
            crowd = Clients([server.port], clients, **options)
            opened[name] = server, crowd
            crowd("connect")
            crowd(work)
        for _ in range(runs):
            for name, (server, crowd) in opened.items():
                before = cpu_seconds(*server.pids)
                result = crowd(work)
                used = cpu_seconds(*server.pids) - before
                if result["lost"]:
                    raise SystemExit(f"error: {name} lost {result['lost']} deliveries")
                samples[name].append((result["deliveries"] / used, result))
    finally:
        for server, crowd in opened.values():
            crowd.__exit__()
            server.__exit__()
    return samples


def _rates(samples):
    rates = {name: [rate for rate, _ in values] for name, values in samples.items()}
    rows = [(f"{name}: deliveries per CPU-second", f"{median(v):,.0f}  ({spread(v)})") for name, v in rates.items()]
    first, second = list(rates)[:2]
    ratios = [b / a for a, b in zip(rates[first], rates[second])]
    return rows + [(f"{second} / {first}", f"{median(ratios):.2f}  ({spread(ratios)})")]


def _cost(server, clients, work):
    """CPU seconds of the server per delivery."""
    before = cpu_seconds(*server.pids)
    result = clients(work)
    return (cpu_seconds(*server.pids) - before) / result["deliveries"]


_PAIR = {"C": lambda port: Yardstick(port), "node": lambda port: Node(port)}


def single(runs):
    """one channel, 1,000 clients, 128 bytes, one message a turn"""
    return _rates(_against(_PAIR, 1000, "rounds 400 1", runs))


def burst(runs):
    """one channel, 1,000 clients, 16 messages a turn"""
    return _rates(_against(_PAIR, 1000, "rounds 400 16", runs))


def crowd(runs):
    """one channel, 10,000 clients against 1,000: how a delivery's cost grows, and the C loop's"""
    growth = {"C": [], "node": []}
    for _ in range(runs):
        for name, make in _PAIR.items():
            costs = []
            for count, work in ((1000, "rounds 300 1"), (10_000, "rounds 30 1")):
                with make(17000) as server, Clients([server.port], count) as clients:
                    clients("connect")
                    clients(work)
                    costs.append(_cost(server, clients, work))
            growth[name].append(costs[1] / costs[0])
    return [(f"{name}: 10,000 / 1,000 clients, CPU per delivery", f"{median(v):.2f}  ({spread(v)})")
            for name, v in growth.items()] + [
        ("growth of the node / growth of C", f"{median(growth['node']) / median(growth['C']):.2f}")]


def channels(runs):
    """100,000 other channels in the node against 10: cost per delivery in a channel of 1,000"""
    costs = {10: [], 100_000: []}
    for _ in range(runs):
        for count in costs:
            with Node(17000) as node, Clients([node.port], 1000) as clients:
                others = subscriptions(node.port, count)
                clients("connect")
                clients("rounds 100 1")
                costs[count].append(_cost(node, clients, "rounds 400 1") * 1e6)
                for other in others:
                    other.close()
    return [(f"{count:,} channels: CPU per delivery", f"{median(v):.2f} µs  ({spread(v)})")
            for count, v in costs.items()] + [("100,000 / 10", f"{median(costs[100_000]) / median(costs[10]):.2f}")]


def small_channels(runs):
    """10,000 channels of one client each, everyone publishes to itself: a publish and a delivery"""
    costs = []
    with Node(17000) as node, Clients([node.port], 10_000, channels=10_000) as clients:
        clients("connect")
        clients("each 2")
        for _ in range(runs):
            costs.append(_cost(node, clients, "each 5") * 1e6)
    return [("CPU of a publish and its delivery", f"{median(costs):.2f} µs  ({spread(costs)})")]


def latency(runs):
    """publish to every one of 1,000 at half load, against the C loop at the same rate"""
    rows = {}
    for name, values in _against(_PAIR, 1000, "open 140 3000 1", runs).items():
        rows[name] = median([result["p99_ms"] for _, result in values])
    return [(f"{name}: p99", f"{value:.2f} ms") for name, value in rows.items()] + [
        ("node / C", f"{rows['node'] / rows['C']:.2f}")]


def sustained(runs):
    """2,000 messages a second to 1,000 clients: two million deliveries a second, nothing lost"""
    values = _against({"node": lambda port: Node(port)}, 1000, "open 2000 5000 1", runs)["node"]
    return [("deliveries a second", f"{median([r['deliveries'] / r['seconds'] for _, r in values]):,.0f}"),
            ("p50, p99", f"{median([r['p50_ms'] for _, r in values]):.0f} ms, "
                         f"{median([r['p99_ms'] for _, r in values]):.0f} ms")]


def storm(runs):
    """5,000 connections and upgrades at once"""
    rates = {"C": [], "node": []}
    for _ in range(runs):
        for name, make in _PAIR.items():
            with make(17000) as server, Clients([server.port], 5000) as clients:
                before = cpu_seconds(*server.pids)
                clients("connect")
                rates[name].append(5000 / (cpu_seconds(*server.pids) - before))
    rows = [(f"{name}: upgrades per CPU-second", f"{median(v):,.0f}  ({spread(v)})") for name, v in rates.items()]
    return rows + [("node / C", f"{median(rates['node']) / median(rates['C']):.2f}")]


def churn(runs):
    """2,000 clients come, subscribe and go, again and again, while 500 others listen"""
    p99, costs = [], []
    for _ in range(runs):
        with Node(17000) as node, Clients([node.port], 500) as others:
            others("connect")
            others("rounds 20 1")
            others.begin("open 60 4000 1")
            before, cycles, end = cpu_seconds(node.pid), 0, time.monotonic() + 3
            while time.monotonic() < end:
                with Clients([node.port], 500, channels=500, core=None) as comers:
                    comers("connect")
                    comers("close")
                cycles += 500
            result = others.result()
            used = cpu_seconds(node.pid) - before
            p99.append(result["p99_ms"])
            costs.append(used / cycles * 1e6)
    return [("p99 of those who stay", f"{median(p99):.2f} ms  ({spread(p99)})"),
            ("CPU of the node for each that comes and goes, others included", f"{median(costs):.0f} µs")]


def loops(runs):
    """one channel of 1,000 clients on two event loops against one: CPU per delivery"""
    costs = {1: [], 2: []}
    for _ in range(runs):
        for count in costs:
            with Node(17000, core=None, flags=["--loops", str(count)]) as node, Clients([node.port], 1000) as clients:
                clients("connect")
                clients("rounds 50 1")
                costs[count].append(_cost(node, clients, "rounds 400 1") * 1e6)
    return [(f"{count} loop{'s' * (count > 1)}: CPU per delivery", f"{median(v):.2f} µs  ({spread(v)})")
            for count, v in costs.items()] + [("2 / 1", f"{median(costs[2]) / median(costs[1]):.2f}")]


def mass_close(runs):
    """5,000 sockets vanish at once while 100 others keep listening"""
    stalls, cpu = [], []
    for _ in range(runs):
        with Node(17000) as node, Clients([node.port], 100) as others, Clients([node.port], 5000, core=None) as herd:
            others("connect")
            herd("connect")
            others("rounds 10 1")
            before = cpu_seconds(node.pid)
            others.begin("open 200 2000 1")
            time.sleep(0.5)
            herd("close")
            stalls.append(others.result()["max_ms"])
            cpu.append(cpu_seconds(node.pid) - before)
    return [("longest wait of the others", f"{median(stalls):.0f} ms  ({spread(stalls)})"),
            ("CPU of the node meanwhile", f"{median(cpu) * 1000:.0f} ms")]


def slow_readers(runs):
    """1,000 clients, 100 of them stop reading: the others' cost and latency"""
    rows = []
    p99 = {"none": [], "100": []}
    for _ in range(runs):
        for frozen in p99:
            with Node(17000) as node, Clients([node.port], 1000, payload=1024) as clients:
                clients("connect")
                clients("rounds 20 1")
                if frozen != "none":
                    clients(f"freeze {frozen}")
                p99[frozen].append(clients("open 60 5000 1")["p99_ms"])
    for frozen, values in p99.items():
        rows.append((f"p99 of those who read, {frozen} slow", f"{median(values):.2f} ms"))
    return rows


def idle_herd(runs):
    """9,500 idle clients: memory and CPU of each at a 25 s ping"""
    memory, cpu = [], []
    for _ in range(min(runs, 3)):
        with Node(17000, flags=["--ping-interval", "25s"]) as node, Clients([node.port], 9500) as clients:
            with Clients([node.port], 500) as warm:
                warm("connect")
            time.sleep(1)
            before = resident_bytes(node.pid)
            clients("connect")
            time.sleep(1)
            memory.append((resident_bytes(node.pid) - before) / 9500)
            used = cpu_seconds(node.pid)
            clients("idle 25000")
            cpu.append((cpu_seconds(node.pid) - used) / 25 / 9500 * 1e6)
    return [("resident memory of each", f"{median(memory) / 1024:.2f} KB"),
            ("CPU of each", f"{median(cpu):.2f} µs/s")]


def waves(runs):
    """ten waves of 5,000 clients that come and go: memory returns to the base line"""
    with Node(17000) as node:
        sizes = []
        for _ in range(10):
            with Clients([node.port], 5000) as clients:
                clients("connect")
                clients("rounds 2 1")
                clients("close")
            while (node.metric("fanfare_connections") or 0) > 0:
                time.sleep(0.05)
            sizes.append(resident_bytes(node.pid) / 1048576)
    return [("resident after each wave", ", ".join(f"{size:.0f}" for size in sizes) + " MB")]


def cluster(runs):
    """three nodes of 333 clients through Redis against one node of 999: CPU of all nodes per delivery"""
    costs = {1: [], 3: []}
    with Redis() as redis:
        for _ in range(runs):
            for size in costs:
                nodes = [Node(17000 + 10 * i, flags=["--redis", redis.url]) for i in range(size)]
                try:
                    with Clients([node.port for node in nodes], 999) as clients:
                        clients("connect")
                        clients("rounds 50 1")
                        before = cpu_seconds(*[node.pid for node in nodes])
                        result = clients("rounds 300 1")
                        used = cpu_seconds(*[node.pid for node in nodes]) - before
                        costs[size].append(used / result["deliveries"] * 1e6)
                finally:
                    for node in nodes:
                        node.__exit__()
    return [(f"{size} node{'s' * (size > 1)}: CPU per delivery", f"{median(v):.2f} µs  ({spread(v)})")
            for size, v in costs.items()] + [("3 / 1", f"{median(costs[3]) / median(costs[1]):.2f}")]


def redis_reader(runs):
    """400,000 messages from Redis to one client of a node, against a bare hiredis reader that throws them away"""
    count = 400_000
    costs, rates = {"hiredis": [], "node": []}, {"hiredis": [], "node": []}

    def note(name, pid, used, began):
        rates[name].append(count / (time.monotonic() - began))
        costs[name].append((cpu_seconds(pid) - used) / count * 1e6)

    with Redis() as redis:
        for _ in range(runs):
            with Process([BUILD / "reader", redis.port, "c0", count], stdout=subprocess.PIPE,
                         stdin=subprocess.PIPE, core=0) as reader:
                reader.child.stdout.readline()
                used, began = cpu_seconds(reader.pid), time.monotonic()
                with flood(redis, "c0", count):
                    reader.child.stdout.readline()
                note("hiredis", reader.pid, used, began)
            with Node(17000, flags=["--redis", redis.url, "--max-queue-bytes", "64MiB"]) as node, Clients(
                    [node.port], 1) as client:
                client("connect")
                client.begin(f"receive {count}")
                used, began = cpu_seconds(node.pid), time.monotonic()
                with flood(redis, "fanfare:c0", count):
                    lost = client.result()["lost"]
                note("node", node.pid, used, began)
                if lost:
                    raise SystemExit(f"error: the node lost {lost}")
    rows = [(f"{name}: messages a second", f"{median(v):,.0f}  ({spread(v)})") for name, v in rates.items()]
    rows += [(f"{name}: CPU per message, for the node with its delivery", f"{median(v):.2f} µs  ({spread(v)})")
             for name, v in costs.items()]
    return rows + [("node / hiredis, messages a second", f"{median(rates['node']) / median(rates['hiredis']):.2f}")]


ALL = {f.__name__.replace("_", "-"): f for f in
       (single, burst, crowd, channels, small_channels, latency, sustained, storm, churn, loops, mass_close,
        slow_readers, idle_herd, waves, cluster, redis_reader, connect_tokens, streams, idle_streams, connects, polls)}
