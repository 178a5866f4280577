"""Whatever route a request takes, and whatever it brings: no token, no forged line in the log."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.server_log import writer

pytestmark = pytest.mark.slow

AT = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
ENDPOINT_ID = "Qm9vci1vZi1hLXNob3AtMjQ0"
FORGED = "2026-11-21T10:00:00.000Z 6.6.6.6 GET /desk/ 200 1 -"
HOSTILE = [
    f"\r\n{FORGED}\r\n",
    f"\n{FORGED}",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    '" 200 1 "',
    "\u2028\u2029\x85\u202e",
    "\x00\x0b\x0c\x1c\x1d\x1e",
]
LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "  # date and time
    r"[0-9a-f.:]+ "  # address
    r"([A-Z]+|-) (/[!#-~…]*) ([0-9]{3}|-) "  # what was asked for, and how it was answered
    r"\d+ "  # amount of data
    r"(https?://[a-z0-9.:\[\]_-]+|-)"  # requester
)


def _routes(app):
    """Give each rule with its path, with a token or an endpoint for each argument."""
    for rule in app.url_map.iter_rules():
        is_webhook = "endpoint_id" in str(rule)
        token = ENDPOINT_ID if is_webhook else signed_links.token("me", signed_links.new_id())
        yield (
            rule,
            re.sub(r"<(?!platform)[^>]*>", token, str(rule)).replace("<platform>", "shopify"),
            token,
        )


def _lines(installation):
    writer.flush()
    (path,) = (installation.data / "log").iterdir()
    return path.read_bytes().decode().split("\n")


# Two databases would say nothing more about a log file.
sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@sqlite_only
def test_a_token_in_path_query_or_referer_of_any_route_never_lands_in_the_log(
    installation, app, client
):
    tokens, asked = [], 0
    with clock.at(AT):
        for rule, path, token in _routes(app):
            tokens.append(token)
            for method in sorted(rule.methods):
                client.open(
                    f"{path}?token={token}&mail=a@b.example",
                    method=method,
                    headers={
                        "Referer": f"https://shop.example{path}?token={token}#{token}",
                        "User-Agent": token,
                        "Cookie": f"desk={token}",
                        "X-Request-Id": token,
                    },
                    buffered=True,
                )
                asked += 1
    *lines, end = _lines(installation)
    text = "\n".join(lines)

    assert end == ""
    assert len(lines) == asked
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    secret = {part for token in tokens for part in token.split(".")}
    public = [path for _, path, token in _routes(app) if path.startswith(("/s/", "/badge/"))]
    assert public  # a shop's name stands there in clear, a token does not
    assert [part for part in secret if part in text] == []
    assert "b.example" not in text


@sqlite_only
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_bytes_forge_no_line_on_any_route(installation, app, hostile):
    asked = 0
    with clock.at(AT):
        for rule, path, _ in _routes(app):
            for where in ("path", "HTTP_REFERER", "HTTP_USER_AGENT", "HTTP_X_FORWARDED_FOR"):
                raw = hostile.encode().decode("latin-1")
                environ = {
                    "REQUEST_METHOD": "GET",
                    "PATH_INFO": path + (raw if where == "path" else ""),
                    "REMOTE_ADDR": "203.0.113.7",
                    "SERVER_NAME": "localhost",
                    "SERVER_PORT": "80",
                    "wsgi.url_scheme": "http",
                } | ({} if where == "path" else {where: f"https://shop.example{raw}"})
                body = app.wsgi_app(environ, lambda *_: lambda _: None)
                list(body)
                getattr(body, "close", lambda: None)()
                asked += 1
            assert str(rule)
    *lines, end = _lines(installation)

    assert end == ""
    assert len(lines) == asked
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert {line.split(" ")[1] for line in lines} == {"203.0.113.7"}


@sqlite_only
def test_a_token_spelled_in_percents_is_masked_on_every_route(installation, app, client):
    tokens = []
    with clock.at(AT):
        for _, path, token in _routes(app):
            tokens.append(token)
            twice = quote("".join(f"%{ord(char):02x}" for char in token))
            client.get(path.replace(token, twice), buffered=True)
    text = "\n".join(_lines(installation))

    assert [token for token in tokens if token.split(".")[0] in text] == []
