"""Open a page in Chromium as a visitor would, twice, and count what it loads and does."""

import gzip
import re
import shutil
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import brotli
from playwright.sync_api import Browser, Page, Response

ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
QUIET_MS = 1_500  # so long after the network fell silent we look on
WATCH = """
window.seen = { shift: 0, tasks: 0, violations: 0 };
new PerformanceObserver((list) => list.getEntries().forEach((one) => { seen.shift += one.value; }))
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { seen.tasks += list.getEntries().length; })
  .observe({ type: "longtask", buffered: true });
document.addEventListener("securitypolicyviolation", () => { seen.violations += 1; });
"""
WORKS = """() => Boolean(document.querySelector("review-badge,review-list")?.shadowRoot
  || document.querySelector("#isso-thread > *"))"""
STORED = """async () => localStorage.length + sessionStorage.length
  + (await indexedDB.databases()).length + (await caches.keys().catch(() => [])).length
  + (await navigator.serviceWorker?.getRegistrations() ?? []).length"""


@dataclass(frozen=True, slots=True)
class Seen:
    loaded: list[tuple[str, int]]  # kind, bytes of the body after brotli -11
    script_gzip: int  # bytes of the scripts after gzip -9
    unsigned: int  # bytes of the data without its signed statement
    origins: int
    warm: int
    shift: float
    long_tasks: int
    cookies: int
    stored: int
    violations: int
    works: bool

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.loaded)

    @property
    def requests(self) -> int:
        return len(self.loaded)

    def bytes_of(self, kind: str) -> int:
        return sum(size for one, size in self.loaded if one == kind)


def program() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-headless-shell")
    return found or "/usr/bin/chromium"


def look(browser: Browser, url: str) -> Seen:
    """Open a page cold, then another page of the same shop, and give what both showed."""
    context = browser.new_context(viewport={"width": 800, "height": 900}, locale="nl-NL")
    page = context.new_page()
    page.add_init_script(WATCH)
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    seen = _open(page, url)
    bodies = [(_kind(one), one.body()) for one in answers if not _is_the_shop(one, url)]
    loaded = [(kind, _packed(body)) for kind, body in bodies]
    origins = {urlsplit(one.url).netloc for one in answers if not _is_the_shop(one, url)}
    stored = page.evaluate(STORED)
    works = page.evaluate(WORKS)
    cookies = len(context.cookies())
    warm = _count_warm(page, url)
    context.close()
    return Seen(
        loaded=loaded,
        script_gzip=sum(len(gzip.compress(one, 9)) for kind, one in bodies if kind == "script"),
        unsigned=sum(_packed(_unsigned(one)) for kind, one in bodies if kind == "fetch"),
        origins=len(origins),
        warm=warm,
        shift=round(seen["shift"], 4),
        long_tasks=seen["tasks"],
        cookies=cookies,
        stored=stored,
        violations=seen["violations"],
        works=works,
    )


def _open(page: Page, url: str) -> dict[str, Any]:
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(QUIET_MS)
    seen: dict[str, Any] = page.evaluate("window.seen")
    return seen


def _count_warm(page: Page, url: str) -> int:
    """Count what leaves the machine when the visitor goes on to the next page."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    sent: set[str] = set()
    kept: set[str] = set()

    def asked(event: dict[str, Any]) -> None:
        if urlsplit(event["request"]["url"]).netloc != urlsplit(url).netloc:
            sent.add(event["requestId"])

    def answered(event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            kept.add(event["requestId"])

    line.on("Network.requestWillBeSent", asked)
    line.on("Network.requestServedFromCache", lambda event: kept.add(event["requestId"]))
    line.on("Network.responseReceived", answered)
    _open(page, f"{url}?next")
    return len(sent - kept)


def _is_the_shop(answer: Response, url: str) -> bool:
    return urlsplit(answer.url).netloc == urlsplit(url).netloc


def _kind(answer: Response) -> str:
    kind = answer.request.resource_type
    return "fetch" if kind == "xhr" else kind


def _packed(body: bytes) -> int:
    return len(brotli.compress(body, quality=11)) if body else 0


def _unsigned(body: bytes) -> bytes:
    """Leave the statement out of a badge's data; anything else stays as it is."""
    return re.sub(rb',"proof":"[^"]*"', b"", body)
