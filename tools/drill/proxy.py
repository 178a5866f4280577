"""A line to Redis that goes wrong: it drops, delays, resets or half-closes what goes through it.

Modes: "pass", "drop" (swallows every byte, keeps the line open), "delay" (each piece waits
`delay_s`), "reset" (RST for what is open and for what comes), "half_close" (says the end to the
client while the server's side stays open). A change of mode takes hold of lines that are open.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

MODES = ("pass", "drop", "delay", "reset", "half_close")
RST = struct.pack("ii", 1, 0)  # SO_LINGER 0: close() sends RST


@dataclass
class Proxy:
    """Use as a context manager; `target` is the path of the server's socket."""

    target: str
    delay_s: float = 2.0
    mode: str = "pass"
    port: int = 0
    _links: set = field(default_factory=set)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def turn(self, mode):
        assert mode in MODES
        self._loop.call_soon_threadsafe(self._turn, mode)

    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), daemon=True
        )
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    async def _serve(self, started):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._link, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._ended.wait()
        server.close()
        for writer in list(self._links):
            writer.transport.abort()

    def _turn(self, mode):
        self.mode = mode
        for writer in list(self._links):
            if mode == "reset":
                _reset(writer)
            elif mode == "half_close" and writer.can_write_eof():
                with contextlib.suppress(OSError):
                    writer.write_eof()

    async def _link(self, reader, writer):
        if self.mode == "reset":
            _reset(writer)
            return
        self._links.add(writer)
        try:
            there, back = await asyncio.open_unix_connection(self.target)
        except OSError:
            self._links.discard(writer)
            _reset(writer)
            return
        ways = (self._pump(reader, back), self._pump(there, writer))
        await asyncio.gather(*ways, return_exceptions=True)
        self._links.discard(writer)

    async def _pump(self, source, drain):
        with contextlib.suppress(OSError, RuntimeError):
            while data := await source.read(65536):
                if self.mode == "drop":
                    continue
                if self.mode == "delay":
                    await asyncio.sleep(self.delay_s)
                drain.write(data)
                await drain.drain()
        drain.transport.abort() if self.mode == "reset" else drain.close()


def _reset(writer):
    line = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    writer.transport.abort()
