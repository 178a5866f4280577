"""The badge on a shop's page, in real Chromium under the strictest policy (strict.py)."""

import time

import brotli
import pytest

from tests.browser import accessibility, strict_page
from tests.staff import signed_in_staff
from trustsvc.badge import embed_code
from trustsvc.badge.render import snippets
from trustsvc.shops import directory
from trustsvc.storage import db

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LABEL = "4,2 van 5 sterren, 5 beoordelingen"
PRIVACY = "Privacy en bezwaar"


@pytest.fixture
def snippet(origin, shop):
    return snippets.snippet(shop.slug, origin, "Beoordelingen", PRIVACY)


def test_the_badge_upgrades_under_the_strictest_policy_and_moves_and_keeps_nothing(look, origin):
    page, asked = strict_page.calm(look)

    assert page.evaluate("window.seen") == {
        "cls": 0, "long": 0, "violations": [], "events": ["load"]
    }  # fmt: skip
    assert len(asked) <= 3
    assert all(url.startswith(f"{origin}/") for url in asked)
    box = page.locator("review-badge").bounding_box()
    assert (box["width"], box["height"]) == (220, 72)
    assert page.context.cookies() == []
    assert page.evaluate(strict_page.STORED) == strict_page.NOTHING_STORED


def test_everything_a_page_loads_for_a_badge_is_small(look):
    page, asked = look()
    sent = {}
    for url in asked:
        answer = page.request.get(url, headers={"Accept-Encoding": "br"})
        assert answer.headers["content-encoding"] == "br"
        sent[url.rpartition(".")[2]] = len(brotli.compress(answer.body(), mode=1, quality=11))

    assert set(sent) == {"js", "json", "svg"}
    assert sent["js"] <= 1600
    assert sent["json"] <= 700
    assert sent["svg"] <= 600
    assert sum(sent.values()) <= 2500


def test_a_second_page_within_five_minutes_asks_for_nothing(look, origin):
    page, asked = look()
    first = len(asked)

    answered = []
    page.on("response", lambda response: answered.append((response.url, response.request)))
    page.goto(page.url)
    strict_page.wait_for(page, "load")
    page.wait_for_load_state("networkidle")

    again = [(url, request) for url, request in answered if url.startswith(origin)]
    assert first <= 3
    assert [url for url, request in again if request.sizes()["responseBodySize"] > 0] == []
    cached = "performance.getEntriesByType('resource').map((one) => one.transferSize)"
    assert set(page.evaluate(cached)) <= {0}


@pytest.mark.parametrize(
    ("block", "expect"),
    [(["**/*.json"], "error"), (["**/v1.js"], None), (["**/v1.js", "**/*.json"], None)],
)
def test_the_image_stays_when_the_script_or_the_numbers_fail(look, origin, shop, block, expect):
    page, _ = look(block=block, expect=expect)

    image = page.get_by_role("img", name="Beoordelingen")
    assert image.is_visible()
    assert image.evaluate("i => [i.naturalWidth, i.naturalHeight, i.complete]") == [220, 72, True]
    assert page.evaluate("window.seen.cls") == 0
    notice = page.get_by_role("link", name=PRIVACY)
    assert notice.get_attribute("href") == f"{origin}/privacy/{shop.slug}#object"
    box = notice.bounding_box()
    assert (box["width"] >= 24, box["height"] >= 24) == (True, True)  # WCAG 2.2, 2.5.8


def test_with_the_whole_service_down_the_page_keeps_the_place_and_the_link_its_name(look, origin):
    page, _ = strict_page.calm(lambda: look(block=[f"{origin}/**"], expect=None))

    assert page.get_by_role("link", name="Beoordelingen").count() == 1
    assert page.get_by_role("link", name=PRIVACY).count() == 1
    assert page.evaluate("window.seen.cls") == 0
    assert page.evaluate("window.seen.long") == 0


def test_a_shop_without_javascript_shows_the_image_with_its_link(look, shop, origin):
    page, asked = look(java_script_enabled=False, expect=None)

    assert page.get_by_role("img", name="Beoordelingen").is_visible()
    links = [link.get_attribute("href") for link in page.get_by_role("link").all()]
    assert links == [f"{origin}/s/{shop.slug}", f"{origin}/privacy/{shop.slug}#object"]
    assert [url for url in asked if url.endswith((".js", ".json"))] == []


