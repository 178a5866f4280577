"""Tests trustsvc/http/client.py and trustsvc/http/pinned_connection.py."""

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from tests.waiting import PATIENCE_S
from tools.drill import certificates
from trustsvc import config
from trustsvc.http import client
from trustsvc.http.exchange import HttpRequest


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "ff02::1",
        "::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "::ffff:0:169.254.169.254", "fec0::1", "5f00::1",
    ],
)  # fmt: skip
def test_addresses_inside_are_never_reached(address):
    assert not client.is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_in_the_world_are(address):
    assert client.is_public(address)


@pytest.mark.parametrize("place", ["[", "a:99999", "a:\u0661", "a:x"])
def test_what_is_no_place_is_not_reached(at_home, place):
    with pytest.raises(client.Unreachable):
        client.get(f"http://{place}/")


@pytest.fixture
def web():
    asked, wants = [], []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.headers["Host"], self.path))
            wants.append(self.headers["Accept-Encoding"])
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "/here")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (100_000 if self.path == "/large" else 4))

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1], asked, wants
    server.shutdown()
    server.server_close()


@pytest.fixture
def at_home(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path)}))
    yield
    config.use(None)


def test_a_service_on_loopback_may_ask_loopback(web, at_home):
    port, asked, _ = web

    assert client.get(f"http://lamp.localhost:{port}/here") == b"xxxx"
    assert asked == [(f"lamp.localhost:{port}", "/here")]


def test_a_service_in_the_world_may_not(web, tmp_path):
    port, asked, _ = web
    settings = {"TRUSTSVC_DATA": str(tmp_path), "TRUSTSVC_BASE_URL": "https://reviews.example"}
    config.use(config.load(settings))

    for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", f"https://localhost:{port}/",
                f"https://2130706433:{port}/", f"https://[::ffff:127.0.0.1]:{port}/"):  # fmt: skip
        with pytest.raises(client.Unreachable):
            client.get(url)

    config.use(None)
    assert asked == []


def test_what_is_fetched_is_asked_for_as_it_is(web, at_home):
    """A server that packs text would send what nobody here unpacks."""
    client.get(f"http://127.0.0.1:{web[0]}/here")

    assert web[2] == ["identity"]


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nA: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_server_that_says_a_byte_now_and_then_is_given_up(at_home, first, more):
    server, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip():
        line = server.accept()[0]
        line.recv(4096)
        line.sendall(first)
        with contextlib.suppress(OSError):
            while not ended.wait(0.05):
                line.sendall(more)
        line.close()

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(client.Unreachable):
            client.get(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.3)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()  # the line was cut, not only left alone
    finally:
        ended.set()
        server.close()


def test_an_answer_that_ends_before_its_length_is_none(at_home):
    server = socket.create_server(("127.0.0.1", 0))

    def stop_early():
        line = server.accept()[0]
        line.recv(4096)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxxxx")
        line.close()

    thread = threading.Thread(target=stop_early)
    thread.start()
    with pytest.raises(client.Unreachable):
        client.get(f"http://127.0.0.1:{server.getsockname()[1]}/")
    thread.join(PATIENCE_S)
    server.close()


def test_a_request_has_its_method_headers_and_body_and_its_answer_any_status(at_home):
    seen = []

    class Answers(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["X-Key"], body))
            self.send_response(403)
            self.send_header("X-Left", "7")
            self.end_headers()
            self.wfile.write(b"no")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"

    wanted = HttpRequest(url, "PUT", {"X-Key": "secret-key"}, b"{}")
    answer = client.send(wanted)

    server.shutdown()
    server.server_close()
    assert seen == [("secret-key", b"{}")]
    assert (answer.status, answer.headers["x-left"], answer.body) == (403, "7", b"no")
    assert "secret" not in repr(wanted) + repr(answer)


@pytest.mark.parametrize("path", ["/away", "/large"])
def test_redirects_and_large_answers_are_not_taken(web, at_home, path):
    port, asked, _ = web

    with pytest.raises(client.Unreachable):
        client.get(f"http://127.0.0.1:{port}{path}")

    assert len(asked) == 1


@pytest.mark.parametrize("kind", ["good", "tls_self_signed", "tls_expired", "tls_other_name"])
def test_a_certificate_is_held_to_the_name_and_tls_to_the_time(
    at_home, tmp_path, monkeypatch, kind
):
    authority, good, bad = certificates.make(tmp_path)
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(authority))
    server, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def answer():
        for slow in (False, True):
            with contextlib.suppress(OSError):
                line = (good if kind == "good" else bad[kind]).wrap_socket(
                    server.accept()[0], server_side=True
                )
                line.recv(4096)
                line.sendall(b"HTTP/1.1 200 OK\r\n\r\nxxxx")
                while slow and not ended.wait(0.05):
                    line.sendall(b"x")
                line.unwrap()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{server.getsockname()[1]}/"
    if kind == "good":
        assert client.get(url) == b"xxxx"
    else:
        with pytest.raises(client.Unreachable):
            client.get(url)
    with pytest.raises(client.Unreachable):
        client.get(url, timeout_s=0.3)
    ended.set()
    thread.join(PATIENCE_S)
    server.close()
    assert not thread.is_alive()
