"""Read a date in the shapes in which shops' platforms write it. Pure.

ISO 8601, RFC 2822, day-month-year, names of months, Unix numbers, and what PHP, .NET, Java and
MongoDB make of a date. If either number could be the month, the day comes first. A date that has no
such month then is not read the other way round: nobody could tell a wrong date from a right one.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LENGTH = 80
MAX_NUMBER = 10**20

# What stands for "no date": MySQL's and .NET's zero, PHP's reading of MySQL's, Unix' and OLE's.
_NO_DATE = re.compile(r"(0000|-0001|0001)-\d\d-\d\d.*|0?0[-/.]0?0[-/.]0000.*|0(\.0+)?")
_ZERO_DAYS = {(1, 1, 1), (1899, 12, 30), (1900, 1, 1)}
_NO_WORD = {"", "-", "null", "none", "nil", "false", "undefined", "n/a", "never", "invalid date"}

_TIME = (
    r"(?:[T ,]+(?:at |um |om |à )?(?P<hour>\d{1,2})(?:[:h](?P<minute>\d{2}))?"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9})\d*)?)?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?P<zone>[A-Za-z]{1,5}|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)?"
    r"(?:\s*(?:\[[A-Za-z/_+-]+\]|\([A-Za-z .+-]+\)))?)?"
)
_DAY_FIRST = r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4})"
_YEAR_FIRST = r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
_COMPACT = r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)"
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,? +)?"
_NAME = r"(?P<name>[^\W\d_]{3,9})\.?"
_SHAPES = (
    [
        re.compile(pattern + _TIME, re.ASCII | re.IGNORECASE)
        for pattern in (_YEAR_FIRST, _DAY_FIRST, _COMPACT)
    ]
    + [
        re.compile(_COMPACT + r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?", re.ASCII),
        re.compile(
            _WEEKDAY
            + r"(?P<day>[0-9]{1,2})\.?[ -]+(?:de )?"
            + _NAME
            + r",?[ -]+(?P<year>[0-9]{4}|[0-9]{2})"
            + _TIME,
            re.IGNORECASE,
        ),  # Tue, 20 Nov 2012 10:00:00 +0100
        re.compile(
            _WEEKDAY
            + _NAME
            + r" +(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,? +(?P<year>[0-9]{4})"
            + _TIME,
            re.IGNORECASE,
        ),  # November 20, 2012 10:00 am
        re.compile(
            _WEEKDAY + _NAME + r" +(?P<day>[0-9]{1,2}) +(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
            r":(?P<second>[0-9]{2})(?: (?P<zone>[A-Z]{3,4}))? (?P<year>[0-9]{4})"
        ),  # Tue Nov 20 10:00:00 2012
    ]
)
_UNIX = re.compile(r"@?(-?\d{9,19})(?:\.(\d{1,9}))?", re.ASCII)
_DOTNET = re.compile(r"/?Date\((-?\d{1,19})([+-]\d{4})?\)/?", re.ASCII | re.IGNORECASE)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII | re.IGNORECASE)
_ZONE_NAME = re.compile(r"[A-Za-z_]{2,20}(/[A-Za-z_+-]{1,20}){0,2}")

# How months begin: en, nl, de, fr, es, it.
_MONTHS = (
    ("jan", "ene", "gen", "jän"),
    ("feb", "fév", "fev"),
    ("mar", "mrt", "maa", "mär", "mae"),
    ("apr", "avr", "abr"),
    ("may", "mei", "mai", "mag"),
    ("jun", "juin", "giu"),
    ("jul", "juil", "lug"),
    ("aug", "aoû", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt", "ott"),
    ("nov",),
    ("dec", "dez", "déc", "dic"),
)
_HOURS_OF_ZONE = {
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip


def is_missing(value: object) -> bool:
    """Say whether this stands for no date: null, "", false, an empty list, or a zero date."""
    if value is None or value is False or value in ([], {}):
        return True
    if isinstance(value, dict):
        inner = _inside(value)
        return not isinstance(inner, dict) and is_missing(inner)
    if isinstance(value, int | float):
        return value == 0
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return False
    written = value.strip().lower()
    if written in _NO_WORD or _NO_DATE.fullmatch(written):
        return True
    moment = read(written)
    return moment is not None and (
        moment == EPOCH or (moment.year, moment.month, moment.day) in _ZERO_DAYS
    )


def read(value: object) -> datetime | None:
    """Read a date, in UTC where it names no zone; None for what cannot be read.

    The work is bounded: long texts and large numbers are not looked at.
    """
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, dict):
            return _object(value)
        if isinstance(value, list):
            return _list(value)
        return _text(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError, ArithmeticError):
        return None


def _number(value: float) -> datetime | None:
    """Read Unix seconds, or milli-, micro- or nanoseconds by their size; 20121120 is a day."""
    if not -MAX_NUMBER < value < MAX_NUMBER:
        return None
    whole = int(value)
    if moment := _shape(str(whole), _SHAPES[2:4]):
        return moment
    if abs(whole) > 10**17:
        return EPOCH + timedelta(microseconds=whole // 1000)
    if abs(whole) > 10**14:
        return EPOCH + timedelta(microseconds=whole)
    if abs(whole) > 10**11:
        return EPOCH + timedelta(milliseconds=value)
    return EPOCH + timedelta(seconds=value)


def _object(value: dict[object, object]) -> datetime | None:
    """Read PHP's DateTime, whose zone is an offset, an abbreviation or a name, and like objects."""
    written, name = _inside(value), value.get("timezone")
    if isinstance(written, int) and not isinstance(written, bool):
        return _number(written)
    if not isinstance(written, str):
        return None
    return _text(written, _zone(name) if isinstance(name, str) else UTC)


