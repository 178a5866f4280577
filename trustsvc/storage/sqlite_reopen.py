"""After a disk fault, close every SQLite connection of this process before opening another.

The SQLite connections of a process share the open `-shm` file. A connection that is opened while
the disk cannot be written is read-only. So is every later one while any of them is still open
(https://www.sqlite.org/wal.html#read_only_databases), which under load is for ever.
"""

import sqlite3
import threading
from collections import Counter

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

CANNOT_WRITE = (8, 10, 14)  # SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN
GENERATION = "generation"
REOPENING = "the database file is being reopened"


def watch(engine: Engine) -> None:
    """Count an engine's connections, and reopen all of them after such an error.

    Until the older ones are closed, opening raises sqlite3.OperationalError: the caller is asked to
    retry instead of getting a connection that cannot write.
    """
    generations = _Generations()
    event.listen(engine, "do_connect", generations.connecting)
    event.listen(engine, "connect", generations.opened)
    event.listen(engine, "checkout", generations.checked_out)
    event.listen(engine, "close", generations.closed)
    event.listen(engine, "handle_error", generations.failed)


class _Generations:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._open: Counter[int] = Counter()

    def connecting(self, *_: object) -> None:
        with self._lock:
            older = sum(
                number
                for generation, number in self._open.items()
                if generation != self._generation
            )
        if older:
            raise sqlite3.OperationalError(REOPENING)

    def opened(self, _connection: object, record: ConnectionPoolEntry) -> None:
        with self._lock:
            record.info[GENERATION] = self._generation
            self._open[self._generation] += 1

    def checked_out(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.get(GENERATION) != self._generation:
            raise sqlite3.OperationalError(REOPENING)  # which closes it

    def closed(self, _connection: object, record: ConnectionPoolEntry) -> None:
        generation = record.info.pop(GENERATION, None)
        with self._lock:
            if generation is not None:
                self._open[generation] -= 1

    def failed(self, context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF in CANNOT_WRITE:
            context.is_disconnect = True
            with self._lock:
                self._open += Counter()  # drops generations with no open connection
                self._generation += 1
