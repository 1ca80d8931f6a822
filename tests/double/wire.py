"""HTTP heads and WebSocket frames over asyncio streams, for both ends.

It can also do what no well-behaved library does: frames in fragments, text
that is no UTF-8, a connection that is simply gone.
"""
import asyncio
import base64
import hashlib
import os
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Gone(Exception):
    """The peer left without a Close frame."""


async def read_head(reader):
    """(first line, headers with lower-case names), or None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return first, headers


async def read_body(reader, headers):
    if "chunked" not in headers.get("transfer-encoding", ""):
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        chunk = await reader.readexactly(size)
        await reader.readline()
        if size == 0:
            return body
        body += chunk


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


class Socket:
    """A WebSocket behind its handshake."""

    def __init__(self, reader, writer, is_client=False):
        self.reader, self.writer, self.is_client = reader, writer, is_client
        self.fragment = 0   # bytes of a fragment; 0: whole messages
        self.said_close = False

    async def _frame(self):
        try:
            first, second = await self.reader.readexactly(2)
            size = second & 127
            if size == 126:
                size, = struct.unpack(">H", await self.reader.readexactly(2))
            elif size == 127:
                size, = struct.unpack(">Q", await self.reader.readexactly(8))
            mask = await self.reader.readexactly(4) if second & 128 else None
            data = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Gone from error
        if mask:
            key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
            data = (int.from_bytes(data, "big") ^ key).to_bytes(size, "big")
        return first & 15, bool(first & 128), data

    async def recv(self):
        """(opcode, bytes) of a whole message or a control frame."""
        kind, message = 0, b""
        while True:
            opcode, is_last, data = await self._frame()
            if opcode >= CLOSE:
                return opcode, data
            kind, message = kind or opcode, message + data
            if is_last:
                return kind, message

    def _put(self, opcode, data, is_last):
        head = bytes([opcode | 128 * is_last])
        masked = 128 * self.is_client
        if len(data) < 126:
            head += bytes([masked | len(data)])
        elif len(data) < 65536:
            head += bytes([masked | 126]) + struct.pack(">H", len(data))
        else:
            head += bytes([masked | 127]) + struct.pack(">Q", len(data))
        if masked:   # by a mask of zeroes
            head += bytes(4)
        self.writer.write(head + data)

    async def send(self, opcode, data=b""):
        if isinstance(data, str):
            data = data.encode()
        if opcode >= CLOSE or not self.fragment:
            self._put(opcode, data, True)
        else:
            parts = [data[i:i + self.fragment] for i in range(0, len(data), self.fragment)]
            for i, part in enumerate(parts or [b""]):
                self._put(0 if i else opcode, part, i + 1 >= len(parts))
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise Gone from error

    async def close(self, code=1000, reason=""):
        if not self.said_close:
            self.said_close = True
            await self.send(CLOSE, struct.pack(">H", code) + reason.encode() if code else b"")

    def reset(self):
        """Leave as a machine that was unplugged and plugged in again: RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def connect(host, port, target, headers):
    """A client's (status, headers, Socket or None when it is not 101)."""
    reader, writer = await asyncio.open_connection(host, port)
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade",
             "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = await read_head(reader)
    if head is None:
        raise Gone
    status = int(head[0].split()[1])
    return status, head[1], Socket(reader, writer, True) if status == 101 else None
