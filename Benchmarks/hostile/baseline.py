"""What a node holds: its memory, descriptors, clients and counters, and whether it is as it was."""

import os
import re
import time
import urllib.request

from harness import cpu_seconds, resident_bytes
from hostile.visit import ended

#: Nothing else than what the answers say may rise in these.
WATCHED = ("fanfare_disconnects_total", "fanfare_connections_refused_total", "fanfare_tokens_refused_total",
           "fanfare_command_errors_total", "fanfare_accept_pauses_total", "fanfare_broker_dropped_total")
#: What has to be as it was when an attack is over.
HELD = ("fanfare_connections", "fanfare_pending_connections", "fanfare_subscriptions", "fanfare_channels",
        "fanfare_queue_bytes")
#: Memory may be higher by this: what an allocator has free between what is used moves about.
ALLOWANCE = 2 << 20


def metrics(node):
    with urllib.request.urlopen(f"http://127.0.0.1:{node.admin_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def watched(values):
    found = {name: value for name, value in values.items() if re.match(r"\w+", name)[0] in WATCHED}
    # Who vanishes is found by a read or by a write, whichever is first.
    found[ended(1006)] += found.pop(ended(3009))
    return found


class State:
    """What the node holds at a moment."""

    def __init__(self, node):
        # First, for the request for the metrics is a descriptor of the node, too.
        self.files = len(os.listdir(f"/proc/{node.pid}/fd"))
        values = metrics(node)
        self.held = {name: values[name] for name in HELD}
        self.counters = watched(values)
        self.values = values
        self.memory = resident_bytes(node.pid)
        self.cpu = cpu_seconds(node.pid)

    def differences(self, base):
        """What is not as it was, for people; memory apart."""
        texts = [f"{name} {base.held[name]:.0f} → {value:.0f}" for name, value in self.held.items()
                 if value != base.held[name]]
        return texts + ([f"descriptors {base.files} → {self.files}"] if self.files != base.files else [])

    def rise(self, before, counter):
        """By how much a counter has risen, or all of its labels."""
        return sum(value - before.values.get(name, 0) for name, value in self.values.items()
                   if name == counter or name.startswith(counter + "{"))

    def risen(self, before):
        return {name: round(value - before.counters.get(name, 0)) for name, value in self.counters.items()
                if value != before.counters.get(name, 0)}


def settle(node, base, seconds=10, is_done=lambda _: True):
    """Waits until the node holds what it held; the last state, as it is then or after that time."""
    end = time.monotonic() + seconds
    while True:
        state = State(node)
        if (not state.differences(base) and is_done(state)) or time.monotonic() > end:
            return state
        time.sleep(0.05)


def forget_peak(pid):
    """From here on the kernel's high-water mark counts anew."""
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def peak_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
