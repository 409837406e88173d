"""Chromium's own EventSource at an nginx that has no room for its address: it comes back by itself, and hears on.

crowded_check.py STAGE

STAGE as in eventsource_check.py; nginx has three connections for an address. Needs selenium, chromium, chromedriver. Prints a
line `ok …` for each check; at the first failure `FAILED …`, and exits 1.
"""

import json
import signal
import sys
import tempfile

from browser import start_browser
from stage import Cluster, check, eventually

OPEN = """
window.sources ??= []
const source = new EventSource(arguments[0])
source.opens = 0; source.errors = 0; source.heard = []
source.onopen = () => source.opens += 1
source.onerror = () => source.errors += 1
source.onmessage = event => source.heard.push(event.data)
return sources.push(source) - 1
"""


def run(stage):
    node, path = stage.nodes[0], f"/channels/{stage.channel}/sse"

    def state(index, what="readyState"):
        return stage.driver.execute_script("return sources[arguments[0]][arguments[1]]", index, what)

    def crowd():
        return stage.script("return sources.map(s => [s.readyState, s.opens, s.errors, s.heard])")

    # A page without connections of its own.
    stage.driver.get(stage.url + "/nginx-health")
    inside = [stage.driver.execute_script(OPEN, path) for _ in range(3)]
    for index in inside:
        eventually("one that has room opens", lambda: state(index) == 1, crowd)
    late = stage.driver.execute_script(OPEN, path)
    eventually("one too many is told so, and again when it comes back", lambda: state(late, "errors") >= 2, crowd)
    check("it has not ended", state(late) != 2, crowd())
    stage.publish(node, 1)
    for index in inside:
        eventually("the others hear", lambda: state(index, "heard") == ["1"], crowd)
    check("they were not disturbed", [state(index, "errors") for index in inside] == [0, 0, 0], crowd())
    check("it has heard nothing", state(late, "heard") == [], crowd())
    stage.driver.execute_script("sources[arguments[0]].close()", inside[0])
    eventually("with room for it, it stays", lambda: state(late) == 1 and publish_until(stage, node, state, late), crowd)
    check("each time it was told with an answer that is no error", state(late, "opens") == state(late, "errors") + 1, crowd())


def publish_until(stage, node, state, late):
    """Whether it hears what is published now."""
    stage.publish(node, "again")
    return '"again"' in state(late, "heard")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="fanfare-crowded-", ignore_cleanup_errors=True) as profile:
        driver = start_browser(profile)
        try:
            run(Cluster(json.loads(sys.argv[1]), driver))
        finally:
            driver.quit()


main()
