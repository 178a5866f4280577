"""A shop's public page: scores, seal, reviews with replies, and how many are unpublished."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from trustsvc.badge import content, score
from trustsvc.errors import NotFound
from trustsvc.reviews import lookup, star_counts
from trustsvc.reviews.models import publications, replies, reviews
from trustsvc.reviews.policy import is_stars
from trustsvc.reviews.reply import Reply
from trustsvc.reviews.state import ReviewState
from trustsvc.shops import directory
from trustsvc.storage.columns import EPOCH

PAGE_SIZE = 20
KEY = re.compile(r"[0-9]{1,14}-[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class PublishedReview:
    """A published review as shown to the public."""

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
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page: only these stars (0: all), older than a key."""

    stars: int = 0
    before: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    shop: directory.Shop
    last_year: score.Score
    score: score.Score  # of everything published, as on the badge
    since: datetime  # start of the last twelve months
    sealed: bool
    states: dict[str, int]
    reasons: dict[str, int]
    pending_since: datetime | None
    lines: list[PublishedReview]
    older: str  # the key of the next page, empty on the last

    @property
    def received(self) -> int:
        return sum(self.states.values())


def parse_request(stars: str, before: str) -> PageRequest:
    """Parse the query; raises NotFound for invalid stars or keys."""
    if (stars and not is_stars(stars)) or (before and not KEY.fullmatch(before)):
        raise NotFound
    return PageRequest(int(stars or 0), before)


def read_profile(session: Session, slug: str, wanted: PageRequest, now: datetime) -> Profile:
    """Read a page of a shop's reviews, newest first; raises NotFound."""
    shop = directory.by_slug(session, slug)
    since = score.year_before(now, shop.zone)
    ever = content.published_scores(session, [shop.id])[shop.id]
    number = ever.histogram[wanted.stars - 1] if wanted.stars else ever.count
    rows = session.execute(_lines(shop.id, wanted)).all() if number else []
    states, reasons = _counts_unpublished(session, shop.id)
    if ever.count:
        states[ReviewState.PUBLISHED] = ever.count
    shown = rows[:PAGE_SIZE]
    return Profile(
        shop=shop,
        score=ever,
        last_year=score.make_score(star_counts.read_since(session, shop.id, since)),
        since=since,
        sealed=content.seal_holds(shop, now),
        states=states,
        reasons=reasons,
        pending_since=(
            lookup.pending_since(session, shop.id) if states.get(ReviewState.PENDING) else None
        ),
        lines=[_line(row) for row in shown],
        older=_key(shown[-1]) if len(rows) > PAGE_SIZE else "",
    )


def _lines(shop_id: int, wanted: PageRequest) -> Select[Any]:
    table = publications.c
    query = (
        select(
            reviews.c.public_id,
            table.review_id,
            table.stars,
            table.title,
            table.text,
            table.name,
            table.city,
            table.language,
            table.verified,
            table.experienced_at,
            table.published_at,
            replies.c.text.label("reply_text"),
            replies.c.language.label("reply_language"),
            replies.c.replied_at,
            replies.c.changed_at,
        )
        .join_from(publications, reviews, reviews.c.id == table.review_id)
        .outerjoin(replies, replies.c.review_id == table.review_id)
        .where(table.shop_id == shop_id)
        .order_by(table.published_at.desc(), table.review_id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if wanted.stars:
        query = query.where(table.stars == wanted.stars)
    if not wanted.before:
        return query
    at, review_id = _read_key(wanted.before)
    same_moment = and_(table.published_at == at, table.review_id < review_id)
    return query.where(or_(table.published_at < at, same_moment))


def _line(row: Row[Any]) -> PublishedReview:
    reply = None
    if row.reply_text:
        reply = Reply(
            text=row.reply_text,
            language=row.reply_language,
            replied_at=row.replied_at,
            changed_at=row.changed_at,
        )
    return PublishedReview(
        public_id=row.public_id,
        stars=row.stars,
        title=row.title,
        text=row.text,
        name=row.name,
        city=row.city,
        language=row.language,
        verified=row.verified,
        experienced_at=row.experienced_at,
        published_at=row.published_at,
        reply=reply,
    )


def _counts_unpublished(session: Session, shop_id: int) -> tuple[dict[str, int], dict[str, int]]:
    """Count the others of a shop's reviews by state, and the rejected ones by reason.

    What is published is counted already: to count it here would take longer every day.
    """
    table = reviews.c
    others = [state for state in ReviewState if state is not ReviewState.PUBLISHED]
    rows = session.execute(
        select(table.state, table.reason, func.count())
        .where(table.shop_id == shop_id, table.state.in_(others), table.restricted_at.is_(None))
        .group_by(table.state, table.reason)
    )
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for state, reason, number in rows:
        states[state] = states.get(state, 0) + number
        if state == ReviewState.REJECTED:
            reasons[reason] = number
    return states, reasons


def _key(row: Row[Any]) -> str:
    return f"{(row.published_at - EPOCH) // timedelta(milliseconds=1)}-{row.review_id}"


def _read_key(key: str) -> tuple[datetime, int]:
    at, _, review_id = key.partition("-")
    return EPOCH + timedelta(milliseconds=int(at)), int(review_id)
