"""The only module that reads the system clock."""

import ctypes
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

TIME_ERROR = 5  # nobody synchronises it, or somebody set it by hand since
TIMEX_BYTES = 1024  # more than a struct timex; all zero: nothing is changed

_ahead: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The time of day and, beside it, the uptime of the machine, which nobody can set.

    `boot` identifies the boot that `uptime` counts from, sleep included (Linux). `is_chosen` is
    True inside `at`.
    """

    at: datetime
    boot: str
    uptime: timedelta
    is_chosen: bool = False


def now() -> datetime:
    """Give the current moment, in UTC."""
    return datetime.now(UTC) + (_ahead or timedelta(0))


def read() -> Reading:
    uptime = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return Reading(now(), _boot(), timedelta(seconds=uptime), is_chosen=_ahead is not None)


def is_synchronised() -> bool:
    """Say whether NTP keeps this clock right, as far as the kernel knows (adjtimex(2))."""
    if _ahead is not None or sys.platform != "linux":
        return False
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return 0 <= state < TIME_ERROR


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Run this process at another moment, from which time goes on as usual.

    For `trustsvc tick` and tests; other processes are not affected.
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
        return secrets.token_hex(16)  # then each process counts as a boot
