"""Real Chromium against the real app: a server in a thread, a shop's page on another origin."""

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from tests import rate_limits
from tests.browser import sample_shop
from tests.waiting import PATIENCE_S
from trustsvc import config
from trustsvc.app import create_app
from trustsvc.storage import db

ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _program() -> str | None:
    """Find Chromium without windows, else the whole one, which takes three times the CPU."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    program = _program()
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(params=["sqlite"])
def database(request) -> str:
    """One database will do: what a browser sees does not depend on it."""
    return str(request.param)


@contextmanager
def serving(app) -> Iterator[str]:
    """Serve a WSGI app on a port of its own; yields its origin."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(PATIENCE_S)
        server.server_close()


class _Behind:
    """The app behind the one server: a test's own, with the settings of its installation."""

    app = None

    def __call__(self, environ, start):
        return self.app(environ, start)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, _Behind]]:
    """One server for all tests: its origin, and what stands behind it."""
    behind = _Behind()
    with serving(behind) as origin:
        yield origin, behind


@pytest.fixture
def origin(installation, server) -> str:
    """The running installation; its links lead to itself."""
    origin, behind = server
    changes = {"base_url": origin, "demo": True, "contact": "privacy@reviews.example"}
    config.use(replace(installation, **changes))
    rate_limits.reset()
    if behind.app is None:
        behind.app = create_app()
    return origin


@pytest.fixture(scope="session")
def shop_template(tmp_path_factory) -> Path:
    """Where the first test that needs a shop leaves its database and badges for the others."""
    return tmp_path_factory.mktemp("shop") / "data"


@pytest.fixture
def shop(origin, installation, shop_template):
    """A shop with published reviews, a seal that holds, and badges on disk."""
    if shop_template.exists():
        db.dispose_engines()
        shutil.copytree(shop_template, installation.data, dirs_exist_ok=True)
        return sample_shop.made_before()
    made = sample_shop.shop_with_reviews()
    db.dispose_engines()  # everything is in the database's file then
    shutil.copytree(
        installation.data, shop_template, ignore=shutil.ignore_patterns("keys", "*-wal", "*-shm")
    )
    return made


@pytest.fixture
def browse(chromium):
    """Open pages, each in a context of its own that is closed at the end."""
    contexts = []

    def open_page(**options):
        plain = {"locale": "nl-NL", "viewport": {"width": 800, "height": 900}}
        context = chromium.new_context(**plain | options)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def screenshots(tmp_path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS_DIR") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def look(origin, snippet, browse):
    """Open a shop's page with what the test calls its snippet; gives it with all it asked for."""
    from tests.browser import strict_page  # which serves by this file

    with ExitStack() as still_open:

        def open_page(body=None, *, block=(), expect="load", attributes="", **options):
            page = browse(**options)
            opening = strict_page.opened(
                page, origin, body or snippet, block=block, expect=expect, attributes=attributes
            )
            return page, still_open.enter_context(opening)

        yield open_page
