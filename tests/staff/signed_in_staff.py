"""Somebody who works here, for tests."""

import re
from urllib.parse import urlsplit

from trustsvc import clock
from trustsvc.staff import accounts
from trustsvc.storage import db


def one_time_link(name: str = "Sam") -> str:
    """Give the path of a fresh one-time link."""
    with db.transaction() as session:
        now = clock.now()
        return urlsplit(
            accounts.make_link(session, accounts.add_member(session, name, now), now)
        ).path


def sign_in(client, name: str = "Sam") -> str:
    """Sign this client in; gives the cookie's secret."""
    answer = client.post(one_time_link(name))
    return answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]


def form_token(client) -> str:
    """Read the form token of this client's session from the desk's page."""
    return re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/desk/").text)[1]
