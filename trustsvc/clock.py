"""The only place that asks the time."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

_ahead: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The clock on the wall beside one that nobody can set: how long this machine has been up.

    `boot` names this run of the machine, `steady` counts since its beginning, sleep included where
    the system says so (Linux). `deliberate` is True where somebody chose the moment (`at`).
    """

    at: datetime
    boot: str
    uptime: timedelta
    is_chosen: bool = False


def now() -> datetime:
    """Say the moment, in UTC."""
    return datetime.now(UTC) + (_ahead or timedelta(0))


def read() -> Reading:
    steady = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return Reading(now(), _boot(), timedelta(seconds=steady), is_chosen=_ahead is not None)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let this process live at another moment, where time goes on as usual.

    For `trustsvc tick` and tests; other processes keep their own time.
    """
    global _ahead  # noqa: PLW0603 - the one clock of the process
    before = _ahead
    _ahead = moment.astimezone(UTC) - datetime.now(UTC)
    try:
        yield
    finally:
        _ahead = before


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return secrets.token_hex(16)  # then every process is a run of its own
