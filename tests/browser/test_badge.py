import pytest

from tests.browser.conftest import serving
from trustsvc.badge.render import snippets

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WATCH = """
window.seen = { cls: 0, violations: [], events: [] };
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.cls += one.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (e) =>
  window.seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
for (const what of ["load", "error"])
  document.addEventListener(`review-badge:${what}`, () => window.seen.events.push(what));
"""


def _shop_page(origin, body):
    """A shop's page on its own origin, under the strictest policy plus the one line for ours."""
    policy = (
        f"default-src 'none'; style-src 'none'; script-src {origin}; connect-src {origin}; "
        f"img-src {origin}; require-trusted-types-for 'script'; trusted-types 'none'"
    )

    def app(environ, start):
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", policy),
            ("Cross-Origin-Embedder-Policy", "require-corp"),
        ]
        start("200 OK", headers)
        page = f"<!doctype html><html lang=nl><title>Shop</title><h1>Ring</h1>{body}<p>Onder</p>"
        return [page.encode()]

    return app


def _snippet(origin, shop):
    # COEP wants the script and the image to be asked for in the open: CORP on our side does that.
    return snippets.snippet(shop.slug, origin, "Beoordelingen")


def _wait_for(page, event):
    # wait_for_function would poll by eval inside the page, which the page's policy forbids.
    for _ in range(400):
        if event in page.evaluate("window.seen.events"):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"the badge did not tell {event}")


@pytest.fixture
def look(origin, shop, browse):
    """Open a shop's page with the badge and wait for what comes of it."""

    def open_page(body=None, block=(), expect="load", **options):
        page = browse(**options)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for pattern in block:
            page.route(pattern, lambda route: route.abort())
        page.add_init_script(WATCH)
        with serving(_shop_page(origin, body or _snippet(origin, shop))) as shop_origin:
            page.goto(f"{shop_origin}/")
            if expect:
                _wait_for(page, expect)
            page.wait_for_load_state("networkidle")
        return page, [url for url in asked if url.startswith(origin)]

    return open_page


def test_the_badge_upgrades_under_the_strictest_policy_and_moves_nothing(look):
    page, asked = look()

    seen = page.evaluate("window.seen")
    assert seen == {"cls": 0, "violations": [], "events": ["load"]}
    assert len(asked) == 3
    link = page.get_by_role("link", name="4,2 van 5 sterren, 5 beoordelingen")
    assert link.is_visible()
    assert page.locator("review-badge").bounding_box()["height"] == 72
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("block", "expect"),
    [(["**/*.json"], "error"), (["**/v1.js"], None), (["**/v1.js", "**/*.json"], None)],
)
def test_the_image_stays_when_the_script_or_the_numbers_fail(look, block, expect):
    page, _ = look(block=block, expect=expect)

    image = page.get_by_role("img", name="Beoordelingen")
    assert image.is_visible()
    assert image.evaluate("i => [i.naturalWidth, i.naturalHeight, i.complete]") == [220, 72, True]
    assert page.evaluate("window.seen.cls") == 0


def test_a_shop_without_javascript_shows_the_image_with_its_link(look, shop, origin):
    page, asked = look(java_script_enabled=False, expect=None)

    assert page.get_by_role("img", name="Beoordelingen").is_visible()
    assert page.get_by_role("link").get_attribute("href") == f"{origin}/s/{shop.slug}"
    assert [url for url in asked if url.endswith((".js", ".json"))] == []


def test_ten_badges_make_one_request_for_the_numbers(look, origin, shop):
    _, asked = look(body=_snippet(origin, shop) * 10)

    assert len([url for url in asked if url.endswith(".json")]) == 1


def test_a_badge_for_a_shop_that_does_not_exist_keeps_what_is_inside(look, origin, shop):
    body = _snippet(origin, shop).replace(f'shop="{shop.slug}"', 'shop="../../s/x&quot;"')

    page, _ = look(body=body, expect="error")

    assert page.get_by_role("img", name="Beoordelingen").is_visible()
