"""No request costs more than 50 ms of CPU above a plain one, at any route there is.

Made from the map of routes, with links and a session that open them: a form, an address, headers
and a body of each hostile kind (trustsvc/http/request_limits.py).
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

import trustsvc
from tests import rate_limits
from tests.app import test_other_shop, two_shops
from tests.attack import cpu, hostile
from tests.invitations import sample_orders
from tests.orders.webhook_client import SECRETS, Shop, only_order, sample
from tests.staff import signed_in_staff
from trustsvc import input_limits
from trustsvc.app import create_app
from trustsvc.http import request_limits

pytestmark = pytest.mark.slow

FORM = "application/x-www-form-urlencoded"
HEADERS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Content-Type",
    "Forwarded", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "Origin", "Range",
    "Referer", "Sec-Fetch-Site", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Requested-With", "webhook-signature", "X-Shopify-Topic", "X-Signature",
)  # fmt: skip
WITHIN = request_limits.MAX_HEADER - 2
# What is negotiated, kept by browsers, counted by network, and a page behind a session.
READ_HEADERS = {"/me", "/badge/v1/<slug>.<any(json,svg,html,png):kind>", "/s/<slug>", "/desk/"}
HEADER_TEXTS = (",", " ", "a;q=", 'W/"', "a,", "é", "a=b; ", "1-", "://", "[", "a.", "\u00cc\u0080")
FIELD = input_limits.MAX_LENGTH - 2
# What must be chosen, in front of the hostile fields, for a text to be read at all.
CHOICES = {
    "/r/<token>": b"do=correct&stars=4&consent=yes&",
    "/me/<token>": b"do=correct&",
    "/register/<slug>": b"step=look&source=card&",
    "/desk/requests": b"kind=see&",
    "/desk/requests/<request_id>": b"do=refuse&",
    "/desk/reviews/<public_id>": b"do=reject&",
    "/desk/reviews/<public_id>/reply": b"do=reply&",
}


def field_names():
    code = "".join(path.read_text() for path in Path(trustsvc.__file__).parent.rglob("*.py"))
    return sorted(set(re.findall(r"""\bform(?:\.get\(|\[)f?"([a-z_]+)\"""", code)))


def urlencoded(fields):
    """Write a form with the signs as they are: percents would make it three times as long."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def multipart(number):
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    return part * number + b"--b--\r\n"


def forms():
    """Give hostile forms as (name, type, body), each at most 256 KiB, and their worst status."""
    names = field_names()
    each = (hostile.BYTES - 4000) // len(names)
    free = ["email", "text", "name", "city"]
    for name, piece in hostile.PIECES.items():
        written = quote(piece) if piece in {"%", '"'} else piece
        yield name, FORM, urlencoded(dict.fromkeys(names, hostile.text(written, each)))
    four = dict.fromkeys(free, (hostile.MARKS * FIELD)[:FIELD])
    yield "four fields of marks", FORM, urlencoded(four)
    yield "one field of marks", FORM, urlencoded({"name": hostile.TEXTS["marks"]})
    yield "an address of marks", FORM, urlencoded({"email": "a@" + hostile.TEXTS["marks"]})
    yield "130,000 fields", FORM, b"&a" * 130_000
    yield "130,000 empty fields", FORM, b"&" * (hostile.BYTES)
    yield "4,000 parts", "multipart/form-data; boundary=b", multipart(4000)
    yield (
        "lines in a part",
        "multipart/form-data; boundary=b",
        multipart(1)[:-9] + b"\r\n-" * 80_000,
    )
    yield "a part's head", "multipart/form-data; boundary=b", b"--b\r\n" + b"a:b\r\n" * 40_000
    disposition = b'--b\r\nContent-Disposition: form-data; name="' + b'";a="' * 40_000
    yield "a part's name", "multipart/form-data; boundary=b", disposition


class Opener:
    """Opens every route: with a shop's links and secret, and with a session of staff."""

    def __init__(self, app):
        self.app = app
        self.client = app.test_client()
        signed_in_staff.sign_in(self.client)
        self.token = signed_in_staff.form_token(self.client)
        self.mine = two_shops.make("Alfa")
        self.plain = {}

    def rules(self, method):
        for rule, (methods, _) in sorted(test_other_shop._routes(self.app).items()):
            if method in methods and rule not in {"/desk/leave", "/static/<path:filename>"}:
                yield rule, next(test_other_shop._paths(rule, self._id(rule)))

    def _id(self, rule):
        kind = test_other_shop.KEPT_APART[rule].opens
        return next((str(value) for known, value in self.mine.ids if known == kind), "1")

    def ask(self, method, path, **sent):
        rate_limits.reset()
        with sample_orders.quiet():
            return self.client.open(path, method=method, **sent)

    def require(self, what, method, path, **sent):
        """Ask, and fail for what costs too much or is answered as a fault of ours."""
        if (method, path) not in self.plain:
            self.ask(method, path)
            self.plain[method, path] = cpu.of(lambda: self.ask(method, path))[0]
        answer = cpu.require(
            f"{method} {path}: {what}",
            lambda: self.ask(method, path, **sent),
            self.plain[method, path],
        )
        assert answer.status_code != 500, (what, path)
        return answer


