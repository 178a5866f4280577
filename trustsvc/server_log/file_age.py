"""The age of a log file: by the hour in its name, else by the lines inside.

1. By the hour in its name, as our writer and nginx give it. A variant that was rotated, compressed
   or copied keeps that hour in its name, so its modification time is ignored and it
   is never opened.
2. Without an hour in its name, or with one in the future (after now or after its modification
   time): by its lines. The oldest time at the beginning of a line counts, of its first and last
   64 KiB, also inside gzip, bzip2 and xz.
   A file that is appended to for ever goes with its oldest line.
3. Without such a line: by the hour in its name if that has passed, else by its modification time.
   A file whose times are all in the future waits until then: a wrong clock must not delete young
   lines. `trustsvc doctor` names both kinds.
"""

import bz2
import contextlib
import gzip
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOUR = timedelta(hours=1)
CHUNK_BYTES = 64 * 1024

_NAMED = re.compile(r"access-(\d{4}-\d{2}-\d{2}T\d{2})([+-]\d{2}:\d{2})?(?!\d)")
_ISO = re.compile(
    rb"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})(?= )", re.MULTILINE
)
_COMMON = re.compile(  # what Apache and nginx write by default
    rb"^[^\[\n]{1,200}\[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]", re.MULTILINE
)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"  # whatever the locale
_PACKED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}


def hour_in_name(name: str) -> datetime | None:
    """Read the hour in a file's name, the oldest where there are several; None for none."""
    hours = []
    for text, zone in _NAMED.findall(name):
        with contextlib.suppress(ValueError, OverflowError):
            hour = datetime.strptime(f"{text}{zone or '+00:00'}", "%Y-%m-%dT%H%z")
            hours.append(hour.astimezone(UTC))
    return min(hours, default=None)


def first_line_at(path: Path, known: os.stat_result, now: datetime) -> tuple[datetime, bool]:
    """Time of a file's first line, and whether its name gave none."""
    hour = hour_in_name(path.name)
    # Far-off moments (a year 9999) must not overflow when days are added to them.
    written_at = datetime.fromtimestamp(min(max(known.st_mtime, 0), 32_503_680_000), UTC)
    if hour and hour <= min(written_at, now + HOUR):
        return hour, False
    line = oldest_line(path, now) if stat.S_ISREG(known.st_mode) else None
    if line:
        return line, True
    return (hour if hour and hour <= now else written_at), True


def oldest_line(path: Path, now: datetime) -> datetime | None:
    """The oldest past time at the beginning of a line; None if there is none."""
    moments = []
    with contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError):
        for piece in _ends(path):
            moments += [_iso(*stamp) for stamp in _ISO.findall(piece)]
            moments += [_common(stamp.decode()) for stamp in _COMMON.findall(piece)]
    return min((moment for moment in moments if moment and moment <= now + HOUR), default=None)


def _ends(path: Path) -> list[bytes]:
    # Never follows a link, and never blocks on a pipe.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle, not a path
        first = file.read(CHUNK_BYTES)
        unpack = _PACKED.get(first[:2])
        if unpack:
            file.seek(0)
            with unpack(file) as inside:
                return [inside.read(CHUNK_BYTES)]
        file.seek(max(os.fstat(handle).st_size - CHUNK_BYTES, 0))
        # The chunk may begin in the middle of a line: skip that one.
        return [first, file.read(CHUNK_BYTES).partition(b"\n")[2]]


def _iso(moment: bytes, zone: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{moment.decode()}{zone.decode()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _common(text: str) -> datetime | None:
    day, month, rest = text.split("/", 2)
    try:
        number = _MONTHS.index(month) // 3 + 1
        moment = datetime.strptime(f"{day}/{number}/{rest}", "%d/%m/%Y:%H:%M:%S %z")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
