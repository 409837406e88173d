"""A server of python-socketio that does what a Fanfare node does for a page: rooms by the event `subscribe`, and what `publish` brings
goes to the room as the event `message`.

socketio_server.py PORT uvicorn|aiohttp
"""

import sys

import socketio

port, kind = int(sys.argv[1]), sys.argv[2]
# Pings are not what is measured, and the events cost nothing that a server can do without.
server = socketio.AsyncServer(
    async_mode={"uvicorn": "asgi", "aiohttp": "aiohttp"}[kind], ping_interval=3600, ping_timeout=3600, logger=False,
    engineio_logger=False, async_handlers=False)


@server.event
async def subscribe(sid, room):
    await server.enter_room(sid, room)
    return {"room": room}


@server.event
async def publish(sid, room, data):
    await server.emit("message", data, room=room)
    return {}


if kind == "uvicorn":
    import uvicorn
    uvicorn.run(socketio.ASGIApp(server), host="127.0.0.1", port=port, log_level="error", access_log=False, backlog=4096,
                ws_ping_interval=None)
else:
    from aiohttp import web
    application = web.Application()
    server.attach(application)
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None, backlog=4096)