@pytest.mark.parametrize("kind", ["image", "script", "pinned", "list", "list_pinned"])
def test_nothing_moves_without_javascript(browse, origin, shop, kind):
    with db.reading() as session:
        body = embed_code.for_shop(directory.by_id(session, shop.id))[kind]
    page = browse(java_script_enabled=False)

    with (
        strict_page.shifts_watched(page) as seen,
        strict_page.opened(page, origin, body, expect=None),
    ):
        assert page.get_by_role("link", name=PRIVACY).is_visible()
    assert seen == []


def test_a_shift_without_javascript_would_be_seen(browse, origin, shop):
    """As that of an image whose size is not named: else the test before this one could not fail."""
    body = f'<img src="{origin}/badge/v1/{shop.slug}.svg" alt="" loading="lazy">'
    page = browse(java_script_enabled=False)

    def after_the_page_was_painted(route):
        time.sleep(0.5)
        route.continue_()

    page.route("**/*.svg", after_the_page_was_painted)

    with (
        strict_page.shifts_watched(page) as seen,
        strict_page.opened(page, origin, body, expect=None),
    ):
        pass
    assert len(seen) > 0


def test_ten_badges_make_one_request_for_the_numbers(look, snippet):
    page, asked = look(snippet * 10)

    assert len([url for url in asked if url.endswith(".json")]) == 1
    assert page.evaluate("window.seen.events") == ["load"] * 10


def test_both_scripts_on_one_page_do_no_harm(look, origin, shop):
    with db.reading() as session:
        kinds = embed_code.for_shop(directory.by_id(session, shop.id))

    page, asked = look(kinds["script"] + kinds["pinned"])

    assert page.evaluate("window.seen.violations") == []
    assert page.get_by_role("link", name=LABEL).count() == 2
    assert len([url for url in asked if url.endswith(".json")]) == 1


def test_the_pinned_script_passes_its_hash_and_a_changed_one_does_not_run(look, origin, shop):
    with db.reading() as session:
        pinned = embed_code.for_shop(directory.by_id(session, shop.id))["pinned"]

    page, _ = look(pinned)
    assert page.get_by_role("link", name=LABEL).is_visible()

    wrong, asked = look(pinned.replace("sha384-", "sha384-AAAA"), expect=None)
    assert wrong.get_by_role("img", name="Beoordelingen").is_visible()
    assert [url for url in asked if url.endswith(".json")] == []


def test_a_badge_for_a_shop_that_does_not_exist_keeps_what_is_inside(look, shop, snippet):
    body = snippet.replace(f'shop="{shop.slug}"', 'shop="../../s/x&quot;"')

    page, _ = look(body, expect="error")

    assert page.get_by_role("img", name="Beoordelingen").is_visible()


@pytest.mark.parametrize(
    "wrong",
    [
        '"url":"javascript:alert(1)"',
        '"notice":"javascript:alert(1)"',
        '"url":"a b http:"',
        '"url":"http://a http","notice":"javascript:alert(1)"',
    ],
)
def test_no_answer_says_where_the_links_lead(browse, origin, shop, snippet, wrong):
    page = browse()
    said = '{"score":"5","count":"","label":"","url":"http://x","notice":"http://x","privacy":""'
    answer = {"body": f"{said},{wrong}}}", "headers": {"Access-Control-Allow-Origin": "*"}}
    page.route("**/*.json", lambda route: route.fulfill(**answer))

    with strict_page.opened(page, origin, snippet):
        links = page.locator("review-badge").evaluate(
            "b => [...b.shadowRoot.querySelectorAll('a')].map((a) => a.getAttribute('href'))"
        )
        assert links == [f"{origin}/s/{shop.slug}", f"{origin}/privacy/{shop.slug}#object"]


def test_a_name_that_an_author_gave_an_image_does_not_lead_the_badge_to_another_service(
    look, snippet, origin
):
    """`name=currentScript` is found before the script itself (compare CVE-2024-43788)."""
    named = f'<img name="currentScript" src="{origin.replace("127.0.0.1", "localhost")}/x.png">'

    page, asked = look(named + snippet, expect=None)
    page.wait_for_load_state("networkidle")

    assert [url for url in asked if url.endswith(".json")] == []
    assert page.evaluate("window.seen.events") == []
    assert page.get_by_role("img", name="Beoordelingen").is_visible()


@pytest.mark.parametrize("name", ["onclick", "a b"])
def test_what_a_page_gives_every_object_is_no_attribute_of_the_badge(browse, origin, snippet, name):
    page = browse()
    page.add_init_script(f"Object.prototype['{name}'] = 'alert(1)'")

    with strict_page.opened(page, origin, snippet):
        assert page.get_by_role("link", name=LABEL).is_visible()
        assert page.evaluate("window.seen.violations") == []


