"""Python's msgpack as the judge of the node's reader of MessagePack. Arguments: a mode and a file.

values FILE SEED: writes values, whole ones and broken ones, with what they say.
events FILE SEED: writes values that have a form in JSON.
judge FILE: reads messages, one a line, and writes behind each what it says.
json FILE: reads messages and the JSON that a node made of them, and fails where both are not the same.
"""

import json
import random
import struct
import sys

import msgpack

TEXTS = ["", "a", "chat:1", "é😀", "e\u0301", "x" * 31, "x" * 32, "y" * 255, "z" * 256, "\0", "w" * 70_000]
NUMBERS = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
NEGATIVE = [-1, -32, -33, -128, -129, -32_768, -32_769, -2**31, -2**31 - 1, -2**63]
FLOATS = [0.0, -0.0, 1.5, 0.1, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")]


def any_int(choose):
    match choose.randrange(3):
        case 0:
            return choose.choice(NUMBERS)
        case 1:
            return choose.choice(NEGATIVE)
        case _:
            return choose.randrange(-2**63, 2**64) >> choose.randrange(64)


def a_value(choose, depth=0, is_json=False):
    """Any value; `is_json`: one that emitters of Socket.IO publish."""
    match choose.randrange(9 if depth < 5 else 7):
        case 0:
            return choose.choice([None, True, False])
        case 1 | 2:
            return any_int(choose)
        case 3:
            value = choose.choice([*FLOATS, choose.uniform(-1e9, 1e9)])
            return value if not is_json or value - value == 0 else 1.5
        case 4 | 5:
            return choose.choice(TEXTS[:-1]) if choose.random() < 0.998 else TEXTS[-1]
        case 6:
            if is_json:
                return choose.randbytes(choose.choice([0, 1, 2, 3, 300])) if choose.random() < 0.2 else "text"
            data = choose.randbytes(choose.choice([0, 1, 2, 3, 4, 8, 16, 17, 255, 256]))
            # A type of -1 is a time, which the judge takes apart.
            return data if choose.random() < 0.5 else msgpack.ExtType(choose.choice([0, 1, 5, 127]), data)
        case 7:
            return [a_value(choose, depth + 1, is_json) for _ in range(choose.choice([0, 1, 2, 3, 15, 16, 17]) >> depth)]
        case _:
            return {
                choose.choice(TEXTS[:-1]) + str(number): a_value(choose, depth + 1, is_json)
                for number in range(choose.choice([0, 1, 2, 3, 15, 16, 17]) >> depth)
            }


def packed(value, choose):
    """As the library writes it, with floats of four bytes now and then, where they can be that."""
    try:
        return msgpack.packb(value, use_single_float=choose.random() < 0.3)
    except OverflowError:
        return msgpack.packb(value)


def long_heads(value, choose):
    """The same value with heads of any length that holds it: all are MessagePack."""
    def length(count, forms):
        kinds = [(code, form) for code, form, most in forms if count <= most]
        code, form = choose.choice(kinds)
        return bytes([code]) + struct.pack(form, count)

    sizes = lambda first: [(first, ">B", 255), (first + 1, ">H", 65_535), (first + 2, ">I", 2**32 - 1)]
    match value:
        case None | bool() | float():
            return msgpack.packb(value)
        case int():
            forms = [(0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q"), (0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q")]
            choose.shuffle(forms)
            for code, form in forms:
                try:
                    return bytes([code]) + struct.pack(form, value)
                except struct.error:
                    continue
        case str():
            return length(len(value.encode()), sizes(0xD9)) + value.encode()
        case bytes():
            return length(len(value), sizes(0xC4)) + value
        case msgpack.ExtType():
            return length(len(value.data), sizes(0xC7)) + struct.pack(">b", value.code) + value.data
        case list():
            return length(len(value), sizes(0xDB)[1:]) + b"".join(long_heads(one, choose) for one in value)
        case dict():
            inner = b"".join(long_heads(key, choose) + long_heads(one, choose) for key, one in value.items())
            return length(len(value), sizes(0xDD)[1:]) + inner
    raise AssertionError(value)


def broken(message, choose):
    data = bytearray(message)
    for _ in range(choose.randrange(1, 4)):
        place = choose.randrange(min(len(data), 200) + 1)
        match choose.randrange(5):
            case 0 if place < len(data):
                del data[place]
            case 1 if place < len(data):
                data[place] = choose.randrange(256)
            case 2:
                data.insert(place, choose.randrange(0x80, 0xE0))
            case 3:
                del data[place:]
            case _:
                data[place:place] = data[: choose.randrange(min(len(data), 50) + 1)]
    return bytes(data)


def words(value):
    """A value as the test writes it down."""
    match value:
        case None:
            return "nil"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"i{value}"
        case float():
            return "nan" if value != value else f"d{struct.pack('>d', value).hex()}"
        case str():
            return f"s{value.encode().hex()}"
        case bytes():
            return f"b{value.hex()}"
        case Extension():
            return f"x{value[0]}:{value[1].hex()}"
        case Pairs():
            return " ".join([f"m{len(value)}", *(f"{words(key)} {words(one)}" for key, one in value)])
        case list():
            return " ".join([f"a{len(value)}", *map(words, value)])
        case msgpack.Timestamp():
            raise Time()
    raise AssertionError(value)


class Pairs(list):
    """A map, in its order, with keys of any kind."""


class Extension(tuple):
    """Of any type: the library's own takes none below zero, which are MessagePack's."""


class Time(Exception):
    """A time is in it, which the judge does not show as it was written."""


def unpacked(data):
    return msgpack.unpackb(
        data, raw=False, strict_map_key=False, object_pairs_hook=Pairs, ext_hook=lambda *parts: Extension(parts))


def said(data):
    """What the first value says, and whether something is behind it; `-`: it can't be read."""
    try:
        return f"{words(unpacked(data))} all"
    except msgpack.ExtraData as error:
        return f"{words(error.unpacked)} more"
    except (ValueError, msgpack.UnpackException):
        # Cut off, a head that means nothing, text that is not UTF-8.
        return "-"


def values(path, seed):
    choose = random.Random(int(seed))
    with open(path, "w") as file:
        for number in range(4_000):
            value = a_value(choose)
            data = long_heads(value, choose) if choose.random() < 0.3 else packed(value, choose)
            is_whole = number % 4 == 0
            try:
                data = data if is_whole else broken(data, choose)
                file.write(f"{'whole' if is_whole else 'broken'}\t{data.hex()}\t{said(data)}\n")
            except Time:
                pass


def events(path, seed):
    """Whole values that have a form in JSON."""
    choose = random.Random(int(seed))
    with open(path, "w") as file:
        for _ in range(2_000):
            attachments = [None] * 11
            while len(attachments) > 10:
                value, attachments = a_value(choose, is_json=True), []
                in_json(value, attachments)
            file.write(f"{(long_heads if choose.random() < 0.3 else packed)(value, choose).hex()}\n")


def judged(path):
    with open(path) as file:
        lines = file.read().split("\n")
    with open(path, "w") as file:
        for line in filter(None, lines):
            try:
                file.write(f"broken\t{line}\t{said(bytes.fromhex(line))}\n")
            except Time:
                pass


def in_json(value, attachments):
    """A value as Socket.IO has it in JSON: bytes are attachments."""
    match value:
        case float() if value - value != 0:
            return None
        case bytes():
            attachments.append(value)
            return {"_placeholder": True, "num": len(attachments) - 1}
        case list():
            return [in_json(one, attachments) for one in value]
        case dict():
            return {key: in_json(one, attachments) for key, one in value.items()}
    return value


def same(one, other):
    """Numbers are the same where they are written alike: 1 and true are not."""
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    numbers = (int, float)
    is_number = isinstance(one, numbers) and not isinstance(one, bool)
    if is_number != (isinstance(other, numbers) and not isinstance(other, bool)):
        return False
    return one == other and (is_number or type(one) is type(other))


def replies(path):
    count = 0
    for line in open(path):
        message, text, binary = line.rstrip("\n").split("\t")
        attachments = []
        wanted = in_json(msgpack.unpackb(bytes.fromhex(message), raw=False), attachments)
        got = json.loads(bytes.fromhex(text))
        assert same(got, wanted), f"{message}: {got} instead of {wanted}"
        assert binary == ",".join(f"b{one.hex()}" for one in attachments), message
        count += 1
    assert count > 1_000, count


{"values": values, "events": events, "judge": judged, "json": replies}[sys.argv[1]](*sys.argv[2:])
print("ok")
