"""httpx over HTTP/2, unmodified: a hundred event streams and publishes on one connection to a node with TLS.

http2_check.py URL CA_FILE

Prints a line `ok …` for each check.
"""

import asyncio
import ssl
import sys

import httpx

url, authority = sys.argv[1:3]
STREAMS, PUBLICATIONS = 90, 20


async def listen(client, heard, number):
    async with client.stream("GET", f"{url}/channels/room/sse") as answer:
        assert answer.status_code == 200 and answer.http_version == "HTTP/2", answer
        heard[number] = []
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                heard[number].append(line.removeprefix("data: "))
                if len(heard[number]) == PUBLICATIONS:
                    return


async def main():
    limits = httpx.Limits(max_connections=1)
    context = ssl.create_default_context(cafile=authority)
    async with httpx.AsyncClient(http1=False, http2=True, verify=context, limits=limits, timeout=200) as client:
        page = await client.get(url)
        assert page.http_version == "HTTP/2" and "Fanfare" in page.text
        print("ok the page over HTTP/2")
        heard = {}
        readers = [asyncio.create_task(listen(client, heard, number)) for number in range(STREAMS)]
        while len(heard) < STREAMS:
            await asyncio.sleep(0.01)
        for number in range(PUBLICATIONS):
            answer = await client.post(f"{url}/channels/room", content=f"{number}")
            assert answer.status_code == 200, answer.text
        await asyncio.gather(*readers)
        expected = [str(number) for number in range(PUBLICATIONS)]
        assert all(lines == expected for lines in heard.values())
        print(f"ok {STREAMS} streams and {PUBLICATIONS} publishes on one connection, all heard in order")


asyncio.run(main())
