from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.invitations import sample_orders
from trustsvc.orders.models import orders, webhook_deliveries
from trustsvc.storage import db
from trustsvc.storage.bulk_insert import CHUNKS, BulkInsert

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAMES = ("shop_id", "delivery_hash", "body_hash", "at")
KEY = ("shop_id", "delivery_hash")


@pytest.fixture
def shop(installation):
    return sample_orders.shop()


def delivery(shop, number, body=b"body"):
    return (shop.id, b"%d" % number, body, AT)


def insert(rows, **options):
    with db.transaction() as session:
        return BulkInsert(webhook_deliveries, NAMES, **options).execute(session, rows)


def stored():
    with db.reading() as session:
        return session.execute(select(webhook_deliveries)).all()


@pytest.mark.parametrize("number", [0, 1, 3, sum(CHUNKS), 2 * CHUNKS[0] + 1])
def test_any_number_of_rows_is_inserted(shop, number):
    rows = [delivery(shop, one) for one in range(number)]

    inserted = insert(rows, unless_same=KEY, returning=KEY)

    assert sorted(bytes(row["delivery_hash"]) for row in inserted) == sorted(row[1] for row in rows)
    assert len(stored()) == number


def test_a_row_that_is_there_stays_as_it_is(shop):
    insert([delivery(shop, 1)], unless_same=KEY)

    again = [delivery(shop, 1, b"other"), delivery(shop, 2), delivery(shop, 2, b"other")]
    inserted = insert(again, unless_same=(), returning=KEY)

    assert [bytes(row["delivery_hash"]) for row in inserted] == [b"2"]
    assert {bytes(row.body_hash) for row in stored()} == {b"body"}


def test_without_a_key_a_row_that_is_there_is_an_error(shop):
    insert([delivery(shop, 1, b"secret")])

    with pytest.raises(IntegrityError) as refused:
        insert([delivery(shop, 1, b"secret")])
    assert "secret" not in str(refused.value)


def test_values_are_stored_as_their_columns_take_them(shop):
    values = {
        "shop_id": shop.id,
        "identity": b"1",
        "email": "jan@mail.example",
        "state": "received",
        "platform_status": "open",
        "created_at": AT,
        "received_at": AT,
        "date_unreadable": False,
        "accepts_buyer": True,
    }
    with db.transaction() as session:
        BulkInsert(orders, tuple(values)).execute(session, [tuple(values.values())])

    with db.reading() as session:
        row = session.execute(select(orders)).one()
        raw = session.connection().exec_driver_sql("SELECT email FROM orders").scalar_one()
    assert (row.email, row.created_at, row.accepts_buyer) == ("jan@mail.example", AT, True)
    assert b"jan@mail" not in bytes(raw)
