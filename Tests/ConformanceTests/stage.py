"""What checks in a browser over a cluster share."""

import json
import sys
import urllib.request


def check(what, is_right, seen=""):
    if not is_right:
        sys.exit(f"FAILED {what}: {seen}")
    print(f"ok {what}", flush=True)


class Cluster:
    """Nodes behind nginx, and the page in it. The plan is {"nginx": URL, "channel": NAME, "nodes": [{"name", "admin", …}, …]}."""

    def __init__(self, plan, driver):
        self.url, self.channel, self.nodes = plan["nginx"], plan["channel"], plan["nodes"]
        self.driver = driver
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def script(self, body):
        return self.driver.execute_script(body)

    def publish(self, node, data, channel=None):
        body = json.dumps({"channel": channel or self.channel, "data": data}).encode()
        request = urllib.request.Request(
            f"{node['admin']}/api/publish", data=body, headers={"Content-Type": "application/json"})
        with self.opener.open(request, timeout=10) as answer:
            assert answer.status == 200
