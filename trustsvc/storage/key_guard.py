"""Stop work on a host that lacks a key of the database: somebody rotated it on another host.

Without it a process would miss an opt-out that was stored with that key, and could read nothing
that was encrypted with it. The database is asked once a second at most; while it does not answer
the last answer holds, because nothing can be stored then either.
"""

import threading
import time
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from trustsvc import config, log
from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured
from trustsvc.storage import db, key_checks

ASK_EVERY_S = 1.0

logger = log.get_logger("keys")


class _Guard:
    """The last answer, for the settings it was asked with; one thread at a time asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: config.Settings | None = None
        self._asked_at = 0.0  # monotonic
        self._problem: str | None = None

    def problem(self) -> str | None:
        settings, uptime_s = config.current(), time.monotonic()
        is_known = self._of is settings
        if is_known and uptime_s - self._asked_at < ASK_EVERY_S:
            return self._problem
        # The others go on with what was known a moment ago; at the start there is nothing yet.
        if not self._lock.acquire(blocking=not is_known):
            return self._problem
        try:
            before = self._problem if self._of is settings else None
            found = _ask(before)
            if found != before:
                self._report(found)
            self._problem, self._of, self._asked_at = found, settings, uptime_s
            return found
        finally:
            self._lock.release()

    def _report(self, found: str | None) -> None:
        if found:
            logger.error("keys.not_of_this_database", problem=found)
        else:
            logger.info("keys.complete_again")


def problem() -> str | None:
    """Say which keys of the database are not here; None when all are."""
    return _guard.problem()


def require() -> None:
    """Raise Misconfigured, with what to copy, where keys of the database are not here."""
    found = problem()
    if found:
        raise Misconfigured(
            f"The keys here are not those of this database: {found}. Copy the folder keys of "
            "TRUSTSVC_DATA from the host where they were rotated; it is used at once."
        )


def _ask(before: str | None) -> str | None:
    wrong: Mapping[str, str] = {}
    try:
        # Our own rotation tells the database first: the key is here in a moment. It may have ended
        # after the folder was read, so what is missing must be missing twice.
        for _ in range(2):
            with db.reading() as session:
                wrong = key_checks.mismatches(session)
            if not wrong or keyring.is_rotating():
                return None
    except Misconfigured as error:  # a damaged key file
        return error.detail
    except (SQLAlchemyError, OSError):
        return before
    return "; ".join(f"key {kind}: {why}" for kind, why in sorted(wrong.items()))


_guard = _Guard()
