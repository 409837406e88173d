"""The official JavaScript client of Socket.IO in Chromium, through nginx: its node is killed, and it recovers on another.

socketio_browser_check.py STAGE

STAGE is JSON: {"nginx": URL, "channel": NAME, "nodes": [{"name", "admin", "pid", "command": […]}, …]}; the channel keeps a history,
and `command` starts a node anew where it was. Prints a line `ok …` for each check; at the first failure `FAILED …`, and exits 1.
"""

import functools
import glob
import json
import os
import signal
import sys
import tempfile

from browser import start_browser
from stage import BreakableCluster, check
from stage import eventually as eventually_within

WAIT = 60
# The library as its package brings it, in a wheel of which only this file is used.
LIBRARY = glob.glob(f"{sys.prefix}/lib/python3*/site-packages/nicegui/static/socket.io.min.js")[0]
OPEN = """
const [url, options, channel, done] = arguments
window.heard = []; window.connects = []; window.ends = []; window.acks = []
window.socket = io(url, options)
socket.on("connect", () => {
    connects.push({recovered: socket.recovered, id: socket.id, transport: socket.io.engine.transport.name})
    // What every page should do: subscribe where nothing was recovered.
    if (!socket.recovered) socket.emit("subscribe", channel, answer => { acks.push(answer); done(answer) })
})
socket.on("disconnect", reason => ends.push(reason))
socket.on("connect_error", error => ends.push(error.message))
socket.on("number", value => heard.push(value))
socket.on("bytes", value => heard.push(value))
socket.on("message", value => heard.push(value instanceof ArrayBuffer ? Array.from(new Uint8Array(value)) : value))
"""

eventually = functools.partial(eventually_within, within=WAIT)


class Stage(BreakableCluster):
    """The cluster, and what the page in it heard."""

    ready_within = WAIT

    def __init__(self, plan, driver):
        super().__init__(plan, driver)
        self.number = 0

    def numbers(self, node, count):
        for _ in range(count):
            self.number += 1
            self.publish(node, {"event": "number", "args": [self.number]})

    def heard(self):
        return self.script("return heard")

    def state(self):
        return self.script("return {heard, connects, ends, acks}")


def recovers(stage, name, transports):
    """A client on the first node, which is killed; the second one publishes."""
    first, second = stage.nodes
    options = {"query": {"route": stage.route_to(first["name"])}, "forceNew": True, "reconnectionDelay": 200}
    if transports:
        options["transports"] = transports
    begin = stage.number
    answer = stage.driver.execute_async_script(OPEN, stage.url, options, stage.channel)
    check(f"{name}: the official client subscribes", answer.get("room") == stage.channel, answer)
    stage.numbers(second, 30)
    eventually(f"{name}: it hears them", lambda: len(stage.heard()) == 30, stage.state)
    wanted = transports[0] if transports else "websocket"
    eventually(f"{name}: its transport", lambda: stage.script("return socket.io.engine.transport.name") == wanted, stage.state)
    os.kill(first["pid"], signal.SIGKILL)
    stage.numbers(second, 40)
    eventually(f"{name}: it comes back", lambda: len(stage.state()["connects"]) > 1, stage.state)
    stage.numbers(second, 30)
    eventually(f"{name}: it hears all", lambda: len(stage.heard()) >= 100, stage.state)
    state = stage.state()
    check(f"{name}: once and in order", state["heard"] == list(range(begin + 1, begin + 101)), state)
    check(f"{name}: recovered", state["connects"][-1]["recovered"] is True, state)
    check(f"{name}: as who it was", state["connects"][-1]["id"] == state["connects"][0]["id"], state)
    check(f"{name}: it subscribed once", len(state["acks"]) == 1, state)
    stage.script("socket.disconnect()")
    stage.start(first, is_heard=True)


def talks(stage):
    """Bytes both ways, errors, and an end that is meant."""
    driver = stage.driver
    driver.execute_async_script(OPEN, stage.url, {"forceNew": True}, "plain")
    answer = driver.execute_async_script(
        "socket.emit('publish', 'plain', new Uint8Array([0, 255, 30]), arguments[0])")
    check("bytes go out", answer == {}, answer)
    eventually("bytes come in", lambda: stage.heard() == [[0, 255, 30]], stage.state)
    answer = driver.execute_async_script("socket.emit('hello', 1, arguments[0])")
    check("no handler", answer["error"]["code"] == 108, answer)
    answer = driver.execute_async_script(
        "const done = arguments[0]; const other = io('/nowhere'); other.on('connect_error', e => done(e.message))"
        ";".replace("'/nowhere'", f"'{stage.url}/nowhere'"))
    check("an unknown namespace", answer == "Invalid namespace", answer)
    stage.script("socket.disconnect()")


def main():
    with tempfile.TemporaryDirectory() as profile:
        driver = start_browser(profile)
        driver.set_script_timeout(WAIT)
        stage = None
        try:
            stage = Stage(json.loads(sys.argv[1]), driver)
            driver.get(stage.url)
            with open(LIBRARY, encoding="utf-8") as library:
                driver.execute_script(library.read())
            talks(stage)
            for name, transports in [("websocket", ["websocket"]), ("polling", ["polling"]), ("upgrade", None)]:
                recovers(stage, name, transports)
            print("ok all of it", flush=True)
        finally:
            driver.quit()
            for child in stage.started if stage else []:
                child.kill()
                child.wait()


main()
