from datetime import timedelta

import pytest

from tests.orders.webhook_health.sample_days import deliver
from tests.staff.signed_in_staff import sign_in
from trustsvc import clock
from trustsvc.orders.webhook_health import alarm
from trustsvc.shops import enrol
from trustsvc.storage import db


@pytest.fixture
def shop(installation):
    with db.transaction() as session:
        new = enrol.Enrolment("Lamp <b>", "lamp.example", "woocommerce")
        return enrol.enrol(session, new, clock.now())[0]


@pytest.fixture
def desk(client):
    sign_in(client)
    return client


def errors(shop):
    deliver(shop.id, [clock.now() - timedelta(hours=1)], "ignored:platform_error", count=37)
    with db.transaction() as session:
        alarm.watch(session, clock.now())


def test_the_page_needs_a_sign_in(client, shop):
    assert client.get("/desk/shops").status_code == 303


def test_the_page_shows_each_answer_and_how_often(desk, shop):
    now = clock.now()
    deliver(shop.id, [now], count=1234)
    deliver(shop.id, [now], "ignored:draft", count=56)

    page = desk.get("/desk/shops").text

    assert "Lamp &lt;b&gt;" in page
    assert "<td>1234</td>" in page
    assert '<code lang="en">draft</code></th><td>56</td>' in page
    assert page.count(f'<time datetime="{now.isoformat(timespec="milliseconds")[:19]}') == 2
    assert 'class="late"' not in page


def test_an_alarm_is_shown_with_its_cure_on_the_page_and_on_the_desk_s_first(desk, shop):
    assert "do not arrive" not in desk.get("/desk/").text
    errors(shop)

    page = desk.get("/desk/shops").text
    assert "WooCommerce sends errors instead of orders." in page
    assert "Save each webhook again as a user who exists" in page
    first = desk.get("/desk/").text
    assert "do not arrive" in first
    assert f'href="/desk/shops#shop-{shop.slug}"' in first


def test_a_shop_without_a_delivery_and_no_shop_at_all(desk, installation):
    assert "No shop is enrolled yet." in desk.get("/desk/shops").text


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_every_language_has_its_words(desk, shop, language):
    errors(shop)
    for answer in ("accepted", "bad_signature", "too_large", "other", "privacy_request"):
        deliver(shop.id, [clock.now()], answer)

    answer = desk.get("/desk/shops", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
    assert "desk.shops" not in answer.text
