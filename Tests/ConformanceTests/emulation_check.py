"""A client of the Centrifuge protocol in Chromium that has no WebSocket: it hears `fetch` and EventSource streams through nginx,
and sends its commands with POSTs that have no route, so that they reach any node.

emulation_check.py STAGE

STAGE is JSON: {"nginx": URL, "channel": NAME, "nodes": [{"name", "admin", "pid"}, …]}; the channel keeps a history and members.
Needs selenium, chromium, chromedriver. Prints a line `ok …` for each check; at the first failure `FAILED …`, and exits 1.
"""

import json
import os
import signal
import sys
import tempfile
import time

from browser import start_browser
from stage import Cluster, check

WAIT = 60
CLIENT = """
window.WebSocket = undefined
window.Emulated = class {
    constructor(form) {
        Object.assign(this, {form, replies: {}, pushes: [], ends: [], pings: 0, statuses: [], nextID: 2})
        const first = JSON.stringify({id: 1, connect: {}})
        if (form == "sse") {
            const url = new URL("/connection/sse", location)
            url.searchParams.append("cf_connect", first)
            this.source = new EventSource(url)
            this.source.onmessage = e => this.take(e.data)
            this.source.onerror = () => { this.source.close(); this.ends.push("closed") }
        } else this.read(first)
    }
    async read(body) {
        try {
            const headers = {"Content-Type": "application/json"}
            const answer = await fetch("/connection/http_stream", {method: "POST", headers, body, credentials: "omit"})
            this.node = answer.headers.get("fanfare-node")
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
            let rest = ""
            for (;;) {
                const {value, done} = await reader.read()
                if (done) break
                const lines = (rest + value).split("\\n")
                rest = lines.pop()
                lines.filter(line => line).forEach(line => this.take(line))
            }
        } catch (error) { this.error = error.name }
        this.ends.push("closed")
    }
    take(text) {
        const message = JSON.parse(text)
        if (!Object.keys(message).length) { this.pings += 1; this.send("{}") }
        else if (message.id) this.replies[message.id] = message
        else if (message.push.disconnect) this.ends.push(message.push.disconnect.code)
        else this.pushes.push(message.push)
        if (message.connect) Object.assign(this, {session: message.connect.session, named: message.connect.node})
    }
    async send(data) {
        const body = JSON.stringify({session: this.session, node: this.named, data})
        const headers = {"Content-Type": "application/json"}
        const answer = await fetch("/emulation", {method: "POST", headers, body, credentials: "omit"})
        this.statuses.push([answer.status, answer.headers.get("fanfare-node")])
    }
    async call(command) {
        const id = this.nextID++
        await this.send(JSON.stringify({id, ...command}))
        while (!this.replies[id]) await new Promise(done => setTimeout(done, 5))
        return this.replies[id]
    }
}
"""
CALL = """
const [commands, done] = arguments
const answers = []
;(async () => { for (const command of commands) answers.push(await client.call(command)); done(answers) })()
    .catch(error => done("error " + error))
"""


class Stage(Cluster):
    """The cluster, and the client in the page."""

    def eventually(self, what, expression):
        deadline = time.monotonic() + WAIT
        while not (result := self.script(f"return {expression}")):
            if time.monotonic() > deadline:
                sys.exit(f"FAILED not within {WAIT} s: {what}; seen: {self.script('return client')}")
            time.sleep(0.05)
        return result

    def begin(self, form):
        self.script(f"window.client = new Emulated('{form}')")
        self.eventually(f"{form} begins", "client.session")

    def call(self, *commands):
        return self.driver.execute_async_script(CALL, list(commands))

    def heard(self):
        return self.script("return client.pushes.filter(p => p.pub).map(p => p.pub.data)")