@pytest.fixture
def opener(app):
    return Opener(app)


def test_the_app_that_is_served_bounds_its_requests(installation):
    assert isinstance(create_app().wsgi_app, request_limits.RequestLimits)


@pytest.mark.slow
def test_no_form_keeps_a_route_busy(opener):
    every = list(forms())
    for rule, path in opener.rules("POST"):
        token = urlencoded({"form_token": opener.token}) + b"&" if rule.startswith("/desk") else b""
        for name, kind, body in every:
            for chosen in {b"", CHOICES.get(rule, b"")} if kind == FORM else {b""}:
                data = token + chosen + body if kind == FORM else body
                opener.require(name, "POST", path, data=data, content_type=kind)


@pytest.mark.slow
def test_no_address_keeps_a_route_busy(opener):
    arguments = ("stars", "before", "kind", "since", "a")
    for rule, path in opener.rules("GET"):
        for piece in ("%CC%80%CC%95", "a&"):
            most = piece * (8000 // len(piece))
            within = "&".join(f"{name}={most[:1500]}" for name in arguments)
            opener.require(f"query {piece}", "GET", path, query_string=within)
        if rule in READ_HEADERS:
            opener.require("long query", "GET", path, query_string="a&" * 300_000)
        for piece in ("/", "%CC%80%CC%95"):
            opener.require(f"path {piece}", "GET", path + piece * (7000 // len(piece)))


@pytest.mark.slow
def test_no_header_keeps_a_route_busy(opener):
    for rule, path in opener.rules("GET"):
        for piece in HEADER_TEXTS if rule in READ_HEADERS else HEADER_TEXTS[:1]:
            opener.require(f"headers {piece!r}", "GET", path, headers=headers(piece, WITHIN))
        opener.require("long headers", "GET", path, headers=headers("a,", 100_000))


def headers(piece, size):
    value = hostile.text(piece, size).encode().decode("latin-1")
    return [(name, value) for name in HEADERS]


@pytest.mark.parametrize("platform", SECRETS)
def test_no_signed_body_keeps_the_endpoint_busy(client, platform):
    shop = Shop(client, platform)
    shop.post(sample(platform))
    plain = cpu.of(lambda: shop.post(sample(platform)))[0]
    for name, body in hostile.JSON.items():
        cpu.require(f"{platform}: {name}", lambda body=body: shop.post(body), plain)


NAMES = {
    "shopify": ("customer", "first_name"),
    "woocommerce": ("billing", "first_name"),
    "lightspeed": ("order", "firstname"),
    "standard": ("data", "name"),
}


@pytest.mark.parametrize("piece", [hostile.MARKS, "a.", "=?", "\u200d\u0315\u0300"])
@pytest.mark.parametrize("platform", SECRETS)
def test_an_order_with_a_hostile_name_is_accepted(client, platform, piece):
    shop = Shop(client, platform)
    body = sample(platform)
    holder, field = NAMES[platform]
    body[holder][field] = hostile.text(piece, hostile.BYTES - len(json.dumps(body)) - 2000)

    data = hostile.body(body)
    assert len(data) <= 256 * 1024
    answer = cpu.require(f"{platform}: name", lambda: shop.post(data))

    assert answer[0] in {200, 202}  # again, where it had to be measured again
    assert only_order().email


@pytest.mark.parametrize("provider", ["postmark", "ses"])
def test_no_mail_provider_s_body_keeps_its_endpoint_busy(opener, provider):
    path = f"/mail-events/{provider}/{opener._id('/mail-events/<provider>/<endpoint_id>')}"
    for name, body in hostile.JSON.items():
        opener.require(name, "POST", path, data=body, content_type="application/json")


def test_who_sends_too_much_reads_what_to_do(client):
    too_long = client.post("/me", data={"email": "a" * (input_limits.MAX_LENGTH + 1)})
    too_many = client.post("/me", data=b"a=b&" * 1000, content_type=FORM)
    address = client.get("/me?" + "a" * 10_000)

    assert (too_long.status_code, too_many.status_code, address.status_code) == (413, 413, 414)
    assert "shorten it" in too_long.json["detail"]
    assert "100 fields" in too_many.json["detail"]
    assert "open the link as it was sent" in address.json["detail"]


def test_a_header_that_is_too_long_counts_as_not_sent(client):
    long = {"Referer": "https://shop.example/" + "a" * 5000, "Accept-Language": "de," * 5000}

    assert client.get("/me", headers=long).status_code == 200
    assert 'lang="en"' in client.get("/me", headers=long).text


def test_leaving_by_a_mail_program_works_whatever_its_body(opener):
    stop = next(rule for rule in opener.rules("POST") if rule[0] == "/u/<token>")[1]
    every = [(kind, body) for _, kind, body in forms()]

    assert {opener.ask("POST", stop, data=b, content_type=k).status_code for k, b in every} <= {
        200, 413,
    }  # fmt: skip
