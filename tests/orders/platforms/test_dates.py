from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from trustsvc.orders.platforms import dates

DAY = datetime(2012, 11, 20, tzinfo=UTC)
TEN = DAY + timedelta(hours=10)
NINE = DAY + timedelta(hours=9)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        # ISO 8601 and what is taken for it
        ("2012-11-20", DAY),
        ("2012-11-20T10:00:00Z", TEN),
        ("2012-11-20t10:00:00z", TEN),
        ("2012-11-20T10:00:00.1234567Z", TEN.replace(microsecond=123456)),
        ("2012-11-20T10:00:00,5Z", TEN.replace(microsecond=500000)),
        ("2012-11-20T10:00:00.000+0000", TEN),
        ("2012-11-20T10:00:00+01", NINE),
        ("2012-11-20T10:00+01:00[Europe/Amsterdam]", NINE),
        ("2012-11-20 10:00:00", TEN),
        ("2012-11-20 10:00:00 UTC", TEN),
        ("2012-11-20 10:00:00 +0100", NINE),
        ("2012/11/20 10:00", TEN),
        ("2012-11-20T24:00:00Z", DAY + timedelta(days=1)),
        ("2012-11-20T23:59:60Z", DAY + timedelta(days=1)),
        ("20121120", DAY),
        ("20121120T100000Z", TEN),
        ("20121120100000", TEN),
        (20121120, DAY),
        (20121120100000, TEN),
        ("2012-W47-2", DAY),
        # day, month, year
        ("20-11-2012", DAY),
        ("20/11/2012 10:00", TEN),
        ("20.11.2012 10:00:00", TEN),
        ("20-11-2012T10:00:00+01:00", NINE),
        ("1/2/2012", datetime(2012, 2, 1, tzinfo=UTC)),
        # RFC 2822 and names of months
        ("Tue, 20 Nov 2012 00:00:00 +0000", DAY),
        ("Tue, 20 Nov 2012 10:00:00 +0100", NINE),
        ("Tue, 20 Nov 2012 10:00:00 GMT", TEN),
        ("20 Nov 2012 10:00:00 CET", NINE),
        ("20 Nov 12 10:00:00 XYZ", TEN),
        ("20-Nov-2012", DAY),
        ("November 20, 2012 10:00 am", TEN),
        ("November 20, 2012 at 10:00 PM", TEN + timedelta(hours=12)),
        ("Nov 20, 2012, 12:00 a.m.", DAY),
        ("20 november 2012 om 10:00", TEN),
        ("20. März 2012", datetime(2012, 3, 20, tzinfo=UTC)),
        ("20 maart 2012", datetime(2012, 3, 20, tzinfo=UTC)),
        ("20 juin 2012", datetime(2012, 6, 20, tzinfo=UTC)),
        ("20 juillet 2012", datetime(2012, 7, 20, tzinfo=UTC)),
        ("mardi 20 août 2012 à 10h00", datetime(2012, 8, 20, 10, tzinfo=UTC)),
        ("Tue Nov 20 2012 10:00:00 GMT+0100 (Central European Standard Time)", NINE),
        ("Tue Nov 20 10:00:00 2012", TEN),
        # numbers
        (1353405600, TEN),
        (1353405600.5, TEN.replace(microsecond=500000)),
        (1353405600000, TEN),
        (1353405600000000, TEN),
        (1353405600000000000, TEN),
        ("1353405600", TEN),
        (" 1353405600 ", TEN),
        ("1353405600.0", TEN),
        ("1353405600000", TEN),
        # PHP, .NET, Java, MongoDB
        ({"date": "2012-11-20 10:00:00.000000", "timezone_type": 3, "timezone": "UTC"}, TEN),
        ({"date": "2012-11-20 10:00:00", "timezone_type": 3, "timezone": "Europe/Paris"}, NINE),
        ({"date": "2012-11-20 10:00:00.5", "timezone": "+01:00"}, NINE.replace(microsecond=500000)),
        ({"date": "2012-11-20 10:00:00", "timezone_type": 2, "timezone": "CET"}, NINE),
        ({"date": "2012-11-20 10:00:00", "timezone": "../../etc/passwd"}, TEN),
        ({"date": "2012-11-20 10:00:00", "timezone": ["CET"]}, TEN),
        ("/Date(1353405600000)/", TEN),
        ("/Date(1353405600000+0100)/", TEN),
        ([2012, 11, 20], DAY),
        ([2012, 11, 20, 10, 0, 0, 123456789], TEN),
        ({"$date": "2012-11-20T10:00:00Z"}, TEN),
        ({"seconds": 1353405600, "nanos": 0}, TEN),
        ({"_seconds": "1353405600", "_nanoseconds": 0}, TEN),
        ("@1353405600", TEN),
        ("20 Nov, 2012 10:00", TEN),
        ({"$date": {"$numberLong": "1353405600000"}}, TEN),
        # no date
        ("11/20/2012", None),
        ("2012-20-11", None),
        ("2012-02-30", None),
        ("32-01-2012", None),
        ("20-11-12", None),
        ("2012-11-20T25:00:00Z", None),
        ("2012-11-20T10:61:00Z", None),
        ("2012-11-20T10:00:61Z", None),
        ("2012", None),
        ("2012-11", None),
        ("20 Foo 2012", None),
        ("yesterday", None),
        ("\ud800", None),
        ("\uff12\uff10\uff11\uff12-11-20", None),
        ("\uff12\uff10 Nov 2012", None),
        (True, None),
        (False, None),
        (None, None),
        ({}, None),
        ([2012, 11], None),
        ([2012, 13, 1], None),
        (["2012", "11", "20"], None),
        ([2012, 11, 20, "x", 0], None),
        ({"date": None}, None),
        ({"date": {"date": {"date": "2012-11-20"}}}, None),
    ],
)
def test_dates_as_platforms_write_them(written, moment):
    assert dates.read(written) == moment


