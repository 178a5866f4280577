import json
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import update
from werkzeug.serving import make_server

from tests.badge.test_refresh import _publish
from tests.reviews.sample_reviews import shop
from trustsvc import cli, clock, config
from trustsvc.app import create_app, with_middleware
from trustsvc.badge import embed_code
from trustsvc.badge.statement import badge_finder, key_set, signing, verify
from trustsvc.badge.statement.badge_finder import Badge
from trustsvc.badge.statement.verify import BadgeJson
from trustsvc.shops import directory, settings
from trustsvc.shops.models import shops
from trustsvc.storage import db

DAY = timedelta(days=1)
pytestmark = [pytest.mark.parametrize("database", ["sqlite"], indirect=True), pytest.mark.slow]


class Web:
    """A web server on loopback: what lies where, and what was asked for."""

    def __init__(self):
        self.files, self.asked = {}, []
        web = self

        class Shows(BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append(self.path)
                status, headers, body = web.files.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Shows)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def put(self, path, body, status=200, **headers):
        body = body if isinstance(body, bytes) else body.encode()
        self.files[path] = (status, {k.replace("_", "-"): v for k, v in headers.items()}, body)
        return f"http://lamp.localhost:{self.port}{path}"


@pytest.fixture
def web():
    made = [Web(), Web()]
    yield made
    for one in made:
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture(scope="module")
def server():
    """A server for all tests; the app behind it is built by the first that needs it."""
    server = make_server("127.0.0.1", 0, None, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def service(installation, server):
    """The service itself on a port of its own; gives its origin."""
    origin = f"http://reviews.localhost:{server.port}"
    config.use(replace(installation, base_url=origin))
    server.app = server.app or create_app()
    # It serves this test's files.
    server.app.wsgi_app = with_middleware(partial(Flask.wsgi_app, server.app))
    return origin


@pytest.fixture
def lamp(service, web):
    """A shop with two reviews, whose proven domain is the first web server."""
    made = shop("Blue Lamp")
    for stars in (5, 4):
        _publish(made, stars=stars)
    domain = f"lamp.localhost:{web[0].port}"
    with db.transaction() as session:
        settings.change_settings(
            session, made.slug, settings.SettingsChange(domain=domain), clock.now()
        )
        session.execute(update(shops).values(proven_at=clock.now() - DAY))
    return domain


def run(*words):
    done = CliRunner().invoke(cli.main, ["verify-badge", *words])
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def verdicts(url, *more):
    code, output = run(url, "--json", *more)
    found = [one["verdict"] for one in json.loads(output)]
    assert code == (0 if found and set(found) == {"genuine"} else 1)
    return found


def badge(service, inside="", script="/embed/v1.js", slug="blue-lamp"):
    return (
        f'<script src="{service}{script}" defer></script>'
        f'<review-badge shop="{slug}"><a href="{service}/s/{slug}">'
        f'<img src="{service}/badge/v1/{slug}.svg" width="220" height="72" alt="{inside}">'
        "</a></review-badge>"
    )


def test_a_shop_s_own_badge_is_genuine(service, lamp, web):
    url = web[0].put("/", f"<!doctype html><p>Hi {badge(service)}")

    code, output = run(url)

    assert code == 0
    assert output.split() == (
        f"GENUINE {service} blue-lamp: 4.5 of 5 from 2 reviews, signed for {lamp}".split()
    )
    assert verdicts(url, "--service", service) == ["genuine"]


def test_a_copied_badge_is_found_out(service, lamp, web):
    copied = badge(service)
    url = web[1].put("/", copied).replace("lamp.localhost", "thief.localhost")

    code, output = run(url)

    assert code == 1
    assert "NOT THIS PAGE'S DOMAIN" in output
    assert f"it is signed for {lamp}: the badge was copied" in output
    other_port = web[1].put("/", copied)
    assert verdicts(other_port) == ["not this page's domain"]


def test_a_copied_statement_served_from_another_domain_is_detected(service, lamp, web):
    """The thief has a service of its own, with our JSON, and our keys or its own."""
    thief = f"http://thief.localhost:{web[1].port}"
    copied = json.loads(_get(f"{service}/badge/v1/blue-lamp.json"))
    web[1].put("/badge/v1/blue-lamp.json", json.dumps(copied))
    url = web[0].put("/", badge(thief))

    assert verdicts(url) == ["cannot be read"]
    web[1].put(signing.KEYS_PATH, _get(f"{service}{signing.KEYS_PATH}"))
    assert verdicts(url) == ["signature wrong"]
    stranger = key_set.write([("1", Ed25519PrivateKey.generate().public_key())])
    web[1].put(signing.KEYS_PATH, stranger)
    assert verdicts(url) == ["signature wrong"]
    assert verdicts(url, "--service", service) == ["another service"]


def test_without_a_statement_it_is_not_genuine(service, lamp, web):
    url = web[0].put("/", badge(service))
    with db.transaction() as session:
        session.execute(update(shops).values(proven_at=None))
    assert verdicts(url) == ["no statement"]

    with db.transaction() as session:
        session.execute(update(shops).values(proven_at=clock.now(), closed_at=clock.now()))
    assert verdicts(url) == ["no statement"]


def test_a_badge_that_is_not_refreshed_expires_after_a_week(service, lamp, web):
    copied = _get(f"{service}/badge/v1/blue-lamp.json")
    public = _get(f"{service}{signing.KEYS_PATH}")
    place = config.current().data / "public" / "badge" / "v1"
    place.mkdir(parents=True)
    (place / "blue-lamp.json").write_bytes(copied)
    (place.parents[1] / ".well-known").mkdir()
    (place.parents[1] / ".well-known" / "trustsvc-keys.json").write_bytes(public)
    url = web[0].put("/", badge(service))
    start = clock.now()

    found = {}
    for days in (-3, 0, 3, 6.9, 8.1, 400):
        with clock.at(start + days * DAY):
            found[days] = verdicts(url)

    assert found == {
        -3: ["not valid yet"], 0: ["genuine"], 3: ["genuine"], 6.9: ["genuine"], 8.1: ["expired"],
        400: ["expired"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"reviews": 200}, {"count": "200 reviews"}, {"score": "4.9"}, {"stars": 4.9}]
)
def test_a_badge_that_says_more_than_was_signed_is_found_out(service, lamp, web, change):
    changed = json.loads(_get(f"{service}/badge/v1/blue-lamp.json")) | change
    place = config.current().data / "public" / "badge" / "v1"
    place.mkdir(parents=True)
    (place / "blue-lamp.json").write_text(json.dumps(changed))

    assert verdicts(web[0].put("/", badge(service))) == ["other numbers"]
    assert verdicts(f"{service}/badge/v1/blue-lamp.json") == ["other numbers"]


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [
        ('<img alt="4.5 out of 5 stars, 2 reviews">', "genuine"),
        ('<img alt="4.9 out of 5 stars, 2 reviews">', "other numbers"),
        ("<p>4.5 out\n of 5 stars, 2,345 reviews", "other numbers"),
        ('<b part="score">4.5</b><i part="count">2 reviews</i>', "genuine"),
        ('<b part="score">5.0</b><i part="count">2 reviews</i>', "other numbers"),
        ('<b part="score">4.5</b><i part="count">2000 reviews</i>', "other numbers"),
        ("Vision 2.0, since 1999: reviews", "genuine"),
        ('<template shadowrootmode="open"><b part="score">4.8</b></template>', "other numbers"),
    ],
)
def test_what_the_page_prints_itself_is_compared_too(service, lamp, web, inside, verdict):
    script = f'<script src="{service}/embed/v1.js"></script>'
    html = f'<review-badge shop="blue-lamp">{inside}</review-badge>{script}'

    assert verdicts(web[0].put("/", html)) == [verdict]


