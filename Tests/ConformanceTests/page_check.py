"""The page at / in headless Chromium: two windows, publishing both ways, looks. Needs selenium, chromium, chromedriver.

page_check.py BASE_URL SCREENSHOT_DIRECTORY [--expect-different-nodes]

Prints a line `ok …` for each check; at the first failure `FAILED …` with the reason, and exits 1.
"""

import argparse
import pathlib
import signal
import sys
import tempfile
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import start_browser

WAIT = 60
DESKTOP, PHONE = (1280, 800), (390, 844)
HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
LONG = "Wide as a line can be: " + "w" * 300
FOREIGN = '{"temperature":21.5,"place":"roof"}'


class Failed(Exception):
    """A check failed; the text says what was seen."""


class Window:
    """One browser window with the page; every verb switches to it first."""

    def __init__(self, driver, handle, label):
        self.driver, self.handle, self.label = driver, handle, label

    def focus(self):
        self.driver.switch_to.window(self.handle)
        return self

    def open(self, url):
        self.focus().driver.get(url)

    def element(self, id):
        return self.focus().driver.find_element(By.ID, id)

    def script(self, body, *arguments):
        return self.focus().driver.execute_script(body, *arguments)

    def cdp(self, command, parameters):
        self.focus().driver.execute_cdp_cmd(command, parameters)

    def resize(self, size):
        width, height = size
        is_phone = size == PHONE
        self.cdp("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 2 if is_phone else 1, "mobile": is_phone})

    def state(self):
        """(state, node), read in one go."""
        return tuple(self.script(
            "return [document.getElementById('state').dataset.state, document.getElementById('node').textContent]"))

    def joined(self):
        return self.script("return [...document.querySelectorAll('#channels [data-state=joined]')]"
                           ".map(item => item.dataset.channel)")

    def publish(self, text):
        field = self.element("message-input")
        field.clear()
        field.send_keys(text)
        self.element("publish").click()

    def row(self, text):
        """The newest row with this text: its data, and whether it can be seen; None if there is none."""
        return self.script(
            "const row = [...document.querySelectorAll('#messages [data-text]')]"
            ".findLast(row => row.dataset.text === arguments[0]);"
            "return row && {...row.dataset, shown: row.innerText, height: row.offsetHeight}", text)


def eventually(what, condition, seen=lambda: None):
    """Waits for `condition`, and returns what it returned."""
    deadline = time.monotonic() + WAIT
    while True:
        if result := condition():
            return result
        if time.monotonic() > deadline:
            raise Failed(f"not within {WAIT} s: {what}; seen: {seen()}")
        time.sleep(0.05)


def check(condition, message):
    if not condition:
        raise Failed(message)


def ok(text):
    print(f"ok {text}", flush=True)


def check_connected(windows, expects_different):
    def states():
        return [window.state() for window in windows]

    def settled():
        now = states()
        nodes = {node for _, node in now}
        return all(state == "connected" for state, _ in now) and (not expects_different or len(nodes) == 2)

    eventually("both windows are connected" + (" on different nodes" if expects_different else ""), settled, states)
    for window in windows:
        eventually(f"{window.label} is in lobby", lambda: "lobby" in window.joined(), window.joined)
    ok("both windows are connected: " + ", ".join(node for _, node in states()))


def check_message(sender, receiver, text):
    sender.publish(text)
    for window, is_own in [(receiver, False), (sender, True)]:
        row = eventually(f"'{text}' is shown in {window.label}", lambda: window.row(text),
                         lambda: window.element("messages").text[-300:])
        check(row["channel"] == "lobby", f"{window.label} shows '{text}' in channel {row['channel']}")
        check(row["height"] > 0, f"the row of '{text}' can't be seen in {window.label}")
        try:
            latency = float(row["latency"])
        except ValueError:
            raise Failed(f"the latency of '{text}' in {window.label} is '{row['latency']}'") from None
        check(0 <= latency < 10_000, f"the latency of '{text}' in {window.label} is {latency} ms")
        check(" ms" in row["shown"], f"{window.label} shows no latency: {row['shown']!r}")
        check(("round trip" in row["shown"]) == is_own, f"round trip in {window.label}: {row['shown']!r}")
    ok(f"{sender.label} publishes, {receiver.label} shows it after {receiver.row(text)['latency']} ms, "
       f"round trip {sender.row(text)['latency']} ms")


def check_channels(first, second):
    """A channel of one window only is not heard in the other, until that joins, too."""
    first.element("channel-input").send_keys("quiet-room", Keys.ENTER)
    eventually("the first window is in quiet-room", lambda: "quiet-room" in first.joined(), first.joined)
    first.publish("only here")
    row = eventually("the message into quiet-room", lambda: first.row("only here"))
    check(row["channel"] == "quiet-room", f"a new channel is not chosen for publishing: {row['channel']}")
    check(second.row("only here") is None, "a message of quiet-room is shown to who is not in it")
    second.element("channel-input").send_keys("quiet-room")
    second.element("channel-add").click()
    eventually("the second window is in quiet-room", lambda: "quiet-room" in second.joined(), second.joined)
    first.publish("for both")
    eventually("the message into quiet-room in both", lambda: second.row("for both"))
    for window in (first, second):
        window.focus().driver.find_element(By.CSS_SELECTOR, "#channels [data-channel=quiet-room] button").click()
        check("quiet-room" not in window.joined(), f"{window.label} can't leave a channel")
    ok("channels are joined and left, and heard by who is in them only")


def check_names(window):
    """A channel is called what it is called, everywhere: a '#' in front would be another channel."""
    window.publish("by name")
    eventually("a message in lobby", lambda: window.row("by name"))
    shown = window.script(
        "return ['#channels li[data-channel=lobby] span', '#channel option', '#messages li:last-child .channel']"
        ".map(place => document.querySelector(place).textContent)")
    check(shown == ["lobby"] * 3, f"the channel 'lobby' is shown as {shown}")
    ok("channels are shown under their own names")


def check_refusals(window):
    """What is not published stays a draft, and an error goes when it is over."""
    def notice():
        return window.element("notice").text

    window.script(
        "window.realSend = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (text) {"
        " const { id, publish } = JSON.parse(text);"
        " if (!publish) return window.realSend.call(this, text);"
        " setTimeout(() => this.onmessage({ data: JSON.stringify({ id, error: { code: 103, message: 'not here' } }) })); };")
    window.publish("worth keeping")
    eventually("a refusal is shown", lambda: "Not published: not here (103)" in notice(), notice)
    draft = window.element("message-input").get_property("value")
    check(draft == "worth keeping", f"after a refusal the draft is {draft!r}")
    window.script("WebSocket.prototype.send = window.realSend")
    window.element("publish").click()
    eventually("the draft is published at the second try", lambda: window.row("worth keeping"))
    check(notice() == "", f"the error of the first try is still there: {notice()!r}")
    check(window.element("message-input").get_property("value") == "", "what was published is still in the field")
    window.element("channel-input").send_keys("no*such", Keys.ENTER)
    eventually("a channel is refused", lambda: notice().startswith("no*such: "), notice)
    window.focus().driver.find_element(By.CSS_SELECTOR, "#channels [data-state=refused] button").click()
    check(notice() == "", f"the error of a channel that was left is still there: {notice()!r}")
    ok("a refused message stays in the field, and errors go when they are over")


def check_hostile_text(first, second):
    first.publish(HOSTILE)
    row = eventually("hostile text is shown", lambda: second.row(HOSTILE))
    check(HOSTILE in row["shown"], f"hostile text is not shown as text: {row['shown']!r}")
    for window in (first, second):
        found = window.script("return [window.broken ?? 0, document.querySelectorAll('#messages img').length]")
        check(found == [0, 0], "a message's text became markup")
    ok("markup in a message is shown as text")


def publish_foreign(window):
    """Publishes what the page never would, with a client of its own beside it."""
    window.script(
        "const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/connection/websocket`);"
        "socket.onopen = () => socket.send('{\"id\":1,\"connect\":{}}');"
        "socket.onmessage = ({data}) => {"
        " if (data.includes('\"connect\"'))"
        "  socket.send(`{\"id\":2,\"publish\":{\"channel\":\"lobby\",\"data\":${arguments[0]}}}`);"
        " if (data.includes('\"id\":2') || data.includes('\"id\": 2')) socket.close(); };", FOREIGN)


def check_foreign_data(first):
    publish_foreign(first)
    row = eventually("foreign data is shown as JSON", lambda: first.row(FOREIGN),
                     lambda: first.element("messages").text[-300:])
    check(row["latency"] == "", f"foreign data has latency {row['latency']}")
    ok("foreign data is shown as JSON")


def check_burst(first, second):
    before = int(second.element("count").text.replace(",", ""))
    first.element("message-input").clear()
    first.element("burst").click()
    for window in (first, second):
        eventually(f"the burst's last message in {window.label}", lambda: window.row("burst 100/100"))
        order = window.script("return [...document.querySelectorAll('#messages [data-text^=\"burst \"]')]"
                              ".map(row => parseInt(row.dataset.text.slice(6)))")
        check(order == list(range(1, 101)), f"{window.label} shows the burst as {order}")
    first.element("burst").click()
    eventually("two bursts are counted",
               lambda: int(second.element("count").text.replace(",", "")) >= before + 200,
               lambda: second.element("count").text)
    rows = second.script("return document.querySelectorAll('#messages li').length")
    check(rows == 200, f"{rows} rows after more than 200 messages, 200 expected")
    statistics = [second.element(id).text for id in ("median", "max")]
    check(all(text.endswith((" ms", " s")) for text in statistics), f"statistics are {statistics}")
    ok(f"100 messages at once arrive in order; 200 rows are kept; median {statistics[0]}, max {statistics[1]}")


def check_long_line(first, second):
    first.publish(LONG)
    eventually("a long line is shown", lambda: second.row(LONG))
    for size in (DESKTOP, PHONE):
        second.resize(size)
        check_width(second, size[0], "with a long line")
    second.resize(DESKTOP)
    ok("a long line without a space is wrapped")


def converse(first, second):
    """Something to look at on the screenshots."""
    for window in (first, second):
        window.element("clear").click()
    for sender, receiver, text in [
        (second, first, "Anyone on the other node?"), (first, second, "Loud and clear."),
        (second, first, "Then this went through two nodes and one Redis to reach you. Does it keep its order?"),
        (first, second, "It does: per channel, everyone sees the same one."),
    ]:
        sender.publish(text)
        eventually(f"'{text}' is shown", lambda: receiver.row(text) and sender.row(text))
    publish_foreign(first)
    for window in (first, second):
        eventually("foreign data is shown", lambda: window.row(FOREIGN))


def check_another_node(second):
    before = second.state()[1]
    second.element("another-node").click()
    eventually(f"the second window is on another node than {before}",
               lambda: second.state()[0] == "connected" and second.state()[1] != before, second.state)
    ok(f"'Another node' leads from {before} to {second.state()[1]}")


def check_width(window, width, name):
    """Nothing may reach out of the screen, or make it scroll sideways."""
    eventually(f"the viewport is {width} wide", lambda: window.script("return innerWidth") >= width)
    widest = window.script(
        "return Math.max(innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth)")
    check(widest == width, f"{name}: {widest} px wide, the screen {width}")
    outside = window.script(
        "return [...document.querySelectorAll('body *')].filter(element => {"
        " const box = element.getBoundingClientRect();"
        " return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1); })"
        ".map(element => element.id || element.className || element.tagName).slice(0, 5)")
    check(not outside, f"{name}: outside of the screen: {outside}")


def check_looks(window, directory, *, name, size, dark):
    """Sets size and colours, looks for overflow and small targets, saves a screenshot."""
    width, height = size
    window.resize(size)
    window.cdp("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
    check_width(window, width, name)
    if size == PHONE:
        small = window.script(
            "return [...document.querySelectorAll('button, input, select, summary')]"
            ".filter(element => element.offsetParent && (element.offsetHeight < 44 || element.offsetWidth < 44))"
            ".map(element => element.id || element.textContent)")
        check(not small, f"{name}: too small to touch: {small}")
    # Brightness of the page behind everything: dark must be dark, light light.
    red = window.script("return parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    check(red < 64 if dark else red > 192, f"{name}: the page's background is {red} of 255")
    eventually("rows have come to rest", lambda: window.script("return document.getAnimations().length === 0"))
    path = directory / f"{name}.png"
    window.script("window.scrollTo(0, 0)")
    check(window.driver.save_screenshot(str(path)), f"{path} can't be written")
    ok(f"{name}: {width}x{height}, no overflow: {path}")


def check_console(windows):
    bad = [entry for window in windows for entry in window.focus().driver.get_log("browser")
           if entry["level"] in ("SEVERE", "WARNING")]
    check(not bad, f"the console says: {[entry['message'] for entry in bad]}")
    ok("no errors in the console")


def run(driver, url, directory, expects_different):
    first = Window(driver, driver.current_window_handle, "the first window")
    first.open(url)
    driver.switch_to.new_window("window")
    second = Window(driver, driver.current_window_handle, "the second window")
    second.open(url)
    windows = [first, second]
    check_connected(windows, expects_different)
    check_message(first, second, "hello from the first window")
    check_message(second, first, "and hello back")
    check_channels(first, second)
    check_names(first)
    check_refusals(first)
    check_hostile_text(first, second)
    check_foreign_data(first)
    check_burst(first, second)
    check_long_line(first, second)
    converse(first, second)
    check_looks(first, directory, name="desktop-light", size=DESKTOP, dark=False)
    check_looks(second, directory, name="desktop-dark", size=DESKTOP, dark=True)
    check_looks(first, directory, name="phone-light", size=PHONE, dark=False)
    check_looks(second, directory, name="phone-dark", size=PHONE, dark=True)
    if expects_different:
        check_another_node(second)
    check_console(windows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--expect-different-nodes", action="store_true")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    # A signal must not leave a browser behind: SystemExit runs the `finally` below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended by SIGTERM"))
    driver = None
    with tempfile.TemporaryDirectory(prefix="fanfare-page-", ignore_cleanup_errors=True) as profile:
        try:
            driver = start_browser(
                profile, "--disable-sync", "--lang=en", f"--window-size={DESKTOP[0]},{DESKTOP[1]}", logs=True)
            driver.set_page_load_timeout(WAIT)
            run(driver, arguments.url, arguments.directory.resolve(), arguments.expect_different_nodes)
        except Failed as failure:
            save_failure(driver, arguments.directory)
            sys.exit(f"FAILED {failure}")
        finally:
            if driver:
                driver.quit()


def save_failure(driver, directory):
    try:
        driver.save_screenshot(str(directory / "failure.png"))
    except Exception:
        pass


main()
