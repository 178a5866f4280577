"""The newest published reviews of shops, with labels in each shop's language."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select, true
from sqlalchemy.orm import Session

from trustsvc import config, i18n
from trustsvc.badge.render.content import BadgeContent, ReviewContent, ReviewListContent
from trustsvc.reviews.models import publications, reviews
from trustsvc.shops import directory, models
from trustsvc.storage import db

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

    The index gives them shop by shop: nobody goes through the older ones.
    """
    table, shops = publications.c, models.shops
    newest = publications.alias()
    ids = (
        select(newest.c.review_id)
        .where(newest.c.shop_id == shops.c.id)
        .order_by(newest.c.published_at.desc(), newest.c.review_id.desc())
        .limit(MAX_REVIEWS)
    )
    query = select(
        table.shop_id,
        reviews.c.public_id,
        *(table[name] for name in _NewestReview._fields[2:]),
    ).select_from(shops)
    if db.is_sqlite():  # it knows no LATERAL; PostgreSQL would ask this of each publication
        query = query.join(publications, table.review_id.in_(ids))
    else:
        chosen = ids.lateral()
        query = query.join(chosen, true()).join(publications, table.review_id == chosen.c.review_id)
    return (
        query.join(reviews, reviews.c.id == table.review_id)
        .where(shops.c.id.in_(shop_ids))
        .order_by(table.shop_id, table.published_at.desc(), table.review_id.desc())
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
