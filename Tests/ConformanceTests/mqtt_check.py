"""paho-mqtt, unmodified, on a WebSocket through nginx, in both versions of MQTT.

mqtt_check.py HOST PORT ADMIN_URL

The node has the namespaces `state` (history, recovery=cache), `log` (history), `room` and `*`. Prints a line `ok …` for each check.
"""

import json
import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from stage import check, publish

host, port, admin = sys.argv[1], int(sys.argv[2]), sys.argv[3]
LIMIT = 60


class Client:
    """A connection, and what it heard by its kind."""

    def __init__(self, version, connect_properties=None, **options):
        self.connected, self.subscribed, self.unsubscribed, self.published, self.messages, self.ended = (
            queue.Queue() for _ in range(6))
        self.paho = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, protocol=version, transport="websockets", **options)
        self.paho.ws_set_options(path="/mqtt")
        self.paho.on_connect = lambda _c, _u, _flags, reason, properties: self.connected.put((reason, properties))
        self.paho.on_subscribe = lambda _c, _u, _id, reasons, _p: self.subscribed.put(reasons)
        self.paho.on_unsubscribe = lambda _c, _u, _id, reasons, _p: self.unsubscribed.put(reasons)
        self.paho.on_publish = lambda _c, _u, _id, reason, _p: self.published.put(reason)
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_disconnect = lambda _c, _u, _flags, reason, _p: self.ended.put(reason)
        self.paho.connect(host, port, keepalive=30, properties=connect_properties)
        self.paho.loop_start()
        self.reason, self.properties = self.connected.get(timeout=LIMIT)

    def subscribe(self, *arguments, **options):
        self.paho.subscribe(*arguments, **options)
        return self.subscribed.get(timeout=LIMIT)

    def publish(self, *arguments, **options):
        self.paho.publish(*arguments, **options)
        return self.published.get(timeout=LIMIT)

    def message(self):
        return self.messages.get(timeout=LIMIT)

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()


new, old = Client(mqtt.MQTTv5, client_id=""), Client(mqtt.MQTTv311, client_id="old")
check("both versions connect", new.reason.value == 0 and old.reason.value == 0, (new.reason, old.reason))
check("version 5 is told what is here", new.properties.ReceiveMaximum == 128 and new.properties.AssignedClientIdentifier
      and new.properties.WildcardSubscriptionAvailable == 0 and new.properties.SharedSubscriptionAvailable == 0, new.properties)

check("SUBACK in 5", [r.value for r in new.subscribe("room:é", qos=2)] == [0])
check("SUBACK in 3.1.1", [r.value for r in old.subscribe([("room:é", 1), ("a/#", 0)])] == [0, 0x80])
check("wildcards are refused by name", [r.value for r in new.subscribe("a/#")] == [0xA2])

properties = Properties(PacketTypes.PUBLISH)
properties.ContentType, properties.ResponseTopic, properties.CorrelationData = "text/plain", "re/1", b"\x00\xff"
properties.UserProperty = ("k", "v")
for qos in (0, 1, 2):
    reason = new.publish("room:é", f"häll {qos}", qos=qos, properties=properties)
    check(f"QoS {qos} is acknowledged", reason.value == 0, reason)
    mine, theirs = new.message(), old.message()
    check(f"both hear QoS {qos}", mine.payload == theirs.payload == f"häll {qos}".encode() and mine.topic == theirs.topic == "room:é")
check("properties travel", mine.properties.ContentType == "text/plain" and mine.properties.ResponseTopic == "re/1"
      and mine.properties.CorrelationData == b"\x00\xff" and mine.properties.UserProperty == [("k", "v")], mine.properties)

for number in range(200):
    old.paho.publish("room:é", str(number), qos=number % 3)
heard = [new.message().payload for _ in range(200)]
check("two hundred come once each", sorted(heard) == sorted(str(n).encode() for n in range(200)), heard)
check("and in order, by their QoS", all([h for h in heard if int(h) % 3 == q] == [str(n).encode() for n in range(200) if n % 3 == q]
                                        for q in range(3)), heard)

publish(admin, "state:1", {"on": True})
check("a subscription to the state", [r.value for r in old.subscribe("state:1")] == [0])
while (message := old.message()).topic != "state:1":
    pass
check("its newest comes, retained", message.retain and json.loads(message.payload) == {"on": True}, message.payload)
new.subscribe("state:1", options=SubscribeOptions(noLocal=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND))
check("RETAIN is taken there", new.publish("state:1", "off", qos=1, retain=True).value == 0)
message = old.message()
check("a live one is not retained, and No Local holds", not message.retain and message.payload == b"off" and new.messages.empty())

# Deliveries with QoS 1 and 2, where a history keeps what does not fit the window.
few = Properties(PacketTypes.CONNECT)
few.ReceiveMaximum = 7
small = Client(mqtt.MQTTv5, client_id="small", connect_properties=few)
check("a history grants QoS 1 and 2", [r.value for r in small.subscribe([("log:é", 2), ("log:1", 1)])] == [2, 1])
check("also in 3.1.1", [r.value for r in old.subscribe([("log:é", 1), ("log:1", 2)])] == [1, 2])
for qos in (0, 1, 2):
    check(f"QoS {qos} is published", new.publish("log:é", f"häll {qos}", qos=qos, properties=properties).value == 0)
    most, least = small.message(), old.message()
    check(f"and comes with the smaller QoS", (most.qos, least.qos) == (qos, min(qos, 1)) and
          most.payload == least.payload == f"häll {qos}".encode() and most.properties.UserProperty == [("k", "v")],
          (most.qos, least.qos))
for number in range(300):
    publish(admin, "log:1", number)
for name, client, qos in (("a small window", small, 1), ("3.1.1", old, 2)):
    heard = [client.message() for _ in range(300)]
    check(f"{name}: three hundred come once each, in order",
          [int(m.payload) for m in heard] == list(range(300)) and {m.qos for m in heard} == {qos}, [m.payload for m in heard])
for number in range(200):
    old.paho.publish("log:1", str(number), qos=1 + number % 2)
heard = [small.message() for _ in range(200)]
check("two hundred by a client come once each", sorted(int(m.payload) for m in heard) == list(range(200)), heard)
check("and the publisher hears its own", len({old.message().payload for _ in range(200)}) == 200)
new.publish("state:2", "kept", qos=2, retain=True)
small.subscribe("state:2", qos=2)
message = small.message()
check("a retained message has its QoS", message.retain and message.qos == 2 and message.payload == b"kept", message.qos)
check("and nothing comes twice", small.messages.empty() and old.messages.empty())
small.close()

new.paho.unsubscribe("room:é")
check("UNSUBACK", [r.value for r in new.unsubscribed.get(timeout=LIMIT)] == [0])
reason = new.publish("no channel", "", qos=1)
check("a topic that is no channel is refused by its acknowledgement", reason.value == 0x90, reason)

lasting = Client(mqtt.MQTTv311, client_id="lasting", clean_session=False)
check("a session that lasts is refused in 3.1.1", lasting.reason.value == 0x85, lasting.reason)
lasting.close()
new.close()
check("DISCONNECT ends it", new.ended.get(timeout=LIMIT).value == 0)
old.close()
print("ok all of it")
