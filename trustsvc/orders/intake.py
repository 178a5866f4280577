"""Group commit: requests that wait at the same time share one transaction and one sync to disk.

A commit that survives a power cut costs milliseconds, whether it holds one order or five hundred.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from datetime import datetime

from sqlalchemy.exc import InterfaceError, OperationalError

from trustsvc import log
from trustsvc.errors import Unavailable
from trustsvc.orders import accept
from trustsvc.storage import db

MAX_BATCH_SIZE = 500
TIMEOUT_S = 8.0
AWAY = (OperationalError, InterfaceError, OSError)  # the database or its disk, not the order

Waiting = tuple[accept.IncomingOrder, datetime, Future[accept.IntakeResult]]

logger = log.get_logger("orders")


class _Desk:
    """A queue and the one thread that empties it; made anew in each process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self.writer: threading.Thread | None = None

    def start(self) -> None:
        with self.lock:
            if self.writer is None or not self.writer.is_alive():
                self.writer = threading.Thread(target=self.write, name="orders", daemon=True)
                self.writer.start()

    def write(self) -> None:
        while True:
            batch = [self.waiting.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < MAX_BATCH_SIZE:
                    batch.append(self.waiting.get_nowait())
            try:
                _settle([one for one in batch if one[2].set_running_or_notify_cancel()])
            except Exception as problem:  # noqa: BLE001 - the one thread must go on
                logger.warning("order.not_stored", problem=type(problem).__name__)
            for _, _, answer in batch:
                _fail(answer)


_desk = _Desk()


def _start_over() -> None:
    """A child has no thread, and a lock that may be held for good."""
    global _desk  # noqa: PLW0603 - one desk a process
    _desk = _Desk()


os.register_at_fork(after_in_child=_start_over)


def submit(incoming: accept.IncomingOrder, now: datetime) -> accept.IntakeResult:
    """Keep an order and say how that went, once it is on disk.

    Raises Unavailable when it is not within 8 seconds. The shop's platform then sends it again; if
    it was kept after all, that is a duplicate.
    """
    answer: Future[accept.IntakeResult] = Future()
    _desk.waiting.put((incoming, now, answer))
    _desk.start()
    try:
        return answer.result(TIMEOUT_S)
    except (TimeoutError, CancelledError):
        answer.cancel()
        raise Unavailable from None


def _settle(batch: Sequence[Waiting]) -> None:
    """Keep a batch; where it fails, one by one, so that one order cannot fail its neighbours."""
    if not batch:
        return
    try:
        _write(batch)
    except AWAY as problem:
        logger.warning("order.database_unavailable", problem=type(problem).__name__)
        _again(batch)
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is one order's
        logger.warning("order.batch_not_stored", problem=type(problem).__name__)
        for one in batch:
            with contextlib.suppress(Exception):
                _write([one])


def _again(batch: Sequence[Waiting]) -> None:
    """Once more: PostgreSQL ends one of two that wait for each other."""
    with contextlib.suppress(*AWAY):
        _write(batch)


def _write(batch: Sequence[Waiting]) -> None:
    with db.transaction() as session:
        answers: list[accept.IntakeResult] = []
        # Before the bells, which may wait a second for a Redis that is away.
        db.after_commit(session, lambda: _tell(batch, answers))
        now = max(moment for _, moment, _ in batch)
        answers += accept.accept(session, [incoming for incoming, _, _ in batch], now)


def _tell(batch: Sequence[Waiting], answers: Sequence[accept.IntakeResult]) -> None:
    for (_, _, future), answer in zip(batch, answers, strict=True):
        with contextlib.suppress(InvalidStateError):
            future.set_result(answer)


def _fail(answer: Future[accept.IntakeResult]) -> None:
    if not answer.done():
        with contextlib.suppress(InvalidStateError):
            answer.set_exception(Unavailable())
