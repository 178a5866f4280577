"""The badge that a shop's server prints: nothing is asked for, nothing runs, all of it is there."""

import pytest

from tests.browser import accessibility, strict_page
from tests.browser.conftest import serving
from trustsvc.badge import public_files

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What axe finds in this test's own page around it, and the link to the notice: it is less than
# 24 pixels high (WCAG 2.2, 2.5.8), as a line of text is.
KNOWN = {"region", "target-size"}
NOTHING = "default-src 'none'; style-src 'none'; script-src 'none'; img-src 'none'"
WATCH = """
window.seen = { cls: 0, violations: [] };
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.cls += one.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (e) =>
  window.seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


@pytest.fixture
def look(shop, browse):
    """Open a page of the shop that printed the fragment, under a policy that allows nothing."""

    def open_page(change=str, **options):
        fragment = (public_files.folder() / f"badge/v1/{shop.slug}.html").read_text()

        def app(environ, start):
            start(
                "200 OK",
                [
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Security-Policy", NOTHING),
                    ("Cross-Origin-Embedder-Policy", "require-corp"),
                ],
            )
            page = (
                f"<!doctype html><html lang=nl><title>Shop</title><h1>Ring</h1>{change(fragment)}"
            )
            return [page.encode()]

        page = browse(**options)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(WATCH)
        with serving(app) as shop_origin:
            page.goto(f"{shop_origin}/")
            page.wait_for_load_state("networkidle")
        return page, [url for url in asked if not url.endswith("/favicon.ico")]

    return open_page


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_fragment_is_drawn_where_nothing_is_allowed(look, origin, shop, scripts):
    page, asked = look(java_script_enabled=scripts)

    link = page.get_by_role("link", name="4,2 van 5 sterren, 5 beoordelingen")
    notice = page.get_by_role("link", name="Privacy en bezwaar")
    assert (link.count(), notice.count()) == (1, 1)  # what is in the element itself is not shown
    assert link.get_attribute("href") == f"{origin}/s/{shop.slug}"
    assert notice.get_attribute("href") == f"{origin}/privacy/{shop.slug}#object"
    box = link.locator("svg").bounding_box()
    assert (box["width"], box["height"]) == (220, 72)
    assert len(link.locator("svg").screenshot()) > 2000  # stars and words, not an empty field
    assert len(asked) == 1
    if scripts:
        assert page.evaluate("window.seen") == {"cls": 0, "violations": []}


@pytest.mark.parametrize("mode", strict_page.MODES)
def test_the_fragment_has_no_accessibility_problem(look, mode):
    options, attributes = strict_page.MODES[mode]

    page, _ = look(change=lambda html: f"<main{attributes}>{html}</main>", **options)

    assert accessibility.problems(page, strict_page.RULES.get(mode), KNOWN) == []


def test_a_browser_without_shadow_roots_in_html_shows_the_links(look):
    page, _ = look(change=lambda html: html.replace("shadowrootmode", "data-unknown"))

    assert page.get_by_role("link", name="4,2 van 5 sterren, 5 beoordelingen").is_visible()
    assert page.get_by_role("link", name="Privacy en bezwaar").is_visible()
