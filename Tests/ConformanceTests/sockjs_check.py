"""sockjs-client in headless Chromium, on a page of another origin, held to one transport after the other. Needs selenium, chromium,
chromedriver and Debian's node-sockjs-client.

sockjs_check.py URL PAGE_PORT [TRANSPORT…]

URL is a channel's service; the page, and the script for frames, are at http://127.0.0.1:PAGE_PORT/. Prints a line `ok …` for each
transport; at the first failure `FAILED …` with the reason, and exits 1.
"""

import functools
import http.server
import pathlib
import sys
import tempfile
import threading

from browser import start_browser

CLIENT = pathlib.Path("/usr/share/nodejs/sockjs-client/dist/sockjs.js")
TRANSPORTS = [
    "websocket", "xhr-streaming", "xhr-polling", "jsonp-polling", "iframe-eventsource", "iframe-htmlfile",
    "iframe-xhr-polling",
]
RUN = """
const [url, transport, done] = arguments;
const texts = Array.from({length: 30}, (_, index) => `${transport} ${index} </script> \\u2028 "\\\\ \\u{1F600}`);
let heard = 0;
const timer = setTimeout(() => done(`not in time; heard ${heard}`), 40000);
const end = (text) => { clearTimeout(timer); done(text); };
const socket = new SockJS(url, null, {transports: [transport]});
socket.onopen = () => {
    if (socket.transport !== transport) return end(`another transport: ${socket.transport}`);
    for (const text of texts) socket.send(text);
};
socket.onmessage = (event) => {
    if (!event.data.startsWith(transport)) return;
    if (event.data !== texts[heard]) return end(`message ${heard} is ${event.data}`);
    heard += 1;
    if (heard === texts.length) { socket.onclose = () => end("ok"); socket.close(); }
};
socket.onclose = (event) => end(`closed with ${event.code} ${event.reason}, heard ${heard}`);
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main():
    url, port, transports = sys.argv[1], int(sys.argv[2]), sys.argv[3:] or TRANSPORTS
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        root = pathlib.Path(folder)
        (root / "sockjs.js").write_bytes(CLIENT.read_bytes())
        (root / "index.html").write_text('<!doctype html><meta charset="utf-8"><script src="sockjs.js"></script>')
        handler = functools.partial(Quiet, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        driver = start_browser(profile)
        try:
            driver.set_script_timeout(60)
            for transport in transports:
                driver.get(f"http://127.0.0.1:{port}/")
                result = driver.execute_async_script(RUN, url, transport)
                if result != "ok":
                    sys.exit(f"FAILED {transport}: {result}")
                print(f"ok {transport}", flush=True)
        finally:
            driver.quit()
            server.shutdown()
    print("ok all transports", flush=True)


main()
