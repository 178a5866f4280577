"""The pictures of the README, made by the suite; SCREENSHOTS_DIR names where they go."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from tests.browser import sample_shop
from tests.browser.conftest import serving
from tests.orders.webhook_health.sample_days import deliver
from tests.reviews import sample_reviews
from tests.staff import signed_in_staff
from trustsvc import cli, clock
from trustsvc.badge.render import snippets
from trustsvc.cli.shop_snippets import webhook_url
from trustsvc.crypto import signed_links
from trustsvc.demo import example_orders
from trustsvc.orders.webhook_health import alarm
from trustsvc.shops import secret_rotation
from trustsvc.storage import db

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pictures_of_badge_form_and_page_are_made(origin, shop, browse, screenshots):
    link = signed_links.url("review", sample_shop.open_link(shop))
    pages = {
        "badge": (f"{origin}/demo/shop/{shop.slug}", 1000, 640),
        "list": (f"{origin}/demo/shop/{shop.slug}", 1000, 1040),
        "card": (f"{origin}/demo/thanks/{shop.slug}", 1000, 640),
        "form": (f"{link}?stars=4", 800, 1360),
        "page": (f"{origin}/s/{shop.slug}", 800, 1400),
    }
    for name, (url, width, height) in pages.items():
        page = browse(viewport={"width": width, "height": height})
        page.goto(url)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screenshots / f"{name}.png")

    sizes = {path.name: path.stat().st_size for path in screenshots.glob("*.png")}
    assert {"badge.png", "card.png", "form.png", "page.png"} <= set(sizes)
    assert all(size < 150_000 for size in sizes.values())


def test_a_picture_of_the_badge_in_light_and_in_dark_is_made(origin, shop, browse, screenshots):
    def app(environ, start):
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        halves = "".join(
            f'<p style="flex:1;margin:0;padding:2rem;text-align:center;background:{paper}">'
            + snippets.snippet(shop.slug, origin, "", "Privacy").replace(
                " shop=", f" theme={theme} shop="
            )
            for theme, paper in (("light", "#fdfcf9"), ("dark", "#191713"))
        )
        return [f'<!doctype html><body style="display:flex;margin:0">{halves}'.encode()]

    page = browse(viewport={"width": 680, "height": 140})
    with serving(app) as there:
        page.goto(there)
        page.wait_for_load_state("networkidle")
        drawn = page.evaluate(
            "[...document.querySelectorAll('review-badge')].map((one) => !!one.shadowRoot)"
        )
        page.screenshot(path=screenshots / "themes.png")

    assert drawn == [True, True]


def command(*words):
    ran = CliRunner().invoke(cli.main, words)
    assert ran.exit_code == 0, ran.output


def test_a_picture_of_the_invitation_is_made(origin, shop, browse, screenshots):
    command("shop", "set", shop.slug, "--may-ask", "customers")
    shipped = clock.now() - timedelta(hours=1)
    data = {"reference": "1001", "email": "anna@mail.example", "name": "Anna de Vries"}
    data |= {"locale": "en-GB", "moment": shipped.isoformat()}
    body = json.dumps({"type": "order.shipped", "timestamp": shipped.isoformat(), "data": data})
    with db.reading() as session:
        secret = secret_rotation.current_secret(session, shop.id)
    answer = example_orders.post(webhook_url(shop, origin), "standard", secret, body.encode())
    assert answer.status_code == 202
    command("tick", "--at", f"{clock.now() + timedelta(days=8):%Y-%m-%dT11:00Z}")

    page = browse(viewport={"width": 640, "height": 970})
    page.goto(f"{origin}/demo/")
    newest = page.locator(".emails a").first.get_attribute("href")
    page.goto(f"{origin}{newest}/html")
    page.screenshot(path=screenshots / "email.png")

    assert "Anna de Vries" in page.content()


def test_a_picture_of_the_desk_is_made(origin, shop, browse, screenshots):
    sample_reviews.review(
        shop, stars=4, title="Mooi", text=sample_shop.LATER, name="Anna", city="Utrecht"
    )
    page = browse(viewport={"width": 900, "height": 1000}, locale="en-GB")
    page.goto(origin + signed_in_staff.one_time_link("Kim"))
    page.locator("main button").click()
    page.goto(f"{origin}/desk/")
    page.screenshot(path=screenshots / "desk.png")

    assert sample_shop.LATER in page.content()


def test_a_picture_of_the_shops_page_is_made(origin, shop, browse, screenshots):
    now = clock.now()
    for answer, number in {"accepted": 41, "duplicate": 122, "ignored:draft": 9}.items():
        deliver(shop.id, [now - timedelta(hours=3)], answer, number)
    deliver(shop.id, [now - timedelta(hours=1)], "ignored:platform_error", 7)
    with db.transaction() as session:
        alarm.watch(session, now)
    page = browse(viewport={"width": 900, "height": 640}, locale="en-GB")
    page.goto(origin + signed_in_staff.one_time_link("Kim"))
    page.locator("main button").click()
    page.goto(f"{origin}/desk/shops")
    page.screenshot(path=screenshots / "shops.png")

    assert page.locator("td", has_text="122").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
