"""The official SDKs, unmodified: a client that loses its connection gets what it missed; a backend reads history.
Arguments: WebSocket URL, URL of the server API, encoding."""

import asyncio
import sys

from cent import AsyncClient, BroadcastRequest, HistoryRequest, PublishRequest
from cent import CentApiResponseError
from centrifuge import ClientEventHandler, SubscriptionEventHandler, StreamPosition

from sdk import Client, heard

url, api_url = sys.argv[1:]


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.publications = asyncio.Queue()
        self.subscribed = []

    async def on_subscribed(self, ctx):
        self.subscribed.append(ctx)

    async def on_publication(self, ctx):
        await self.publications.put((ctx.pub.offset, heard(ctx.pub.data)))

    async def next(self):
        return await asyncio.wait_for(self.publications.get(), 60)


async def main():
    api = AsyncClient(api_url, api_key="none")
    inbox = Inbox()
    client = Client(url, events=ClientEventHandler())
    subscription = client.new_subscription("chat:sdk", events=inbox)
    await client.connect()
    await subscription.subscribe()
    await subscription.ready()
    for number in range(1, 4):
        result = await api.publish(PublishRequest(channel="chat:sdk", data={"n": number}))
        assert result.offset == number, result
        assert await inbox.next() == (number, {"n": number})
    print("ok publications have their offsets", flush=True)

    # The connection breaks under the SDK, which comes back by itself.
    for round in range(3):
        before = len(inbox.subscribed)
        client._conn.transport.abort() if hasattr(client._conn, "transport") else await client._conn.close()
        for step in range(5):
            number = 4 + round * 5 + step
            await api.publish(PublishRequest(channel="chat:sdk", data={"n": number}))
        for step in range(5):
            number = 4 + round * 5 + step
            got = await inbox.next()
            assert got == (number, {"n": number}), (got, number)
        assert len(inbox.subscribed) == before + 1
        context = inbox.subscribed[-1]
        assert context.was_recovering and context.recovered, context
    assert inbox.publications.empty()
    print("ok recovers what it missed, once and in order", flush=True)

    history = await subscription.history(limit=2, reverse=True)
    assert [p.offset for p in history.publications] == [18, 17], history
    since = StreamPosition(offset=16, epoch=history.epoch)
    later = await subscription.history(limit=10, since=since)
    assert [p.offset for p in later.publications] == [17, 18], later
    print("ok reads history", flush=True)

    page = await api.history(HistoryRequest(channel="chat:sdk", limit=3))
    assert [p.offset for p in page.publications] == [1, 2, 3] and page.offset == 18, page
    once = PublishRequest(channel="chat:sdk", data="once", idempotency_key="key")
    assert await api.publish(once) == await api.publish(once)
    assert await inbox.next() == (19, "once")
    both = await api.broadcast(BroadcastRequest(channels=["chat:sdk", "plain"], data=1))
    assert both.responses[0].result.offset == 20, both
    assert await inbox.next() == (20, 1)
    for request in [HistoryRequest(channel="plain", limit=1), HistoryRequest(channel="nowhere:a", limit=1)]:
        try:
            await api.history(request)
            raise AssertionError("answered")
        except AssertionError:
            raise
        except Exception as error:
            assert "400" in str(error), repr(error)
    print("ok the server API reads history and publishes once", flush=True)
    await client.disconnect()
    print("ok disconnects", flush=True)


asyncio.run(main())