@pytest.mark.parametrize(
    "html",
    [
        "<img src='{0}/badge/v1/blue-lamp.svg'>",
        "<IMG SRC={0}/badge/v1/blue-lamp.png>",
        "<picture><source srcset='/x.png 1x, {0}/badge/v1/blue-lamp.svg 2x'></picture>",
        "<noscript><img src='{0}/badge/v1/blue-lamp.svg'></noscript>",
        "<base href='{0}/x/'><img src='../badge/v1/blue-lamp.svg'>",
        "<iframe src='{0}/badge/v1/blue-lamp/card.html'></iframe>",
        "<review-badge shop=blue-lamp><img src='{0}/badge/v1/blue-lamp.svg'></review-badge>",
        "<script src='{0}/embed/1.0.0/badge.js'></script><review-badge shop=blue-lamp>",
        "<![if !IE]><img src='{0}/badge/v1/blue-lamp.svg'><![endif]>",
        "<a\x00b c='><<'>\xff<img alt='<' src='{0}/badge/v1/blue-lamp.svg?x=1#y'>",
    ],
)
def test_each_way_to_show_a_badge_is_found(service, lamp, web, html):
    assert verdicts(web[0].put("/", html.format(service).encode("latin-1"))) == ["genuine"]


@pytest.mark.parametrize(
    "html",
    [
        "", "<p>none", "<!-- <img src='{0}/badge/v1/blue-lamp.svg'> -->",
        "<a href='{0}/s/blue-lamp'>",
        "<script>'<img src={0}/badge/v1/blue-lamp.svg>'</script>",
    ],
)  # fmt: skip
def test_a_page_without_a_badge_says_so_and_is_no_success(service, lamp, web, html):
    code, output = run(web[0].put("/", html.format(service)))

    assert (code, output) == (1, "There is no badge on this page.\n")


