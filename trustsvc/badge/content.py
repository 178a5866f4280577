"""What the badges of shops say now: scores of what is published, words in the shop's language."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import config, i18n
from trustsvc.badge.render.content import BadgeContent
from trustsvc.badge.render.snippets import CardWords
from trustsvc.badge.score import Score, make_score
from trustsvc.badge.statement import signing
from trustsvc.reviews.models import publications
from trustsvc.shops import directory


def read(
    session: Session, shops: Collection[directory.Shop], now: datetime
) -> dict[int, BadgeContent]:
    """Make the faces of shops, with one query for all their scores."""
    found = published_scores(session, [shop.id for shop in shops])
    return {shop.id: badge_content(shop, found[shop.id], now) for shop in shops}


def published_scores(session: Session, shop_ids: Collection[int]) -> dict[int, Score]:
    """Count what is published; a shop without a line has a score of no reviews."""
    table = publications.c
    rows = session.execute(
        select(table.shop_id, table.stars, func.count())
        .where(table.shop_id.in_(shop_ids))
        .group_by(table.shop_id, table.stars)
    )
    numbers: dict[int, dict[int, int]] = defaultdict(dict)
    for shop_id, stars, number in rows:
        numbers[shop_id][stars] = number
    return {shop_id: make_score(numbers[shop_id]) for shop_id in shop_ids}


def badge_content(shop: directory.Shop, score: Score, now: datetime) -> BadgeContent:
    """Say a score in the shop's language."""
    language = i18n.negotiate_language(shop.language)
    base = config.current().base_url
    url = f"{base}/s/{shop.slug}"
    sealed = seal_holds(shop, now)
    links = {
        "notice": f"{base}/privacy/{shop.slug}#object",
        "privacy": i18n.translate("badge.list.notice", language),
    }
    # Nothing is signed where the seal does not hold: whose domain it is was not shown, or ended.
    proof = signing.sign(shop.slug, shop.domain, score.mean, score.count, now) if sealed else ""
    if not score.count:
        words = i18n.translate("badge.none", language)
        return BadgeContent("", words, words, url, 0.0, 0, sealed, proof, **links)
    mean = i18n.format_decimal(score.mean, language)
    count = i18n.translate("badge.count", language, count=score.count)
    label = i18n.translate("badge.label", language, score=mean, reviews=count)
    return BadgeContent(mean, count, label, url, score.mean, score.count, sealed, proof, **links)


def seal_holds(shop: directory.Shop, now: datetime) -> bool:
    """Say whether all that the seal attests holds: enrolled, and its domain proven."""
    proven = shop.proven_at is not None and shop.proven_at <= now
    return proven and (shop.closed_at is None or now < shop.closed_at)


def card_words(language: str) -> CardWords:
    """Say what the card after an order says."""
    parts = ("title", "text", "data", "go")
    said = {part: i18n.translate(f"register.card.{part}", language) for part in parts}
    return CardWords(
        language=language,
        notice=i18n.translate("pages.privacy", language),
        object=i18n.translate("register.object", language),
        **said,
    )
