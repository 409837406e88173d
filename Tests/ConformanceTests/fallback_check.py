"""The official clients of Socket.IO and SockJS in headless Chromium, behind a proxy that lets no WebSocket through: both go on over plain
HTTP by themselves. Needs selenium, chromium, chromedriver, Debian's node-sockjs-client, and the tests' Python packages.

fallback_check.py URL

URL is the proxy's, with a page at /. Prints a line `ok …` for each check; at the first failure `FAILED …`, and exits 1.
"""

import glob
import pathlib
import sys
import tempfile

from browser import start_browser
from stage import check, eventually

LIBRARIES = [
    glob.glob(f"{sys.prefix}/lib/python3*/site-packages/nicegui/static/socket.io.min.js")[0],
    "/usr/share/nodejs/sockjs-client/dist/sockjs.js",
]
NUMBERS = list(range(30))
PROBE = """
const [url, done] = arguments
const socket = new WebSocket(url.replace("http", "ws") + "/channels/a/ws")
socket.onopen = () => done("open")
socket.onerror = () => done("refused")
"""
SOCKET_IO = """
const [url, options, count] = arguments
window.heard = []; window.failed = 0
window.socket = io(url, {forceNew: true, ...options})
socket.io.engine.on("upgradeError", () => failed += 1)
socket.on("message", number => heard.push(number))
socket.on("connect", () => socket.emit("subscribe", "fallback", () => {
    for (let number = 0; number < count; number++) socket.emit("publish", "fallback", number)
}))
window.transport = () => socket.io.engine.transport.name
window.end = () => socket.disconnect()
"""
SOCKJS = """
const [url, transports, count] = arguments
window.heard = []; window.closed = []
window.socket = new SockJS(url + "/sockjs/channels/fallback", null, transports ? {transports} : {})
socket.onmessage = event => heard.push(Number(event.data))
socket.onopen = () => { for (let number = 0; number < count; number++) socket.send(String(number)) }
socket.onclose = event => closed.push([event.code, event.reason])
window.transport = () => socket.transport
window.end = () => socket.close()
"""


def main():
    url = sys.argv[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = start_browser(profile)
        try:
            driver.set_script_timeout(60)
            driver.get(url)
            for library in LIBRARIES:
                driver.execute_script(pathlib.Path(library).read_text())
            check("no WebSocket gets through", driver.execute_async_script(PROBE, url) == "refused")

            def talks(name, script, options, ends_on):
                driver.execute_script(script, url, options, len(NUMBERS))
                heard = lambda: driver.execute_script("return heard")
                eventually(f"{name} hears", lambda: len(heard()) >= len(NUMBERS), heard, within=60)
                check(f"{name}: once and in order", heard() == NUMBERS, heard())
                transport = driver.execute_script("return transport()")
                check(f"{name}: on {ends_on}", transport == ends_on, transport)

            talks("Socket.IO", SOCKET_IO, {}, "polling")
            eventually("its upgrade fails", lambda: driver.execute_script("return failed") > 0, within=60)
            check("it stays connected", driver.execute_script("return socket.connected"))
            driver.execute_script("end()")
            first = {"transports": ["websocket", "polling"], "tryAllTransports": True}
            talks("Socket.IO that begins on a WebSocket", SOCKET_IO, first, "polling")
            driver.execute_script("end()")
            talks("SockJS", SOCKJS, None, "xhr-streaming")
            driver.execute_script("end()")
            for transport in ["xhr-streaming", "eventsource", "xhr-polling"]:
                talks(f"SockJS, then {transport}", SOCKJS, ["websocket", transport], transport)
                driver.execute_script("end()")
        finally:
            driver.quit()
    print("ok all of it", flush=True)


main()
