"""The public page in Chromium: without JavaScript, by keyboard, in every mode, on paper."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from tests.browser import accessibility
from trustsvc import clock, config
from trustsvc.reviews import lookup, reply
from trustsvc.storage import db

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) =>
  window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""
MODES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "320px": {"color_scheme": "light", "viewport": {"width": 320, "height": 700}},
}
VIEWS = {"nl-NL": "", "de-DE": "?stars=5", "fr-FR": "?stars=1"}
ANSWER = "Dat spijt ons. We hebben met de vervoerder gesproken."


@pytest.fixture
def page_of_shop(origin, shop):
    with db.transaction() as session:
        gone_wrong = next(one for one in lookup.list_reviews(session) if one.stars == 2)
        reply.write_reply(
            session, gone_wrong.id, ANSWER, "staff 1", clock.now() - timedelta(days=1)
        )
    return f"{origin}/s/{shop.slug}"


def _stars(page):
    said = page.locator("article .stars .unseen").all_inner_texts()
    return [int(one[0]) for one in said]


def test_the_histogram_filters_with_the_keyboard_and_without_javascript(page_of_shop, browse):
    page = browse(java_script_enabled=False)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_of_shop)
    assert _stars(page) == [5, 2, 5, 4, 5]

    for _ in ("the shop", "what the seal attests", "the histogram"):
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.get_attribute("href") == f"/s/{page_of_shop.rpartition('/')[2]}?stars=5#reviews"
    page.keyboard.press("Enter")
    page.wait_for_url("**?stars=5#reviews")

    assert _stars(page) == [5, 5, 5]
    current = page.get_by_role("list", name="Verdeling van de sterren").locator("[aria-current]")
    assert current.all_inner_texts() == [current.inner_text()]
    assert "5 sterren: 60 %, 3 beoordelingen" in current.inner_text()
    assert page.get_by_text("Alleen beoordelingen met 5 sterren: 3 beoordelingen.").is_visible()
    page.get_by_role("link", name="Toon alle beoordelingen").click()
    assert _stars(page) == [5, 2, 5, 4, 5]
    assert page.context.cookies() == []
    assert {url.split("/")[2] for url in asked} == {page_of_shop.split("/")[2]}


@pytest.mark.parametrize("mode", MODES)
def test_the_page_has_no_accessibility_problem_and_fits(page_of_shop, browse, mode):
    rules = None if mode in {"light", "320px"} else accessibility.OF_APPEARANCE
    for locale, query in VIEWS.items():
        page = browse(locale=locale, **MODES[mode])
        page.goto(page_of_shop + query)

        problems = [*accessibility.problems(page, rules), *accessibility.wider(page)]
        assert (locale, problems) == (locale, [])


def test_the_page_fits_a_telephone_in_every_language_and_view(page_of_shop, browse):
    for locale, query in product(VIEWS, VIEWS.values()):
        page = browse(locale=locale, **MODES["320px"])
        page.goto(page_of_shop + query)

        assert (locale, query, accessibility.wider(page)) == (locale, query, [])


def test_every_row_of_the_histogram_is_a_target_large_enough(page_of_shop, browse):
    page = browse(viewport={"width": 320, "height": 700})
    page.goto(page_of_shop)

    boxes = [row.bounding_box() for row in page.locator(".histogram a").all()]

    assert len(boxes) == 5
    assert all(box["height"] >= 24 and box["width"] >= 200 for box in boxes)


def test_the_chosen_row_is_seen_in_forced_colours_too(page_of_shop, browse):
    page = browse(forced_colors="active")
    page.goto(f"{page_of_shop}?stars=5")

    outlines = page.locator(".histogram a").evaluate_all(
        "rows => rows.map((row) => getComputedStyle(row).outlineStyle)"
    )

    assert outlines == ["solid", "none", "none", "none", "none"]


def test_on_paper_there_is_no_navigation_black_on_white_and_the_address(page_of_shop, browse):
    page = browse(color_scheme="dark")
    page.goto(f"{page_of_shop}?stars=5")
    page.emulate_media(media="print", color_scheme="dark")

    assert page.get_by_role("link", name="Toon alle beoordelingen").count() == 0
    assert page.get_by_role("navigation").count() == 0
    assert page.locator(".printed").inner_text() == page_of_shop
    style = "one => { const s = getComputedStyle(one); return [s.color, s.backgroundColor] }"
    assert page.locator("body").evaluate(style) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.locator("article").first.evaluate("a => getComputedStyle(a).breakInside") == "avoid"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_reply_is_read_in_the_language_of_the_shop(page_of_shop, browse):
    page = browse(locale="de-DE")
    page.goto(f"{page_of_shop}?stars=2")

    said = page.get_by_text(ANSWER)

    assert said.evaluate("one => one.closest('[lang]').lang") == "nl"
    assert page.get_by_text(re.compile("Antwort von Juwelier De Gouden Ring")).is_visible()
    assert page.locator("html").get_attribute("lang") == "de"


def test_data_for_search_engines_runs_nothing_and_breaks_no_policy(page_of_shop, browse):
    config.use(replace(config.current(), json_ld=True))
    page = browse()
    page.add_init_script(WATCH)
    logged = []
    page.on("console", lambda message: logged.append(message.text))
    page.goto(page_of_shop)

    assert page.evaluate("window.violations") == []
    assert logged == []
    said = page.evaluate(
        "JSON.parse(document.querySelector('script[type=\"application/ld+json\"]').textContent)"
    )
    shown = page.locator(".mean b").inner_text().replace(",", ".")
    assert said["aggregateRating"]["ratingValue"] == float(shown)
    assert said["aggregateRating"]["reviewCount"] == 5
