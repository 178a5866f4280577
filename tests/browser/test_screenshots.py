"""The pictures of the README, made by the suite; SCREENSHOTS_DIR names where they go."""

import pytest

from tests.browser import sample_shop
from tests.browser.conftest import serving
from trustsvc.badge.render import snippets
from trustsvc.crypto import signed_links

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pictures_of_badge_form_and_page_are_made(origin, shop, browse, screenshots):
    link = signed_links.url("review", sample_shop.open_link(shop))
    pages = {
        "badge": (f"{origin}/demo/shop/{shop.slug}", 1000, 640),
        "list": (f"{origin}/demo/shop/{shop.slug}", 1000, 1040),
        "card": (f"{origin}/demo/thanks/{shop.slug}", 1000, 640),
        "form": (f"{link}?stars=4", 800, 1290),
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
