"""gql, unmodified, on a WebSocket and by requests through nginx; httpx-sse where gql has no events.

graphql_check.py URL SECRET

The node has the namespaces `chat` (history, recovery) and `*`. Prints a line `ok …` for each check.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys

import httpx
from gql import Client, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from httpx_sse import aconnect_sse

from stage import check

url, secret = sys.argv[1:3]
LIMIT = 60


def signed(claims):
    """A token with these claims."""
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    text = encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + "." + encode(json.dumps(claims).encode())
    return text + "." + encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def transport(subprotocol, **payload):
    return WebsocketsTransport(url=url, subprotocols=[subprotocol], init_payload=payload, connect_timeout=LIMIT,
                               ack_timeout=LIMIT, close_timeout=LIMIT)


PUBLISH = """
mutation ($channel: String!, $data: JSON!, $tags: [TagInput!]) {
  publish(channel: $channel, data: $data, tags: $tags) { offset }
}
"""
HEAR = """
subscription ($channel: String!, $since: String, $last: Int, $more: Boolean = false) {
  channel(name: $channel, since: $since, last: $last) { ...P offset @include(if: $more) }
}
fragment P on Publication { data position tags { name value } }
"""


async def hear(session, count, **variables):
    heard = []
    async for result in session.subscribe(gql(HEAR), variable_values=variables):
        heard.append(result["channel"])
        if len(heard) == count:
            return heard


async def both(subprotocol):
    channel = f"chat:{subprotocol}"

    async def execute(session, text, **variables):
        return await asyncio.wait_for(session.execute(gql(text), variable_values=variables), LIMIT)

    async with Client(transport=transport(subprotocol, token=token), fetch_schema_from_transport=True) as one, \
            Client(transport=transport(subprotocol)) as two:
        check(f"{subprotocol}: the schema is read, and documents are checked with it",
              "Publication" in one.client.schema.type_map and one.client.schema.subscription_type is not None)
        check("a query is answered", "name" in (await execute(one, "{ node { name version } }"))["node"])
        hearing = [asyncio.create_task(hear(session, 200, channel=channel, last=500, more=True)) for session in (one, one, two)]
        for number in range(200):
            await execute(two, PUBLISH, channel=channel, data={"n": number}, tags=[{"name": "k", "value": "v"}])
        results = await asyncio.wait_for(asyncio.gather(*hearing), LIMIT)
        numbers = [[publication["data"]["n"] for publication in result] for result in results]
        check("two hundred come to three operations, once each, in order", numbers == [list(range(200))] * 3, numbers)
        check("with what was selected", results[0][0]["tags"] == [{"name": "k", "value": "v"}] and results[0][9]["offset"] == 10)
        place = results[0][150]["position"]
        missed = await asyncio.wait_for(hear(two, 49, channel=channel, since=place), LIMIT)
        check("what was missed comes with since", [publication["data"]["n"] for publication in missed] == list(range(151, 200)))
        page = await execute(two, "query ($c: String!) { history(channel: $c, last: 2) { publications { data } } }", c=channel)
        check("a history is read", [one["data"]["n"] for one in page["history"]["publications"]] == [198, 199], page)

        for what, text, word in [
            ("a field that is not there", "{ nodes }", "Cannot query field"),
            ("no document", "{", "Syntax Error" if subprotocol == "?" else ""),
            ("a channel that is not", "subscription { channel(name: \"\") { data } }", ""),
        ]:
            try:
                if text.startswith("subscription"):
                    async for _ in two.subscribe(gql(text)):
                        break
                else:
                    await two.execute(gql(text))
                check(f"{what} is refused", False)
            except TransportQueryError as error:
                check(f"{what} is refused", word in str(error), error)
            except Exception as error:  # gql reads documents itself before it sends them.
                check(f"{what} is refused by gql", "yntax" in str(error), error)

    try:
        async with Client(transport=transport(subprotocol, token="bad")):
            check("a bad token is refused", False)
    except TransportError as error:
        check("a bad token is refused", True, error)
    except Exception as error:
        check("a bad token is refused with 4403", "4403" in str(error), error)


async def requests():
    address, channel = url.replace("ws:", "http:"), "chat:http"
    fields = {"Authorization": f"Bearer {token}"}
    async with Client(transport=HTTPXAsyncTransport(url=address, headers=fields, timeout=LIMIT), fetch_schema_from_transport=True) as session, \
            httpx.AsyncClient(timeout=LIMIT) as browser:
        check("http: the schema is read", "Publication" in session.client.schema.type_map)
        query = "subscription { channel(name: \"chat:http\", last: 500) { data info { user } } }"
        async with aconnect_sse(browser, "POST", address, json={"query": query}, headers=fields) as source:
            for number in range(50):
                await session.execute(gql(PUBLISH), variable_values={"channel": channel, "data": number})
            heard = []
            async for event in source.aiter_sse():
                heard.append((event.event, event.json()["data"]["channel"]["data"]))
                if len(heard) == 50:
                    break
        check("http: fifty published by requests come as events, once each, in order", heard == [("next", n) for n in range(50)], heard)
        page = await session.execute(gql("{ history(channel: \"chat:http\", last: 2) { publications { data } } }"))
        check("http: a history is read", [one["data"] for one in page["history"]["publications"]] == [48, 49], page)
        async with aconnect_sse(browser, "POST", address, json={"query": "{ node { name } }"}) as source:
            events = [event.event async for event in source.aiter_sse()]
        check("http: a query as events has one, and its end", events == ["next", "complete"], events)
    try:
        async with Client(transport=HTTPXAsyncTransport(url=address, headers={"Authorization": "Bearer bad"}, timeout=LIMIT)) as session:
            await session.execute(gql("{ node { name } }"))
            check("http: a bad token is refused", False)
    except TransportError as error:
        check("http: a bad token is refused with 401", "401" in str(error), error)


token = signed({"sub": "ann"})
for name in ("graphql-transport-ws", "graphql-ws"):
    asyncio.run(both(name))
asyncio.run(requests())
print("ok all of it")
