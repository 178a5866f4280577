import re

import pytest

from tests.browser import accessibility, sample_shop
from tests.reviews import sample_reviews
from trustsvc.crypto import signed_links
from trustsvc.reviews import lookup
from trustsvc.storage import db

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _reviews():
    with db.reading() as session:
        return lookup.list_reviews(session)


def test_a_review_is_written_with_javascript_off_and_no_cookie_is_set(origin, browse):
    shop = sample_reviews.shop()
    link = signed_links.url("review", sample_shop.open_link(shop))
    page = browse(java_script_enabled=False)

    page.goto(f"{link}?stars=2")
    assert page.get_by_role("radio", name="2 sterren").is_checked()
    page.get_by_role("radio", name="4 sterren").check()
    page.get_by_label(re.compile("In één regel")).fill("Fijn <b>geholpen</b>")
    page.get_by_label(re.compile("Je woonplaats")).fill("Delft")
    page.get_by_role("radio", name=re.compile("Iedereen")).check()
    page.get_by_role("button", name="Verstuur mijn beoordeling").click()

    assert page.get_by_role("heading", level=1).inner_text() == (
        "Dank je wel, je beoordeling is binnen."
    )
    assert page.get_by_role("heading", name="Fijn <b>geholpen</b>").count() == 1
    assert page.context.cookies() == []
    (review,) = _reviews()
    assert (review.stars, review.name, review.city, review.consent) == (4, "Ada L.", "Delft", True)


def test_the_stars_can_be_chosen_with_the_keyboard_alone(origin, browse):
    link = signed_links.url("review", sample_shop.open_link(sample_reviews.shop()))
    page = browse(java_script_enabled=False)
    page.goto(link)

    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")

    assert page.get_by_role("radio", name="3 sterren").is_checked()


def test_every_star_is_a_target_of_at_least_44_pixels(origin, browse):
    link = signed_links.url("review", sample_shop.open_link(sample_reviews.shop()))
    page = browse(viewport={"width": 320, "height": 700})
    page.goto(link)

    boxes = [x.bounding_box() for x in page.get_by_role("radio", name=re.compile("ster")).all()]

    assert len(boxes) == 5
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes)


def test_pages_have_no_accessibility_problem_and_fit_any_screen(origin, shop, browse):
    link_id = sample_shop.open_link(shop)
    written = sample_reviews.invitation(shop, sample_reviews.order(shop, reference="2"))[1]
    _post(browse, signed_links.url("review", written))
    urls = {
        "form": signed_links.url("review", link_id),
        "yours": signed_links.url("review", written),
        "page": f"{origin}/s/{shop.slug}",
        "notice": f"{origin}/privacy/{shop.slug}",
        "where": f"{origin}/me",
        "me": signed_links.url("me", link_id),
        "stop": signed_links.url("stop", link_id),
        "nothing": f"{origin}/nothing",
        "shop": f"{origin}/demo/shop/{shop.slug}",
        "thanks": f"{origin}/demo/thanks/{shop.slug}",
    }

    assert accessibility.of_urls(browse, urls) == []


def _post(browse, link):
    page = browse()
    page.goto(f"{link}?stars=5")
    page.get_by_role("radio", name=re.compile("Iedereen")).check()
    page.get_by_role("button").click()
    assert page.get_by_role("article").count() == 1
