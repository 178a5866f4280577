from datetime import UTC, datetime

import pytest

from trustsvc.server_log.log_line import AnsweredRequest, format_line, referer_origin

AT = datetime(2026, 11, 21, 10, 0, 0, 123_456, UTC)
HOSTILE = '\r\n2026-11-21T10:00:00.000Z 6.6.6.6 GET /desk/ 200 1 -\r\n\u2028"\u202e'


def _request(**given):
    plain = {
        "at": AT,
        "peer": "203.0.113.7",
        "forwarded_for": "",
        "method": "GET",
        "path": "/s/shop",
        "status": "200 OK",
        "sent": 5123,
        "referer": "https://shop.example/basket?mail=a@b.example#top",
    }
    return AnsweredRequest(**plain | given)


def test_a_line_holds_exactly_the_promised_fields():
    assert format_line(_request(), ()) == (
        "2026-11-21T10:00:00.123Z 203.0.113.7 GET /s/shop 200 5123 https://shop.example"
    )


@pytest.mark.parametrize("field", ["peer", "forwarded_for", "method", "path", "status", "referer"])
def test_no_field_can_hold_a_second_line_or_a_further_field(field):
    line = format_line(_request(**{field: HOSTILE}), ())

    assert len(line.splitlines()) == 1
    assert len(line.split(" ")) == len(line.split()) == 7
    assert line.isascii()


@pytest.mark.parametrize(
    ("referer", "kept"),
    [
        ("https://shop.example/a?b#c", "https://shop.example"),
        ("HTTPS://Shop.Example", "https://shop.example"),
        ("http://shop.example:8080/", "http://shop.example:8080"),
        ("https://user:secret@shop.example/", "https://shop.example"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80"),
        ("", "-"),
        ("shop.example", "-"),
        ("android-app://com.example", "-"),
        ("javascript:alert(1)", "-"),
        ("https://a b/", "-"),
        ('https://a"b/', "-"),
        ("https://a\u2028b/", "-"),
        ("https://shop.example:99999/", "-"),
        ("https://[::1/", "-"),
        ("https://" + "a" * 300, "-"),
    ],
)
def test_of_a_referer_only_the_origin_is_kept(referer, kept):
    assert referer_origin(referer) == kept
