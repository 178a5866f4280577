"""The pictures of the README, made by the suite; SCREENSHOTS_DIR names where they go."""

import pytest

from tests.browser import scene
from trustsvc import signed_links

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pictures_of_badge_form_and_page_are_made(origin, shop, browse, screenshots):
    link = signed_links.url("review", scene.open_link(shop))
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