def _inside(value: dict[object, object]) -> object:
    keys = [key for key in ("date", "$date", "seconds", "_seconds") if key in value]
    inner = value[keys[0]] if keys else value
    return inner.get("$numberLong", inner) if isinstance(inner, dict) else inner


def _list(value: list[object]) -> datetime | None:
    """Read Java's [2012, 11, 20, 10, 0, 0]."""
    numbers = [part for part in value[:6] if isinstance(part, int) and abs(part) < 10**5]
    if not 3 <= len(numbers) == min(len(value), 6):
        return None
    year, month, day, hour, minute, second = (*numbers, 0, 0, 0)[:6]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _text(value: str, zone: tzinfo = UTC) -> datetime | None:
    written = value.strip()
    return None if len(written) > MAX_LENGTH else _short_text(written, zone)


@lru_cache(maxsize=1024)  # an order repeats its dates, and each is asked for more than once
def _short_text(written: str, zone: tzinfo) -> datetime | None:
    if unix := _UNIX.fullmatch(written):
        return _number(float(written) if unix[2] else int(unix[1]))
    if dotnet := _DOTNET.fullmatch(written):  # the offset says where it was made, not when
        return EPOCH + timedelta(milliseconds=int(dotnet[1]))
    if moment := _shape(written, _SHAPES, zone):
        return moment
    if not written.isascii():
        return None
    parsed = datetime.fromisoformat(written)
    return (parsed.replace(tzinfo=zone) if parsed.tzinfo is None else parsed).astimezone(UTC)


def _shape(written: str, shapes: list[re.Pattern[str]], zone: tzinfo = UTC) -> datetime | None:
    for shape in shapes:
        if found := shape.fullmatch(written):
            return _moment(found.groupdict(), zone)
    return None


def _moment(part: dict[str, str | None], zone: tzinfo) -> datetime:
    name = part.get("name")
    month = _month(name) if name else int(part.get("month") or 0)
    hour, minute, second = (int(part.get(key) or 0) for key in ("hour", "minute", "second"))
    if half := part.get("half"):
        hour = hour % 12 + (12 if half.lower().startswith("p") else 0)
    days, hour = (1, 0) if (hour, minute, second) == (24, 0, 0) else (0, hour)
    year = int(part["year"] or 0)
    if year < 100 and name:  # RFC 5322, 4.3
        year += 2000 if year < 50 else 1900
    named = part.get("zone")
    there = _zone(named) if named else zone
    local = datetime(year, month, int(part["day"] or 0), hour, minute, tzinfo=there)
    local += timedelta(
        days=days,
        seconds=second if second <= 60 else 10**15,  # a leap second is read, 61 is not
        microseconds=int((part.get("fraction") or "0")[:6].ljust(6, "0")),
    )
    return local.astimezone(UTC)


def _month(name: str) -> int:
    """Give the number of a month by its name; raises ValueError for another word."""
    small = name.lower()
    for number, starts in enumerate(_MONTHS, 1):
        if small.startswith(starts):
            return number
    raise ValueError


def _zone(name: str) -> tzinfo:
    """Give a zone by offset, abbreviation or name; UTC for an unknown one (RFC 5322, 4.3)."""
    if offset := _OFFSET.fullmatch(name):
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
    if name.upper() in _HOURS_OF_ZONE:
        return timezone(timedelta(hours=_HOURS_OF_ZONE[name.upper()]))
    if "/" not in name or not _ZONE_NAME.fullmatch(name):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
