"""A session of the Centrifuge protocol in Protobuf over plain HTTP, with Google's Protobuf on the SDK's schema and Python's own
HTTP: no client of ours. Arguments: port of the node with the stream, port of another node, URL of the server API.

Messages stand behind their lengths; requests are application/octet-stream, as Centrifugo takes them.
"""

import http.client
import json
import sys
import urllib.request

from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.internal.encoder import _VarintBytes

from centrifuge.protocol.client_pb2 import (
    Command, ConnectRequest, EmulationRequest, HistoryRequest, PublishRequest, Reply, SubscribeRequest,
)

own, other, api = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
BINARY = {"Content-Type": "application/octet-stream"}


def delimited(*commands):
    return b"".join(_VarintBytes(len(one)) + one for one in (command.SerializeToString() for command in commands))


class Session:
    def __init__(self, *first):
        self.connection = http.client.HTTPConnection("127.0.0.1", own, timeout=60)
        self.connection.request("POST", "/connection/http_stream", delimited(*first), BINARY)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.status
        assert self.answer.getheader("Content-Type") == "application/octet-stream"
        self.rest = b""

    def read(self):
        """The next message; None at the end."""
        while True:
            if self.rest:
                try:
                    length, place = _DecodeVarint32(self.rest, 0)
                except IndexError:
                    length, place = 1 << 40, 0
                if len(self.rest) - place >= length:
                    message, self.rest = self.rest[place:place + length], self.rest[place + length:]
                    return Reply.FromString(message)
            part = self.answer.read1(65_536)
            if not part:
                assert not self.rest, self.rest
                return None
            self.rest += part

    def reply(self, id):
        """The reply to a command; pushes before it, and pings."""
        before = []
        while (message := self.read()).id != id:
            before.append(message)
        return message, before


def post(session, data, port=other, headers=BINARY):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/emulation", EmulationRequest(session=session, node="n", data=data).SerializeToString(), headers)
    return connection.getresponse().status


def publish(channel, data):
    body = json.dumps({"channel": channel, "data": data}).encode()
    request = urllib.request.Request(api + "/publish", body, {"Content-Type": "application/json"})
    assert urllib.request.urlopen(request, timeout=60).status == 200


session = Session(Command(id=1, connect=ConnectRequest(name="check")), Command(id=2, subscribe=SubscribeRequest(channel="kept:a")))
connect, _ = session.reply(1)
assert connect.connect.session and connect.connect.client and connect.connect.pong, connect
subscribed, _ = session.reply(2)
assert subscribed.subscribe.recoverable and subscribed.subscribe.epoch, subscribed
print("ok connects and subscribes with one request", flush=True)

key = connect.connect.session
binary = bytes(range(256)) * 100
assert post(key, delimited(
    Command(id=3, publish=PublishRequest(channel="kept:a", data=binary)),
    Command(id=4, history=HistoryRequest(channel="kept:a", limit=10)))) == 204
published, before = session.reply(3)
history, more = session.reply(4)
pushes = [message.push for message in before + more if message.HasField("push")]
while not pushes:
    message = session.read()
    pushes += [message.push] if message.HasField("push") else []
assert not published.HasField("error"), published
assert [one.data for one in history.history.publications] == [binary], history
# As JSON: what is no text has a name for it, for Protobuf it is its bytes.
assert [push.pub.data for push in pushes if push.HasField("pub")] == [binary], pushes
publish("kept:a", {"n": 1})
message = session.read()
while not message.HasField("push"):
    message = session.read()
assert message.push.channel == "kept:a" and json.loads(message.push.pub.data) == {"n": 1} and message.push.pub.offset == 2, message
print("ok speaks in requests through another node, and hears bytes as they are", flush=True)

while session.read() != Reply():
    pass
# A message of no bytes is a ping, and so is its answer.
assert post(key, b"\x00") == 204
assert post(key, delimited(Command(id=5, ping={}))) == 204
assert session.reply(5)[0].HasField("ping")
print("ok is pinged and answers", flush=True)

assert post(key, b"", headers={"Content-Type": "application/json"}) == 400
assert post("x", delimited(Command(id=6, ping={}))) == 404
connection = http.client.HTTPConnection("127.0.0.1", other, timeout=60)
connection.request("POST", "/emulation", b"\x12\xff\xff\xff", BINARY)
assert connection.getresponse().status == 400
assert post(key, delimited(Command(id=7, publish=PublishRequest(channel="kept:a", data=b"x")))[:-1]) == 204
while (message := session.read()) is not None:
    last = message
assert last.push.disconnect.code == 3501, last
assert post(key, delimited(Command(id=8, ping={}))) == 404
print("ok ends with a push for what is no command", flush=True)

for path in ("/connection/sse", "/connection/uni_http_stream", "/connection/uni_sse"):
    connection = http.client.HTTPConnection("127.0.0.1", own, timeout=60)
    connection.request("POST", path, delimited(Command(id=1, connect=ConnectRequest())), BINARY)
    assert connection.getresponse().status == 415, path
print("ok all", flush=True)
