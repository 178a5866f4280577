"""The only place that asks the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_ahead = timedelta(0)


def now() -> datetime:
    """Say the moment, in UTC."""
    return datetime.now(UTC) + _ahead


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let this process live at another moment, where time goes on as usual.

    For `trustsvc tick --at` and tests; other processes keep their own time.
    """
    global _ahead  # noqa: PLW0603 - the one clock of the process
    before = _ahead
    _ahead = moment.astimezone(UTC) - datetime.now(UTC)
    try:
        yield
    finally:
        _ahead = before
