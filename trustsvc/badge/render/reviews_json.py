"""A shop's newest reviews as JSON, for the list on the shop's page."""

import json

from trustsvc.badge.render.review_lines import ReviewContent, ReviewListContent

MAX_REVIEWS = 5
MAX_CHARACTERS = 240  # characters
# UTF-8, so that the list is as small in scripts whose letters take three bytes.
MAX_BYTES = {"title": 120, "text": 330, "by": 90}
MORE = "…"


def as_reviews(newest: ReviewListContent) -> bytes:
    """Write what the list shows: finished words, at most five reviews, long ones cut at a word.

    No address, as in numbers.as_json.
    """
    said = {
        "title": newest.title,
        "order": newest.order,
        "all": newest.all,
        "lang": newest.language,
        "privacy": newest.notice,
        "reviews": [_line(line) for line in newest.lines[:MAX_REVIEWS]],
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _line(line: ReviewContent) -> dict[str, object]:
    return {
        "stars": line.stars,
        "label": line.label,
        "title": shortened(line.title, MAX_CHARACTERS, MAX_BYTES["title"]),
        "text": shortened(line.text, MAX_CHARACTERS, MAX_BYTES["text"]),
        "by": shortened(line.by, MAX_CHARACTERS, MAX_BYTES["by"]),
        "date": line.date,
        "day": line.day,
        "mark": line.mark,
    }


def shortened(text: str, most: int, most_bytes: int) -> str:
    """Cut a text at a word, with a sign that there is more; a word without an end is cut in two."""
    plain = " ".join(text.split())
    if len(plain) <= most and len(plain.encode()) <= most_bytes:
        return plain
    room = most_bytes - len(MORE.encode())
    kept = plain[: most - 1].encode()[:room].decode(errors="ignore")
    if plain[len(kept)] != " ":
        kept = kept.rpartition(" ")[0] or kept
    return f"{kept.rstrip(' ,;:.-')}{MORE}"
