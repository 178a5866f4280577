"""What a shop's public page shows: score, seal, published reviews, and how many were not."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from trustsvc.badge import face, score
from trustsvc.errors import NotFound
from trustsvc.reviews.models import publications, reviews
from trustsvc.shops import find
from trustsvc.tables import EPOCH

A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A published review, as everybody sees it."""

    public_id: str
    stars: int
    title: str
    text: str
    name: str
    city: str
    language: str
    verified: bool
    experienced_at: datetime
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    shop: find.Shop
    score: score.Score
    sealed: bool
    states: dict[str, int]
    reasons: dict[str, int]
    lines: list[Line]
    older: str  # the key of the next page, empty on the last

    @property
    def received(self) -> int:
        return sum(self.states.values())


def read(session: Session, slug: str, before: str, now: datetime) -> Profile:
    """Read a page of a shop's reviews, newest first; raises NotFound, for an odd key too."""
    shop = find.by_slug(session, slug)
    rows = session.execute(_lines(shop.id, before)).all()
    states, reasons = _counts(session, shop.id)
    shown = rows[:A_PAGE]
    return Profile(
        shop=shop,
        score=face.read_scores(session, [shop.id])[shop.id],
        sealed=face.seal_holds(shop, now),
        states=states,
        reasons=reasons,
        lines=[Line(*row[:-1]) for row in shown],
        older=_key(shown[-1]) if len(rows) > A_PAGE else "",
    )


def _lines(shop_id: int, before: str) -> Select[Any]:
    table = publications.c
    query = (
        select(
            reviews.c.public_id,
            *(table[name] for name in Line.__dataclass_fields__ if name != "public_id"),
            table.review_id,
        )
        .join_from(publications, reviews, reviews.c.id == table.review_id)
        .where(table.shop_id == shop_id)
        .order_by(table.published_at.desc(), table.review_id.desc())
        .limit(A_PAGE + 1)
    )
    if not before:
        return query
    at, review_id = _read_key(before)
    same_moment = and_(table.published_at == at, table.review_id < review_id)
    return query.where(or_(table.published_at < at, same_moment))


def _counts(session: Session, shop_id: int) -> tuple[dict[str, int], dict[str, int]]:
    table = reviews.c
    rows = session.execute(
        select(table.state, table.reason, func.count())
        .where(table.shop_id == shop_id, table.frozen_at.is_(None))
        .group_by(table.state, table.reason)
    )
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for state, reason, number in rows:
        states[state] = states.get(state, 0) + number
        if state == "rejected":
            reasons[reason] = number
    return states, reasons


def _key(row: Any) -> str:
    return f"{(row.published_at - EPOCH) // timedelta(milliseconds=1)}-{row.review_id}"


def _read_key(key: str) -> tuple[datetime, int]:
    if not re.fullmatch(r"[0-9]{1,14}-[0-9]{1,18}", key):
        raise NotFound
    at, _, review_id = key.partition("-")
    return EPOCH + timedelta(milliseconds=int(at)), int(review_id)
