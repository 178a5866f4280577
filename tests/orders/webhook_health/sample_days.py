"""Days of deliveries for tests, in memory and in the database."""

from datetime import timedelta

from trustsvc.orders.webhook_health import record
from trustsvc.orders.webhook_health.record import CountedKey, Seen
from trustsvc.orders.webhook_health.rhythm import ActiveDay
from trustsvc.storage import db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def midnight(at):
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def active_days(moments):
    by_day = {}
    for at in sorted(moments):
        by_day.setdefault(midnight(at), []).append(at)
    return [ActiveDay(day, len(some), some[0], some[-1]) for day, some in by_day.items()]


def deliver(shop_id, moments, answer="accepted", count=1):
    """Record deliveries as if they had been counted and written then."""
    for at in moments:
        with db.transaction() as session:
            key = CountedKey(shop_id, midnight(at), answer)
            record.add(session, {key: Seen(count, at, at)}, at)


def weeks(until, number=60):
    """One moment a day, at 10 and at 20 o'clock in turns, the last one before `until`."""
    first = midnight(until) - number * DAY
    moments = [first + day * DAY + (10 + 10 * (day % 2)) * HOUR for day in range(number + 1)]
    return [at for at in moments if at <= until]
