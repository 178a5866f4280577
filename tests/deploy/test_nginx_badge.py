"""nginx serves the badges from their files as trustsvc would: the same bytes, the same headers."""

import contextlib
import os
import re
import socket
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tests.badge.badge_files import KINDS, published, refreshed
from tests.deploy.nginx_example import EXAMPLE
from tests.deploy.nginx_server import NGINX, free_port, nginx
from tests.reviews.sample_reviews import shop
from tests.waiting import PATIENCE_S
from trustsvc.badge import public_files, scripts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize(
        "installation", [{"TRUSTSVC_BASE_URL": "https://reviews.example.com"}], indirect=True
    ),
]
MODULES = Path(os.environ.get("NGINX_MODULES", "/usr/lib/nginx/modules"))
BROTLI = MODULES / "ngx_http_brotli_static_module.so"
# Who answers, when, by which line, and how the bytes are tagged: these may differ.
OWN = {"server", "date", "connection", "etag"}


@pytest.fixture
def service(app):
    """The app on a port of its own; counts what it was asked."""
    asked = []

    def counted(environ, start):
        asked.append(environ["RAW_URI"])
        return app.wsgi_app(environ, start)

    server = make_server("127.0.0.1", 0, counted, threaded=True)
    running = threading.Thread(target=server.serve_forever, args=(0.02,))
    running.start()
    server.asked = asked
    yield server
    server.shutdown()
    running.join()


@pytest.fixture
def front(service, tmp_path):
    """The example as it is, but for TLS and for where things are; gives its port."""
    port = free_port()
    servers = EXAMPLE.read_text()
    kept = servers.partition("# Any other name")[0]
    secure = "server {" + servers.rpartition("\nserver {")[2]
    changes = [
        (r"    listen \[::\]:443[^\n]*\n|    ssl_[^\n]*\n", ""),
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        (r"http://127\.0\.0\.1:8000", f"http://127.0.0.1:{service.port}"),
        (r"/var/lib/trustsvc/public", str(public_files.folder())),
    ]
    if BROTLI.exists():
        changes.append((r"#brotli_static on;", "brotli_static on;"))
    for original, ours in changes:
        secure, number = re.subn(original, ours, secure)
        assert number
    load = f"load_module {BROTLI};" if BROTLI.exists() else ""
    for folder in (tmp_path, *tmp_path.parents):  # nginx's own user must get here
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o011)
    public_files.folder().parent.chmod(0o711)
    with nginx(tmp_path / "nginx", kept + secure, port, first=load):
        yield port


@pytest.fixture
def written(installation):
    published(shop())
    refreshed()


def asked(port, path, method="GET", **headers):
    """Give status, headers and body, with nothing unpacked."""
    link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(link):
        link.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        headers_sent = sorted(
            (name.lower(), value) for name, value in answer.getheaders() if name.lower() not in OWN
        )
        return answer.status, headers_sent, answer.read(), answer.getheader("ETag")


CODINGS = ["", "gzip", "gzip;q=0", "gzip, deflate, br;q=0"]
CODINGS += ["br", "gzip, deflate, br, zstd"] if BROTLI.exists() else []


@pytest.mark.parametrize("coding", CODINGS)
def test_the_same_bytes_and_headers_for_every_form(written, service, front, coding):
    request_headers = {"Accept_Encoding": coding} if coding else {}
    for name in KINDS:
        for method in ("GET", "HEAD"):
            *ours, _ = asked(service.port, f"/{name}", method, **request_headers)
            service.asked.clear()
            *theirs, tag = asked(front, f"/{name}", method, **request_headers)

            assert (name, method, *ours) == (name, method, *theirs)
            assert service.asked == []
            assert tag.startswith('"')


def test_a_release_may_be_kept_for_ever(written, service, front):
    released = scripts.all_scripts()["embed/1.0.0/badge.js"]
    status, sent, body, _ = asked(front, "/embed/1.0.0/badge.js")

    assert (status, body, service.asked) == (200, released, [])
    assert ("cache-control", "public, max-age=31536000, immutable") in sent


def test_what_did_not_change_is_not_sent_again(written, service, front):
    for name in KINDS:
        *_, ours = asked(service.port, f"/{name}")
        *_, theirs = asked(front, f"/{name}")

        again = asked(service.port, f"/{name}", If_None_Match=ours)
        *front_again, _ = asked(front, f"/{name}", If_None_Match=theirs)

        assert again[0] == front_again[0] == 304
        assert (name, again[1]) == (name, front_again[1])
        assert front_again[2] == b""


def test_what_has_no_file_is_asked_of_the_service(written, service, front):
    *before, _ = asked(front, "/badge/v1/velo-fils.json")
    (public_files.folder() / "badge/v1/velo-fils.json").unlink()
    service.asked.clear()

    *after, _ = asked(front, "/badge/v1/velo-fils.json")

    assert (before, service.asked) == (after, ["/badge/v1/velo-fils.json"])
    assert asked(front, "/badge/v1/nobody.json")[0] == 404
    assert asked(front, "/badge/v1/nobody/feed.atom")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/badge/v1/../../../keys/link",
        "/badge/v1/..%2f..%2f..%2fkeys%2flink.json",
        "/badge/v1/%2e%2e/%2e%2e/%2e%2e/trustsvc.db",
        "/badge/v1/velo-fils/../../../../trustsvc.db",
        "/embed/../../trustsvc.db",
        "/embed/..%2f..%2fsecret.js",
        "/embed/%2e%2e/%2e%2e/secret.js",
        "/embed//../../secret.js",
        "/badge/v1/velo-fils.json.br",
        "/badge/v1/velo-fils.json.gz",
        "/badge/v1/.velo-fils.json.00ff",
        "/badge/v1/",
        "/badge/v1/velo-fils/",
        "/badge/v1/velo-fils.json/",
        "/badge/v1/velo-fils.json%00.svg",
        "/other.json",
    ],
)
def test_nothing_beside_the_forms_can_be_reached(written, service, front, path):
    secret = "nobody may read this"
    for place in ("secret.js", "secret.json", "public/other.json", "public/badge/other.json"):
        (public_files.folder().parent / place).write_text(secret)
    (public_files.folder() / "badge/v1/.velo-fils.json.00ff").write_text(secret)

    status, _, body, _ = asked(front, path)

    assert status in {301, 308, 400, 404}
    assert secret.encode() not in body
    assert b"SQLite" not in body


def test_a_visitor_s_cookie_and_query_change_nothing(written, service, front):
    *plain, _ = asked(front, "/badge/v1/velo-fils.json")

    *same, _ = asked(
        front, "/badge/v1/velo-fils.json?a=b", Cookie="c=d", Origin="https://x.example"
    )

    assert (plain, service.asked) == (same, [])


def test_nginx_keeps_no_trace_of_who_asked(written, service, front, tmp_path):
    with socket.create_connection(("127.0.0.1", front), PATIENCE_S) as link:
        link.sendall(
            b"GET /badge/v1/velo-fils.json?zqx=1 HTTP/1.1\r\nHost: x\r\nReferer: zqx\r\n\r\n"
        )
        assert link.recv(15).startswith(b"HTTP/1.1 200")

    kept = [path for path in (tmp_path / "nginx").rglob("*") if path.is_file()]
    assert [path for path in kept if b"zqx" in path.read_bytes()] == []