def session(stage, form, last):
    """Everything that a session can do; the data of the channel's last publication goes on from `last`."""
    stage.begin(form)
    named = stage.script("return client.named")
    [reply] = stage.call({"subscribe": {"channel": stage.channel}})
    position = reply["subscribe"]
    check(f"{form}: subscribes", position["recoverable"] and "error" not in reply, reply)
    data = list(range(last + 1, last + 31))
    replies = stage.call(*({"publish": {"channel": stage.channel, "data": number}} for number in data))
    check(f"{form}: thirty publishes are answered", all(reply["publish"] == {} for reply in replies), replies)
    stage.eventually("all are heard", f"client.pushes.filter(p => p.pub).length == {len(data)}")
    check(f"{form}: and heard in order", stage.heard() == data, stage.heard())
    nodes = {node for _, node in stage.script("return client.statuses")}
    statuses = {status for status, _ in stage.script("return client.statuses")}
    check(f"{form}: over all nodes", len(nodes) == len(stage.nodes) and statuses == {204}, (nodes, statuses))
    presence, stats = stage.call(
        {"presence": {"channel": stage.channel}}, {"presence_stats": {"channel": stage.channel}})
    members = list(presence["presence"]["presence"])
    check(f"{form}: is a member", len(members) == 1 and stats["presence_stats"]["num_clients"] == 1, presence)
    many = stage.driver.execute_async_script("""
        const [channel, done] = arguments
        Promise.all([...Array(20).keys()].map(n => client.call({history: {channel, limit: n + 1}}))).then(done)
    """, stage.channel)
    check(f"{form}: twenty requests at once", [len(reply["history"]["publications"]) for reply in many] ==
          list(range(1, 21)), many)
    stage.eventually("it is pinged, and answers", "client.pings >= 2")
    return data[-1], position["epoch"], position.get("offset", 0) + len(data), named


def comes_back(stage, form, last, epoch, offset, named):
    """Its node is killed: it begins anew elsewhere, where it was."""
    victim = next(node for node in stage.nodes if node["name"] == named)
    stage.nodes.remove(victim)
    os.kill(victim["pid"], signal.SIGKILL)
    stage.eventually("the stream ends", "client.ends.length")
    check(f"{form}: a node that dies says nothing", stage.script("return client.ends") == ["closed"])
    missed = list(range(last + 1, last + 11))
    for number in missed:
        stage.publish(stage.nodes[0], number)
    stage.begin(form)
    [reply] = stage.call(
        {"subscribe": {"channel": stage.channel, "recover": True, "epoch": epoch, "offset": offset}})
    found = [publication["data"] for publication in reply["subscribe"].get("publications", [])]
    check(f"{form}: nothing lost, repeated or reordered", found == missed and reply["subscribe"]["recovered"], reply)
    stage.publish(stage.nodes[-1], missed[-1] + 1)
    stage.eventually("live traffic goes on", "client.pushes.length")
    [reply] = stage.call({"unsubscribe": {"channel": stage.channel}})
    check(f"{form}: goes on, and unsubscribes", stage.heard() == [missed[-1] + 1] and reply["unsubscribe"] == {}, reply)


def run(stage):
    stage.driver.set_script_timeout(WAIT)
    stage.driver.get(stage.url)
    stage.script(CLIENT)
    last, *_ = session(stage, "sse", 0)
    stage.script("client.source.close()")
    last, epoch, offset, named = session(stage, "http_stream", last)
    comes_back(stage, "http_stream", last, epoch, offset, named)
    stage.begin("sse")
    named = stage.script("return client.named")
    [reply] = stage.call({"subscribe": {"channel": stage.channel}})
    position = reply["subscribe"]
    comes_back(stage, "sse", last + 11, position["epoch"], position["offset"], named)
    node = next(node for node in stage.nodes if node["name"] == stage.script("return client.named"))
    os.kill(node["pid"], signal.SIGTERM)
    stage.eventually("a drain is told", "client.ends.includes(1012)")
    check("a drain is told with its code", stage.script("return client.ends")[0] == 1012)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="fanfare-emulation-", ignore_cleanup_errors=True) as profile:
        driver = start_browser(profile)
        try:
            run(Stage(json.loads(sys.argv[1]), driver))
        finally:
            driver.quit()


main()
