"""A connection to one checked address, which ends when its time is over; see http/client.py."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Closes the connection from a timer when its time is over."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.is_over = False

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if self.socket:
                self.socket.close()

    def watch(self, made: socket.socket) -> None:
        self.socket = made.dup()  # TLS takes the first handle for itself
        if self.is_over:
            self.cut()

    def cut(self) -> None:
        self.is_over = True
        if self.socket:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


class PinnedAdapter(HTTPAdapter):
    """Connects to a checked address, and verifies the certificate for the name."""

    def __init__(self, name: str, deadline: Deadline, *, tls: bool) -> None:
        self._tls: dict[str, str] = (
            {"server_hostname": name, "assert_hostname": name} if tls else {}
        )
        self._deadline = deadline
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **more: object
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **(more | self._tls))
        deadline = self._deadline

        class Watched:
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()  # type: ignore[misc]
                deadline.watch(made)
                return made

        plain = type("Plain", (Watched, HTTPConnection), {})
        secure = type("Secure", (Watched, HTTPSConnection), {})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
