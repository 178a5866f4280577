"""A database as each schema was when it was released, brought to the head, works on."""

import contextlib
import json
import sqlite3
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select

from tests import all_tables, servers
from tests.architecture.test_migrations import differences
from tests.invitations.sample_orders import Post, planned, quiet, sent
from tests.orders.webhook_client import DUPLICATE
from tests.signing import signed_request
from tools import schema_rows, schemas
from trustsvc import clock, config, migrations
from trustsvc.crypto import signed_links
from trustsvc.invitations.planning.reminders import plan_due_reminders
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.privacy.retention import purge
from trustsvc.registry import registration
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.reviews import star_counts
from trustsvc.storage import columns, db

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.parametrize("number", schemas.WITH_ROWS),
]
all_tables.load()
NOW = schema_rows.NOON + timedelta(hours=1)
LINKS = {
    "review": ("ann", "bob", "fay"),
    "stop": ("bob", "fay"),
    "me": ("bob", "fay", "my data"),
    "register": ("register",),
    "leave": ("leave",),
}
# Codes with other words since 0012.
CODES = """
INSERT INTO decision_log (order_id, step, rule, outcome, at)
    SELECT min(id), 'send', 'again', 'planned', 0 FROM orders;
UPDATE messages SET reason = 'not_written' WHERE id = (SELECT max(id) FROM messages);
"""


@pytest.fixture
def upgraded(installation, database, number, request):
    """A database as it was at a schema, with its keys, brought to the head."""
    schema_rows.write_keys(installation.data / "keys")
    text = schemas.released(database, number) + CODES
    drop = None
    if database == "sqlite":
        path = installation.data / "trustsvc.db"
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as link:
            link.executescript(text)
    else:
        url, drop = servers.empty_database(request.getfixturevalue("postgres"))
        config.use(replace(installation, database_url=url))
        with psycopg.connect(url) as link:
            link.execute(text)
    assert migrations.revision() == number
    migrations.upgrade()
    yield
    db.dispose_engines()
    if drop:
        drop()


def _every_link_opens(client):
    for purpose, names in LINKS.items():
        for name in names:
            token = signed_links.token(purpose, schema_rows.IDS[name])
            answer = client.get(f"/{signed_links.PATHS[purpose]}/{token}")
            assert (purpose, name, answer.status_code) == (purpose, name, 200)


def _every_column_is_as_it_was_written(number):
    with db.reading() as session:
        read = {
            table.name: session.execute(select(table)).mappings().all()
            for table in columns.metadata.sorted_tables
        }
        endpoint = endpoints.find(session, "postmark", schema_rows.MAIL_ENDPOINT)
        (out,) = statuses(session, [RegistryQuery(1, "ivy@mail.example")])
        assert registration.consent_proof(session, schema_rows.IDS["leave"])
        assert star_counts.read(session, [1]) == {1: {5: 1}}
    assert (out.opted_out, endpoint.secret) == (True, "mail secret")
    assert [one["name"] for one in read["staff"]] == ["Kimberley Marker"]
    assert [one["api_secret"] for one in read["api_connections"]] == ["cs_secret"]
    waiting = [one["waits_for"] for one in read["privacy_requests"]]
    assert waiting == [None, "look" if number >= "0004" else None]  # before 0004 none was held
    rules = {one["rule"] for one in read["decision_log"] if one["step"] == "accept"}
    assert rules == {"new", "platform_status"}
    rules = {one["rule"] for one in read["decision_log"] if one["step"] == "send"}
    assert ("retry" in rules, "again" in rules) == (True, False)
    reasons = {one["reason"] for one in read["messages"]}
    assert ("not_composed" in reasons, "not_written" in reasons) == (True, False)
    (shop,) = read["shops"]
    assert (shop["secret"], shop["endpoint_id"]) == (schema_rows.SECRET, schema_rows.ENDPOINT)
    addresses = [f"{name}@mail.example" for name in ("bob", "fay", "eve", "cas")]
    assert [one["email"] for one in read["orders"]] == [None, *addresses]
    (written,) = read["reviews"]
    words = [written[name] for name in ("text", "name", "city", "reference")]
    assert words == [schema_rows.WORDS, "Ann A.", "Delft", "#ann"]
    (pending,), (transactional,) = read["pending_registrations"], read["transactional_messages"]
    assert pending["address"] == transactional["address"] == "hal@mail.example"


def _news_of_a_known_order_is_no_new_order(client):
    data = json.dumps({
        "type": "order.shipped",
        "timestamp": NOW.isoformat(),
        "data": {"reference": "#cas", "email": "cas@mail.example", "moment": NOW.isoformat()},
    }).encode()  # fmt: skip
    headers = signed_request("standard", schema_rows.SECRET, data, at=int(NOW.timestamp()))

    with quiet():
        answer = client.post(
            f"/webhooks/standard/{schema_rows.ENDPOINT}", data=data, headers=headers
        )

    assert (answer.status_code, answer.json) == DUPLICATE
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(orders)) == 5


def _orders_are_asked_and_reminded_once():
    planned(NOW)
    post = sent(Post(), NOW)
    with quiet(), db.transaction() as session:
        looked_at = plan_due_reminders(session, NOW + timedelta(days=4))
    with db.reading() as session:
        reminders = session.execute(
            select(messages.c.subject_id, messages.c.state).where(messages.c.kind == "reminder")
        ).all()

    assert looked_at == 4  # all but Bob's, who was reminded before
    asked = [one.to_address for one in post.messages]
    assert sorted(asked) == [f"{name}@mail.example" for name in ("cas", "eve", "hal")]
    assert (2, "sent") in reminders
    assert (3, "due") in reminders
    assert len(reminders) == len(dict(reminders))


def test_what_an_older_version_wrote_is_read_and_worked_on(upgraded, client, number):
    assert migrations.is_current()
    assert differences() == []
    with clock.at(NOW):
        _every_link_opens(client)
        _every_column_is_as_it_was_written(number)
        _news_of_a_known_order_is_no_new_order(client)
        _orders_are_asked_and_reminded_once()
    purge.purge_due(NOW + timedelta(days=400))
    with db.reading() as session:
        assert (
            session.scalars(select(orders.c.email).where(orders.c.email.is_not(None))).all() == []
        )
