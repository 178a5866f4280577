"""The newest published reviews of shops, with labels in each shop's language."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, func, literal, select
from sqlalchemy.orm import Session

from trustsvc import config, i18n
from trustsvc.badge.render.content import BadgeContent, ReviewContent, ReviewListContent
from trustsvc.reviews.models import publications, reviews
from trustsvc.shops import directory, models
from trustsvc.storage.columns import EPOCH, Moment

MAX_REVIEWS = 20


class _NewestReview(NamedTuple):
    shop_id: int
    public_id: str
    stars: int
    title: str
    text: str
    name: str
    city: str
    verified: bool
    language: str
    published_at: datetime


def read(
    session: Session, of_shops: Collection[directory.Shop], badges: Mapping[int, BadgeContent]
) -> dict[int, ReviewListContent]:
    """Read the newest reviews of all these shops in one query."""
    by_shop: dict[int, list[_NewestReview]] = defaultdict(list)
    for row in session.execute(_newest([shop.id for shop in of_shops])):
        by_shop[row[0]].append(_NewestReview(*row))
    return {shop.id: _review_list(shop, badges[shop.id], by_shop[shop.id]) for shop in of_shops}


def _newest(shop_ids: Collection[int]) -> Select[Any]:
    """Select the newest `MAX_REVIEWS` publications of each shop, in the order of `_NewestReview`.

    The index first drops what is older than the twentieth moment; otherwise every refresh would
    sort all reviews. The row number is still needed: several may share that moment.
    """
    table = publications.c
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
    rank = func.row_number().over(
        partition_by=table.shop_id, order_by=(table.published_at.desc(), table.review_id.desc())
    )
    ranked = (
        select(publications, rank.label("rank"))
        .join(since, and_(since.c.id == table.shop_id, table.published_at >= since.c.at))
        .cte()
    )
    # The limit leaves nothing out; without it PostgreSQL expects many and reads all reviews.
    recent = (
        select(ranked)
        .where(ranked.c.rank <= MAX_REVIEWS)
        .limit(MAX_REVIEWS * len(shop_ids))
        .subquery()
    )
    return (
        select(
            recent.c.shop_id,
            reviews.c.public_id,
            *(recent.c[name] for name in _NewestReview._fields[2:]),
        )
        .join(reviews, reviews.c.id == recent.c.review_id)
        .order_by(recent.c.shop_id, recent.c.rank)
    )


def _review_list(
    shop: directory.Shop, badge: BadgeContent, newest: Collection[_NewestReview]
) -> ReviewListContent:
    base = config.current().base_url
    language = i18n.negotiate_language(shop.language)
    host = urlsplit(base).hostname or "localhost"
    return ReviewListContent(
        slug=shop.slug,
        badge=badge,
        language=language,
        title=i18n.translate("badge.page.title", language, shop=shop.name),
        order=i18n.translate("badge.list.order", language),
        all=i18n.translate("badge.list.all", language),
        notice=i18n.translate("badge.list.notice", language),
        privacy=f"{base}/privacy/{shop.slug}#object",
        feed=f"{base}/badge/v1/{shop.slug}/feed.atom",
        tag=f"tag:{host},2026:",
        since=shop.created_at,
        lines=tuple(_review(row, language, shop.zone) for row in newest),
    )


def _review(row: _NewestReview, language: str, zone: str) -> ReviewContent:
    return ReviewContent(
        public_id=row.public_id,
        stars=row.stars,
        label=i18n.translate("badge.page.stars_of_5", language, score=row.stars),
        title=row.title,
        text=row.text,
        by=_author(row, language),
        date=row.published_at.astimezone(ZoneInfo(zone)).date().isoformat(),
        day=i18n.format_date(row.published_at, language, zone),
        verified_label=i18n.translate("badge.page.verified", language) if row.verified else "",
        language=row.language,
        published_at=row.published_at,
    )


def _author(row: _NewestReview, language: str) -> str:
    if not row.name:
        return i18n.translate("rights.anonymous", language)
    if not row.city:
        return i18n.translate("badge.page.by", language, name=row.name)
    return i18n.translate("badge.page.by_city", language, name=row.name, city=row.city)
