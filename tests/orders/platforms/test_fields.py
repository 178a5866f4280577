from datetime import UTC, datetime, timedelta

import pytest

from trustsvc.errors import Refused
from trustsvc.orders.platforms import fields

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Jan de Vries", "Jan de Vries"),
        ("  Jan \t de  Vries ", "Jan de Vries"),
        ("Jan\r\nBcc x", "Jan Bcc x"),
        ("Jan\r\nBcc: x@example.nl", ""),
        ("Jan\u2028X-Header 1\u2029", "Jan X-Header 1"),
        ("Jan\u2028X-Header: 1\u2029", ""),
        ("Jan\u202egnp exe", "Jangnp exe"),
        ("Jan\u202egnp.exe", ""),
        ("\u2066Jan\u2069\u200f\ufeff", "Jan"),
        ("Jan\x00\x1b[31m\x7f\x85", "Jan [31m"),
        ("=?UTF-8?Q?=0ABcc:?= Jan", "Jan"),
        ("=?=?UTF-8?B?SmFu?=?= Jan", "Jan"),
        ("Jan =?utf-8?q?x", "Jan"),
        ("Jan ?=", "Jan"),
        ("e\u0301milie", "émilie"),
        ("\ud800Jan\udfff", "Jan"),
        ("<script>alert(1)</script>", ""),
        ("O&#039;Brien", "O'Brien"),
        ("Tom &amp;amp; Ina", "Tom & Ina"),
        ("Jan&#10;&#x202e;Smit", "Jan Smit"),
        ("=&#63;UTF-8?Q?=0ABcc?= Jan", "Jan"),
        ("Win at https://evil.example", ""),
        ("WWW.evil.example", ""),
        ("張偉", "張偉"),
        ("J" * 300, "J" * 100),
        ("", ""),
        (None, ""),
        ([], ""),
        ({"a": 1}, ""),
        (1.5, ""),
        (True, ""),
        (7, ""),
    ],
)
def test_a_name_is_one_clean_line(written, kept):
    assert fields.name({"name": written}, "name") == kept


@pytest.mark.parametrize(
    ("first", "last", "kept"),
    [
        ("Anna", "Bakker", "Anna Bakker"),
        ("Anna", "null", "Anna"),
        ("undefined", "Bakker", "Bakker"),
        ("-", "-", ""),
        ("&lt;b&gt;", "Bakker", ""),
        ("J" * 99, "Bakker", "J" * 99),
    ],
)
def test_the_parts_of_a_name_that_are_none_are_left_out(first, last, kept):
    assert (
        fields.name({"first": first, "last": last, "other": []}, "first", "other", "last") == kept
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Jan@Example.NL", "Jan@Example.NL"),
        (" jan@example.nl\n", "jan@example.nl"),
        ("jan+x@bücher.example", "jan+x@bücher.example"),
        ("jan@exa\u00admple.nl", ""),
        ("jan@exam\nple.nl", ""),
        ("jan@example.nl, piet@example.nl", ""),
        ("<jan@example.nl>", ""),
        ("Jan <jan@example.nl>", ""),
        ("jan\u202e@example.nl", ""),
        ("jan@localhost", ""),
        ("a" * 250 + "@example.nl", ""),
        ("@example.nl", ""),
        ("jan@", ""),
        ("\uff4aan@example.nl", ""),
        (5, ""),
        (None, ""),
        (["jan@example.nl"], ""),
    ],
)
def test_an_address_is_kept_as_it_was_written_or_not_at_all(written, kept):
    assert fields.email({"email": written}, "email") == kept


