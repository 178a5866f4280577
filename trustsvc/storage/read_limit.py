"""End a connection to PostgreSQL some seconds after it was made, whatever its server does.

A server that hangs keeps its host's network answering, so no time-out of TCP ends the wait: the
socket is shut down under the driver, which then finds its connection lost.
"""

import os
import socket
import threading
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

LIMIT = "trustsvc_limit"  # in `Connection.info`


class _Limit:
    def __init__(self, handle: int, seconds: float) -> None:
        self._socket = socket.socket(fileno=os.dup(handle))  # ours: the driver may close its own
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket.close()

    def _end(self) -> None:
        with self._lock, self._socket, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def limit_connections(engine: Engine, seconds: float) -> None:
    """Have each connection of an engine end after so many seconds; the engine keeps no pool."""

    def begin(connection: Any, record: Any) -> None:
        record.info[LIMIT] = _Limit(connection.pgconn.socket, seconds)

    def stop(_connection: Any, record: Any) -> None:
        if limit := record.info.pop(LIMIT, None):
            limit.stop()

    event.listen(engine, "connect", begin, insert=True)  # before what asks the server anything
    event.listen(engine, "close", stop)
