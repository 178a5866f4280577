"""The badge as bytes: JSON, SVG and the snippet a shop puts on its pages. Pure."""

import json
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 220, 72
# A star on a field of 24; all but its beginning is relative, so five stars are five beginnings.
STAR = "l2.8 6.6 7.1.6-5.4 4.7 1.6 6.9-6.1-3.7-6.1 3.7 1.6-6.9-5.4-4.7 7.1-.6z"
LONGEST_COUNT = 17  # characters that fit beside the score; longer ones are drawn closer together
SEAL = "M192 24a8 8 0 1 0 16 0a8 8 0 1 0-16 0m4.5.3 2.7 2.7 5-5.4"


@dataclass(frozen=True, slots=True)
class Face:
    """What a badge says, finished and in the shop's language."""

    score: str
    count: str
    label: str
    url: str
    mean: float
    reviews: int
    sealed: bool


def as_json(face: Face) -> bytes:
    """Write what the script on a shop's page needs: finished words, so that it holds no tables."""
    said = {
        "score": face.score,
        "count": face.count,
        "label": face.label,
        "url": face.url,
        "stars": round(face.mean, 2),
        "reviews": face.reviews,
        "seal": face.sealed,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def as_svg(face: Face) -> bytes:
    """Draw the badge. Attributes only, no style: it is drawn alike under any policy."""
    drawn = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="220" height="72" role="img" '
        'aria-label="{label}" font-family="system-ui,sans-serif" font-size="12.5" fill="#5c564d">'
        '<title>{label}</title><rect x=".5" y=".5" width="219" height="71" rx="12" fill="#fff" '
        'stroke="#e4ddd0"/>{inside}{seal}</svg>'
    )
    inside = _scored(face) if face.reviews else _empty(face)
    seal = Markup('<path d="{d}" fill="none" stroke="#37705a" stroke-width="1.6"/>')
    sealed = seal.format(d=SEAL) if face.sealed else ""
    return str(drawn.format(label=face.label, inside=inside, seal=sealed)).encode()


def _scored(face: Face) -> Markup:
    close = len(face.count) > LONGEST_COUNT
    fit = Markup(' textLength="124" lengthAdjust="spacingAndGlyphs"') if close else ""
    return Markup(
        '<linearGradient id="g" gradientUnits="userSpaceOnUse" x2="120">'
        '<stop offset="{part}" stop-color="#b8791a"/><stop offset="{part}" stop-color="#e4ddd0"/>'
        '</linearGradient><text x="18" y="47" font-size="32" font-weight="600" fill="#1f1d1a">'
        '{score}</text><path transform="translate(84 14)scale(.84)" fill="url(#g)" d="{stars}"/>'
        '<text x="86" y="53"{fit}>{count}</text>'
    ).format(
        part=f"{filled(face.mean):.3f}",
        score=face.score,
        stars=star_path(),
        count=face.count,
        fit=fit,
    )


def _empty(face: Face) -> Markup:
    """Say that there are none yet: an outline, so that no star claims anything."""
    return Markup(
        '<path transform="translate(14 23)" fill="none" stroke="#b8791a" d="{star}"/>'
        '<text x="48" y="40">{count}</text>'
    ).format(star=star_path(1), count=face.count)


def star_path(number: int = 5) -> str:
    """Write the path of so many stars in a row, each on a field of 24."""
    return "".join(f"M{12 + 24 * n} 2.4{STAR}" for n in range(number))


def filled(mean: float) -> float:
    """Say up to where a row of five stars is filled, from 0 to 1, measured on the stars alone."""
    whole = int(mean)
    part = mean - whole
    return (24 * whole + (2 + 20 * part if part else 0)) / 120


@dataclass(frozen=True, slots=True)
class CardWords:
    """What the card after an order says, finished and in one language."""

    language: str
    title: str
    text: str
    data: str
    go: str
    notice: str
    object: str


def card(slug: str, base_url: str, words: CardWords) -> str:
    """Write what a shop puts on its thank-you page.

    Plain links and words that work alone; the script makes them a card whose button takes the
    address along. Nothing of the buyer is in it: the shop sets the element's `email`.
    """
    return str(
        Markup(
            '<review-card shop="{slug}" lang="{words.language}">\n<h2>{words.title}</h2>\n'
            "<p>{words.text}</p>\n<p>{words.data}</p>\n"
            '<p><a href="{base}/register/{slug}" target="_blank" rel="noopener noreferrer">'
            "{words.go}</a></p>\n"
            '<p><a href="{base}/privacy/{slug}">{words.notice}</a> '
            '<a href="{base}/privacy/{slug}#object">{words.object}</a></p>\n</review-card>\n'
            '<script src="{base}/embed/card.js" defer></script>'
        ).format(base=base_url, slug=slug, words=words)
    )


def snippet(slug: str, base_url: str, words: str) -> str:
    """Write what a shop puts on its pages: an image that works alone, a script that betters it."""
    return str(
        Markup(
            '<script src="{base}/embed/v1.js" defer></script>\n'
            '<review-badge shop="{slug}"><a href="{base}/s/{slug}">'
            '<img src="{base}/badge/v1/{slug}.svg" width="220" height="72" alt="{words}">'
            "</a></review-badge>"
        ).format(base=base_url, slug=slug, words=words)
    )
