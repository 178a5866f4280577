"""Group commit: concurrent requests share one transaction and one fsync.

A durable commit costs milliseconds, whether it holds one order or five hundred.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.exc import InterfaceError, OperationalError

from trustsvc import log
from trustsvc.errors import Unavailable
from trustsvc.orders import accept
from trustsvc.storage import db

MAX_BATCH_SIZE = 500
TIMEOUT_S = 8.0
UNAVAILABLE = (OperationalError, InterfaceError, OSError)  # the database or its disk, not the order

logger = log.get_logger("orders")


class _QueuedOrder:
    """An order and whoever waits for it; a lock costs a tenth of what a Future does."""

    __slots__ = ("incoming", "is_ended", "is_given_up", "now", "result", "waiting")

    def __init__(self, incoming: accept.IncomingOrder, now: datetime) -> None:
        self.incoming = incoming
        self.now = now
        self.result: accept.IntakeResult | None = None
        self.is_given_up = False
        self.is_ended = False
        self.waiting = threading.Lock()
        self.waiting.acquire()

    def wait(self) -> accept.IntakeResult | None:
        """Wait for the result; None when it was not stored, or not in time."""
        if not self.waiting.acquire(timeout=TIMEOUT_S):
            self.is_given_up = True
        return self.result

    def end(self, result: accept.IntakeResult | None) -> None:
        """Let whoever waits go on; the first call counts."""
        if not self.is_ended:
            self.is_ended = True
            self.result = result
            self.waiting.release()


class _BatchWriter:
    """A queue and the single thread that drains it; one per process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queued: queue.SimpleQueue[_QueuedOrder] = queue.SimpleQueue()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.run, name="orders", daemon=True)
                self.thread.start()

    def run(self) -> None:
        while True:
            batch = [self.queued.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < MAX_BATCH_SIZE:
                    batch.append(self.queued.get_nowait())
            try:
                _store_batch([item for item in batch if not item.is_given_up])
            except Exception as problem:  # noqa: BLE001 - the only thread must not end
                logger.warning("order.not_stored", problem=type(problem).__name__)
            for item in batch:
                item.end(None)


_batch_writer = _BatchWriter()


def _reset_after_fork() -> None:
    """A forked child has no writer thread, and its copy of the lock may be held for ever."""
    global _batch_writer  # noqa: PLW0603 - one per process
    _batch_writer = _BatchWriter()


os.register_at_fork(after_in_child=_reset_after_fork)


def submit(incoming: accept.IncomingOrder, now: datetime) -> accept.IntakeResult:
    """Store an order; returns once it is on disk.

    Raises Unavailable if that takes more than 8 seconds. The platform then delivers it again; if it
    was stored after all, the repetition is a duplicate.
    """
    queued = _QueuedOrder(incoming, now)
    _batch_writer.queued.put(queued)
    if _batch_writer.thread is None or not _batch_writer.thread.is_alive():
        _batch_writer.start()
    result = queued.wait()
    if result is None:
        raise Unavailable
    return result


def _store_batch(batch: Sequence[_QueuedOrder]) -> None:
    """Store a batch; if it fails, one by one, so that one bad order does not fail the others."""
    if not batch:
        return
    try:
        _write(batch)
    except UNAVAILABLE as problem:
        logger.warning("order.database_unavailable", problem=type(problem).__name__)
        _retry(batch)
    except Exception as problem:  # noqa: BLE001 - caused by one of the orders
        logger.warning("order.batch_not_stored", problem=type(problem).__name__)
        for item in batch:
            with contextlib.suppress(Exception):
                _write([item])


def _retry(batch: Sequence[_QueuedOrder]) -> None:
    """Retry once: PostgreSQL aborts one of two transactions in a deadlock."""
    with contextlib.suppress(*UNAVAILABLE):
        _write(batch)


def _write(batch: Sequence[_QueuedOrder]) -> None:
    with db.transaction() as session:
        results: list[accept.IntakeResult] = []
        # Registered before the jobs, whose enqueuing may wait a second for an unreachable Redis.
        db.after_commit(session, lambda: _resolve(batch, results))
        now = max(item.now for item in batch)
        results += accept.accept(session, [item.incoming for item in batch], now)


def _resolve(batch: Sequence[_QueuedOrder], results: Sequence[accept.IntakeResult]) -> None:
    for item, result in zip(batch, results, strict=True):
        item.end(result)
