"""Whoever has the database and the key that signs links opens nothing by a value of any column."""

import base64
import binascii

import pytest
from sqlalchemy import inspect, text

from tests.app import two_shops
from tests.invitations.sample_orders import quiet
from tests.staff import signed_in_staff
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.errors import Unauthorised
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.privacy.documents import data_inventory
from trustsvc.shops import enrol, webhook_auth
from trustsvc.staff import sessions
from trustsvc.storage import db

OF_A_COLUMN = 1  # how many of its values are tried: they are all made alike
ID = signed_links.ID_BYTES
MAX = 300  # characters of an address
KINDS = {*signed_links.PATHS, "endpoint_id", "mail endpoint"}
# Encrypted with Fernet like the columns beside them.
WITHOUT_VALUE = {"api_connections.api_key", "api_connections.api_secret", "shops.old_secret"}


def of_columns():
    """Give some values of each column, as they lie there, by the column's name."""
    found = {}
    with db.engine().connect() as connection:
        for table in inspect(db.engine()).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                for name, value in row.items():
                    known = found.setdefault(f"{table}.{name}", {})
                    if value not in (None, "", b"") and len(known) < OF_A_COLUMN:
                        known[bytes(value) if isinstance(value, memoryview) else value] = True
    return {name: list(values) for name, values in found.items()}


def spellings(value):
    """Give the texts in which a value may stand in an address or a cookie."""
    if isinstance(value, bytes):
        return {value.hex(), base64.urlsafe_b64encode(value).rstrip(b"=").decode()}
    return {str(value)}


def ids(value):
    """Give what may be the id of a link in a value: bare, behind a head, before a tail, coded."""
    raw = {value} if isinstance(value, bytes) else set()
    if isinstance(value, str):
        for decode in (bytes.fromhex, base64.urlsafe_b64decode):
            try:
                raw.add(decode(value))
            except (ValueError, binascii.Error):
                continue
    return {
        one[start : start + ID]
        for one in raw
        for start in (0, 1, 2, len(one) - ID)
        if 0 <= start <= len(one) - ID
    }


class Thief:
    """Tries values of the database, bare and signed by the link key, on whatever takes an id."""

    def __init__(self, app, client):
        self.client = client
        self.asked, self.unknown = 0, {}
        for purpose, path in signed_links.PATHS.items():
            signed = signed_links.token(purpose, signed_links.new_id())
            rule = f"/{path}/<token>"
            self.unknown[rule] = {self._answer(rule, token) for token in (signed, "f" * 32)}
        rules = [str(rule) for rule in app.url_map.iter_rules() if "GET" in rule.methods]
        assert set(self.unknown) == {rule for rule in rules if rule.endswith("<token>")}

    def opens(self, value):
        """Give what opens by a value. What is shorter than an id can be guessed without it."""
        found = []
        for spelt in sorted(one for one in spellings(value) if ID <= len(one) <= MAX):
            found += [rule for rule in sorted(self.unknown) if self._get(rule, spelt)]
            self.client.set_cookie(sessions.cookie_name(), spelt)
            found += ["/desk/"] if self.client.get("/desk/").status_code != 303 else []
            found += self._endpoints(spelt)
        for one in sorted(ids(value)):
            for purpose, path in signed_links.PATHS.items():
                if self._get(f"/{path}/<token>", signed_links.token(purpose, one)):
                    found.append(f"/{path}/ of an id that is signed")
        return found

    def _get(self, rule, token):
        """Say whether this is answered otherwise than what nobody ever made."""
        self.asked += 1
        return self._answer(rule, token) not in self.unknown[rule]

    def _answer(self, rule, token):
        answer = self.client.get(rule.replace("<token>", token))
        return answer.status_code, answer.text.replace(token, "")

    @staticmethod
    def _endpoints(spelt):
        """Try it as the address of a shop's and of a provider's webhooks, whatever is signed."""
        if "\x00" in spelt:
            return
        with db.reading() as session:
            for platform in enrol.PLATFORMS:
                try:
                    webhook_auth.authenticate(
                        db.reading, platform, spelt, lambda _secret: True, clock.now()
                    )
                except Unauthorised:
                    continue
                yield f"/webhooks/{platform}/"
            for provider in endpoints.PROVIDERS:
                if endpoints.find(session, provider, spelt):
                    yield f"/mail-events/{provider}/"


@pytest.fixture
def thief(app, client):
    return Thief(app, client)


@pytest.mark.slow
def test_nothing_in_the_database_opens_anything_with_the_key_of_links(app, thief):
    two_shops.make("Alfa")
    signed_in_staff.one_time_link("Kim Alfa")
    signed_in_staff.sign_in(app.test_client(), "Sam Alfa")
    columns = of_columns()

    with quiet():
        wrong = {
            (name, *found)
            for name, values in columns.items()
            for value in values
            if (found := thief.opens(value))
        }

    assert wrong == set()
    assert thief.asked > 1000
    of_access = {
        str(one)
        for one in data_inventory.columns()
        if one.info["category"] == "secret" or "link" in one.name
    }
    assert {name for name in of_access if not columns.get(name)} == WITHOUT_VALUE


def test_what_would_open_is_found(app, thief):
    """The thief finds what lies there as it did once: so the search above can fail."""
    mine = two_shops.make("Alfa")
    cookie = signed_in_staff.sign_in(app.test_client(), "Sam Alfa")
    staff_link = signed_in_staff.one_time_link("Kim Alfa").rpartition("/")[2]
    clear = {kind: value for kind, value in mine.ids if kind in KINDS}
    for kind, value in clear.items():
        with quiet():
            assert thief.opens(value), kind
            if kind in signed_links.PATHS:
                assert thief.opens(signed_links.verify(kind, value)), kind
    with quiet():
        assert thief.opens(cookie) == ["/desk/"]
        assert thief.opens(staff_link)
