"""stomp.py, unmodified, on a WebSocket through nginx.

stomp_check.py HOST PORT ADMIN_URL

The node has the namespaces `chat` (history, recovery) and `*`. Prints a line `ok …` for each check.
"""

import queue
import sys

import stomp
from stomp.adapter.ws import WSStompConnection

from stage import check, publish

host, port, admin = sys.argv[1], int(sys.argv[2]), sys.argv[3]
LIMIT = 60


class Heard(stomp.ConnectionListener):
    """Frames of a connection, by their kind."""

    def __init__(self):
        self.messages, self.receipts, self.errors, self.connected = (queue.Queue() for _ in range(4))

    def on_connected(self, frame):
        self.connected.put(frame)

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)


def connect(**options):
    connection, heard = WSStompConnection([(host, port)], ws_path="/stomp", **options), Heard()
    connection.set_listener("heard", heard)
    connection.connect(wait=True)
    return connection, heard


first, heard = connect(heartbeats=(5000, 5000))
frame = heard.connected.get(timeout=LIMIT)
check("CONNECTED says version 1.2 and heart-beats", frame.headers["version"] == "1.2" and "," in frame.headers["heart-beat"])

first.subscribe("/topic/room:é", id="a", headers={"receipt": "s"})
check("a receipt for SUBSCRIBE", heard.receipts.get(timeout=LIMIT) == "s")
second, other = connect()
second.subscribe("room:é", id="b", headers={"receipt": "s"})
other.receipts.get(timeout=LIMIT)

first.send("/topic/room:é", "häll\n:\\o", content_type="text/plain", headers={"k-1": "v\n\\2", "receipt": "r"})
check("a receipt for SEND", heard.receipts.get(timeout=LIMIT) == "r")
mine, theirs = heard.messages.get(timeout=LIMIT), other.messages.get(timeout=LIMIT)
check("the publisher hears it", mine.body == "häll\n:\\o" and mine.headers["subscription"] == "a", mine)
check("so does another, in its form of the name",
      theirs.body == mine.body and theirs.headers["destination"] == "room:é" and theirs.headers["subscription"] == "b", theirs)
check("headers travel", theirs.headers["k-1"] == "v\n\\2" and theirs.headers["content-type"] == "text/plain", theirs)

for number in range(200):
    first.send("/topic/room:é", str(number))
check("two hundred come in their order", [other.messages.get(timeout=LIMIT).body for _ in range(200)] == [str(n) for n in range(200)])

first.unsubscribe("a")
first.subscribe("/topic/chat:1", id="c", headers={"receipt": "c"})
heard.receipts.get(timeout=LIMIT)
publish(admin, "chat:1", "one")
while (last := heard.messages.get(timeout=LIMIT)).headers["subscription"] != "c":
    pass
place = f"{last.headers['offset']}.{last.headers['epoch']}"
first.disconnect(receipt="bye")
check("a receipt for DISCONNECT", heard.receipts.get(timeout=LIMIT) == "bye")

publish(admin, "chat:1", "two")
publish(admin, "chat:1", "three")
third, again = connect()
third.subscribe("/topic/chat:1", id="c", headers={"since": place})
check("what was missed comes with since", [again.messages.get(timeout=LIMIT).body for _ in range(2)] == ['"two"', '"three"'])

kept, dropped = third.begin(), third.begin()
third.send("/topic/room:é", "never", transaction=dropped)
third.send("/topic/room:é", "in it", transaction=kept)
third.abort(dropped)
third.send("/topic/room:é", "before it")
third.commit(kept, receipt="commit")
check("a transaction is published with its COMMIT", [other.messages.get(timeout=LIMIT).body for _ in range(2)] == ["before it", "in it"])
check("which has a receipt", again.receipts.get(timeout=LIMIT) == "commit")
third.subscribe("/topic/chat:2", id="w", ack="client-individual", headers={"prefetch-count": "1", "receipt": "w"})
check("a subscription that acknowledges", again.receipts.get(timeout=LIMIT) == "w")
for number in range(3):
    publish(admin, "chat:2", number)
held = again.messages.get(timeout=LIMIT)
third.nack(held.headers["ack"])
held = again.messages.get(timeout=LIMIT)
check("NACK brings it again", held.body == "0" and held.headers["redelivered"] == "1", held)
bodies = [held.body]
while len(bodies) < 3:
    third.ack(held.headers["ack"])
    held = again.messages.get(timeout=LIMIT)
    bodies.append(held.body)
check("ACK lets the next one come, out of the history", bodies == ["0", "1", "2"], bodies)
third.abort(kept)
check("an ERROR names what is not there", "there is no transaction" in again.errors.get(timeout=LIMIT).headers["message"])
second.disconnect(receipt="end")
check("and the other goes on until its own end", other.receipts.get(timeout=LIMIT) == "end")
print("ok all of it")
