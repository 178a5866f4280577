"""A cache in front, as deploy/README.md says: nginx with deploy/nginx/cdn.conf before the app."""

import contextlib
import re
import threading
import time

import pytest
from werkzeug.serving import make_server

from tests.badge.badge_files import KINDS, published, refreshed
from tests.deploy.nginx_example import EXAMPLE
from tests.deploy.nginx_server import NGINX, free_port, nginx
from tests.deploy.test_nginx_badge import asked
from tests.reviews.sample_reviews import shop
from trustsvc import clock
from trustsvc.reviews import withdraw
from trustsvc.shops import directory
from trustsvc.storage import db

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize(
        "installation", [{"TRUSTSVC_BASE_URL": "https://reviews.example.com"}], indirect=True
    ),
]
JSON, LIST = "/badge/v1/velo-fils.json", "/badge/v1/velo-fils/reviews.json"
PATIENCE_S = 120  # how long a state is waited for


class Origin:
    """The app behind the cache: counts what it is asked, ages its answers, can be ended."""

    def __init__(self, app):
        self.app, self.asked, self.fresh_s = app.wsgi_app, [], None
        self.server = make_server("127.0.0.1", 0, self.answer, threaded=True)
        self.port = self.server.port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, environ, start):
        self.asked.append(environ)

        def aged(status, headers, *more):
            if self.fresh_s is not None:
                headers = [(k, re.sub(r"max-age=\d+", f"max-age={self.fresh_s}", v))
                           for k, v in headers]  # fmt: skip
            return start(status, headers, *more)

        return self.app(environ, aged)

    def end(self):
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()


@pytest.fixture
def origin(app):
    made = Origin(app)
    yield made
    made.end()


@pytest.fixture
def cdn(origin, tmp_path):
    """The example as it is, but for TLS and for where things are; gives its port."""
    port = free_port()
    servers = EXAMPLE.with_name("cdn.conf").read_text()
    kept = servers.partition("# Any other name")[0]
    servers = kept + "server {" + servers.rpartition("\nserver {")[2]
    for original, ours in (
        (r"    listen \[::\]:443[^\n]*\n|    (proxy_)?ssl_[^\n]*\n", ""),
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        (r"https://origin\.reviews\.example\.com", f"http://127.0.0.1:{origin.port}"),
        (r"/var/cache/nginx/trustsvc", str(tmp_path / "nginx" / "cache")),
    ):
        servers, number = re.subn(original, ours, servers)
        assert number
    for folder in (tmp_path, *tmp_path.parents):  # nginx's own user must get here
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o011)
    with nginx(tmp_path / "nginx", servers, port):
        yield port


@pytest.fixture
def written(installation):
    public_id = published(shop())
    refreshed()
    return public_id


def got(port, path, **headers):
    """Give status, what the cache did, all other headers, and the body."""
    status, headers_sent, body, tag = asked(port, path, **headers)
    cached = dict(headers_sent).get("x-cache", "")
    return (
        status,
        cached,
        [one for one in headers_sent if one[0] != "x-cache"] + [("etag", tag)],
        body,
    )