def test_the_first_usable_address_is_taken():
    assert fields.email({"a": "", "b": "no", "c": "x@example.nl"}, "a", "b", "c") == "x@example.nl"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-19T10:00:00Z", datetime(2026, 11, 19, 10, tzinfo=UTC)),
        ("2026-11-19T10:00:00+01:00", datetime(2026, 11, 19, 9, tzinfo=UTC)),
        ("2026-11-19T10:00:00", datetime(2026, 11, 19, 10, tzinfo=UTC)),
        ("2026-11-19 10:00:00 +0100", datetime(2026, 11, 19, 9, tzinfo=UTC)),
        ("2026-11-19T10:00+00:00", datetime(2026, 11, 19, 10, tzinfo=UTC)),
        ("2026-11-19", datetime(2026, 11, 19, tzinfo=UTC)),
        (1763546400, datetime.fromtimestamp(1763546400, UTC)),
        (1763546400000, datetime.fromtimestamp(1763546400, UTC)),
        ("2026-11-21T11:59:59Z", datetime(2026, 11, 21, 11, 59, 59, tzinfo=UTC)),
        ("2026-11-21T12:00:01Z", None),
        ("1999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("0000-00-00 00:00:00", None),
        ("yesterday", None),
        ("", None),
        (False, None),
        (True, None),
        (None, None),
        (10**30, None),
        (-(10**30), None),
        (1.5, None),
        ([], None),
        ("\ud800", None),
        ("\uff12\uff10\uff12\uff16-11-19", None),
    ],
)
def test_a_moment_is_sane_or_missing(written, moment):
    assert fields.moment({"at": written}, NOW, "at") == moment


@pytest.mark.parametrize(
    ("written", "unreadable"),
    [
        ("2026-11-19T10:00:00Z", False),
        ("20-11-2012", False),
        (None, False),
        ("", False),
        (False, False),
        (0, False),
        ("0000-00-00 00:00:00", False),
        ([], False),
        ("yesterday", True),
        ("11/20/2012", True),
        (True, True),
        ("1999-12-31T23:59:59Z", True),
        ("2026-11-21T12:00:01Z", True),
        (10**30, True),
        ("x" * 10**6, True),
        ({"at": "2012"}, True),
    ],
)
def test_a_date_that_is_there_and_cannot_be_used_is_reported(written, unreadable):
    tree = {"at": written, "now": "2026-11-20T12:00:00Z"}

    assert fields.has_unreadable_moment(tree, NOW, "at") is unreadable
    assert fields.has_unreadable_moment(tree, NOW, "missing", "now", "at") is unreadable


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (True, True),
        ("yes", True),
        ("1", True),
        (1, True),
        (" TRUE ", True),
        (False, False),
        ("no", False),
        (0, False),
        ("false", False),
        (None, None),
        ("", None),
        ("maybe", None),
        (2, None),
        (1.0, None),
        ([], None),
        ({}, None),
    ],
)
def test_yes_and_no_are_read_as_people_write_them(written, said):
    assert fields.flag({"flag": written}, "flag") is said


def test_large_numbers_keep_their_digits():
    tree = fields.tree(b'{"id": 820982911946154508, "big": 123456789012345678901234567890}')

    assert fields.identity(tree, "id") == "820982911946154508"
    assert fields.identity(tree, "big") == "123456789012345678901234567890"


@pytest.mark.parametrize("value", [None, "", " ", "\u200b", 1.5, True, [], {}, "x" * 200, 10**250])
def test_what_cannot_name_an_order_is_refused(value):
    with pytest.raises(Refused):
        fields.identity({"id": value}, "id")


def test_an_order_may_be_named_by_shopifys_global_id_and_by_a_number_with_a_slash():
    assert fields.identity({"id": "gid://shopify/Order/12"}, "id") == "12"
    assert fields.identity({"id": "2026/0012"}, "id") == "2026/0012"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"\xff",
        b"[" * 10**5,
        b'{"a":' * 10**5,
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"{'a': 1}",
        b'{"a": 1}x',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[]",
        b"1",
        b"null",
        b'"text"',
    ],
)
def test_what_is_not_an_object_of_json_is_refused_without_an_echo(body):
    with pytest.raises(Refused) as refused:
        fields.tree(body)

    assert str(refused.value) in {fields.NOT_JSON, fields.NOT_AN_ORDER}


def test_a_byte_order_mark_does_no_harm():
    assert fields.tree(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_a_shipment_is_estimated_within_a_month_of_the_order():
    created = NOW - timedelta(days=300)

    assert fields.estimate_shipment(created, NOW, NOW) == created + fields.SHIPS_WITHIN
    assert fields.estimate_shipment(None, None, NOW) == NOW
