"""Before the nginx example: other names, old ciphers, floods and slow senders get nowhere."""

import contextlib
import selectors
import socket
import ssl
from collections import Counter
from http.client import RemoteDisconnected

import pytest

from tests.deploy.nginx_example import on_ports, self_signed
from tests.deploy.nginx_server import NAME, NGINX, ask, free_port, nginx

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    self_signed(folder)
    plain, secure, behind = free_port(), free_port(), free_port()
    servers = on_ports(
        folder,
        plain,
        secure,
        f"http://127.0.0.1:{behind}",
        ("client_body_timeout 10s;", "client_body_timeout 1s;"),
    )
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:  # takes, never answers
        service = (
            f"server {{ listen 127.0.0.1:{behind}; location / {{ return 200 served; }} "
            f"location ~ hold {{ proxy_pass http://127.0.0.1:{silent.getsockname()[1]}; }} }}"
        )
        with nginx(folder / "nginx", servers + service, secure):
            yield plain, secure


def handshake(port, name=NAME, **settings):
    """Give cipher, and whether a ticket came, of a TLS 1.2 connection."""
    context = ssl._create_unverified_context()
    for setting, value in settings.items():
        setattr(context, setting, value)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if name == "RSA":
        context.set_ciphers("AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA")
    with (
        socket.create_connection(("127.0.0.1", port), 10) as link,
        context.wrap_socket(link, server_hostname=NAME if name == "RSA" else name) as secure,
    ):
        return secure.cipher()[0], secure.session.has_ticket


def test_port_80_leads_to_the_own_name_only(front):
    plain, _ = front

    status, body = ask(plain, "/s/shop", Host=NAME)
    with pytest.raises(RemoteDisconnected):
        ask(plain, "/s/shop", Host="evil.example")
    with pytest.raises(RemoteDisconnected):
        ask(plain, "/s/shop")  # for the address itself

    assert status == 301
    assert b"evil" not in body


def test_port_443_answers_its_own_name_only(front):
    _, secure = front

    for name in ("evil.example", None):
        with pytest.raises(ssl.SSLError):
            handshake(secure, name)
    with pytest.raises(RemoteDisconnected):
        ask(secure, "/", tls=True, Host="evil.example")

    assert ask(secure, "/", tls=True) == (200, b"served")


def test_nobody_reads_later_what_was_recorded_today(front):
    _, secure = front

    with pytest.raises(ssl.SSLError):
        handshake(secure, "RSA")
    cipher, has_ticket = handshake(secure)

    assert cipher.startswith("ECDHE-")
    assert not has_ticket


def flood(port, path, source, number):
    """Send many requests over one connection, without waiting; gives the answers' statuses.

    A star in the path becomes the number of the request.
    """
    context = ssl._create_unverified_context()
    every = "".join(
        f"GET {path.replace('*', str(n))} HTTP/1.1\r\nHost: {NAME}\r\n\r\n" for n in range(number)
    )
    with (
        socket.create_connection(("127.0.0.1", port), 30, (source, 0)) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as link,
    ):
        link.sendall(every.encode())
        got = b""
        while got.count(b"HTTP/1.1 ") < number and (more := link.recv(65536)):
            got += more
    return Counter(part[:3].decode() for part in got.split(b"HTTP/1.1 ")[1:])


def test_a_flood_of_one_address_is_refused_and_nobody_else_is(front):
    _, secure = front

    pages = flood(secure, "/s/shop", "127.0.0.3", 400)
    webhooks = flood(secure, "/webhooks/standard/x", "127.0.0.3", 300)
    badges = flood(secure, "/badge/v1/x*.json", "127.0.0.3", 900)  # none of them has a file
    other = flood(secure, "/s/shop", "127.0.0.4", 50)

    assert pages["429"] > 200
    assert 100 <= pages["200"] < 200
    assert webhooks == {"200": 300}  # they wait: a platform switches a webhook off that fails
    assert badges["429"] > 200
    assert 400 <= badges["200"] < 700
    assert other == {"200": 50}


def test_one_address_holds_so_many_requests_open_and_no_more(front):
    _, secure = front
    context = ssl._create_unverified_context()
    held = {"/s/hold": 50, "/badge/v1/hold.json": 100, "/webhooks/standard/hold": 200}
    for number, (path, most) in enumerate(held.items()):
        with contextlib.ExitStack() as links, selectors.DefaultSelector() as answered:
            for _ in range(most + 3):
                link = socket.create_connection(
                    ("127.0.0.1", secure), 10, (f"127.0.0.{10 + number}", 0)
                )
                link = links.enter_context(context.wrap_socket(link, server_hostname=NAME))
                link.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
                answered.register(link, selectors.EVENT_READ)
            got = []
            while len(got) < 3 and (ready := answered.select(10)):
                for key, _ in ready:
                    answered.unregister(key.fileobj)
                    got.append(key.fileobj.recv(1000)[9:12])
            assert got == [b"429"] * 3, path


def test_a_slow_body_holds_nginx_alone_and_ends(front):
    _, secure = front
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", secure), 10) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as link,
    ):
        link.sendall(f"POST /me HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\n".encode())
        got = b"nothing"
        with contextlib.suppress(ConnectionError):
            got = link.recv(1000)

    assert b"served" not in got
    assert got in {b"", b"nothing"} or b" 408 " in got
