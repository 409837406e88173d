"""Chromium's own EventSource and `fetch` streams through nginx: what they hear while nodes are killed, all of them at last.

eventsource_check.py STAGE

STAGE is JSON: {"nginx": URL, "channel": NAME, "secret": TEXT, "nodes": [{"name", "admin", "pid", "command": […]}, …]};
the channel keeps a history, the secret signs tokens, and `command` starts a node anew where it was. Needs selenium,
chromium, chromedriver. Prints a line `ok …` for each check; at the first failure `FAILED …`, and exits 1.
"""

import base64
import hashlib
import hmac
import json
import os
import signal
import sys
import tempfile
import urllib.error
import urllib.request

from browser import start_browser
from stage import BreakableCluster, check, eventually

OPEN = """
const [url, done] = arguments
window.heard = []; window.opens = 0; window.errors = 0
window.source = new EventSource(url)
source.onopen = () => { opens += 1; done(source.readyState) }
source.onerror = () => { errors += 1; if (!opens) done(source.readyState) }
source.onmessage = e => heard.push(["message", e.data, e.lastEventId])
for (const name of ["position", "reset", "disconnect", "binary"])
    source.addEventListener(name, e => heard.push([name, e.data, e.lastEventId]))
"""
READ = """
const [url, done] = arguments
window.lines = []
fetch(url).then(async answer => {
    done({status: answer.status, node: answer.headers.get("fanfare-node"), type: answer.headers.get("content-type")})
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ""
    for (;;) {
        const {value, done} = await reader.read()
        if (done) break
        const parts = (rest + value).split("\\n")
        rest = parts.pop()
        lines.push(...parts.filter(line => line).map(line => JSON.parse(line)))
    }
    lines.push("end")
}).catch(error => { lines.push("error " + error.name); done({error: error.name}) })
"""


class Stage(BreakableCluster):
    """The cluster, and what the page in it heard."""

    def heard(self):
        return self.script("return heard")

    def messages(self):
        return [int(data) for name, data, _ in self.heard() if name == "message"]


def kill(node):
    os.kill(node["pid"], signal.SIGKILL)


def run(stage):
    one, two = stage.nodes
    driver = stage.driver
    driver.set_script_timeout(60)
    driver.get(stage.url)
    route = stage.route_to(one["name"])
    path = f"/channels/{stage.channel}/sse?route={route}"
    check("an EventSource opens", driver.execute_async_script(OPEN, path) == 1)
    eventually("its first event is the position", lambda: [e[0] for e in stage.heard()] == ["position"], stage.heard)
    answer = driver.execute_async_script(READ, f"/channels/{stage.channel}/stream?route={stage.route_to(two['name'])}")
    check("a fetch reads a stream", answer["status"] == 200 and answer["node"] == two["name"], answer)
    for number in range(1, 101):
        stage.publish(two, number)
        if number == 40:
            kill(one)
    eventually("it hears all", lambda: stage.messages()[-1:] == [100], stage.heard)
    heard, messages = stage.heard(), stage.messages()
    check("its node was killed: nothing lost, repeated or reordered", messages == list(range(1, 101)), messages)
    check("it came back by itself, to its position", stage.script("return opens") == 2 and
          [name for name, _, _ in heard].count("position") == 2 and "reset" not in [name for name, _, _ in heard], heard)
    eventually("the fetch has all of it", lambda: len(stage.script("return lines")) == 101)
    lines = stage.script("return lines")
    check("lines are the same with ids", [line.get("data") for line in lines[1:]] == list(range(1, 101)) and
          lines[0]["event"] == "position" and all(line["id"].endswith(lines[0]["id"][1:]) for line in lines), lines[:3])

    kill(two)
    errors = stage.script("return errors")
    eventually("nobody answers", lambda: stage.script("return errors") >= errors + 3)
    check("it goes on trying where no node answers", stage.script("return source.readyState") != 2)
    eventually("the fetch hears that it broke", lambda: str(stage.script("return lines.at(-1)")).startswith("error"))
    stage.start(two)
    for number in range(101, 121):
        stage.publish(two, number)
    eventually("it hears on", lambda: stage.messages()[-1:] == [120], stage.heard)
    check("still nothing lost, repeated or reordered", stage.messages() == list(range(1, 121)), stage.messages())

    stage.started[-1].terminate()
    eventually("a drain is told", lambda: "disconnect" in [name for name, _, _ in stage.heard()], stage.heard)
    code = [json.loads(data)["code"] for name, data, _ in stage.heard() if name == "disconnect"]
    check("with its code", code == [1012], code)
    stage.started[-1].wait(30)
    stage.start(one)
    stage.publish(one, 121)
    eventually("and it is back", lambda: stage.messages()[-1:] == [121], stage.heard)
    check("in order to the end", stage.messages() == list(range(1, 122)), stage.messages())

    several(stage, one)
    for_good(stage, one)
    source = "/channels/no%20name/sse"
    check("a refusal for good ends it", driver.execute_async_script(OPEN, source) == 2)


