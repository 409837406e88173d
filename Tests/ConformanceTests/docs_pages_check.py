"""The pages of docs/socketio.md and docs/sockjs.md, byte for byte as they stand there, in headless Chromium: from a file, as who tries
them first opens them, and from a server of another origin. Needs selenium, chromium, chromedriver, openssl, and the clients that the
pages name: of Debian's node-sockjs-client and of the tests' Python packages.

docs_pages_check.py HOST:PORT

HOST:PORT is a cluster's, as `make cluster` and `docker compose up` have it at the address in the pages. Prints a line `ok …` for each
check; at the first failure `FAILED …`, and exits 1.
"""

import functools
import glob
import http.server
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import threading

from browser import start_browser
from stage import check
from stage import eventually as eventually_within

DOCS = pathlib.Path(__file__).parents[2] / "docs"
# What the addresses of scripts in the pages stand for here, and what shows that it is that version.
SCRIPTS = {
    "https://cdn.socket.io/4.8.1/socket.io.min.js":
        (f"{sys.prefix}/lib/python3*/site-packages/nicegui/static/socket.io.min.js", "Socket.IO v4.8.1"),
    "https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/dist/sockjs.min.js":
        ("/usr/share/nodejs/sockjs-client/dist/sockjs.min.js", '"1.6.1"'),
}
eventually = functools.partial(eventually_within, within=60)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def page(name):
    """The first page of a document, and what follows it."""
    found = re.search(r"```html\n(.*?)```\n(.*)", (DOCS / name).read_text(), re.DOTALL)
    script = re.search(r'<script src="([^"]*)">', found[1])[1]
    check(f"{name}: its script is known here", script in SCRIPTS, script)
    return found[1], found[2]


def serve(folder, context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def serve_scripts(folder):
    """A server over TLS that has the scripts at the paths of their addresses."""
    for address, (pattern, version) in SCRIPTS.items():
        path = folder / address.split("/", 3)[3]
        path.parent.mkdir(parents=True)
        script = pathlib.Path(glob.glob(pattern)[0]).read_text()
        check(f"{path.name} is {version}", version in script)
        path.write_text(script)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=scripts", "-keyout",
         folder / "key", "-out", folder / "certificate"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return serve(folder, context)


class Window:
    """A window of the browser with a page in it."""

    def __init__(self, driver, address):
        driver.switch_to.new_window("window")
        self.driver, self.handle = driver, driver.current_window_handle
        driver.get(address)

    def script(self, body):
        self.driver.switch_to.window(self.handle)
        return self.driver.execute_script(body)

    def close(self):
        self.driver.switch_to.window(self.handle)
        self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])


def console(driver):
    """What pages said since the last time, each line behind the page's address."""
    return [line["message"] for line in driver.get_log("browser") if line["source"] == "console-api"]


def socket_io(driver, place, address):
    """Two people chat."""
    windows = [Window(driver, address), Window(driver, address)]
    said = []
    # The answer to "subscribe" is an object.
    eventually(f"{place}: both subscribe", lambda: said.extend(console(driver)) or len(said) == 2, lambda: said)
    for number, window in enumerate(windows):
        window.script(f"say('hello {number} from {place}')")
        for other in windows:
            eventually(
                f"{place}: all read it", lambda: f"hello {number} from {place}" in other.script("return document.body.innerText"),
                lambda: (other.script("return document.body.innerText"), console(driver)))
    check(f"{place}: on a WebSocket", windows[0].script("return socket.io.engine.transport.name") == "websocket")
    for window in windows:
        window.close()
    print(f"ok {place}", flush=True)


def sockjs(driver, place, address):
    """Each page says hello when it opens, so the first hears both."""
    said = []
    heard = lambda count: said.extend(console(driver)) or sum("hello" in line for line in said) >= count
    first = Window(driver, address)
    eventually(f"{place}: the first hears itself", lambda: heard(1), lambda: said)
    second = Window(driver, address)
    eventually(f"{place}: both hear the second", lambda: heard(3), lambda: said)
    check(f"{place}: nobody hears more", sum("hello" in line for line in said) == 3, said)
    check(f"{place}: on a WebSocket", first.script("return socket.transport") == "websocket")
    for window in (first, second):
        window.close()
    print(f"ok {place}", flush=True)


def main():
    host = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        scripts, pages = pathlib.Path(folder) / "scripts", pathlib.Path(folder) / "pages"
        pages.mkdir()
        scripts.mkdir()
        rules = [f"MAP {address.split('/')[2]}:443 127.0.0.1:{port}" for port in [serve_scripts(scripts)] for address in SCRIPTS]
        rules.append(f"MAP 127.0.0.1:8080 {host}")
        chat, _ = page("socketio.md")
        (pages / "socketio.html").write_text(chat)
        news, rest = page("sockjs.md")
        # The page has the address of a site; the sentence behind it says which one it is here.
        here = re.search(r"With `make cluster` the address is `([^`]*)`", rest)[1]
        there = re.search(r'new SockJS\("([^"]*)"', news)[1]
        check("both addresses are one service", here.split("/", 3)[3] == there.split("/", 3)[3], (here, there))
        (pages / "sockjs.html").write_text(news.replace(there, here))
        driver = start_browser(profile, f"--host-resolver-rules={','.join(rules)}", "--ignore-certificate-errors", logs=True)
        try:
            for place, base in [("a file", f"file://{pages}"), ("another origin", f"http://localhost:{serve(pages)}")]:
                socket_io(driver, f"Socket.IO, {place}", f"{base}/socketio.html")
                sockjs(driver, f"SockJS, {place}", f"{base}/sockjs.html")
        finally:
            driver.quit()
    print("ok all pages", flush=True)


main()