def until(port, path, wanted):
    """Ask until the cache does this; gives the answer."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = got(port, path)
        if answer[1] == wanted:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"never {wanted}, at last {answer[:2]}")


@pytest.mark.parametrize("coding", ["", "gzip", "br", "gzip, deflate, br, zstd"])
def test_the_second_visitor_gets_the_same_bytes_and_the_service_is_not_asked(
    written, origin, cdn, coding
):
    request_headers = {"Accept_Encoding": coding} if coding else {}
    for name in KINDS:
        status, sent, body, tag = asked(origin.port, f"/{name}", **request_headers)
        first, second = (got(cdn, f"/{name}", **request_headers) for _ in range(2))

        ours = (status, [*sent, ("etag", tag)], body)
        assert (name, first[1], second[1]) == (name, "MISS", "HIT")
        assert ours == (first[0], *first[2:]) == (second[0], *second[2:])
    assert len(origin.asked) == 2 * len(KINDS)


def test_one_encoding_is_not_given_to_who_asked_for_another(written, origin, cdn):
    bodies = {coding: got(cdn, JSON, Accept_Encoding=coding)[3] for coding in ("br", "gzip", "x")}

    assert len(set(bodies.values())) == 3
    assert {
        coding: got(cdn, JSON, Accept_Encoding=coding)[1::2] for coding in bodies
    } == {coding: ("HIT", body) for coding, body in bodies.items()}  # fmt: skip


def test_nothing_of_a_visitor_reaches_the_service_or_makes_another_answer(written, origin, cdn):
    marks = {
        "Cookie": "zqx=1", "User_Agent": "zqx", "Referer": "https://zqx.example/",
        "Authorization": "zqx", "X_Forwarded_For": "203.0.113.9", "Accept_Language": "zqx",
        "CF_Connecting_IP": "203.0.113.9",
    }  # fmt: skip
    first = got(cdn, f"{JSON}?zqx=1", **marks)
    again = [got(cdn, f"{JSON}?zqx={n}", Cookie=f"a={n}") for n in range(3)] + [got(cdn, JSON)]

    assert first[1] == "MISS"
    assert {one[1] for one in again} == {"HIT"}
    assert {one[3] for one in again} == {first[3]}
    assert not any(name == "set-cookie" for name, _ in first[2])
    (only,) = origin.asked
    received = repr([value for value in only.values() if isinstance(value, str | bytes)])
    assert "zqx" not in received
    assert "203.0.113.9" not in received


def test_a_badge_is_asked_for_again_when_it_is_no_longer_fresh(written, origin, cdn):
    origin.fresh_s = 1
    old = got(cdn, JSON)[3]
    with db.reading() as session:
        same = directory.by_slug(session, "velo-fils")
    published(same, stars=1)
    refreshed()

    end = time.monotonic() + PATIENCE_S
    while (new := got(cdn, JSON))[3] == old and time.monotonic() < end:
        time.sleep(0.05)

    assert new[0] == 200
    assert new[3] == asked(origin.port, JSON)[2] != old


def test_what_did_not_change_is_asked_for_by_its_tag(written, origin, cdn):
    origin.fresh_s = 1
    first = got(cdn, LIST)

    again = until(cdn, LIST, "REVALIDATED")

    assert again[3] == first[3]
    assert origin.asked[-1]["HTTP_IF_NONE_MATCH"] == dict(first[2])["etag"]


def test_while_the_service_is_down_a_badge_is_shown_and_no_name_of_anybody(written, origin, cdn):
    origin.fresh_s = 1
    paths = [f"/{name}" for name in KINDS]
    before = {path: got(cdn, path)[3] for path in paths}
    people = {path for path in paths if path.endswith(("reviews.json", "feed.atom"))}
    origin.end()

    for path in set(paths) - people - {"/embed/1.0.0/badge.js", "/embed/1.0.0/list.js"}:
        assert until(cdn, path, "STALE")[3] == before[path]
    for path in people:
        end = time.monotonic() + PATIENCE_S
        while (answer := got(cdn, path))[0] == 200 and time.monotonic() < end:
            time.sleep(0.05)
        assert (path, answer[0]) == (path, 502)


def test_a_withdrawn_review_is_gone_from_the_cache_when_its_time_is_over(written, origin, cdn):
    origin.fresh_s = 1
    old = got(cdn, LIST)[3]
    with db.transaction() as session:
        withdraw.withdraw(session, written, clock.now())
    refreshed()

    new = until(cdn, LIST, "EXPIRED")

    assert new[3] != old
    assert new[3] == asked(origin.port, LIST)[2]


def test_personal_links_forms_and_the_desk_are_never_cached(written, origin, cdn):
    for path in ("/desk/", "/s/velo-fils", "/register/velo-fils", "/privacy/velo-fils", "/readyz"):
        origin.asked.clear()
        answers = [got(cdn, path) for _ in range(2)]

        assert (path, len(origin.asked)) == (path, 2)
        assert {one[1] for one in answers} == {""}
