"""What checks share: how they say what is right, and a cluster with a browser."""

import json
import subprocess
import sys
import time
import urllib.request


def check(what, is_right, seen=""):
    if not is_right:
        sys.exit(f"FAILED {what}: {seen}")
    print(f"ok {what}", flush=True)


def eventually(what, condition, seen=lambda: "", within=60):
    """What the condition gives, once that is true; ends the check after so many seconds."""
    deadline = time.monotonic() + within
    while not (result := condition()):
        if time.monotonic() > deadline:
            sys.exit(f"FAILED not within {within} s: {what}; seen: {seen()}")
        time.sleep(0.05)
    return result


# Nodes are on this machine, whatever proxy it has.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def publish(admin, channel, data):
    """By the server API of the node whose admin port that URL is."""
    request = urllib.request.Request(
        f"{admin}/api/publish", data=json.dumps({"channel": channel, "data": data}).encode(),
        headers={"Content-Type": "application/json"})
    with opener.open(request, timeout=60) as answer:
        assert answer.status == 200 and b"error" not in answer.read()


class Cluster:
    """Nodes behind nginx, and the page in it. The plan is {"nginx": URL, "channel": NAME, "nodes": [{"name", "admin", …}, …]}."""

    def __init__(self, plan, driver):
        self.url, self.channel, self.nodes = plan["nginx"], plan["channel"], plan["nodes"]
        self.driver = driver
        self.opener = opener

    def script(self, body):
        return self.driver.execute_script(body)

    def publish(self, node, data, channel=None):
        publish(node["admin"], channel or self.channel, data)


class BreakableCluster(Cluster):
    """A cluster whose nodes are killed, and started anew; the plan has the `command` of each."""

    #: Seconds in which a node has to be ready.
    ready_within = 120

    def __init__(self, plan, driver):
        super().__init__(plan, driver)
        self.started = []

    def route_to(self, name):
        """A route that nginx keeps on the node of that name."""
        for number in range(200):
            with self.opener.open(f"{self.url}?route=r{number}", timeout=60) as answer:
                if answer.headers["fanfare-node"] == name:
                    return f"r{number}"
        sys.exit(f"FAILED no route to {name}")

    def start(self, node, is_heard=False):
        """Starts a node and waits until it is ready, or until other nodes hear it, too: before, nginx takes those whose requests may land
        anywhere to another one."""
        child = subprocess.Popen(node["command"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.started.append(child)
        node["pid"] = child.pid
        eventually(f"{node['name']} is ready", lambda: self.is_ready(node, is_heard), within=self.ready_within)

    def is_ready(self, node, is_heard):
        try:
            if self.opener.open(f"{node['admin']}/readyz", timeout=20).status != 200:
                return False
            metrics = self.opener.open(f"{node['admin']}/metrics", timeout=20).read().decode().splitlines()
            return not is_heard or any(
                line.startswith("fanfare_nodes ") and float(line.split()[1]) > 1 for line in metrics)
        except OSError:
            return False
