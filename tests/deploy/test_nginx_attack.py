"""Before the nginx examples: other names, old ciphers, floods and slow senders get nowhere."""

import contextlib
import selectors
import socket
import ssl
import time
from collections import Counter
from http.client import RemoteDisconnected

import pytest

from tests.deploy.nginx_example import BEHIND, on_ports, self_signed
from tests.deploy.nginx_server import NAME, NGINX, ask, free_port, nginx
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@contextlib.contextmanager
def fronted(folder, example, location, proof=None):
    """Run an example in front of a server with a location; gives the ports 80 and 443 have here.

    A cache speaks TLS with its origin, which shows the certificate in the folder `proof`.
    """
    plain, secure, behind = free_port(), free_port(), free_port()
    scheme = BEHIND[example].partition(":")[0]
    pems = {"ssl_certificate": "fullchain.pem", "ssl_certificate_key": "privkey.pem"}
    tls = "".join(f"{word} {proof or folder}/{pem}; " for word, pem in pems.items())
    servers = on_ports(
        folder,
        plain,
        secure,
        f"{scheme}://127.0.0.1:{behind}",
        ("client_body_timeout 10s;", "client_body_timeout 1s;"),
        example=example,
    )
    listen = f"{behind} ssl; {tls}" if scheme == "https" else f"{behind};"
    with nginx(
        folder / "nginx", f"{servers} server {{ listen 127.0.0.1:{listen} {location} }}", secure
    ):
        yield plain, secure


@pytest.fixture(scope="module", params=BEHIND)
def front(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    self_signed(folder)
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:  # takes, never answers
        service = (
            "location / { return 200 served; } location /host { return 200 $http_host; } "
            f"location ~ hold {{ proxy_pass http://127.0.0.1:{silent.getsockname()[1]}; }}"
        )
        with fronted(folder, request.param, service) as ports:
            yield ports


def handshake(port, name=NAME, **settings):
    """Give cipher, and whether a ticket came, of a TLS 1.2 connection."""
    context = ssl._create_unverified_context()
    for setting, value in settings.items():
        setattr(context, setting, value)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if name == "RSA":
        context.set_ciphers("AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA")
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE_S) as link,
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


def test_behind_it_the_host_is_the_own_name_however_it_was_written(front):
    _, secure = front

    for host in ("reviews.example.com:444", "Reviews.EXAMPLE.com", "reviews.example.com."):
        assert ask(secure, "/host", tls=True, Host=host) == (200, NAME.encode())
    with pytest.raises(RemoteDisconnected):
        ask(secure, "https://evil.example/host", tls=True)


def test_a_cache_gives_nothing_to_an_origin_that_cannot_prove_its_name(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for folder in (tmp_path, other):
        self_signed(folder)
    with fronted(tmp_path, "cdn.conf", "location / { return 200 served; }", other) as (_, secure):
        assert ask(secure, "/me", tls=True)[0] == 502


def test_nobody_reads_later_what_was_recorded_today(front):
    _, secure = front

    with pytest.raises(ssl.SSLError):
        handshake(secure, "RSA")
    cipher, has_ticket = handshake(secure)

    assert cipher.startswith("ECDHE-")
    assert not has_ticket


def flood(port, path, source, number):
    """Send many requests over one connection, without waiting; gives the answers' statuses.

    A star in the path becomes the number of the request. Gives how many seconds it took too.
    """
    began = time.monotonic()
    context = ssl._create_unverified_context()
    every = "".join(
        f"GET {path.replace('*', str(n))} HTTP/1.1\r\nHost: {NAME}\r\n\r\n" for n in range(number)
    )
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0)) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as link,
    ):
        link.sendall(every.encode())
        got = b""
        while got.count(b"HTTP/1.1 ") < number and (more := link.recv(65536)):
            got += more
    statuses = Counter(part[:3].decode() for part in got.split(b"HTTP/1.1 ")[1:])
    return statuses, time.monotonic() - began


def test_a_flood_of_one_address_is_refused_and_nobody_else_is(front):
    _, secure = front

    for path, number, burst, each_second in (
        ("/s/shop", 600, 100, 20),
        ("/badge/v1/x*.json", 900, 400, 50),  # none of them has a file
    ):
        answers, seconds = flood(secure, path, "127.0.0.3", number)
        assert set(answers) == {"200", "429"}, path
        assert burst <= answers["200"] <= burst + 2 + each_second * seconds, path
    webhooks, _ = flood(secure, "/webhooks/standard/x", "127.0.0.3", 300)
    other, _ = flood(secure, "/s/shop", "127.0.0.4", 50)

    assert webhooks == {"200": 300}  # they wait: a platform switches a webhook off that fails
    assert other == {"200": 50}


def test_one_address_holds_so_many_requests_open_and_no_more(front):
    _, secure = front
    context = ssl._create_unverified_context()
    held = {"/s/hold": 50, "/badge/v1/hold.json": 100, "/webhooks/standard/hold": 200}
    for number, (path, most) in enumerate(held.items()):
        with contextlib.ExitStack() as links, selectors.DefaultSelector() as answered:
            for _ in range(most + 3):
                link = socket.create_connection(
                    ("127.0.0.1", secure), PATIENCE_S, (f"127.0.0.{10 + number}", 0)
                )
                link = links.enter_context(context.wrap_socket(link, server_hostname=NAME))
                link.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
                answered.register(link, selectors.EVENT_READ)
            got = []
            while len(got) < 3 and (ready := answered.select(PATIENCE_S)):
                for key, _ in ready:
                    answered.unregister(key.fileobj)
                    got.append(key.fileobj.recv(1000)[9:12])
            assert got == [b"429"] * 3, path


def test_a_slow_body_holds_nginx_alone_and_ends(front):
    _, secure = front
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", secure), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as link,
    ):
        link.sendall(f"POST /me HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\n".encode())
        got = b"nothing"
        with contextlib.suppress(ConnectionError):
            got = link.recv(1000)

    assert b"served" not in got
    assert got in {b"", b"nothing"} or b" 408 " in got
