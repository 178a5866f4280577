from datetime import timedelta

import pytest
from sqlalchemy import event, update

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from trustsvc.doctor import queue_age
from trustsvc.doctor.privacy_requests import failing
from trustsvc.mail.outbox.models import messages
from trustsvc.orders import privacy_requests, request_models
from trustsvc.orders.models import orders
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases
MINUTE = timedelta(minutes=1)


def test_an_order_that_nobody_decides_on_is_reported_after_ten_minutes(installation):
    sample_orders.place(sample_orders.shop(), NOON)

    assert queue_age.undecided_orders(NOON + 9 * MINUTE).status == "ok"
    late = queue_age.undecided_orders(NOON + 25 * MINUTE)
    assert late.status == "late: see trustsvc doctor"
    assert late.findings[0].detail == "the oldest order has waited for 25 minutes"

    sample_orders.planned()
    assert queue_age.undecided_orders(NOON + 25 * MINUTE).status == "ok"


def test_an_old_order_with_news_waits_since_its_news(installation):
    at_shop = sample_orders.shop()
    order_id = sample_orders.place(at_shop, NOON)
    with db.transaction() as session:
        long_ago = NOON - timedelta(days=30)
        session.execute(update(orders).where(orders.c.id == order_id).values(received_at=long_ago))

    assert queue_age.undecided_orders(NOON + 9 * MINUTE).status == "ok"
    assert queue_age.undecided_orders(NOON + 11 * MINUTE).status != "ok"


def test_a_message_that_does_not_leave_is_reported_after_half_an_hour(installation):
    sample_orders.invited(sample_orders.shop(), NOON)
    with db.transaction() as session:
        session.execute(update(messages).values(due_at=NOON))

    assert queue_age.due_messages(NOON + 29 * MINUTE).status == "ok"
    late = queue_age.due_messages(NOON + 95 * MINUTE)
    assert late.status == "late: see trustsvc doctor"
    assert late.findings[0].detail == "the oldest message has waited for 95 minutes"


def test_a_message_that_is_due_later_is_none(installation):
    sample_orders.invited(sample_orders.shop(), NOON)
    with db.transaction() as session:
        session.execute(update(messages).values(due_at=NOON + timedelta(days=7)))

    assert queue_age.due_messages(NOON + timedelta(days=7)).status == "ok"
    assert queue_age.due_messages(NOON).status == "ok"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_both_are_read_from_an_index(installation):
    statements = []
    event.listen(db.engine(), "before_cursor_execute", lambda *given: statements.append(given[2:4]))
    queue_age.undecided_orders(NOON)
    queue_age.due_messages(NOON)

    with db.reading() as session:
        link = session.connection()
        for sql, given in [one for one in statements if one[0].startswith("SELECT")]:
            plan = link.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given).all()
            scans = [row[3] for row in plan if row[3].startswith("SCAN")]
            assert all("INDEX" in one or "anon" in one or "SUBQUERY" in one for one in scans), plan


def test_a_privacy_request_that_nobody_answers_is_reported_after_ten_minutes(installation):
    with sample_orders.quiet(), db.transaction() as session:
        request = PrivacyRequest(PrivacyRequestKind.MY_DATA, 0, "nl", "jan@mail.example")
        privacy_requests.enqueue(session, request, NOON)

    assert queue_age.due_requests(NOON + 9 * MINUTE).status == "ok"
    late = queue_age.due_requests(NOON + 25 * MINUTE)
    assert late.status == "late: see trustsvc doctor"
    assert late.findings[0].detail == "the oldest request has waited for 25 minutes"

    with db.transaction() as session:
        session.execute(update(request_models.privacy_requests).values(due_at=NOON + 60 * MINUTE))
    assert queue_age.due_requests(NOON + 25 * MINUTE).status == "ok"


def test_a_privacy_request_that_fails_again_and_again_is_reported(installation):
    with sample_orders.quiet(), db.transaction() as session:
        request = PrivacyRequest(PrivacyRequestKind.MY_DATA, 0, "nl", "jan@mail.example")
        privacy_requests.enqueue(session, request, NOON)
        assert failing(session, NOON) == []
        session.execute(update(request_models.privacy_requests).values(attempts=3))

        (finding,) = failing(session, NOON)

    assert finding.detail == "1 failed 3 times or more, the oldest of 2026-06-10"
