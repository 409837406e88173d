"""Google's reader of Protobuf as the judge of the node's. Arguments: a mode and a file.

commands FILE SEED: writes commands, whole ones and broken ones, with what they say.
emulation FILE SEED: the same with requests that bring commands to a session.
judge FILE: reads messages, one a line, and writes behind each what it says.
replies FILE: reads what a node says in Protobuf and in JSON, and fails where both are not the same.
"""

import base64
import json
import random
import re
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError

from centrifuge.protocol import client_pb2
from centrifuge.protocol.client_pb2 import (
    Command, ConnectRequest, EmulationRequest, FilterNode, HistoryRequest, PingRequest, PresenceRequest,
    PresenceStatsRequest, PublishRequest, RefreshRequest, Reply, RPCRequest, SendRequest, StreamPosition,
    SubRefreshRequest, SubscribeRequest, UnsubscribeRequest,
)

TEXTS = ["", "a", "chat:1", "é😀", "e\u0301", "x" * 15, "y" * 200, "\0"]
NUMBERS = [0, 1, 127, 128, 16_384, 2**32 - 1, 2**32, 2**63, 2**64 - 1]


# What the node reads of requests. All else are unknown fields to it, and so they shall be to the judge. Of filters (`tf`) a node
# refuses what is none with an error of the subscription, so only whole ones are judged.
READ = {
    "ConnectRequest": ["token", "subs"],
    "SubscribeRequest": ["channel", "token", "recover", "epoch", "offset", "delta"],
    "PublishRequest": ["channel", "data"],
    "SendRequest": [],
    "RPCRequest": [],
    "SubRefreshRequest": ["channel", "token"],
    "EmulationRequest": ["session", "data"],
}


def judge(name):
    """Messages of that name with the fields of READ only."""
    file = descriptor_pb2.FileDescriptorProto()
    client_pb2.DESCRIPTOR.CopyToProto(file)
    for message in file.message_type:
        if message.name in READ:
            kept = [field for field in message.field if field.name in READ[message.name]]
            assert len(kept) == len(READ[message.name]), message.name
            del message.field[:]
            message.field.extend(kept)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))


JUDGE, EMULATION_JUDGE = judge("Command"), judge("EmulationRequest")


COMPARISONS = ["eq", "neq", "sw", "ew", "ct"]
NUMERIC = ["lt", "lte", "gt", "gte"]


def a_filter(choose, depth=0):
    """A filter that the node takes."""
    key, text = choose.choice(["k", "é", "long" * 8]), choose.choice(["v", "ü", "w" * 40])
    match choose.randrange(6 if depth < 3 else 3):
        case 0:
            return FilterNode(key=key, cmp=choose.choice(COMPARISONS), val=text)
        case 1:
            return FilterNode(key=key, cmp=choose.choice(NUMERIC), val=choose.choice(["0", "-1.5", "20"]))
        case 2:
            kind = choose.choice(["in", "nin", "ex", "nex"])
            return FilterNode(key=key, cmp=kind, vals=[text, "", "x"][: choose.randrange(1, 4)] if kind in ("in", "nin") else [])
        case 3:
            return FilterNode(op="not", nodes=[a_filter(choose, depth + 1)])
        case _:
            nodes = [a_filter(choose, depth + 1) for _ in range(choose.randrange(1, 4))]
            return FilterNode(op=choose.choice(["and", "or"]), nodes=nodes)


def filter_words(node):
    if node.op:
        return f"[{node.op}:{''.join(filter_words(one) for one in node.nodes)}]"
    return f"[{node.cmp}:{word(node.key)}:{word(node.val)}:{';'.join(word(one) for one in node.vals)}]"


def a_command(choose):
    text = lambda: choose.choice(TEXTS)
    data = lambda: choose.choice([b"", b"{}", b"\xff\x00", bytes(300)])

    def subscribe():
        return SubscribeRequest(
            channel=text(), token=text(), recover=choose.random() < 0.5, epoch=text(), offset=choose.choice(NUMBERS),
            data=data(), positioned=choose.random() < 0.5, join_leave=True, flag=choose.choice([0, 1]),
            delta=choose.choice(["", "fossil", "é"]), tf=a_filter(choose) if choose.random() < 0.3 else None)

    method, request = choose.choice([
        ("connect", lambda: ConnectRequest(
            token=text(), data=data(), name="n", version="v", headers={"a": "b"},
            subs={text(): subscribe() for _ in range(choose.randrange(4))})),
        ("subscribe", subscribe),
        ("unsubscribe", lambda: UnsubscribeRequest(channel=text())),
        ("publish", lambda: PublishRequest(channel=text(), data=data())),
        ("presence", lambda: PresenceRequest(channel=text())),
        ("presence_stats", lambda: PresenceStatsRequest(channel=text())),
        ("history", lambda: HistoryRequest(
            channel=text(), limit=choose.choice([0, 1, -1, 2**31 - 1, -2**31]), reverse=choose.random() < 0.5,
            since=StreamPosition(offset=choose.choice(NUMBERS), epoch=text()) if choose.random() < 0.5 else None)),
        ("ping", PingRequest),
        ("send", lambda: SendRequest(data=data())),
        ("rpc", lambda: RPCRequest(data=data(), method=text())),
        ("refresh", lambda: RefreshRequest(token=text())),
        ("sub_refresh", lambda: SubRefreshRequest(channel=text(), token=text())),
    ])
    return Command(id=choose.choice([1, 127, 128, 2**32 - 1]), **{method: request()})


