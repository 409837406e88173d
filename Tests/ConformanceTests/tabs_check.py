"""Twenty of Chromium's own EventSources in five tabs, over HTTP/2 through nginx: more than HTTP/1.1 lets a browser open to one host.

tabs_check.py STAGE

STAGE is JSON: {"nginx": URL, "channel": NAME, "nodes": [{"name", "admin", "pid"}, …]}, all with TLS; the channel keeps a history.
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

TABS, STREAMS, PUBLICATIONS = 5, 4, 40
WAIT = 60
# Each with a route of its own, so that both nodes have some.
OPEN = """
const [channel, first, count] = arguments
window.heard = []; window.opens = 0; window.sources = []
for (let number = 0; number < count; number++) {
    const messages = []
    heard.push(messages)
    const source = new EventSource(`/channels/${channel}/sse?route=t${first + number}`)
    source.onopen = () => opens += 1
    source.onmessage = event => messages.push(Number(event.data))
    source.addEventListener("reset", () => messages.push("reset"))
    sources.push(source)
}
"""
PROTOCOL = "return performance.getEntriesByType('navigation')[0].nextHopProtocol"
# A request of its own: entries of streams come when these have ended.
FETCHED = """
const done = arguments[0]
fetch("/?probe").then(answer => answer.text()).then(() => {
    const entries = performance.getEntriesByType("resource").filter(entry => entry.name.endsWith("probe"))
    done(entries.at(-1).nextHopProtocol)
})
"""


def connections(port):
    """Connections of this machine to that port on loopback that are open."""
    found = set()
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(name) as file:
            for line in list(file)[1:]:
                local, remote, state = line.split()[1:4]
                if state == "01" and int(remote.rsplit(":", 1)[1], 16) == port:
                    found.add(local)
    return found


class Tabs(Cluster):
    def each(self, body):
        """What the script returns in each tab."""
        answers = []
        for handle in self.driver.window_handles:
            self.driver.switch_to.window(handle)
            answers.append(self.script(body))
        return answers

    def wait(self, what, body, expected):
        deadline = time.monotonic() + WAIT
        while (seen := self.each(body)) != expected:
            if time.monotonic() > deadline:
                sys.exit(f"FAILED not within {WAIT} s: {what}; seen: {seen}")
            time.sleep(0.1)


def run(tabs):
    driver, port = tabs.driver, int(tabs.url.rsplit(":", 1)[1])
    driver.set_script_timeout(60)
    for number in range(TABS):
        if number:
            driver.switch_to.new_window("tab")
        driver.get(tabs.url)
        check(f"tab {number + 1} came over HTTP/2", tabs.script(PROTOCOL) == "h2", tabs.script(PROTOCOL))
        driver.execute_script(OPEN, tabs.channel, number * STREAMS, STREAMS)
    tabs.wait("all are open", "return sources.filter(s => s.readyState == 1).length", [STREAMS] * TABS)
    check(f"{TABS * STREAMS} EventSources are open at once", True)
    check("and there is room for a request", driver.execute_async_script(FETCHED) == "h2")
    open_now = connections(port)
    check("several on a connection", 0 < len(open_now) <= TABS * STREAMS / 2, open_now)
    expected = [[list(range(PUBLICATIONS // 2))] * STREAMS] * TABS
    for number in range(PUBLICATIONS // 2):
        tabs.publish(tabs.nodes[1], number)
    tabs.wait("all hear", "return heard", expected)
    os.kill(tabs.nodes[0]["pid"], signal.SIGKILL)
    for number in range(PUBLICATIONS // 2, PUBLICATIONS):
        tabs.publish(tabs.nodes[1], number)
    expected = [[list(range(PUBLICATIONS))] * STREAMS] * TABS
    tabs.wait("all hear on", "return heard", expected)
    again = sum(tabs.each("return opens"))
    check("a node was killed, and some came back", again > TABS * STREAMS, again)
    check("all heard everything once, in order", tabs.each("return heard") == expected)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="fanfare-tabs-", ignore_cleanup_errors=True) as profile:
        # Its authority is made for the test, and no browser knows it.
        driver = start_browser(profile, "--ignore-certificate-errors")
        try:
            run(Tabs(json.loads(sys.argv[1]), driver))
        finally:
            driver.quit()


main()
