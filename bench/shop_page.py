"""A shop's pages on an origin of their own, with a badge on them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from trustsvc.badge.render import snippets

PRIVACY = "Privacy en bezwaar"


def badge(origin: str, slug: str) -> str:
    return snippets.snippet(slug, origin, "Beoordelingen", PRIVACY)


def reviews(origin: str, slug: str) -> str:
    return snippets.listing(slug, origin, "Beoordelingen", PRIVACY)


def isso(origin: str) -> str:
    """Write what isso's own documentation tells a site to put on its pages."""
    return (
        f'<script data-isso="{origin}/" src="{origin}/js/embed.min.js" async></script>\n'
        '<section id="isso-thread" data-title="Ring"></section>'
    )


@contextmanager
def serving(
    port: int, bodies: Mapping[str, str], allowed: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve these bodies as pages of a shop.

    Given whom each may load from, under the strictest policy there is plus one line for those.
    """

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path not in bodies:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if allowed:
                of = allowed[path]
                self.send_header(
                    "Content-Security-Policy",
                    f"default-src 'none'; style-src 'none'; script-src {of}; connect-src {of}; "
                    f"img-src {of}; require-trusted-types-for 'script'; trusted-types 'none'",
                )
                self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            page = (
                "<!doctype html><html lang=nl><title>Shop</title>"
                f"<h1>Ring</h1>{bodies[path]}<p>Onder</p>"
            )
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