def several(stage, node):
    """Three channels in one EventSource, whose node goes and comes back."""
    channels = [stage.channel + "-a", stage.channel + "-b"]
    stage.script("source.close()")
    path = f"/channels/{channels[0]}/sse?channel=plain&channel={channels[1]}"
    check("an EventSource of several channels opens", stage.driver.execute_async_script(OPEN, path) == 1)
    eventually("it has its positions", lambda: [e[0] for e in stage.heard()] == ["position"] * 2, stage.heard)

    def heard(channel):
        messages = [json.loads(data) for name, data, _ in stage.heard() if name == "message"]
        return [message["data"] for message in messages if message["channel"] == channel]

    for number in range(1, 41):
        for channel in [*channels, "plain"]:
            stage.publish(node, number, channel)
        if number == 20:
            eventually("it hears them", lambda: heard("plain") == list(range(1, 21)), stage.heard)
            stage.started[-1].kill()
            stage.started[-1].wait(30)
            stage.start(node)
    eventually("it hears all", lambda: [heard(channel)[-1:] for channel in channels] == [[40]] * 2, stage.heard)
    check("its node was killed: in both channels with history nothing lost, repeated or reordered",
          all(heard(channel) == list(range(1, 41)) for channel in channels), stage.heard())
    check("and no position was lost", "reset" not in [name for name, _, _ in stage.heard()], stage.heard())


def token(secret, **claims):
    def text(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = text(b'{"alg":"HS256"}') + "." + text(json.dumps(claims).encode())
    return signed + "." + text(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def disconnect(stage, node, **what):
    """Has a backend end clients; whether every node has done it."""
    request = urllib.request.Request(
        f"{node['admin']}/api/disconnect", json.dumps(what).encode(), {"Content-Type": "application/json"})
    try:
        with stage.opener.open(request, timeout=60) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def for_good(stage, node):
    """Streams that end so that a browser must not come back, though it comes back to everything that ends."""
    stage.script("source.close()")
    path = f"/channels/{stage.channel}/sse?token={token(stage.secret, sub='browser')}"
    check("an EventSource with a token opens", stage.driver.execute_async_script(OPEN, path) == 1)
    eventually("a node that has just started knows all others", lambda: disconnect(stage, node, user="nobody"))
    check("it stays when others are ended", stage.script("return source.readyState") == 1)
    disconnect(stage, node, user="browser", disconnect={"code": 3011, "reason": "again"})
    eventually("ended by a backend that wants it back it is back", lambda: stage.script("return opens") == 2, stage.heard)
    disconnect(stage, node, user="browser", disconnect={"code": 4500, "reason": "banned"})
    eventually("banned it stays away", lambda: stage.script("return source.readyState") == 2, stage.heard)
    ends = [[json.loads(data)["code"], last] for name, data, last in stage.heard() if name == "disconnect"]
    check("and has heard why", ends[0][0] == 3011 and ends[0][1] != "end" and ends[1:] == [[4500, "end"]], ends)
    check("it was not let in again", stage.script("return opens") == 2)
    check("another EventSource is another reader", stage.driver.execute_async_script(OPEN, path) == 1)
    stage.script("source.close()")
    path = "/connection/uni_sse?cf_connect=%7B%22token%22:%22bad%22%7D"
    check("a stream says that its token is bad", stage.driver.execute_async_script(OPEN, path) == 1)
    eventually("its reader stays away", lambda: stage.script("return source.readyState") == 2, stage.heard)
    check("and asked once", stage.script("return opens") == 1 and '"code":3500' in stage.heard()[0][1], stage.heard())


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="fanfare-events-", ignore_cleanup_errors=True) as profile:
        driver = start_browser(profile)
        plan = json.loads(sys.argv[1])
        stage = Stage(plan, driver)
        stage.secret = plan["secret"]
        try:
            run(stage)
        finally:
            for process in stage.started:
                process.kill()
            driver.quit()


main()
