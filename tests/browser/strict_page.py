"""A shop's page on another origin: the strictest policy there is, plus the one line for ours."""

from contextlib import contextmanager

from tests.browser import accessibility
from tests.browser.conftest import serving
from trustsvc.badge.render import snippets

WATCH = """
window.seen = { cls: 0, long: 0, violations: [], events: [] };
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.cls += one.value;
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { window.seen.long += list.getEntries().length; })
  .observe({ type: "longtask", buffered: true });
document.addEventListener("securitypolicyviolation", (e) =>
  window.seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
for (const element of ["review-badge", "review-list"])
  for (const what of ["load", "error"])
    document.addEventListener(`${element}:${what}`, () => window.seen.events.push(what));
"""
# Every kind of storage a page has.
STORED = """async () => [
  document.cookie, localStorage.length, sessionStorage.length,
  (await indexedDB.databases()).length, (await caches.keys()).length,
  (await navigator.serviceWorker.getRegistrations()).length,
]"""
NOTHING_STORED = ["", 0, 0, 0, 0, 0]
MODES = {
    "light": ({"color_scheme": "light"}, ""),
    "dark": ({"color_scheme": "dark"}, ""),
    "forced": ({"forced_colors": "active", "reduced_motion": "reduce"}, ""),
    "rtl": ({}, " dir=rtl"),
}
# Every rule is looked at in one mode; in the others, what a mode can change.
RULES = dict.fromkeys(("dark", "forced", "rtl"), accessibility.OF_APPEARANCE)


def page(origin, body, attributes=""):
    """A shop's page as a WSGI app."""
    policy = (
        "default-src 'none'; style-src 'none'; require-trusted-types-for 'script'; "
        f"trusted-types 'none'; {snippets.csp_policy(origin)}"
    )

    def app(environ, start):
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", policy),
            ("Cross-Origin-Embedder-Policy", "require-corp"),
        ]
        start("200 OK", headers)
        html = (
            f"<!doctype html><html lang=nl{attributes}><title>Shop</title>"
            f"<main><h1>Ring</h1><p>Boven</p>{body}<p>Onder</p></main>"
        )
        return [html.encode()]

    return app


@contextmanager
def opened(page_, origin, body, *, block=(), expect="load", attributes=""):
    """Open the page and wait for what comes of it; gives every address its parts ask for."""
    asked = []

    def ask(request):
        if request.resource_type != "document":
            asked.append(request.url)

    page_.on("request", ask)
    for pattern in block:
        page_.route(pattern, lambda route: route.abort())
    page_.add_init_script(WATCH)
    with serving(page(origin, body, attributes)) as shop_origin:
        page_.goto(f"{shop_origin}/")
        if expect:
            wait_for(page_, expect)
        page_.wait_for_load_state("networkidle")
        yield asked


def calm(opening):
    """Open a page up to three times until it had no long task: a busy machine makes some too.

    A script that takes long itself has one each time.
    """
    for _ in range(3):
        page_, asked = opening()
        if page_.evaluate("window.seen.long") == 0:
            break
    return page_, asked


@contextmanager
def shifts_watched(page_):
    """Gather layout shifts without a script in the page: they count with scripts off too."""
    line = page_.context.new_cdp_session(page_)
    seen = []
    line.on("PerformanceTimeline.timelineEventAdded", lambda event: seen.append(event["event"]))
    line.send("PerformanceTimeline.enable", {"eventTypes": ["layout-shift"]})
    yield seen
    page_.wait_for_timeout(250)  # they are reported some frames later
    line.detach()


def wait_for(page_, event):
    # wait_for_function would poll by eval inside the page, which the page's policy forbids.
    for _ in range(400):
        if event in page_.evaluate("window.seen.events"):
            return
        page_.wait_for_timeout(25)
    raise AssertionError(f"the element did not tell {event}")
