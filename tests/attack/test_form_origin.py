"""No form of another site does anything, at any route there is (trustsvc/http/form_origin.py)."""

import pytest

from tests import rate_limits
from tests.app import test_other_shop, two_shops
from tests.invitations import sample_orders
from tests.staff import signed_in_staff
from trustsvc.http import form_origin

pytestmark = pytest.mark.slow

BASE = "https://reviews.example"
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
)
# What mail programs post, whatever sends it (RFC 8058).
ONE_CLICK = {"/u/<token>", "/register/leave/<token>"}


@pytest.fixture
def shop(app):
    mine = two_shops.make("Alfa")
    rate_limits.reset()
    return mine


def forms(app, shop):
    """Give each route that takes a form, with a path that opens it."""
    for rule, (methods, passes) in sorted(test_other_shop._routes(app).items()):
        if "POST" not in methods or passes == "signature":
            continue
        kind = test_other_shop.KEPT_APART[rule].opens
        value = next((str(value) for known, value in shop.ids if known == kind), "1")
        yield rule, next(test_other_shop._paths(rule, value))


def test_a_form_of_another_site_does_nothing_at_any_route(app, client, shop):
    signed_in_staff.sign_in(client)
    token = signed_in_staff.form_token(client)
    data = {"email": "victim@mail.example", "everywhere": "yes", "form_token": token}
    before, wrong, asked = two_shops.everything(), [], 0
    for rule, path in forms(app, shop):
        for headers in FOREIGN if rule not in ONE_CLICK else ():
            with sample_orders.quiet():
                answer = client.post(path, data=data, headers=headers)
            asked += 1
            if answer.status_code != 403:
                wrong.append((rule, headers, answer.status_code))

    assert wrong == []
    assert asked > 60
    assert two_shops.everything() == before


@pytest.mark.parametrize("path", ["/me", "/object/{slug}", "/register/{slug}"])
def test_a_form_without_a_referrer_needs_the_browser_s_word(client, shop, path):
    slug = next(value for kind, value in shop.ids if kind == "slug")

    def post(**headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = {"email": "anna@mail.example"}
        with sample_orders.quiet():
            return client.post(path.format(slug=slug), data=data, headers=headers).status_code

    assert post(Origin="null") == 403
    assert post(Origin="null", Sec_Fetch_Site="same-origin") == 200
    assert post(Origin="http://127.0.0.1:8000", Sec_Fetch_Site="same-origin") == 200
    assert post(Origin="http://localhost:8000") == 200
    assert post(Sec_Fetch_Site="none") == 200
    assert post() == 200


def test_the_card_of_a_shop_only_looks_and_a_mail_program_s_one_click_is_taken(client, shop):
    ids = dict(shop.ids)
    foreign = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
    before = two_shops.everything()
    with sample_orders.quiet():
        data = {"email": "anna@mail.example", "step": "look"}
        looked = client.post(f"/register/{ids['slug']}", data=data, headers=foreign)
        unchanged = two_shops.everything() == before
        stopped = client.post(f"/u/{ids['stop']}", headers=foreign)

    assert (looked.status_code, unchanged, stopped.status_code) == (200, True, 200)


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("https://reviews.example", True),
        ("HTTPS://Reviews.Example", True),
        ("https://reviews.example:443", True),
        ("https://reviews.example:444", False),
        ("http://reviews.example", False),
        ("https://reviews.example.evil.example", False),
        ("http://127.0.0.1", False),
        ("http://localhost:8000", False),
        ("https://[", False),
        ("https://reviews.example:x", False),
        ("", False),
        ("null", False),
    ],
)
def test_whose_origin_it_is(origin, own):
    assert form_origin.is_own({"Origin": origin}, BASE) is own
