"""Add counted webhook deliveries to the database, and keep each shop's last moments."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, case, or_
from sqlalchemy.orm import Session

from trustsvc.orders.webhook_health import answers
from trustsvc.orders.webhook_health.models import webhook_counts, webhook_health
from trustsvc.storage import db

_MOMENTS = ("delivery_at", "read_at", "order_at", "error_at")


class CountedKey(NamedTuple):
    """Webhook deliveries counted together."""

    shop_id: int
    day: datetime
    answer: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How many, and the first and last of them."""

    count: int
    first_at: datetime
    last_at: datetime

    def plus(self, other: "Seen") -> "Seen":
        return Seen(
            self.count + other.count,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
        )


def add(session: Session, seen: Mapping[CountedKey, Seen], now: datetime) -> None:
    """Add these counts; each call adds, so what was written must not be given again.

    A moment that lies ahead, because the clock was set back since, gives way to the newer one.
    """
    if not seen:
        return
    statement = db.insert(webhook_counts)
    table, new = webhook_counts.c, statement.excluded
    changes = {
        "count": table.count + new.count,
        "first_at": case((new.first_at < table.first_at, new.first_at), else_=table.first_at),
        "last_at": _later(table.last_at, new.last_at, now),
    }
    # Sorted, so that two processes cannot deadlock.
    session.execute(
        statement.on_conflict_do_update(index_elements=["shop_id", "day", "answer"], set_=changes),
        [
            key._asdict()
            | {
                "count": seen[key].count,
                "first_at": min(seen[key].first_at, now),
                "last_at": min(seen[key].last_at, now),
            }
            for key in sorted(seen)
        ],
    )
    _keep_last(session, seen, now)


def _keep_last(session: Session, seen: Mapping[CountedKey, Seen], now: datetime) -> None:
    last: dict[int, dict[str, datetime]] = defaultdict(dict)
    for key, one in seen.items():
        for name in _moment_columns(key.answer):
            at = min(one.last_at, now)
            last[key.shop_id][name] = max(last[key.shop_id].get(name, at), at)
    if not last:
        return
    statement = db.insert(webhook_health)
    changes = {
        name: _later(webhook_health.c[name], statement.excluded[name], now) for name in _MOMENTS
    }
    rows: list[dict[str, Any]] = [
        {"shop_id": shop_id} | {name: last[shop_id].get(name) for name in _MOMENTS}
        for shop_id in sorted(last)
    ]
    session.execute(statement.on_conflict_do_update(index_elements=["shop_id"], set_=changes), rows)


def _moment_columns(answer: str) -> list[str]:
    """Name the moments that a webhook delivery with this answer moves."""
    moves = {
        "delivery_at": answer not in answers.UNSIGNED,
        "read_at": answer not in answers.UNREAD,
        "order_at": answer == answers.ACCEPTED,
        "error_at": answer == answers.PLATFORM_ERROR,
    }
    return [name for name, moved in moves.items() if moved]


def _later(
    known: Column[datetime], new: ColumnElement[datetime], now: datetime
) -> ColumnElement[datetime]:
    is_newer = or_(known.is_(None), known > now, new > known)
    return case((new.is_(None), known), (is_newer, new), else_=known)
