"""The nginx examples are some nginx takes, and a log by nginx holds what ours does."""

import re
import subprocess
from datetime import timedelta

import pytest

from tests.deploy.nginx_example import BEHIND, EXAMPLE, self_signed
from tests.deploy.nginx_server import NGINX, ask, free_port, nginx
from trustsvc import clock
from trustsvc.server_log import retention

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@needs_nginx
@pytest.mark.parametrize("example", BEHIND)
def test_nginx_takes_the_example(tmp_path, example):
    self_signed(tmp_path)
    server = EXAMPLE.with_name(example).read_text()
    for original, ours in (
        ("/etc/letsencrypt/live/reviews.example.com", str(tmp_path)),
        ("/var/cache/nginx/trustsvc", str(tmp_path / "cache")),
        ("/etc/ssl/certs/ca-certificates.crt", str(tmp_path / "fullchain.pem")),
        ("https://origin.reviews.example.com", "https://127.0.0.1"),  # no name to look up
    ):
        server = server.replace(original, ours)
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid; events {{}} http {{ {server} }}")

    done = subprocess.run(
        [NGINX, "-t", "-e", "stderr", "-c", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "test is successful" in done.stderr, done.stderr


TOKEN = "c2l4dGVlbiBieXRlcyEhIQ.Xk3v9Qq1PZr8t0mB5nL2cW7yU4sE6aH1gJ9dF3kR8oM"
LINE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d) 127\.0\.0\.1 ([A-Z]+|-) "
    r"(/[!#-~…]*) (\d{3}) \d+ (https?://[\w.:-]+|-)"
)
ASKED = [
    # path, Referer, and what is kept of them
    ("/s/shop", "https://shop.example/basket?mail=a@b.example#x", "/s/shop", "https://shop.example"),
    ("/badge/v1/shop.json?x=y", "http://shop.example:8080", "/badge/v1/shop.json", "http://shop.example:8080"),
    ("/livez?mail=a@b.example", "https://user:pw@shop.example/", "/livez", "https://shop.example"),
    ("/me", "android-app://com.example", "/me", "-"),
    ("/", "javascript:alert(1)", "/", "-"),
    (f"/r/{TOKEN}", f"https://shop.example/r/{TOKEN}", "/…", "https://shop.example"),
    (f"/u/{TOKEN}?{TOKEN}", TOKEN, "/…", "-"),
    (f"/me/{TOKEN}", "", "/…", "-"),
    (f"/desk/enter/{TOKEN}", "", "/…", "-"),
    (f"//r//{TOKEN}", "", "/…", "-"),
    (f"/R/{TOKEN}", "", "/…", "-"),
    (f"/s/{TOKEN}", "", "/…", "-"),
    (f"/s/../r/{TOKEN}", "", "/…", "-"),
    (f"/%72/{TOKEN}", "", "/…", "-"),
    (f"/r%2F{TOKEN}", "", "/…", "-"),
    ("/webhooks/shopify/Qm9vci1vZi1hLXNob3AtMjQ0", "", "/…", "-"),
    ("/s/a%0d%0a2026-11-21T10:00:00Z%206.6.6.6%20GET%20/%20200%201%20-", "", "/…", "-"),
    ("/livez%0a", "", "/livez", "-"),
    ("/s/a%20b%22c%1b%5b31m", 'https://a"b c/', "/…", "-"),
    ("/s/%e2%80%a8", "https://shop.example\\@evil.example/", "/…", "https://evil.example"),
]  # fmt: skip


@needs_nginx
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_log_by_nginx_has_our_fields_masked_and_our_purge_knows_its_hour(
    tmp_path, monkeypatch, zone
):
    monkeypatch.setenv("TZ", zone)
    port, log = free_port(), tmp_path / "log" / "nginx"
    log.mkdir(parents=True)
    log.chmod(0o777)
    servers = (EXAMPLE.with_name("log.conf")).read_text() + (
        f"server {{ listen 127.0.0.1:{port}; root {tmp_path}; location / {{ return 200 'hello'; "
        f"access_log {log}/access-$trustsvc_hour.log trustsvc; }} }}"
    )
    before = clock.now().replace(minute=0, second=0, microsecond=0)
    with nginx(tmp_path / "nginx", servers, port):
        for path, referer, *_ in ASKED:
            ask(port, path, Referer=referer, User_Agent=TOKEN)

    (path, *more) = log.iterdir()
    text = path.read_text()
    lines = [LINE.fullmatch(line) for line in text.splitlines()]
    assert [line.group(3, 5) for line in lines] == [(kept, who) for *_, kept, who in ASKED]
    assert not re.search(f"{TOKEN[:16]}|{TOKEN[-16:]}|b.example|Qm9vci1vZi", text)
    if not more:  # the hour did not change meanwhile
        (kept,) = retention.list_files(tmp_path / "log", clock.now(), 90)
        hours = (kept.goes_at - timedelta(days=89, hours=23) - before) / timedelta(hours=1)
        assert (kept.strange, hours in {0, 1, -0.5, 0.5}) == (False, True)
