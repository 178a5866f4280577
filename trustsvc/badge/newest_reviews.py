"""The newest published reviews of shops, said in each shop's language."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, func, literal, select
from sqlalchemy.orm import Session

from trustsvc import config, i18n
from trustsvc.badge.render.content import BadgeContent
from trustsvc.badge.render.review_lines import ReviewContent, ReviewListContent
from trustsvc.reviews.models import publications, reviews
from trustsvc.shops import directory, models
from trustsvc.storage.columns import EPOCH, Moment

MAX_REVIEWS = 20


def read(
    session: Session, shops: Collection[directory.Shop], faces: Mapping[int, BadgeContent]
) -> dict[int, ReviewListContent]:
    """Read the newest lines of all these shops with one query."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_lines([shop.id for shop in shops])):
        rows[row.shop_id].append(row)
    return {shop.id: _newest(shop, faces[shop.id], rows[shop.id]) for shop in shops}


def _lines(shop_ids: Collection[int]) -> Select[Any]:
    """Number the lines of each shop, newest first, and keep the first twenty.

    Before they are numbered, what is older than the twentieth moment is left out by the index: else
    every round would sort all reviews there are. Several of one moment are why that is not enough.
    """
    line = publications.c
    older = publications.alias()
    twentieth = (
        select(older.c.published_at)
        .where(older.c.shop_id == models.shops.c.id)
        .order_by(older.c.published_at.desc())
        .limit(1)
        .offset(MAX_REVIEWS - 1)
        .scalar_subquery()
    )
    at = func.coalesce(twentieth, literal(EPOCH, Moment), type_=Moment)
    since = select(models.shops.c.id, at.label("at")).where(models.shops.c.id.in_(shop_ids)).cte()
    place = func.row_number().over(
        partition_by=line.shop_id, order_by=(line.published_at.desc(), line.review_id.desc())
    )
    recent = (
        select(publications, place.label("place"))
        .join(since, and_(since.c.id == line.shop_id, line.published_at >= since.c.at))
        .cte()
    )
    return (
        select(recent, reviews.c.public_id)
        .join(reviews, reviews.c.id == recent.c.review_id)
        .where(recent.c.place <= MAX_REVIEWS)
        .order_by(recent.c.shop_id, recent.c.place)
    )


def _newest(shop: directory.Shop, face: BadgeContent, rows: Collection[Any]) -> ReviewListContent:
    base = config.current().base_url
    language = i18n.negotiate_language(shop.language)
    host = urlsplit(base).hostname or "localhost"
    return ReviewListContent(
        slug=shop.slug,
        face=face,
        language=language,
        title=i18n.translate("badge.page.title", language, shop=shop.name),
        order=i18n.translate("badge.list.order", language),
        all=i18n.translate("badge.list.all", language),
        notice=i18n.translate("badge.list.notice", language),
        privacy=f"{base}/privacy/{shop.slug}#object",
        feed=f"{base}/badge/v1/{shop.slug}/feed.atom",
        tag=f"tag:{host},2026:",
        since=shop.created_at,
        lines=tuple(_line(row, language, shop.zone) for row in rows),
    )


def _line(row: Any, language: str, zone: str) -> ReviewContent:
    return ReviewContent(
        public_id=row.public_id,
        stars=row.stars,
        label=i18n.translate("badge.page.stars_of_5", language, score=row.stars),
        title=row.title,
        text=row.text,
        by=_who(row, language),
        date=row.published_at.astimezone(ZoneInfo(zone)).date().isoformat(),
        day=i18n.format_date(row.published_at, language, zone),
        mark=i18n.translate("badge.page.verified", language) if row.verified else "",
        language=row.language,
        published_at=row.published_at,
    )


def _who(row: Any, language: str) -> str:
    if not row.name:
        return i18n.translate("rights.anonymous", language)
    if not row.city:
        return i18n.translate("badge.page.by", language, name=row.name)
    return i18n.translate("badge.page.by_city", language, name=row.name, city=row.city)
