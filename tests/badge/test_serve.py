"""The app serves what nginx would (tests/deploy/test_nginx_badge.py), when nothing is in front."""

import gzip
import re

import brotli
import pytest
from sqlalchemy import update

from tests.badge.badge_files import KINDS, published, refreshed
from tests.reviews.sample_reviews import shop
from trustsvc.badge import public_files
from trustsvc.reviews.models import publications
from trustsvc.storage import db

pytestmark = pytest.mark.slow

OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}


@pytest.fixture
def made(installation):
    made = shop()
    published(made)
    return made


@pytest.mark.parametrize("lies", [True, False], ids=["file", "no file yet"])
def test_a_form_can_be_cached_shared_and_asked_for_from_anywhere(client, made, lies):
    if lies:
        refreshed()

    for name, (kind, kept) in KINDS.items():
        answer = client.get(f"/{name}", headers={"Origin": "https://shop.example", "Cookie": "a=b"})

        expected = OPEN | {"Content-Type": kind, "Cache-Control": kept}
        assert (name, expected) == (name, {one: answer.headers.get(one) for one in expected})
        assert answer.headers["ETag"].startswith('"'), name
        assert not {"Set-Cookie", "Last-Modified", "Content-Encoding"} & set(answer.headers.keys())


DOCUMENTS = {"image/svg+xml", "text/html", "application/atom+xml"}


@pytest.mark.parametrize("lies", [True, False], ids=["file", "no file yet"])
def test_only_what_can_be_opened_as_a_page_has_a_policy(client, made, lies):
    if lies:
        refreshed()

    for name, (kind, _) in KINDS.items():
        policy = client.get(f"/{name}").headers.get("Content-Security-Policy")
        assert (name, policy is not None) == (name, kind.partition(";")[0] in DOCUMENTS)


def test_a_badge_that_a_browser_has_already_costs_300_bytes(client, made):
    refreshed()
    for name in KINDS:
        tag = client.get(f"/{name}").headers["ETag"]

        again = client.get(f"/{name}", headers={"If-None-Match": tag})

        # With the status line and what granian adds: its name and the date.
        lines = [f"HTTP/1.1 {again.status}", "server: granian", f"date: {'x' * 29}", ""]
        lines += [f"{key}: {value}" for key, value in again.headers if key != "Date"]
        assert len("\r\n".join(lines)) + 2 <= 300, name


def test_no_cache_may_show_a_name_later_than_five_minutes_after_it_was_withdrawn(client, made):
    """Whatever holds a word of a buyer is never served stale, even while the service is away."""
    with db.transaction() as session:
        session.execute(update(publications).values(name="Zqx", title="Zqy", text="Zqz"))
    refreshed()

    answers = {name: client.get(f"/{name}") for name in KINDS}

    with_names = {name for name, one in answers.items() if re.search(b"Zq[xyz]", one.data)}
    assert with_names == {"badge/v1/velo-fils/reviews.json", "badge/v1/velo-fils/feed.atom"}
    for name in with_names:
        cache_control = answers[name].headers["Cache-Control"]
        assert "stale" not in cache_control
        assert (
            60 + 2 * int(re.search(r"max-age=(\d+)", cache_control)[1]) <= 300
        )  # the file, two caches
        assert "must-revalidate" in cache_control


@pytest.mark.parametrize(
    ("asked", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0.1, gzip;q=1.0", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0.000", None),
        ("BR", "br"),
        ("identity", None),
        ("brotli, gzipped", None),
        ("*;q=0", None),
        ("gzip;q=x;;,\\", None),
    ],
)
@pytest.mark.parametrize("lies", [True, False], ids=["file", "no file yet"])
def test_the_smallest_form_that_was_asked_for_is_sent(client, made, asked, coding, lies):
    if lies:
        refreshed()
    headers = {} if asked is None else {"Accept-Encoding": asked}

    for name in KINDS:
        answer = client.get(f"/{name}", headers=headers)
        plain = client.get(f"/{name}")

        sent = None if name.endswith(".png") else coding
        assert (name, sent) == (name, answer.headers.get("Content-Encoding"))
        assert UNPACK[sent](answer.data) == plain.data
        assert len(answer.data) == int(answer.headers["Content-Length"])
        assert (answer.headers["ETag"] == plain.headers["ETag"]) == (sent is None)


@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
def test_what_did_not_change_is_not_sent_again(client, made, coding):
    refreshed()
    request_headers = {"Accept-Encoding": coding}

    for name in KINDS:
        first = client.get(f"/{name}", headers=request_headers)
        tag = first.headers["ETag"]
        again = client.get(f"/{name}", headers=request_headers | {"If-None-Match": tag})
        weak = client.get(f"/{name}", headers=request_headers | {"If-None-Match": f'"x", W/{tag}'})
        head = client.head(f"/{name}", headers=request_headers)

        assert [(name, a.status_code, a.data) for a in (again, weak, head)] == [
            (name, 304, b""), (name, 304, b""), (name, 200, b""),
        ]  # fmt: skip
        for header in ("ETag", "Cache-Control", "Vary", "Access-Control-Allow-Origin"):
            assert [a.headers[header] for a in (again, head)] == [first.headers[header]] * 2


def test_a_tag_of_another_encoding_is_another_tag(client, made):
    refreshed()
    packed = client.get("/badge/v1/velo-fils.json", headers={"Accept-Encoding": "br"})

    plain = client.get(
        "/badge/v1/velo-fils.json", headers={"If-None-Match": packed.headers["ETag"]}
    )

    assert plain.status_code == 200


def test_without_a_file_the_same_is_rendered_and_none_is_written(client, made):
    def served():
        return {
            (name, coding): client.get(f"/{name}", headers={"Accept-Encoding": coding}).data
            for name in KINDS
            for coding in ("br", "x")
        }

    asked = served()
    assert list(public_files.folder().rglob("*")) == []

    refreshed()

    assert asked == served()


def test_a_lost_twin_is_not_missed(client, made):
    refreshed()
    (public_files.folder() / "badge/v1/velo-fils.json.br").unlink()

    answer = client.get("/badge/v1/velo-fils.json", headers={"Accept-Encoding": "br, gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"


def test_a_query_and_a_cookie_change_nothing(client, made):
    plain = {name: client.get(f"/{name}") for name in KINDS}
    client.set_cookie("session", "x")

    for name in KINDS:
        asked = client.get(f"/{name}?callback=alert&shop=other&t=1")

        for answer in (plain[name], asked):
            answer.headers.pop("Date", None)  # a second may have passed
        assert (name, asked.data) == (name, plain[name].data)
        assert list(asked.headers) == list(plain[name].headers)


def test_nothing_can_be_written_there(client, made):
    for name in KINDS:
        for method in ("POST", "PUT", "DELETE"):
            status = client.open(f"/{name}", method=method).status_code
            assert (name, method, status) == (name, method, 405)


def test_an_address_that_is_too_long_is_refused_here_too(client, made):
    refreshed()

    assert client.get("/badge/v1/velo-fils.json?" + "x" * 9000).status_code == 414