@pytest.mark.parametrize(
    "written",
    [
        None,
        False,
        "",
        "  ",
        0,
        0.0,
        "0",
        [],
        {},
        "null",
        "None",
        "-",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "00-00-0000",
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "-0001-11-30T00:00:00+00:00",
        "1970-01-01T00:00:00Z",
        "1970-01-01T01:00:00+01:00",
        "1900-01-01T00:00:00",
        "/Date(-62135596800000)/",
        {"date": "-0001-11-30 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": None},
        {"$date": {"$numberLong": "0"}},
    ],
)
def test_what_platforms_write_for_no_date_is_missing(written):
    assert dates.is_missing(written)


@pytest.mark.parametrize(
    "written",
    [True, "x", "20-11-2012", 1, "2012-11-20", {"at": 1}, {"date": "x"}, [1], "9" * 10**6, 10**40],
)
def test_anything_else_is_there(written):
    assert not dates.is_missing(written)


SANE = some.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(SANE, some.sampled_from(["UTC", "Europe/Amsterdam", "America/St_Johns", "Asia/Kathmandu"]))
def test_a_moment_is_the_same_in_each_shape(moment, zone):
    there = moment.astimezone(ZoneInfo(zone))
    seconds = int(moment.timestamp())
    shapes = [
        there.isoformat(),
        there.isoformat(" "),
        there.strftime("%Y-%m-%d %H:%M:%S %z"),
        there.strftime("%d-%m-%Y %H:%M:%S %z"),
        there.strftime("%d/%m/%Y %H:%M:%S %z"),
        there.strftime("%d.%m.%Y %H:%M:%S%z"),
        there.strftime("%Y-%m-%dT%H:%M:%S.0000000%z"),
        format_datetime(there),
        {"date": there.strftime("%Y-%m-%d %H:%M:%S.%f"), "timezone": there.strftime("%z")},
        f"/Date({seconds * 1000}{there:%z})/",
        seconds,
        seconds * 1000,
        str(seconds),
        str(seconds * 1000),
    ]

    assert {dates.read(shape) for shape in shapes} == {moment}


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: (
        some.lists(inner)
        | some.dictionaries(
            some.sampled_from(["date", "timezone", "$date", "$numberLong", "seconds", "x"])
            | some.text(),
            inner,
        )
    ),
    max_leaves=8,
)


@given(JSON | some.from_regex(r"[0-9/:.,T +Z()-]{0,40}") | some.integers(-(10**400), 10**400))
def test_nothing_makes_the_reader_fail(value):
    read = dates.read(value)

    assert read is None or read.tzinfo is UTC
    assert dates.is_missing(value) in {True, False}


def test_hostile_texts_are_not_looked_at():
    nested = "2012-11-20"
    for _ in range(5000):
        nested = {"$date": nested}

    for value in (nested, "1" * 10**7, " " * 10**7 + "x", "a" * 79 + "!", "1." * 39, 10**4000):
        assert dates.read(value) is None
        assert not dates.is_missing(value)
