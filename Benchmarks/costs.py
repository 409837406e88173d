#!/usr/bin/env python3
"""Costs that hardly differ between machines: instructions and allocations of a delivery, exactly; memory of an idle client.   make cost

Fails when one is above its threshold in thresholds.json.
"""

import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import harness


def instructions(folder, clients, rounds, burst, payload=128, text=None, flags=(), transport="ws"):
    """Instructions of the node per delivery, counted by callgrind between two dumps; with a text, of a compressed one."""
    out = pathlib.Path(folder) / f"callgrind.{burst}.{payload}.{text is not None}.{transport}"
    # Debian's valgrind can't read the debug information of today's compilers: it gets a copy without.
    binary = pathlib.Path(folder) / "fanfare"
    subprocess.run(["objcopy", "--strip-debug", harness.NODE, binary], check=True)
    wrapper = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
    flags = [*flags, *(["--compression", "on"] if text else [])]
    with harness.Node(17300 + burst, core=None, wrapper=wrapper, binary=binary, flags=flags) as node:
        deflate = []
        if text:
            file = pathlib.Path(folder) / "payload"
            file.write_text(text)
            deflate = [file, harness.deflated_frame_bytes(node.port, text)]
        with harness.Clients([node.port], clients, core=None, payload=payload, deflate=deflate,
                             transport=transport) as crowd:
            crowd("connect")
            crowd(f"rounds 30 {burst}")
            dump(node.pid)
            deliveries = crowd(f"rounds {rounds} {burst}")["deliveries"]
            dump(node.pid)
    return totals(f"{out}.2") / deliveries


def delivery_and_publication(folder, text):
    """What one more subscriber costs, and what is left for the publication: from crowds of two sizes, 512 bytes each."""
    few, many = 250, 1000
    small, big = (instructions(folder, clients, 60, 1, 512, text) * clients for clients in (few, many))
    delivery = (big - small) / (many - few)
    return delivery, small - few * delivery


def rates_to_none(folder):
    """A publication of a client that is held to rates, and its one delivery, against one that is not."""
    free = ["--max-message-rate", "0", "--max-byte-rate", "0", "--max-publish-rate", "0"]
    return instructions(folder, 1, 500, 1) / instructions(folder, 1, 500, 1, flags=free)


def quotes(size):
    """JSON as tickers publish it, so long."""
    source = random.Random(7)
    rows = [{"symbol": "".join(source.choices("ABCDEFGHIJ", k=4)), "bid": round(source.uniform(10, 900), 2),
             "ask": round(source.uniform(10, 900), 2), "volume": source.randrange(100000)} for _ in range(size // 40)]
    return json.dumps(rows)[:size]


def dump(pid):
    subprocess.run(["callgrind_control", "--dump", str(pid)], check=True, capture_output=True)


def totals(path):
    """The instructions of one dump, over all threads."""
    with open(path) as file:
        return sum(int(number) for number in re.findall(r"^(?:totals|summary): (\d+)", file.read(), re.M)[:1])


def allocations(folder, clients, rounds, burst, flags=(), payload=128, behind=0):
    """Allocations of the node per message published, and the bytes that they ask for, by a preloaded counter.

    behind: so many more clients that read nothing, and for whom messages wait already.
    """
    counts = pathlib.Path(folder) / f"allocations.{clients}.{burst}.{payload}.{behind}.{len(flags)}"
    env = {"LD_PRELOAD": str(harness.BUILD / "allocations.so"), "ALLOCATIONS_FILE": str(counts)}
    with harness.Node(17400 + burst, core=None, env=env, flags=flags) as node:
        with harness.Clients([node.port], clients + behind, core=None, payload=payload) as crowd:
            crowd("connect")
            crowd(f"freeze {behind}")
            crowd(f"rounds 200 {burst}")
            skipped = node.metric("fanfare_skipped_total") if behind else 0
            before = told(node, counts, 1)
            crowd(f"rounds {rounds} {burst}")
            after = told(node, counts, 2)
            if behind and node.metric("fanfare_skipped_total") - skipped < 0.99 * behind * rounds * burst:
                sys.exit("error: who reads nothing is not behind")
    return tuple((last - first) / (rounds * burst) for first, last in zip(before, after))


def of_newest(folder):
    """What a publication allocates for one more subscriber of a channel with `queue=newest`: a list of subscribers that is made for
    each turn is one allocation, so its bytes count."""
    flags = ["--namespaces", "*: queue=newest", "--slow-timeout", "10m"]
    costs = {}
    for burst in (1, 16):
        # The kernel takes some hundred kilobytes of who reads nothing.
        for name, payload, more in (("delivery", 128, {"clients": 510}), ("skip", 8192, {"clients": 10, "behind": 500})):
            few = allocations(folder, 10, 200, burst, flags, payload)
            many = allocations(folder, rounds=200, burst=burst, flags=flags, payload=payload, **more)
            kind = f"{name}_newest" + ("" if burst == 1 else f"_burst_{burst}")
            costs[f"allocations_per_{kind}"] = (many[0] - few[0]) / 500
            costs[f"allocated_bytes_per_{kind}"] = (many[1] - few[1]) / 500
    return costs


def told(node, path, lines):
    """Allocations and bytes so far."""
    node.child.send_signal(signal.SIGUSR2)
    for _ in range(500):
        if path.exists() and len(path.read_text().splitlines()) >= lines:
            return tuple(map(int, path.read_text().splitlines()[lines - 1].split()))
        time.sleep(0.01)
    sys.exit("error: the node did not tell its allocations")


def measure():
    costs = {}
    with tempfile.TemporaryDirectory() as folder:
        costs["instructions_per_delivery_single"] = instructions(folder, 500, 100, 1)
        costs["instructions_per_delivery_burst_16"] = instructions(folder, 500, 100, 16)
        for name, transport in (("event_stream", "sse"), ("line_stream", "stream")):
            costs[f"{name}_delivery_to_websocket"] = (
                instructions(folder, 500, 100, 1, transport=transport) / costs["instructions_per_delivery_single"])
        plain, _ = delivery_and_publication(folder, None)
        deflated, publication = delivery_and_publication(folder, quotes(512))
        costs["compressed_delivery_to_plain"] = deflated / plain
        costs["instructions_per_publication_compressed"] = publication
        few, many = (allocations(folder, clients, 1000, 1)[0] for clients in (10, 510))
        costs["allocations_per_delivery"] = (many - few) / 500
        costs["allocations_per_publish"] = few - 10 * costs["allocations_per_delivery"]
        costs["allocations_per_publish_burst_16"] = allocations(folder, 10, 200, 16)[0]
        costs |= of_newest(folder)
        costs["publication_with_rates_to_without"] = rates_to_none(folder)
        costs["resident_bytes_of_idle_client"] = harness.idle_bytes()
        costs["resident_bytes_of_idle_event_stream"] = harness.idle_bytes("sse")
    return costs


def main():
    harness.build()
    harness.own_network()
    thresholds = json.loads((harness.ROOT / "Benchmarks" / "thresholds.json").read_text())
    failed = False
    for name, value in measure().items():
        limit = thresholds[name]
        verdict = "ok" if value <= limit else "ABOVE"
        failed |= value > limit
        print(f"{verdict:<6} {name:<40} {value:10.2f}   at most {limit}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
