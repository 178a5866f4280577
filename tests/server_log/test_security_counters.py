import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from tests.orders import webhook_client
from tests.staff.signed_in_staff import form_token, one_time_link, sign_in
from trustsvc import clock, config
from trustsvc.privacy import receipts
from trustsvc.privacy.retention import preview, purge
from trustsvc.server_log import models, security_counters, security_entries, writer
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

AT = datetime(2026, 11, 21, 10, 30, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Reader(FlaskClient):
    """Reads each answer to its end, as a browser does: only then is it in the log."""

    def open(self, *args, **environ):
        return super().open(*args, **{"buffered": True} | environ)


@pytest.fixture
def client(app):
    app.test_client_class = Reader
    return app.test_client()


@pytest.fixture(autouse=True)
def counts_of_our_own(installation):
    writer.flush()
    security_counters.reset()


def _written():
    writer.flush()
    security_counters.write()
    with db.reading() as session:
        found = security_entries.list_entries(session)
    return [(one.kind, one.access, one.address, one.count) for one in found]


def test_two_hundred_failed_signatures_of_a_minute_are_one_row(client):
    with clock.at(AT):
        for _ in range(200):
            client.post("/webhooks/standard/nobody", data=b"{}")
    with clock.at(AT + MINUTE):
        client.post("/webhooks/shopify/nobody", data=b"{}")

    assert sorted(_written()) == [
        ("bad_signature", "signature", "127.0.0.1", 1),
        ("bad_signature", "signature", "127.0.0.1", 200),
    ]


def test_a_request_writes_nothing_to_the_database_and_two_hundred_cost_one_statement(client):
    statements = []
    event.listen(db.engine(), "before_cursor_execute", lambda *a: statements.append(a[2]))
    with clock.at(AT):
        for number in range(200):
            client.post(f"/webhooks/standard/{number}", data=b"{}")
    assert [text for text in statements if not text.startswith(("SELECT", "BEGIN"))] == []
    writer.flush()
    statements.clear()

    security_counters.write()

    assert len([text for text in statements if text.startswith("INSERT")]) == 1


def test_what_is_counted_later_in_the_same_minute_is_added_to_its_row(client):
    for _ in range(3):
        with clock.at(AT):
            client.post("/webhooks/standard/nobody", data=b"{}")
        numbers = [number for what, *_, number in _written() if what == "bad_signature"]
    assert numbers == [3]


def test_several_processes_add_to_one_row(installation):
    for _ in range(2):
        security_counters.reset()  # another process begins with nothing counted
        for _ in range(5):
            security_counters.count(AT, "bad_signature", "signature", "203.0.113.7")
        security_counters.write()

    assert _written() == [("bad_signature", "signature", "203.0.113.7", 10)]


def test_a_delivery_id_that_comes_back_with_another_body_is_an_entry(client):
    shop = webhook_client.Shop(client, "standard")
    shop.post(webhook_client.sample("standard"), message_id="msg_1")
    status, _ = shop.post(
        webhook_client.sample("standard", data__reference="other"), message_id="msg_1"
    )

    assert status == 409
    assert _written() == [("replayed_id", "signature", "127.0.0.1", 1)]


def test_a_used_and_a_forged_link_to_the_desk_are_refused_sign_ins(client):
    link = one_time_link()
    client.post(link)
    client.post(link)
    client.get("/desk/enter/forged")
    client.set_cookie("desk", "stolen", path="/desk")
    client.get("/desk/")

    assert sorted(_written()) == [
        ("refused_sign_in", "sign_in", "127.0.0.1", 2),
        ("refused_sign_in", "staff", "127.0.0.1", 1),
    ]


def test_a_form_that_is_not_ours_is_an_entry_and_our_own_is_none(client):
    sign_in(client)
    client.post("/desk/reviews/x", data={"form_token": "guessed", "do": "approve"})
    client.post("/desk/reviews/x", data={"form_token": form_token(client), "do": "approve"})

    assert _written() == [("forged_form", "staff", "127.0.0.1", 1)]


def test_a_form_of_another_site_is_an_entry(client):
    client.post("/me", headers={"Origin": "https://evil.example"})
    client.post("/me", headers={"Origin": "http://127.0.0.1:8000"})

    assert _written() == [("forged_form", "public", "127.0.0.1", 1)]


@pytest.mark.parametrize(("number", "entries"), [(9, []), (10, [10]), (25, [25])])
def test_a_single_old_link_is_nobodys_attack(client, number, entries):
    with clock.at(AT):
        for turn in range(number):
            client.get(f"/r/{turn}")

    assert [number for what, *_, number in _written() if what == "bad_link"] == entries


@pytest.mark.parametrize(("number", "entries"), [(999, []), (1000, [1000])])
def test_from_a_thousand_requests_a_minute_on_it_is_a_flood(installation, number, entries):
    for _ in range(number):
        security_counters.count(AT, "flood", "any", "203.0.113.7")

    assert [number for *_, number in _written()] == entries


def test_nothing_of_what_was_sent_is_in_an_entry_and_no_address_in_clear(client, installation):
    with clock.at(AT):
        client.post(
            "/webhooks/standard/kn0ck-s3cret?key=t0ken-in-query",
            data=b"b0dy-of-it",
            headers={"User-Agent": "ag3nt-of-it", "Referer": "https://x.example/r3f-of-it"},
        )
    assert len(_written()) == 1

    with db.reading() as session:
        row = session.connection().execute(select(models.security_entries)).one()
        raw = session.connection().exec_driver_sql("SELECT address FROM security_entries").scalar()
    assert not re.search("kn0ck-s3cret|t0ken-in-query|b0dy-of|ag3nt-of|r3f-of-it", str(row))
    assert b"127.0.0.1" not in bytes(raw)


def test_however_many_addresses_attack_the_rows_of_a_minute_are_bounded(installation, monkeypatch):
    monkeypatch.setattr(security_counters, "MAX_COUNTERS", 20)
    for number in range(500):
        security_counters.count(AT, "bad_signature", "signature", f"203.0.113.{number % 250}")
        security_counters.count(AT, "bad_signature", "signature", f"198.51.100.{number % 250}")

    entries = _written()

    assert len(entries) == 21
    assert entries[0][2] == "*" or "*" in {address for _, _, address, _ in entries}
    assert sum(number for *_, number in entries) == 1000


def test_ordinary_visitors_do_not_hide_a_forger(installation, monkeypatch):
    monkeypatch.setattr(security_counters, "MAX_ADDRESSES", 50)
    for number in range(200):
        security_counters.count(AT, "flood", "any", f"203.0.113.{number}")
    security_counters.count(AT, "bad_signature", "signature", "198.51.100.1")

    assert _written() == [("bad_signature", "signature", "198.51.100.1", 1)]


def test_what_is_over_is_forgotten_in_memory(installation):
    for minute in range(50):
        for number in range(20):
            security_counters.count(AT + minute * MINUTE, "flood", "any", f"203.0.113.{number}")
            security_counters.count(
                AT + minute * MINUTE, "bad_signature", "signature", "203.0.113.1"
            )
        security_counters.write()

    counting = security_counters._counting
    assert len(counting.seen) <= 21
    assert len(counting.written) <= 21
    assert len(counting.distinct) <= 2


def test_a_database_that_is_away_costs_no_request_and_loses_no_count(client, installation):
    with clock.at(AT):
        client.post("/webhooks/standard/nobody", data=b"{}")
    writer.flush()
    nowhere = {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
    }
    config.use(config.load(nowhere))
    with pytest.raises(OperationalError):
        security_counters.write()
    for minute in range(1, 60):
        security_counters.count(AT + minute * MINUTE, "flood", "any", "203.0.113.9")

    config.use(installation)

    assert _written() == [("bad_signature", "signature", "127.0.0.1", 1)]


def test_counting_from_many_threads_loses_none(installation):
    def attack(_):
        for _ in range(200):
            security_counters.count(AT, "bad_signature", "signature", "203.0.113.7")
            security_counters.write()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(attack, range(4)))

    assert _written() == [("bad_signature", "signature", "203.0.113.7", 800)]


