"""The list of newest reviews on a shop's page, in real Chromium under the strictest policy."""

import json

import brotli
import pytest

from tests.browser import accessibility, strict_page
from trustsvc.badge.render import snippets

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PRIVACY = "Privacy en bezwaar"


@pytest.fixture
def snippet(origin, shop):
    return snippets.listing(shop.slug, origin, "Beoordelingen lezen", PRIVACY)


def test_the_newest_come_first_under_the_strictest_policy_and_nothing_moves(look, origin):
    page, asked = strict_page.calm(look)

    seen = page.evaluate("window.seen")
    assert seen == {"cls": 0, "long": 0, "violations": [], "events": ["load"]}
    stars = [one.get_attribute("aria-label") for one in page.get_by_role("img").all()]
    assert stars == [f"{number} van 5 sterren" for number in (5, 2, 5, 4, 5)]
    assert page.get_by_role("listitem").count() == 5
    assert page.get_by_text("Nieuwste eerst").is_visible()
    assert len(asked) == 2
    assert all(url.startswith(f"{origin}/") for url in asked)
    assert page.evaluate(strict_page.STORED) == strict_page.NOTHING_STORED
    assert page.locator("review-list").bounding_box()["height"] == snippets.LIST_HEIGHT


def test_script_and_reviews_are_small(look):
    page, asked = look()
    sizes = [len(brotli.compress(page.request.get(url).body(), mode=1)) for url in asked]

    assert sum(sizes) <= 4000


@pytest.mark.parametrize(
    ("options", "block", "expect"),
    [
        ({}, ["**/reviews.json"], "error"),
        ({}, ["**/v1-list.js"], None),
        ({"java_script_enabled": False}, [], None),
    ],
)
def test_the_link_stays_in_its_place_when_anything_fails(
    look, origin, shop, options, block, expect
):
    page, _ = look(block=block, expect=expect, **options)

    link = page.get_by_role("link", name="Beoordelingen lezen")
    assert link.is_visible()
    assert link.get_attribute("href") == f"{origin}/s/{shop.slug}"
    notice = page.get_by_role("link", name=PRIVACY)
    assert notice.is_visible()
    assert notice.get_attribute("href") == f"{origin}/privacy/{shop.slug}#object"
    if not options:
        assert page.evaluate("window.seen.cls") == 0


def test_it_is_asked_for_as_soon_as_its_head_comes_near(look, snippet):
    """Its own box, before it is drawn, is a line at the foot of what it keeps free."""
    body = "<p>lang</p>" * 13 + snippet

    page, asked = look(body, viewport={"width": 800, "height": 500})

    assert page.evaluate("scrollY") == 0
    assert page.locator("review-list").bounding_box()["y"] > 400
    assert [url for url in asked if url.endswith("reviews.json")]
    assert page.evaluate("window.seen.cls") == 0


CUT = """() => {
  const root = document.querySelector('review-list').shadowRoot;
  const cut = [...root.querySelectorAll('li, li *, .row, .row *')].filter((one) => {
    const box = one.getBoundingClientRect();
    const around = one.closest('li, section').getBoundingClientRect();
    return one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflow != 'visible'
      || box.right > around.right + 1 || box.left < around.left - 1
      || box.bottom > around.bottom + 1;
  });
  return cut.map((one) => one.textContent);
}"""


@pytest.mark.parametrize("width", [240, 320, 640])
def test_no_word_is_cut_on_a_narrow_screen_and_the_strip_scrolls_to_all_of_them(look, width):
    """WCAG 2.2, 1.4.10: 320 pixels are 1280 at 400 %."""
    page, _ = look(viewport={"width": width, "height": 700})

    assert page.evaluate(CUT) == []
    assert "…" not in page.get_by_role("list").inner_text()


@pytest.mark.parametrize("width", [320, 800])
@pytest.mark.parametrize("attributes", ["", " dir=rtl"])
def test_it_takes_the_same_height_before_and_after_on_any_screen(look, width, attributes):
    page, _ = look(viewport={"width": width, "height": 700}, attributes=attributes)

    assert page.evaluate("window.seen.cls") == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_shop_without_reviews_keeps_its_link(browse, origin, snippet):
    page = browse()
    said = '{"url":"http://x","notice":"http://x","reviews":[]}'
    answer = {"body": said, "headers": {"Access-Control-Allow-Origin": "*"}}
    page.route("**/reviews.json", lambda route: route.fulfill(**answer))

    with strict_page.opened(page, origin, snippet, expect="error"):
        assert page.get_by_role("link", name="Beoordelingen lezen").is_visible()


def test_hostile_words_of_a_buyer_stay_words(browse, origin, snippet):
    page = browse()
    bad = "<img src=x onerror=alert(1)>"
    one = f'{{"stars":5,"label":"{bad}","title":"{bad}","text":"{bad}","by":"{bad}",'
    said = f'{{"url":"http://x","notice":"http://x","title":"{bad}","reviews":[{one}"day":""}}]}}'
    answer = {"body": said, "headers": {"Access-Control-Allow-Origin": "*"}}
    page.route("**/reviews.json", lambda route: route.fulfill(**answer))

    with strict_page.opened(page, origin, snippet):
        assert page.get_by_text(bad).count() >= 3
        assert (
            page.evaluate("document.querySelector('review-list').shadowRoot.querySelector('img')")
            is None
        )


def test_the_keyboard_reads_all_of_it(look, origin, shop):
    page, _ = look()
    active = "(() => { const a = document.querySelector('review-list').shadowRoot.activeElement;"
    active += "return a.href || a.getAttribute('aria-label'); })()"
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(active))

    page_, notice = f"{origin}/s/{shop.slug}", f"{origin}/privacy/{shop.slug}#object"
    assert reached == [page_, "Nieuwste eerst", notice]


def test_the_keyboard_scrolls_the_strip(look):
    page, _ = look()
    strip = page.get_by_role("list")
    strip.focus()
    page.keyboard.press("ArrowRight")

    for _ in range(100):
        if strip.evaluate("s => s.scrollLeft") > 0:
            return
        page.wait_for_timeout(25)
    raise AssertionError("it did not scroll")


@pytest.mark.parametrize("mode", strict_page.MODES)
def test_the_list_has_no_accessibility_problem(look, snippet, screenshots, mode):
    options, attributes = strict_page.MODES[mode]
    themed = snippet.replace("<review-list", "<review-list theme=auto")

    page, _ = look(themed, attributes=attributes, **options)
    page.screenshot(path=screenshots / f"list-{mode}.png")

    assert accessibility.problems(page, strict_page.RULES.get(mode)) == []


def test_an_answer_with_more_than_five_stars_is_not_drawn(browse, origin, shop, snippet):
    page = browse()
    text = dict.fromkeys(("label", "title", "text", "by", "date", "day", "mark"), "")
    said = {"title": "", "order": "", "all": "", "lang": "nl", "privacy": ""}
    said |= {"url": "http://x", "notice": "http://x", "reviews": [text | {"stars": 300_000}]}
    answer = {"body": json.dumps(said), "headers": {"Access-Control-Allow-Origin": "*"}}
    page.route("**/reviews.json", lambda route: route.fulfill(**answer))

    with strict_page.opened(page, origin, snippet, expect="error"):
        assert page.get_by_role("link", name="Beoordelingen lezen").is_visible()
        assert page.evaluate("window.seen.long") == 0