def broken(command, choose):
    data = bytearray(command)
    for _ in range(choose.randrange(1, 4)):
        place = choose.randrange(len(data) + 1)
        match choose.randrange(4):
            case 0 if place < len(data):
                del data[place]
            case 1 if place < len(data):
                data[place] = choose.randrange(256)
            case 2:
                data.insert(place, choose.choice([0, 1, 2, 8, 10, 18, 26, 127, 128, 255]))
            case _:
                data[place:place] = data[: choose.randrange(len(data) + 1)]
    return bytes(data)


def word(text):
    return text.encode().hex()


def epoch(text):
    return word(text if not text or re.fullmatch("[A-Za-z0-9]{1,15}", text) else "?")


def subscription(channel, request):
    place = f"{int(request.recover)},{request.offset},{epoch(request.epoch)}"
    return f"{word(channel)},{word(request.token)},{place},{word(request.delta)}"


def filters(command):
    """Of its subscriptions, in the order of their words."""
    if command.HasField("subscribe"):
        one = [command.subscribe]
    elif command.HasField("connect"):
        one = [request for _, request in sorted(command.connect.subs.items(), key=lambda item: subscription(*item))]
    else:
        return ""
    return " " + "".join(filter_words(request.tf) if request.HasField("tf") else "-" for request in one)


def said(data):
    """What a command says, as the test has it; nothing where Google can't read it."""
    try:
        command = JUDGE.FromString(data)
    except DecodeError:
        return ""
    words = [str(command.id)]
    for field in ["connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "ping",
                  "send", "rpc", "refresh", "sub_refresh"]:
        if not command.HasField(field):
            continue
        request = getattr(command, field)
        words.append(field)
        match field:
            case "connect":
                words.append(word(request.token))
                words += sorted(subscription(channel, one) for channel, one in request.subs.items())
            case "subscribe":
                words.append(subscription(request.channel, request))
            case "unsubscribe" | "presence" | "presence_stats":
                words.append(word(request.channel))
            case "publish":
                words.append(f"{word(request.channel)},{request.data.hex()}")
            case "history":
                since = f"{request.since.offset},{epoch(request.since.epoch)}" if request.HasField("since") else ""
                words.append(f"{word(request.channel)},{request.limit},{int(request.reverse)},{since}")
            case "refresh":
                words.append(word(request.token))
            case "sub_refresh":
                words.append(f"{word(request.channel)},{word(request.token)}")
    return " ".join(words)


def commands(path, seed):
    choose = random.Random(int(seed))
    with open(path, "w") as file:
        for number in range(4_000):
            command = a_command(choose)
            # Maps have an order of their own in each process.
            data = command.SerializeToString(deterministic=True)
            is_whole = number % 4 == 0
            data = data if is_whole else broken(data, choose)
            more = filters(command) if is_whole else ""
            file.write(f"{'whole' if is_whole else 'broken'}\t{data.hex()}\t{said(data)}{more}\n")


def emulated(data):
    try:
        request = EMULATION_JUDGE.FromString(data)
    except DecodeError:
        return ""
    return f"{word(request.session)},{request.data.hex()}"


def emulation(path, seed):
    choose = random.Random(int(seed))
    with open(path, "w") as file:
        for number in range(4_000):
            request = EmulationRequest(
                node=choose.choice(TEXTS), session=choose.choice(TEXTS[1:]), data=choose.choice([b"", b"\x02\x08\x01", bytes(300)]))
            data = request.SerializeToString()
            is_whole = number % 4 == 0
            data = data if is_whole else broken(data, choose)
            file.write(f"{'whole' if is_whole else 'broken'}\t{data.hex()}\t{emulated(data)}\n")


def judged(path):
    with open(path) as file:
        lines = file.read().split("\n")
    with open(path, "w") as file:
        file.write("\n".join(f"broken\t{line}\t{said(bytes.fromhex(line))}" for line in lines if line))


def in_bytes(value):
    """A reply in JSON as the mapping of Protobuf to JSON has it: bytes are Base64."""
    if isinstance(value, list):
        return [in_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, one in value.items():
        if key == "data" and value.get("delta"):
            found[key] = base64.b64encode(one.encode()).decode()
        elif key not in ("data", "conn_info", "chan_info"):
            found[key] = in_bytes(one)
        elif isinstance(one, dict) and one.keys() == {"base64"}:
            found[key] = one["base64"]
        else:
            text = json.dumps(one, separators=(",", ":"), ensure_ascii=False)
            found[key] = base64.b64encode(text.encode()).decode()
    return found


def replies(path):
    for line in open(path):
        binary, text = (bytes.fromhex(part) for part in line.split("\t"))
        length, place, shift = 0, 0, 0
        while True:
            length |= (binary[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if binary[place - 1] < 0x80:
                break
        assert length == len(binary) - place, (length, binary)
        got = Reply.FromString(binary[place:])
        wanted = ParseDict(in_bytes(json.loads(text)), Reply(), ignore_unknown_fields=True)
        assert got == wanted, f"{text}\n{got}\ninstead of\n{wanted}"
        # Written again it is no shorter: nothing is there that need not be, or twice. Google's writes empty values of maps, too.
        assert len(got.SerializeToString()) >= length, f"{binary.hex()} instead of {got.SerializeToString().hex()}"


{"commands": commands, "emulation": emulation, "judge": judged, "replies": replies}[sys.argv[1]](*sys.argv[2:])
print("ok")