def test_a_child_does_not_write_its_parents_counts(installation):
    security_counters.count(AT, "bad_signature", "signature", "203.0.113.7")
    child = os.fork()
    if not child:
        os._exit(sum(security_counters._counting.seen.values()))
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("installation", [{}, {"TRUSTSVC_LOG_DAYS": "7"}], indirect=True)
def test_an_entry_goes_before_its_last_day_with_a_receipt(installation):
    security_counters.count(AT, "bad_signature", "signature", "203.0.113.7")
    security_counters.write()
    days = timedelta(days=installation.log_days)
    minute = AT.replace(second=0)

    assert "security_events" not in purge.purge_due(minute + days - timedelta(hours=2, minutes=1))
    assert len(_written()) == 1
    at = minute + days - timedelta(hours=2)
    assert preview.planned(at) == {"security_events": 1}
    assert purge.purge_due(at) == {"security_events": 1}
    assert _written() == []
    with db.reading() as session:
        ((receipt, _, _),) = receipts.chain(session)
    assert (receipt.what, receipt.number) == ("security_events", 1)
    assert receipt.before == minute


def test_an_hourly_purge_never_lets_an_entry_reach_90_days_nor_takes_one_below_89(installation):
    security_counters.count(AT, "bad_signature", "signature", "203.0.113.7")
    security_counters.write()
    now = AT + timedelta(days=89)
    while not preview.planned(now):
        now += timedelta(hours=1)

    assert timedelta(days=89) < now - AT < timedelta(days=90) - MINUTE


def test_entries_are_read_newest_first_page_by_page(installation):
    for number in range(5):
        security_counters.count(AT + number * MINUTE, "bad_signature", "signature", "203.0.113.7")
        security_counters.write()
    with db.reading() as session:
        first = security_entries.list_entries(session, limit=2)
        second = security_entries.list_entries(session, before_id=first[-1].id, limit=2)
        recent = security_entries.list_entries(session, since=AT + 3 * MINUTE)
        other = security_entries.list_entries(session, kind="flood")
        everything = session.scalar(select(func.count()).select_from(models.security_entries))

    minutes = [entry.minute.minute for entry in (*first, *second)]
    assert minutes == [34, 33, 32, 31]
    assert [entry.minute.minute for entry in recent] == [34]
    assert (other, everything) == ([], 5)
