"""The desk's pages that only read: from the replica, except for who just wrote something.

A member's writes are noted in Redis for some seconds, so that every process of every host knows of
them; without Redis the pages are read from the database. This process notes its own as well, for a
Redis that is back before those seconds are over.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import g

from trustsvc import config
from trustsvc.storage import replica
from trustsvc.work_queue import job_queue

WROTE_S = 15  # longer than a replica that is used may be late
_Words = ParamSpec("_Words")
_wrote: dict[tuple[str, int], float] = {}  # until when, by the database and the member


def reads(view: Callable[_Words, str]) -> Callable[_Words, str]:
    """Mark a view that only reads; it may be run twice."""

    @wraps(view)
    def page(*args: _Words.args, **kwargs: _Words.kwargs) -> str:
        def run() -> str:
            return view(*args, **kwargs)

        if not replica.is_configured() or has_just_written(g.staff.staff_id):
            return run()
        return replica.read_page(run)

    return page


def note_write(staff_id: int) -> None:
    """Note that a member is about to write; twice does no harm."""
    if not replica.is_configured():
        return
    now = time.monotonic()
    for key, until in list(_wrote.items()):
        if until < now:
            _wrote.pop(key, None)
    _wrote[config.current().database_url, staff_id] = now + WROTE_S
    if job_queue.is_paused():
        return
    import redis

    try:
        job_queue.connection().set(_key(staff_id), 1, ex=WROTE_S)
    except redis.RedisError:
        job_queue.pause()


def has_just_written(staff_id: int) -> bool:
    """Say whether a member wrote something in the last seconds; True when nobody knows."""
    noted = _wrote.get((config.current().database_url, staff_id), 0.0) > time.monotonic()
    if noted or job_queue.is_paused():
        return True
    import redis

    try:
        return bool(job_queue.connection().exists(_key(staff_id)))
    except redis.RedisError:
        job_queue.pause()
        return True


def _key(staff_id: int) -> str:
    return f"trustsvc:desk-wrote:{staff_id}"
