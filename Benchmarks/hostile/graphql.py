"""GraphQL clients that ask for much with little: variables that multiply, selections, the schema, documents that are work."""

import asyncio
import json

from hostile.addresses import STRANGER
from hostile.attack import attack
from hostile.reads import READ
from hostile.visit import BYE, COMMAND_ERROR, ended, frame, upgrade

CONNECT = upgrade("/graphql", "Sec-WebSocket-Protocol: graphql-transport-ws") + frame('{"type":"connection_init"}')
FORMATS = "fanfare_format_refusals_total"


def start(number, query, **variables):
    payload = {"query": query, "variables": variables}
    return frame(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))


async def ask(visit, operations, last):
    """Says all of it at once, and waits for the end of the last operation."""
    await visit.open(CONNECT + b"".join(operations))
    await visit.hear(last)


async def leave(visit):
    await visit.send(BYE)
    await visit.expect("1000")


MULTIPLIED = [start(number, 'mutation ($v: JSON!) { publish(channel: "hostile", data: [%s]) { offset } }' % ("$v " * 1_000), v="x" * 30_000)
              for number in range(5)]


@attack("error `TOO_COMPLEX`", "`GraphQLBounds`", visits=60, sink="stay", needs=("1000",))
async def graphql_variables(visit, number):
    """a variable of 30 KB that stands a thousand times in JSON, five times in a row: 150 MB"""
    await ask(visit, MULTIPLIED, b'"id":"4","type":"error"')
    visit.note("TOO_COMPLEX", visit.got.count(b"TOO_COMPLEX") == 5, *[COMMAND_ERROR] * 5)
    await leave(visit)


#: Lists of what the schema takes, as long as a message may be; the first of them is one that a query may have.
ELEMENTS = [start(number, "mutation ($v: [TagInput!]) { publish(channel: \"hostile\", data: 1, tags: $v) { offset } }", v=value)
            for number, value in enumerate([[{"name": "n", "value": "v"}] * 1_800, [1] * 15_000, [[]] * 12_000, [{}] * 12_000, "x" * 60_000])]


@attack("error `TOO_COMPLEX` or `BAD_USER_INPUT`", "`GraphQLBounds`", visits=60, sink="stay", needs=("1000",))
async def graphql_elements(visit, number):
    """variables of 60 KB that are lists of tags, numbers, lists, objects and one long text, where tags are wanted"""
    await ask(visit, ELEMENTS, b'"id":"4","type":"error"')
    visit.note("refused", visit.got.count(b'"type":"error"') == 5, *[COMMAND_ERROR] * 5)
    await leave(visit)


#: Visits that subscribe; the others publish.
LISTENERS = 8
MANY = " ".join(f"{'a' * 20}{number}: position" for number in range(28))


async def select(visit, number, channel, selection, body):
    """The first visits have 16 selections of a channel each and share none of them; the others publish into it."""
    if number >= LISTENERS:
        await visit.open(b"POST /channels/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                         % (channel.encode(), len(body), body))
        return await visit.expect("200")
    visit.source = STRANGER
    query = f"subscription {{ %s: channel(name: \"{channel}\") {{ {selection} }} }}"
    await visit.open(CONNECT + b"".join(start(at, query % f"a{number * 16 + at}") for at in range(16)))
    try:
        async with asyncio.timeout(2.3 - number * 2 / 108):
            while await visit.read():
                pass
    except TimeoutError:
        pass
    visit.note("gone", True, ended(1006))
    visit.reset()


@attack("error `TRY_AGAIN_LATER` when the address has 16 of the channel's", "`HubShard.freeFormats`", visits=108, sink="stay",
        needs=("gone", "200"), rises=(FORMATS,), beside=(COMMAND_ERROR,))
async def graphql_selections(visit, number):
    """16 selections of one channel for each of 8 clients of an address, and 4 KB fifty times a second into it"""
    await select(visit, number, "selections", "data base64", b'"%s"' % (b"x" * 4_000))


@attack("error `TRY_AGAIN_LATER` when the address has 16 of the channel's", "`HubShard.freeFormats`", visits=108, sink="stay",
        needs=("gone", "200"), rises=(FORMATS,), beside=(COMMAND_ERROR,))
async def graphql_aliases(visit, number):
    """the same with 28 aliases in each selection, and one byte fifty times a second"""
    await select(visit, number, "aliases", MANY, b"1")


SCHEMA = """{ __schema { types { ...T } directives { name args { ...I } } } }
fragment T on __Type { kind name description fields { name description args { ...I } type { ...R } } inputFields { ...I } enumValues { name } }
fragment I on __InputValue { name description type { ...R } defaultValue }
fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }"""
INTROSPECTIONS = [start(number, SCHEMA) for number in range(200)]


@attack("one at a time; error `TRY_AGAIN_LATER`", "--max-read-rate", visits=20, sink="stay", rises=(READ,))
async def graphql_introspection(visit, number):
    """200 introspections of a client at once"""
    await ask(visit, INTROSPECTIONS, b'"id":"199","type":"complete"')
    refusals = visit.got.count(b"TRY_AGAIN_LATER")
    visit.note("TRY_AGAIN_LATER", refusals > 50)
    visit.count(*[COMMAND_ERROR] * refusals)
    await leave(visit)


#: Each operation has the same two JSON objects compared, and each of these is as long as the document lets it be.
OBJECT = "{%s}" % " ".join(f"k{number}: {number}" for number in range(600))
WORK = "fragment F on Mutation { a: publish(channel: \"a\", data: %s) { offset } a: publish(channel: \"a\", data: %s) { offset } }" % (
    OBJECT, OBJECT)
DOCUMENTS = [start(number, WORK + " ".join(f"mutation M{at} {{ ...F }}" for at in range(16))) for number in range(10)]


@attack("error `TOO_COMPLEX`", "`GraphQLBounds`", visits=60, sink="stay", needs=("1000",))
async def graphql_documents(visit, number):
    """ten documents whose fragments are compared for each of their operations"""
    await ask(visit, DOCUMENTS, b'"id":"9","type":"error"')
    visit.note("TOO_COMPLEX", visit.got.count(b"TOO_COMPLEX") == 10, *[COMMAND_ERROR] * 10)
    await leave(visit)
