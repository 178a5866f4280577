"""A shop's score for search engines, as JSON-LD (schema.org)."""

import json

from markupsafe import Markup

from trustsvc.badge.score import Score

# What could end the element or begin a comment in it; JSON may write any character so.
_SHIELDED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def organization(name: str, domain: str, page: str, score: Score) -> Markup:
    """Write a shop and its score, to stand in a script element: nothing but what the page shows.

    Whoever puts it on a page about the operator's own shop gets no stars for it: that is
    self-serving (developers.google.com/search/docs/appearance/structured-data/review-snippet).
    """
    said = {
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
    written = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return Markup(written.translate(_SHIELDED))  # noqa: S704 - shielded above
