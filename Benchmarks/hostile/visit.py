"""One hostile connection: sends what it is told to, and says in a word how the server answered."""

import asyncio
import re
import socket
import struct

#: The port is chosen with the connection; Python has no name for it.
IP_BIND_ADDRESS_NO_PORT = 24
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def upgrade(path="/channels/hostile/ws", *fields):
    """The request of a WebSocket."""
    lines = [f"GET {path} HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


CENTRIFUGE = "/connection/websocket"


def frame(payload=b"", opcode=1, final=True, reserved=0, masked=True, announced=None):
    """A frame as a client sends it; its mask is zeros. `announced`: a length that the payload does not have."""
    payload = payload.encode() if isinstance(payload, str) else payload
    length = len(payload) if announced is None else announced
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    if length < 126:
        head += bytes([mask | length])
    elif length < 65536:
        head += bytes([mask | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + length.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + payload


#: What a client says that goes.
BYE = frame((1000).to_bytes(2, "big"), opcode=8)


def refused(reason):
    return f'fanfare_connections_refused_total{{reason="{reason}"}}'


def ended(code):
    return f'fanfare_disconnects_total{{code="{code}"}}'


def token_refused(reason):
    return f'fanfare_tokens_refused_total{{reason="{reason}"}}'


COMMAND_ERROR = "fanfare_command_errors_total"


class Visit:
    """A connection and what it has come to expect. Its counters are what the server's have to rise by."""

    def __init__(self, port, number):
        self.port = port
        # A crowd comes from everywhere; where it does not, the script says so.
        self.source = f"127.0.{1 + number // 250 % 250}.{1 + number % 250}"
        self.loop = asyncio.get_running_loop()
        self.socket = None
        self.got = b""
        self.answers, self.wrong, self.counters = [], [], []

    async def open(self, first=b"", receive_buffer=None):
        """Connects, and sends the first bytes."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self.socket.bind((self.source, 0))
        await self.loop.sock_connect(self.socket, ("127.0.0.1", self.port))
        if first:
            await self.send(first)

    async def send(self, data):
        """Sends; a server that does not want it any more is no mistake here."""
        try:
            await self.loop.sock_sendall(self.socket, data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    async def opened(self):
        """Waits for the answer to an upgrade; whether it is 101."""
        await self._read_until(lambda: b"\r\n\r\n" in self.got)
        return self.got.startswith(b"HTTP/1.1 101")

    async def hear(self, text, times=1):
        """Waits until that text has come so often."""
        await self._read_until(lambda: self.got.count(text) >= times)

    async def stay(self, seconds):
        """Shows life for so long, and reads nothing."""
        end = self.loop.time() + seconds
        while (left := end - self.loop.time()) > 0:
            await asyncio.sleep(min(left, 0.4))
            await self.send(frame(opcode=10))

    async def drip(self, data):
        """A byte now and then, whatever the other side says."""
        for byte in data:
            await self.send(bytes([byte]))
            await asyncio.sleep(0.1)

    async def read(self):
        """What comes next; nothing at the end."""
        return await self.loop.sock_recv(self.socket, 262144)

    async def answer(self):
        """Reads to the end of the connection. What it was: an HTTP status, a close code, 'closed' or 'reset'."""
        try:
            await self._read_until(lambda: False)
        except ConnectionResetError:
            if not self.got:
                return "reset"
        return self._describe()

    async def expect(self, expected, *counters):
        """Reads to the end; it has to be this answer. Close codes count themselves."""
        answer = await self.answer()
        if answer == expected and answer.isdigit() and len(answer) == 4:
            self.count(ended(answer))
        self.note(answer, answer == expected, *counters)
        return answer

    def note(self, answer, is_right, *counters):
        self.answers.append(answer)
        if not is_right:
            self.wrong.append(f"{answer} after {self.got[-60:]!r}")
        self.count(*counters)

    def count(self, *counters):
        self.counters += counters

    def reset(self):
        """Vanishes: the peer gets an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def is_ended(self):
        """Whether the other side has ended the connection."""
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self):
        if self.socket:
            self.socket.close()

    async def _read_until(self, is_done):
        while not is_done():
            part = await self.read()
            if not part:
                return
            self.got += part

    def _describe(self):
        head, _, rest = self.got.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1.1 (\d+)", head)
        if not match:
            return "closed"
        if match[1] != b"101":
            return match[1].decode() + (" Retry-After" if b"\nretry-after:" in head.lower() else "")
        code, at = None, 0
        while at + 2 <= len(rest):
            size, begin = rest[at + 1] & 127, at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, begin = int.from_bytes(rest[begin:begin + width], "big"), begin + width
            if rest[at] & 15 == 8:
                code = str(int.from_bytes(rest[begin:begin + 2], "big")) if size >= 2 else "1005"
            at = begin + size
        return code or "closed"