ADDRESSES = {"policy", "shields", "feed"}  # no HTML for a page


@pytest.mark.parametrize("kind", sorted(set(embed_code.KINDS) - ADDRESSES))
def test_what_shops_are_given_to_print_is_known_wherever_it_stands(service, lamp, web, kind):
    html = printed(service, kind)

    assert verdicts(web[0].put("/", f"<p>{html}<p>")) == ["genuine"]
    assert verdicts(web[1].put("/", f"<p>{html}<p>")) == ["not this page's domain"]
    assert verdicts(web[1].put("/", html), "--service", "http://a.example") == ["another service"]


@pytest.mark.parametrize(
    ("original", "instead"),
    [
        (">4.5</text>", ">4.9</text>"),
        (">4.5</text>", "><tspan>4</tspan>.5</text>"),
        (">4.5</text>", ">\uff14.9</text>"),
        (">4.5</text>", ">4.5</text><text>9 out of 9</text>"),
        ("4.5 out of 5", "4.9 out of 5"),
        ('aria-label="4.5', 'aria-label="5.0'),
        (">2 reviews</text>", ">2000 reviews</text>"),
        (">2 reviews</text>", "><review-list></review-list>2000 reviews</text>"),
        (">2 reviews</text>", "><review-badge-html/>2000 reviews</text>"),
        ("</template>", "</template><b>4.9</b>"),
    ],
)
def test_a_fragment_that_was_written_over_is_found_out(service, lamp, web, original, instead):
    html = printed(service, "fragment")
    assert original in html

    found = verdicts(web[0].put("/", html.replace(original, instead)))

    assert "other numbers" in found
    assert verdicts(web[0].put("/", html.replace(' shop="blue-lamp"', ""))) == ["genuine"]


def one_shop():
    with db.reading() as session:
        return directory.by_slug(session, "blue-lamp")


def printed(service, kind):
    """Give what a shop has in its page: as the desk says it, the fragment as it is served."""
    if kind == "fragment":
        return _get(embed_code.for_shop(one_shop())["fragment"]).decode()
    return embed_code.for_shop(one_shop())[kind]


def test_one_false_badge_among_good_ones_is_enough(service, lamp, web):
    more = f'<img src="{service}/badge/v1/nobody.svg"><review-badge shop="../x">'
    url = web[0].put("/", badge(service) + more)

    assert sorted(verdicts(url)) == ["cannot be read", "genuine", "no statement"]


def test_ten_badges_are_asked_about_once(service, lamp, web):
    url = web[0].put("/", badge(service) * 10)

    assert verdicts(url) == ["genuine"]


def test_the_json_of_a_badge_says_for_which_domain_it_is(service, lamp):
    code, output = run(f"{service}/badge/v1/blue-lamp.json")

    assert code == 0
    assert f"signed for {lamp}" in output


def test_a_page_that_moved_is_the_page_it_moved_to(service, lamp, web):
    last = web[0].put("/en/", badge(service))
    first = web[1].put("/", b"", 301, Location=last)
    assert verdicts(first) == ["genuine"]

    thief = web[1].put("/x", badge(service))
    away = web[0].put("/away", b"", 302, Location=thief)
    assert verdicts(away) == ["not this page's domain"]


@pytest.mark.parametrize("to", ["/", "//", "http://[", "file:///etc/passwd", "\x1b[31m", "x:y@z"])
def test_redirects_without_an_end_or_to_nowhere_are_given_up(service, web, to):
    url = web[0].put("/", b"", 302, Location=to)
    web[0].put("/\x1b[31m", b"")

    code, output = run(url)

    assert code == 1
    assert len(web[0].asked) <= verify.MAX_REDIRECTS
    assert "\x1b" not in output


def test_a_page_that_is_too_large_or_has_too_many_badges_is_refused(service, web):
    large = web[0].put("/large", b"<p>" + b"x" * verify.MAX_PAGE_BYTES)
    many = "".join(f"<img src=/badge/v1/a{n}.svg>" for n in range(badge_finder.MAX_BADGES + 1))
    assert run(large) == (1, "Error: The address cannot be reached from here\n")
    assert "more than 20" in run(web[0].put("/many", many))[1]
    assert web[0].asked == ["/large", "/many"]


