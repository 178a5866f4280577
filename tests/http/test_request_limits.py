"""Addresses, headers and forms, before anything reads them."""

import pytest
from werkzeug.test import EnvironBuilder

from trustsvc import input_limits
from trustsvc.errors import AddressTooLong, TooLarge
from trustsvc.http import request_limits
from trustsvc.http.request_limits import BoundedRequest, RequestLimits


def passed_on(**changes):
    """Give what the middleware passes on of a request."""
    seen = {}
    environ = EnvironBuilder(**{"path": "/me"} | changes).get_environ()
    RequestLimits(lambda environ, _: seen.update(environ) or [])(environ, None)
    return seen


def form(data, **more):
    sent = {"method": "POST", "data": data} | more
    return BoundedRequest(EnvironBuilder("/me", **sent).get_environ()).form


def test_a_request_as_browsers_send_it_passes_as_it_is():
    environ = EnvironBuilder(
        "/me", query_string="a=b", headers={"Cookie": "c" * 4096}
    ).get_environ()
    before = dict(environ)
    RequestLimits(lambda *_: [])(environ, None)

    assert environ == before
    request_limits.check(environ)


def test_a_header_that_is_too_long_is_gone_and_the_others_stay():
    long, cookies = "a" * (request_limits.MAX_HEADER + 1), "b" * (request_limits.MAX_COOKIE + 1)
    seen = passed_on(headers={"Referer": long, "Cookie": cookies, "Accept": "text/html"})

    assert "HTTP_REFERER" not in seen
    assert "HTTP_COOKIE" not in seen
    assert seen["HTTP_ACCEPT"] == "text/html"


@pytest.mark.parametrize("changes", [{"path": "/" + "a" * 9000}, {"query_string": "a&" * 9000}])
def test_an_address_that_is_too_long_is_cut_and_refused(changes):
    seen = passed_on(**changes)

    assert len(seen["PATH_INFO"]) <= request_limits.MAX_HEADER
    assert seen["QUERY_STRING"] == ""
    with pytest.raises(AddressTooLong):
        request_limits.check(seen)


def test_a_form_is_read_as_it_was_filled_in():
    filled = {"name": " Zoë ", "text": "a\r\nb" * 1000, "do": ["x", "y"]}

    assert form(filled).to_dict(flat=False) == {
        "name": [" Zoë "],
        "text": ["a\r\nb" * 1000],
        "do": ["x", "y"],
    }


@pytest.mark.parametrize("kind", [None, "multipart/form-data"])
def test_marks_are_bounded_in_every_field(kind):
    filled = form({"name": "a" + "\u0300\u0315" * 999}, content_type=kind)

    assert filled["name"] == "a" + "\u0300\u0315" * (input_limits.MAX_MARKS // 2)


@pytest.mark.parametrize("kind", [None, "multipart/form-data"])
def test_a_field_that_is_too_long_is_refused(kind):
    with pytest.raises(TooLarge, match="shorten it"):
        form({"name": "a" * (input_limits.MAX_LENGTH + 1)}, content_type=kind)


def test_a_form_of_too_many_fields_is_refused_and_one_of_many_is_not():
    assert len(form({f"f{number}": "1" for number in range(request_limits.MAX_FIELDS)})) == 100
    with pytest.raises(TooLarge, match="100 fields"):
        form({f"f{number}": "1" for number in range(request_limits.MAX_FIELDS + 1)})