def test_below_the_fold_nothing_is_asked_before_it_comes_near(look, snippet):
    page, asked = look("<p>lang</p>" * 200 + snippet, expect=None)
    assert [url for url in asked if url.endswith((".json", ".svg"))] == []

    page.locator("review-badge").scroll_into_view_if_needed()
    strict_page.wait_for(page, "load")

    assert [url for url in asked if url.endswith(".json")]
    assert page.evaluate("window.seen.cls") == 0


def test_the_keyboard_reaches_the_score_and_then_the_way_to_object(look, origin, shop):
    page, _ = look()
    active = (
        "(() => { const a = document.querySelector('review-badge').shadowRoot.activeElement;"
        "return [a.ariaLabel, a.href, a.matches(':focus-visible')]; })()"
    )

    page.keyboard.press("Tab")
    assert page.evaluate(active) == [LABEL, f"{origin}/s/{shop.slug}", True]
    page.keyboard.press("Tab")
    notice = f"{origin}/privacy/{shop.slug}#object"
    assert page.evaluate(active) == ["Privacy en bezwaar", notice, True]
    box = page.get_by_role("link", name="Privacy en bezwaar").bounding_box()
    assert (box["width"] >= 24, box["height"] >= 24) == (True, True)  # WCAG 2.2, 2.5.8


def test_a_theme_is_light_unless_asked_for_and_can_be_changed(look, snippet):
    page, _ = look(color_scheme="dark")
    paper = "getComputedStyle(document.querySelector('review-badge')).backgroundColor"
    seen = [page.evaluate(paper)]
    for theme in ("auto", "light", "dark"):
        page.evaluate(f"document.querySelector('review-badge').setAttribute('theme', '{theme}')")
        seen.append(page.evaluate(paper))

    light, dark = "rgb(255, 255, 255)", "rgb(34, 31, 27)"
    assert seen == [light, dark, light, dark]


def test_a_shop_themes_it_by_properties_and_parts_and_can_hide_it(look):
    page, _ = look()
    page.evaluate("""(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`review-badge { --review-badge-paper: rgb(1, 2, 3) }
        review-badge::part(score) { fill: rgb(4, 5, 6) }`);
      document.adoptedStyleSheets = [sheet];
    })()""")
    badge = page.locator("review-badge")

    assert badge.evaluate("b => getComputedStyle(b).backgroundColor") == "rgb(1, 2, 3)"
    score = "b => getComputedStyle(b.shadowRoot.querySelector('[part=score]')).fill"
    assert badge.evaluate(score) == "rgb(4, 5, 6)"
    badge.evaluate("b => b.hidden = true")
    assert not badge.is_visible()


@pytest.mark.parametrize("kind", ["image", "email", "script"])
@pytest.mark.parametrize("mode", strict_page.MODES)
def test_what_works_without_a_script_has_no_accessibility_problem(look, origin, shop, mode, kind):
    options, attributes = strict_page.MODES[mode]
    with db.reading() as session:
        body = embed_code.for_shop(directory.by_id(session, shop.id))[kind]

    page, _ = look(body, attributes=attributes, block=["**/*.js"], expect=None, **options)

    assert page.get_by_role("link", name=PRIVACY).is_visible()
    assert accessibility.problems(page, strict_page.RULES.get(mode)) == []


@pytest.mark.parametrize("mode", strict_page.MODES)
def test_the_badge_has_no_accessibility_problem(look, snippet, screenshots, mode):
    options, attributes = strict_page.MODES[mode]
    themed = snippet.replace("<review-badge", "<review-badge theme=auto")

    page, _ = look(themed, attributes=attributes, **options)
    page.screenshot(path=screenshots / f"badge-{mode}.png", clip=_clip(page))

    assert accessibility.problems(page, strict_page.RULES.get(mode)) == []


def _clip(page):
    box = page.locator("review-badge").bounding_box()
    around = {"x": box["x"] - 8, "y": box["y"] - 8}
    return around | {"width": box["width"] + 16, "height": box["height"] + 16}


def test_the_desk_s_page_of_snippets_has_no_accessibility_problem(browse, origin, shop):
    page = browse(viewport={"width": 320, "height": 700})
    page.goto(origin + signed_in_staff.one_time_link("Pat"))
    page.get_by_role("button").first.click()
    page.goto(f"{origin}/desk/badge")

    assert page.locator("pre").count() == len(embed_code.KINDS)
    assert [*accessibility.problems(page), *accessibility.wider(page)] == []
