import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from tests.orders import webhook_client
from tests.orders.webhook_client import ACCEPTED, DUPLICATE, sample
from trustsvc import clock, config
from trustsvc.orders.webhook_health import counters, summary
from trustsvc.orders.webhook_health.models import webhook_counts
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

AT = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
BIG = b"{" + b" " * 256 * 1024 + b"}"


@pytest.fixture(autouse=True)
def counts_of_our_own(installation):
    counters.reset()


@pytest.fixture
def shop(client):
    return webhook_client.Shop(client, "woocommerce")


def written():
    counters.write()
    with db.reading() as session:
        (found,) = summary.of_all_shops(session, clock.now())
    return dict(found.counts)


def test_each_answer_is_counted_for_its_shop(shop, client):
    body = sample("woocommerce")
    assert [shop.post(body), shop.post(body)] == [ACCEPTED, DUPLICATE]
    shop.post(sample("woocommerce", id=2, status="draft"))
    shop.post(b"no JSON")
    shop.post({"code": "woocommerce_rest_cannot_view", "message": "", "data": {"status": 401}})
    client.post(shop.url, data=b"{}", headers={"X-WC-Webhook-Signature": "forged"})
    client.post(shop.url, data=b"{}")
    assert client.post(shop.url, data=BIG).status_code == 413

    assert written() == {
        "accepted": 1,
        "duplicate": 1,
        "ignored:draft": 1,
        "ignored:platform_error": 1,
        "refused": 1,
        "bad_signature": 2,
        "too_large": 1,
    }


def test_a_delivery_id_with_another_body_is_counted_as_a_conflict(client):
    shop = webhook_client.Shop(client, "standard")
    shop.post(sample("standard"), message_id="msg_1")
    shop.post(sample("standard", data__reference="other"), message_id="msg_1")

    assert written() == {"accepted": 1, "conflict": 1}


def test_a_privacy_request_is_no_order(client):
    shop = webhook_client.Shop(client, "shopify")
    body = {"shop_id": 1, "customer": {"email": "a@b.example"}, "orders_to_redact": []}
    assert shop.post(body, topic="customers/redact")[0] == 202

    counters.write()
    with db.reading() as session:
        (found,) = summary.of_all_shops(session, clock.now())
    assert dict(found.counts) == {"privacy_request": 1}
    assert found.order_at is None
    assert found.delivery_at is not None


def test_what_cannot_be_stored_is_counted_once_the_database_is_back(shop, installation):
    nowhere = {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
    }
    shop.post(sample("woocommerce"))
    config.use(config.load(nowhere))
    with pytest.raises(OperationalError):
        counters.write()

    config.use(installation)

    assert written() == {"accepted": 1}


def test_unknown_endpoints_and_pings_take_no_memory_and_no_row(client, shop):
    for number in range(100):
        client.post(f"/webhooks/standard/{number}", data=b"{}")
        client.post(f"/webhooks/nothing/{number}", data=BIG[:10])
    client.post(shop.url, data=b"webhook_id=7")
    assert client.post("/webhooks/a%00b/c%00d", data=BIG).status_code == 413

    assert len(counters._counting.seen) <= 3
    assert written() == {}
    with db.reading() as session:
        assert session.execute(select(webhook_counts)).all() == []


def test_a_closed_shop_is_not_counted(shop, client):
    with db.transaction() as session:
        session.execute(shops.update().values(closed_at=clock.now()))
    assert shop.post(sample("woocommerce"))[0] == 401
    client.post(shop.url, data=BIG)

    assert written() == {}


def test_a_shop_that_is_gone_when_its_counts_are_written_stops_nothing(shop):
    counters.count(clock.now(), 4711, "accepted")
    shop.post(sample("woocommerce"))

    assert written() == {"accepted": 1}


def test_a_delivery_writes_no_count_and_a_thousand_are_two_statements(shop):
    shop.post(sample("woocommerce"))
    counters.write()
    statements = []
    event.listen(db.engine(), "before_cursor_execute", lambda *a: statements.append(a[2]))
    for _ in range(5):
        shop.post({"id": 1}, "order.unknown")
    for _ in range(1000):
        counters.count(AT, shop.shop.id, "duplicate")
    assert [one for one in statements if "INSERT" in one] == []

    counters.write()

    assert len([one for one in statements if "INSERT" in one]) == 2


def test_ten_thousand_deliveries_from_many_threads_while_they_are_written(installation):
    done = threading.Event()

    def write_on():
        while not done.is_set():
            counters.write()

    writing = threading.Thread(target=write_on)
    writing.start()
    with ThreadPoolExecutor(8) as threads:
        for number in range(8):
            threads.submit(
                lambda number=number: [
                    counters.count(AT + turn * timedelta(milliseconds=50), 1 + number % 3, "failed")
                    for turn in range(1250)
                ]
            )
    done.set()
    writing.join()
    counters.write()

    with db.reading() as session:
        rows = session.execute(select(webhook_counts)).all()
    assert sum(row.count for row in rows) == 10_000
    assert {row.day.day for row in rows} == {20, 21}


def test_two_processes_add_up(installation):
    if not db.is_sqlite():
        db.dispose_engines()  # a connection must not be shared with a child
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            try:
                for turn in range(2500):
                    counters.count(AT, 1, "accepted")
                    if turn % 250 == 0:
                        counters.write()
                counters.write()
                os._exit(0)
            except BaseException:  # noqa: BLE001 - the parent must see it
                os._exit(1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]

    with db.reading() as session:
        assert session.scalar(select(webhook_counts.c.count)) == 5000


def test_a_child_does_not_write_its_parents_counts(installation):
    counters.count(AT, 1, "accepted")
    child = os.fork()
    if not child:
        os._exit(len(counters._counting.seen))
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
