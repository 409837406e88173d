"""Pages of two origins in headless Chromium, one of them allowed: what their scripts can send and read over HTTP.

cors_check.py NODE_URL ALLOWED_PORT

Serves an empty page at http://127.0.0.1:ALLOWED_PORT and at a port of its own. Needs selenium, chromium, chromedriver. Prints a
line `ok …` for each check; at the first failure `FAILED …`, and exits 1.
"""

import http.server
import signal
import sys
import tempfile
import threading

from browser import start_browser

SEND = """
const [url, fields, done] = arguments
fetch(url, {method: "POST", body: '{"a":1}', credentials: "include", headers: fields})
    .then(answer => done({status: answer.status, node: answer.headers.get("fanfare-node")}))
    .catch(error => done({error: error.name}))
"""
FIELDS = {"Authorization": "Basic eA==", "Content-Type": "application/json"}


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page at every path."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>page</title>")

    def log_message(self, *_):
        pass


def serve(port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def check(what, found, expected):
    if found != expected:
        sys.exit(f"FAILED {what}: {found}, expected {expected}")
    print(f"ok {what}", flush=True)


def run(driver, node, allowed, other):
    driver.set_script_timeout(60)
    driver.get(allowed)
    read = lambda path, fields: driver.execute_async_script(SEND, node + path, fields)
    check("a listed page sends with a preflight and reads", read("/channels/a", FIELDS)["status"], 200)
    answer = read("/channels/a", {})
    check("and without one", answer["status"], 200)
    check("and sees the field that is exposed", bool(answer["node"]), True)
    check("and reads errors", read("/channels/a%20b", FIELDS)["status"], 400)
    check("but sends no field that is not allowed", read("/channels/a", {"X-Other": "1"}), {"error": "TypeError"})
    driver.get(other)
    check("another page may not ask", read("/channels/a", FIELDS), {"error": "TypeError"})
    check("and reads nothing without asking", read("/channels/a", {}), {"error": "TypeError"})


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended by SIGTERM"))
    allowed, other = serve(int(sys.argv[2])), serve(0)
    with tempfile.TemporaryDirectory(prefix="fanfare-cors-", ignore_cleanup_errors=True) as profile:
        driver = start_browser(profile)
        try:
            run(driver, sys.argv[1], allowed, other)
        finally:
            driver.quit()


main()
