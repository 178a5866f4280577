"""Build a badge's content: the score of what is published, texts in the shop's language."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc import config, i18n
from trustsvc.badge.render.content import BadgeContent
from trustsvc.badge.render.snippets import CardWords
from trustsvc.badge.score import Score, make_score
from trustsvc.badge.statement import signing
from trustsvc.reviews import star_counts
from trustsvc.shops import directory


def read(
    session: Session, shops: Collection[directory.Shop], now: datetime
) -> dict[int, BadgeContent]:
    """Build the badge content of shops, with one query for all scores."""
    scores = published_scores(session, [shop.id for shop in shops])
    return {shop.id: badge_content(shop, scores[shop.id], now) for shop in shops}


def published_scores(session: Session, shop_ids: Collection[int]) -> dict[int, Score]:
    """Give the scores of what is published; a shop without any review gets an empty one."""
    numbers = star_counts.read(session, shop_ids)
    return {shop_id: make_score(numbers.get(shop_id, {})) for shop_id in shop_ids}


def badge_content(shop: directory.Shop, score: Score, now: datetime) -> BadgeContent:
    """Write a score in the shop's language; signed only while the seal holds."""
    language = i18n.negotiate_language(shop.language)
    base = config.current().base_url
    url = f"{base}/s/{shop.slug}"
    sealed = seal_holds(shop, now)
    links = {
        "notice": f"{base}/privacy/{shop.slug}#object",
        "privacy": i18n.translate("badge.list.notice", language),
    }
    # Without the seal nothing is signed: the domain is not proven, or the shop is closed.
    proof = signing.sign(shop.slug, shop.domain, score.mean, score.count, now) if sealed else ""
    if not score.count:
        no_reviews = i18n.translate("badge.none", language)
        return BadgeContent("", no_reviews, no_reviews, url, 0.0, 0, sealed, proof, **links)
    mean = i18n.format_decimal(score.mean, language)
    count = i18n.translate("badge.count", language, count=score.count)
    label = i18n.translate("badge.label", language, score=mean, reviews=count)
    return BadgeContent(mean, count, label, url, score.mean, score.count, sealed, proof, **links)


def seal_holds(shop: directory.Shop, now: datetime) -> bool:
    """Whether the shop is enrolled and its domain proven, which is what the seal attests."""
    proven = shop.proven_at is not None and shop.proven_at <= now
    return proven and (shop.closed_at is None or now < shop.closed_at)


def card_words(language: str) -> CardWords:
    """Texts of the card shown after an order."""
    parts = ("title", "text", "data", "go")
    texts = {part: i18n.translate(f"register.card.{part}", language) for part in parts}
    return CardWords(
        language=language,
        notice=i18n.translate("pages.privacy", language),
        object=i18n.translate("register.object", language),
        **texts,
    )
