"""A shop's score for search engines, as JSON-LD (schema.org)."""

import json

from markupsafe import Markup

from trustsvc.badge.score import Score

# Characters that could end the script element or open a comment; JSON may escape any.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def organization(name: str, domain: str, page: str, score: Score) -> Markup:
    """Write a shop and its score for a script element: only what the page shows.

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
