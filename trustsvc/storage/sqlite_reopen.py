"""After a fault of the disk, close every connection of this process before one is opened.

SQLite's connections of one process share the open `-shm` file. One that was opened while nothing
could be written is read-only, and so is every later one as long as any of them is still open
(https://www.sqlite.org/wal.html#read_only_databases): under steady load that is for ever.
"""

import sqlite3
import threading
from collections import Counter
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

CANNOT_WRITE = (8, 10, 14)  # SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN
OPENED_IN = "opened in"
ANEW = "the file is being opened anew"


def watch(engine: Engine) -> None:
    """Count an engine's connections, and have all of them opened anew after such an error.

    Until the older ones are closed, opening raises sqlite3.OperationalError: whoever asks is told
    to come again, instead of being handed a connection that cannot write.
    """
    openings = _Openings()
    event.listen(engine, "do_connect", openings.before)
    event.listen(engine, "connect", openings.opened)
    event.listen(engine, "checkout", openings.taken)
    event.listen(engine, "close", openings.closed)
    event.listen(engine, "handle_error", openings.failed)


class _Openings:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._time = 0
        self._open: Counter[int] = Counter()

    def before(self, *_: Any) -> None:
        with self._lock:
            older = sum(number for time, number in self._open.items() if time != self._time)
        if older:
            raise sqlite3.OperationalError(ANEW)

    def opened(self, _connection: Any, record: Any) -> None:
        with self._lock:
            record.info[OPENED_IN] = self._time
            self._open[self._time] += 1

    def taken(self, _connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get(OPENED_IN) != self._time:
            raise sqlite3.OperationalError(ANEW)  # which closes it

    def closed(self, _connection: Any, record: Any) -> None:
        time = record.info.pop(OPENED_IN, None)
        with self._lock:
            if time is not None:
                self._open[time] -= 1

    def failed(self, context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF in CANNOT_WRITE:
            context.is_disconnect = True
            with self._lock:
                self._open += Counter()  # forgets the times of which none is left
                self._time += 1
