"""A shop's newest reviews as JSON, for the list on the shop's page."""

import json

from trustsvc.badge.render.newest import Line, Newest

MOST_LINES = 5
MOST_TEXT = 240


def as_reviews(newest: Newest) -> bytes:
    """Write what the list shows: finished words, at most five reviews, long ones cut at a word."""
    said = {
        "title": newest.title,
        "order": newest.order,
        "url": newest.face.url,
        "all": newest.all,
        "lang": newest.language,
        "notice": newest.privacy,
        "privacy": newest.notice,
        "reviews": [_line(line) for line in newest.lines[:MOST_LINES]],
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _line(line: Line) -> dict[str, object]:
    return {
        "stars": line.stars,
        "label": line.label,
        "title": line.title,
        "text": shortened(line.text, MOST_TEXT),
        "by": line.by,
        "date": line.date,
        "day": line.day,
        "mark": line.mark,
    }


def shortened(text: str, most: int) -> str:
    """Cut a text at a word, with a sign that there is more; a word without an end is cut in two."""
    plain = " ".join(text.split())
    if len(plain) <= most:
        return plain
    kept = plain[: most - 1]
    if plain[most - 1] != " ":
        kept = kept.rpartition(" ")[0] or kept
    return f"{kept.rstrip(' ,;:.-')}…"
