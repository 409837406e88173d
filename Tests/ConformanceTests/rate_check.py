"""The official Python SDK, unmodified, above a node's rates: what it is refused it tries again, or tells the application.
Arguments: WebSocket URL of a node with 8 channels a client, 2 subscribes and 5 publications a second; encoding."""

import asyncio
import sys

from centrifuge import ClientEventHandler, ReplyError, SubscriptionEventHandler, SubscriptionState

from sdk import Client, heard, sent

url = sys.argv[1]


class Inbox(SubscriptionEventHandler):
    def __init__(self):
        self.publications = asyncio.Queue()
        self.errors = []

    async def on_publication(self, ctx):
        await self.publications.put(heard(ctx.pub.data))

    async def on_error(self, ctx):
        self.errors.append(ctx.error)


class Life(ClientEventHandler):
    def __init__(self):
        self.events = []

    async def on_connecting(self, ctx):
        self.events.append(f"connecting {ctx.code}")

    async def on_disconnected(self, ctx):
        self.events.append(f"disconnected {ctx.code}")


async def main():
    life = Life()
    client = Client(url, events=life)
    await client.connect()
    await client.ready()

    inboxes = [Inbox() for _ in range(16)]
    subscriptions = [client.new_subscription(f"sdk:{n}", events=inbox) for n, inbox in enumerate(inboxes)]
    for subscription in subscriptions[:8]:
        await subscription.subscribe()
        await subscription.ready()
    for subscription in subscriptions[:8]:
        await subscription.unsubscribe()
    for subscription in subscriptions[8:]:
        await subscription.subscribe()
    for subscription in subscriptions[8:]:
        await subscription.ready(timeout=90)
    assert all(s.state == SubscriptionState.SUBSCRIBED for s in subscriptions[8:])
    errors = [error for inbox in inboxes for error in inbox.errors]
    assert errors and all(e.code == 111 and e.temporary and e.message == "too many requests" for e in errors), errors
    print(f"ok subscribes, after {len(errors)} refusals", flush=True)

    results = await asyncio.gather(*(subscriptions[8].publish(sent(n)) for n in range(60)), return_exceptions=True)
    accepted = [n for n, result in enumerate(results) if not isinstance(result, Exception)]
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(accepted) >= 5 and refused, results
    assert all(isinstance(e, ReplyError) and e.code == 111 and e.temporary for e in refused), refused
    await asyncio.sleep(0.2)
    await subscriptions[8].publish(sent("again"))
    for expected in [*accepted, "again"]:
        assert await asyncio.wait_for(inboxes[8].publications.get(), 60) == expected
    print(f"ok publishes, {len(refused)} times refused", flush=True)

    assert life.events == ["connecting 0"], life.events
    await client.disconnect()
    print("ok disconnects", flush=True)


asyncio.run(asyncio.wait_for(main(), 200))
