"""The badge as JSON: for the scripts on a shop's page, for Shields and for search engines."""

import json
from collections.abc import Mapping

from markupsafe import Markup

from trustsvc.badge.render import svg
from trustsvc.badge.render.content import BadgeContent, ReviewContent, ReviewListContent
from trustsvc.badge.score import Score

MAX_REVIEWS = 5
MAX_CHARACTERS = 240
# In UTF-8 bytes, so that the list stays as small in scripts of three bytes a character.
MAX_BYTES = {"title": 120, "text": 330, "by": 90}
MORE = "…"
SHIELDS_SCORE_COLOR, SHIELDS_EMPTY_COLOR = "b8791a", "9f9f9f"
# Characters that could end the script element or open a comment; JSON may escape any.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def as_json(badge: BadgeContent) -> bytes:
    """Write what badge.js needs: finished texts, so that the script holds no tables.

    No URL: the script derives `/s/<shop>` and `/privacy/<shop>#object` from the address of this
    file, so an answer cannot make it link elsewhere.
    """
    fields = {
        "score": badge.score,
        "count": badge.count,
        "label": badge.label,
        "privacy": badge.privacy,
        "stars": round(badge.mean, 2),
        "filled": svg.filled_share(badge.mean),
        "reviews": badge.reviews,
        "seal": badge.sealed,
    }
    return _encode(fields | ({"proof": badge.proof} if badge.proof else {}))


def as_shields(badge: BadgeContent) -> bytes:
    """Write an answer for Shields' endpoint badge (shields.io/badges/endpoint-badge)."""
    return _encode(
        {
            "schemaVersion": 1,
            "label": badge.count,
            "message": f"{badge.score} ★" if badge.reviews else "-",
            "color": SHIELDS_SCORE_COLOR if badge.reviews else SHIELDS_EMPTY_COLOR,
        }
    )


def as_json_ld(name: str, domain: str, page: str, score: Score) -> Markup:
    """Write a shop and its score as JSON-LD (schema.org), for a script element of its page.

    Search engines show no stars for a page about the operator's own shop, as self-serving
    (developers.google.com/search/docs/appearance/structured-data/review-snippet).
    """
    data = {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": name,
        "url": f"https://{domain}",
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": round(score.mean, 1),
            "bestRating": 5,
            "worstRating": 1,
            "reviewCount": score.count,
            "url": page,
        },
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPES))  # noqa: S704 - escaped above


def as_reviews(newest: ReviewListContent) -> bytes:
    """Write what list.js shows: at most five reviews, long texts cut. No URL, as in `as_json`."""
    return _encode(
        {
            "title": newest.title,
            "order": newest.order,
            "all": newest.all,
            "lang": newest.language,
            "privacy": newest.notice,
            "reviews": [_review(review) for review in newest.lines[:MAX_REVIEWS]],
        }
    )


def _review(review: ReviewContent) -> dict[str, object]:
    return {
        "stars": review.stars,
        "label": review.label,
        "title": shortened(review.title, MAX_CHARACTERS, MAX_BYTES["title"]),
        "text": shortened(review.text, MAX_CHARACTERS, MAX_BYTES["text"]),
        "by": shortened(review.by, MAX_CHARACTERS, MAX_BYTES["by"]),
        "date": review.date,
        "day": review.day,
        "mark": review.verified_label,
    }


def shortened(text: str, max_characters: int, max_bytes: int) -> str:
    """Cut a text at a word and append "…"; a first word that is too long is cut itself."""
    plain = " ".join(text.split())
    if len(plain) <= max_characters and len(plain.encode()) <= max_bytes:
        return plain
    byte_limit = max_bytes - len(MORE.encode())
    cut = plain[: max_characters - 1].encode()[:byte_limit].decode(errors="ignore")
    if plain[len(cut)] != " ":
        cut = cut.rpartition(" ")[0] or cut
    return f"{cut.rstrip(' ,;:.-')}{MORE}"


def _encode(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