def test_a_text_that_would_take_hours_to_find_is_not_searched_for(service, lamp, web):
    changed = json.loads(_get(f"{service}/badge/v1/blue-lamp.json")) | {
        "label": "1a" * 20_000 + "b"
    }
    place = config.current().data / "public" / "badge" / "v1"
    place.mkdir(parents=True)
    (place / "blue-lamp.json").write_text(json.dumps(changed))
    script = f'<script src="{service}/embed/v1.js"></script>'
    html = f'<review-badge shop="blue-lamp">{"1a" * 500_000}</review-badge>{script}'

    assert verdicts(web[0].put("/", html)) == ["signature wrong"]


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[" * 60_000, b'{"proof":1}', b'{"a":' * 9_000, b""]
)
def test_a_service_that_answers_nonsense_is_not_believed(web, installation, body):
    web[1].put("/badge/v1/a.json", body)
    web[1].put(signing.KEYS_PATH, body)
    url = web[0].put("/", f"<img src=http://evil.localhost:{web[1].port}/badge/v1/a.svg>")

    assert verdicts(url) in (["signature wrong"], ["no statement"])
    web[1].put("/badge/v1/a.json", b'{"proof":"a.b.c"}')
    assert verdicts(url) == ["signature wrong"]


def test_nothing_of_a_hostile_page_reaches_the_terminal(web, installation):
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    html = (
        f'<review-badge shop="{evil}">{evil}</review-badge><script src="//{evil}/embed/v1.js">'
        f'</script><img src="http://a{evil}.localhost/badge/v1/a.svg" alt="{evil}">'
    )
    for words in ((), ("--json",)):
        code, output = run(web[0].put("/", html), *words)
        assert code == 1
        assert [one for one in output if not one.isprintable() and one != "\n"] == []
        assert "owned" not in output


@pytest.mark.parametrize(
    "url",
    [
        "http://a\x1b[2J/", "http://[", "x", "file:///etc/passwd", "http://", "http://a:99999/",
        "https://xn--\u2028/", "http://10.0.0.1/",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused_and_not_repeated(installation, url):
    code, output = run(url)

    assert code in {1, 2}
    assert output.startswith("Error: ")
    assert url not in output


def test_a_service_that_is_no_origin_is_refused(installation):
    assert run("http://a.localhost/", "--service", "reviews")[1].startswith("Error: The service")


def test_a_page_of_the_world_cannot_make_us_look_into_this_machine(installation, web):
    web[0].put("/badge/v1/a.json", b"{}")

    for inside in (f"http://127.0.0.1:{web[0].port}/", f"http://x.localhost:{web[0].port}/"):
        with pytest.raises(verify.client.Unreachable):
            verify._get(inside, "https://shop.example/")

    assert web[0].asked == []


@pytest.mark.parametrize(
    ("domain", "host", "same"),
    [
        ("lamp.example", "lamp.example", True),
        ("lamp.example", "www.lamp.example", True),
        ("www.lamp.example", "lamp.example", True),
        ("LAMP.example.", "lamp.example", True),
        ("lamp.example", "shop.lamp.example", False),
        ("lamp.example", "www.www.lamp.example", False),
        ("lamp.example", "lamp.example.evil.example", False),
        ("lamp.example", "evillamp.example", False),
        ("lamp.example", "lamp.example:8443", False),
        ("lamp.example:8443", "lamp.example:8443", True),
        ("", "lamp.example", False),
    ],
)
def test_a_domain_is_one_host_with_or_without_www(database, domain, host, same):
    assert verify.is_domain(domain, host) == same


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Lamp.Example:443/x", "lamp.example"),
        ("https://lamp.example:80/", "lamp.example:80"),
        ("http://lamp.example:80/", "lamp.example"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://BÜCHER.example./", "xn--bcher-kva.example"),
        ("https://lamp.example@evil.example/", "evil.example"),
    ],
)
def test_a_host_is_written_as_a_shop_s_domain_is(database, address, host):
    assert verify.host_of(address) == host


@pytest.mark.parametrize(
    ("label", "printed", "same"),
    [
        ("4,6 van 5 sterren, 1.234 beoordelingen", "4,6 van 5 sterren, 1.234 beoordelingen", True),
        ("4,6 van 5 sterren, 1.234 beoordelingen", "4,6 van 5 sterren, 1.235 beoordelingen", False),
        ("4,6 sur 5, 1\u202f234 avis", "4,6 sur 5, 1 234 avis", True),
        ("4,6 sur 5, 1\u202f234 avis", "4,6 sur 5, 9\u202f234 avis", False),
        ("1 of 5 from 2 reviews", "1 " * 500_000, True),
        ("1a" * 500, "1a" * 500_000, False),  # a badge has no such sentence: it is not looked for
    ],
)
def test_numbers_on_the_page_are_known_by_the_words_around_them(database, label, printed, same):
    assert verify._page_matches(Badge("o", "s", (printed,)), BadgeJson(label=label)) == same


def _get(url):
    return verify.client.get(url)
