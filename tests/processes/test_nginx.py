"""The nginx example before the real service: one log, the right address, no token."""

import json
import re
import time

import pytest
import requests

from tests.deploy.nginx_example import on_ports, self_signed
from tests.deploy.nginx_server import NGINX, ask, free_port, nginx
from tests.deploy.test_nginx import TOKEN
from tests.waiting import PATIENCE_S

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
VISITOR = "127.0.0.2"  # another address of this machine than nginx's own


@pytest.fixture
def service_environ(service_environ):
    return service_environ | {"TRUSTSVC_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture
def front(service, tmp_path):
    folder = tmp_path / "front"
    folder.mkdir()
    self_signed(folder)
    plain, secure = free_port(), free_port()
    servers = on_ports(folder, plain, secure, service.url)
    with nginx(folder, servers, secure):
        yield folder, plain, secure


def test_behind_nginx_our_log_has_the_visitor_and_nginx_keeps_nothing(service, front):
    folder, plain, secure = front
    spoofed = "6.6.6.6, 203.0.113.99"
    asked = [
        ("GET", f"/r/{TOKEN}?t={TOKEN}", f"https://shop.example/r/{TOKEN}"),
        ("GET", "/badge/v1/nobody.json", "https://shop.example/basket?mail=a@b.example"),
        ("POST", "/webhooks/standard/Qm9vci1vZi1hLXNob3AtMjQ0", ""),
        ("GET", "/s/nobody", 'https://shop.example/?"x'),
    ]
    for method, path, referer in asked:
        status, _ = ask(
            secure,
            path,
            tls=True,
            source=VISITOR,
            method=method,
            Referer=referer,
            X_Forwarded_For=spoofed,
            Content_Length="0",
        )
        assert status in {401, 404}
    assert ask(plain, f"/r/{TOKEN}", source=VISITOR, Host="reviews.example.com")[0] == 301
    assert requests.get(f"{service.url}/livez", timeout=PATIENCE_S).ok

    def lines():
        text = "".join(path.read_text() for path in (service.data / "log").rglob("access-*"))
        found = [line.split(" ") for line in text.splitlines()]
        return [line for line in found if line[1] == VISITOR] if "/s/nobody" in text else []

    written = service.until(lines)
    assert [line[2:5] for line in written] == [
        ["GET", "/r/…", "404"],
        ["GET", "/badge/v1/nobody.json", "404"],
        ["POST", "/webhooks/standard/…", "401"],
        ["GET", "/s/nobody", "404"],
    ]
    assert [line[6] for line in written] == [
        "https://shop.example",
        "https://shop.example",
        "-",
        "https://shop.example",
    ]
    secret = re.compile(f"{TOKEN[:16]}|{TOKEN[-16:]}|Qm9vci1vZi|b\\.example|6\\.6\\.6\\.6".encode())
    kept = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pem"]
    logs = list((service.data / "log").rglob("*"))
    assert [path for path in (*kept, *logs, service.log) if secret.search(path.read_bytes())] == []
    assert [path for path in kept if VISITOR.encode() in path.read_bytes()] == []


def test_a_failed_signature_is_in_the_security_database_within_seconds(service, front):
    *_, secure = front
    for _ in range(3):
        ask(secure, "/webhooks/standard/x", tls=True, source=VISITOR, method="POST")

    def entries():
        found = json.loads(service.command("log", "security", "--kind", "bad_signature", "--json"))
        return found if sum(entry["count"] for entry in found) == 3 else []

    found = service.until(entries)

    assert {entry["address"] for entry in found} == {VISITOR}
    assert {entry["access"] for entry in found} == {"signature"}
    assert VISITOR.encode() not in (service.data / "trustsvc.db").read_bytes()


def test_what_was_counted_is_written_when_the_service_stops(service, front):
    *_, secure = front
    time.sleep(0.5)  # well before the ten seconds are over
    ask(secure, "/webhooks/standard/x", tls=True, source=VISITOR, method="POST")
    service.process.terminate()
    service.process.wait(PATIENCE_S)

    found = json.loads(service.command("log", "security", "--json"))

    assert [(entry["kind"], entry["count"]) for entry in found] == [("bad_signature", 1)]
