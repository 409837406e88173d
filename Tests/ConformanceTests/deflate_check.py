"""Python's websockets with permessage-deflate, as it comes, against a node: deflate_check.py ws://host:port"""

import asyncio
import random
import string
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Deflate

URL = sys.argv[1] + "/channels/deflate/ws"


async def connect(*offers):
    return await websockets.connect(URL, compression=None, extensions=list(offers), ping_interval=None)


async def main():
    # Its defaults offer windows of 4 KB both ways.
    usual = await websockets.connect(URL, ping_interval=None)
    clients = [
        usual,
        await connect(Deflate()),
        await connect(Deflate(server_max_window_bits=9), Deflate()),
        await connect(Deflate(server_no_context_takeover=True, client_no_context_takeover=True)),
        await websockets.connect(URL, compression=None, ping_interval=None),
    ]
    agreed = [client.response.headers.get("Sec-WebSocket-Extensions") for client in clients]
    assert all("server_no_context_takeover" in answer for answer in agreed[:4]), agreed
    assert agreed[4] is None, agreed
    print("ok negotiation", agreed[0])
    source = random.Random(5)
    words = ["".join(source.choices(string.ascii_lowercase + "äß€", k=source.randint(2, 9))) for _ in range(200)]
    for round_number in range(60):
        size = source.choice([0, 1, 5, 60, 600, 6000])
        text = " ".join(source.choices(words, k=size))
        message = source.choice([text, text.encode(), source.randbytes(size)])
        sender = source.choice(clients)
        fragments = [message[:size], message[size:]] if source.random() < 0.3 else message
        await sender.send(fragments)
        for number, client in enumerate(clients):
            heard = await asyncio.wait_for(client.recv(), 60)
            assert heard == message, (round_number, number, len(heard), len(message))
    print("ok messages")
    for client in clients:
        await client.close()
        assert client.close_code == 1000, client.close_code
    print("ok closes")


asyncio.run(main())
