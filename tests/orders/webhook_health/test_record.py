from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.orders.webhook_health.sample_days import deliver, midnight
from trustsvc.orders.webhook_health import record
from trustsvc.orders.webhook_health.models import webhook_counts, webhook_health
from trustsvc.orders.webhook_health.record import CountedKey, Seen
from trustsvc.privacy.retention import purge
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def counted():
    with db.reading() as session:
        return session.execute(select(webhook_counts).order_by(webhook_counts.c.answer)).all()


def health():
    with db.reading() as session:
        return session.execute(select(webhook_health)).one()


def test_what_several_processes_counted_is_added_up(installation):
    deliver(1, [NOON - HOUR], count=3)
    deliver(1, [NOON, NOON + HOUR], count=2)

    (row,) = counted()
    assert (row.count, row.first_at, row.last_at) == (7, NOON - HOUR, NOON + HOUR)


def test_each_answer_and_each_day_is_a_row_of_its_own(installation):
    deliver(1, [NOON, NOON + DAY])
    deliver(1, [NOON], "duplicate")
    deliver(2, [NOON], "duplicate")

    assert sorted((row.shop_id, row.day.day, row.answer, row.count) for row in counted()) == [
        (1, 20, "accepted", 1),
        (1, 20, "duplicate", 1),
        (1, 21, "accepted", 1),
        (2, 20, "duplicate", 1),
    ]


def test_only_what_was_signed_and_read_moves_the_last_moments(installation):
    deliver(1, [NOON])
    deliver(1, [NOON + HOUR], "duplicate")
    deliver(1, [NOON + 2 * HOUR], "ignored:platform_error")
    deliver(1, [NOON + 3 * HOUR], "bad_signature")
    deliver(1, [NOON + 3 * HOUR], "too_large")

    now = health()
    assert now.order_at == NOON
    assert now.read_at == NOON + HOUR
    assert now.error_at == now.delivery_at == NOON + 2 * HOUR


def test_wrong_signatures_alone_leave_no_row_of_health(installation):
    deliver(1, [NOON], "bad_signature")

    with db.reading() as session:
        assert session.execute(select(webhook_health)).all() == []
    assert [row.answer for row in counted()] == ["bad_signature"]


def test_older_news_written_later_moves_nothing_back(installation):
    deliver(1, [NOON])
    with db.transaction() as session:
        earlier = NOON - HOUR
        seen = {CountedKey(1, midnight(earlier), "accepted"): Seen(1, earlier, earlier)}
        record.add(session, seen, NOON + HOUR)

    assert health().order_at == NOON


def test_a_moment_that_lies_ahead_gives_way_when_the_clock_was_set_back(installation):
    deliver(1, [NOON + 300 * DAY])
    deliver(1, [NOON])

    assert health().order_at == NOON


def test_what_was_counted_before_the_clock_was_set_back_is_never_ahead(installation):
    ahead = NOON + 2 * HOUR
    with db.transaction() as session:
        seen = {CountedKey(1, midnight(ahead), "accepted"): Seen(1, ahead, ahead)}
        record.add(session, seen, NOON)

    assert health().delivery_at == NOON
    assert counted()[0].last_at == NOON


def test_counts_go_after_120_days_with_a_receipt_and_the_last_moments_stay(installation):
    deliver(1, [NOON])
    kept = midnight(NOON) + 120 * DAY

    assert "webhook_counts" not in purge.purge_due(kept - timedelta(seconds=1))
    assert purge.purge_due(kept)["webhook_counts"] == 1
    assert counted() == []
    assert health().order_at == NOON
