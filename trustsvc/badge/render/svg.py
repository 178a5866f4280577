"""The badge as an image, and the row of stars that pages draw too."""

from markupsafe import Markup

from trustsvc.badge.render.content import BadgeContent

# A star on a 24 by 24 grid; relative after its start, so it repeats at any position.
STAR = "l2.8 6.6 7.1.6-5.4 4.7 1.6 6.9-6.1-3.7-6.1 3.7 1.6-6.9-5.4-4.7 7.1-.6z"
# The seal at its place: an eight-pointed shape with a tick cut out.
SEAL = (
    "M199 15l2.3 2.3h3.4v3.4l2.3 2.3-2.3 2.3v3.4h-3.4l-2.3 2.3-2.3-2.3h-3.4v-3.4l-2.3-2.3 2.3-2.3"
    "v-3.4h3.4zm-3.6 8.1 2.6 2.6 4.6-4.6-1.1-1.1-3.5 3.5-1.5-1.5z"
)
# Characters that fit beside the score; longer texts are drawn smaller and closer together.
LONGEST_COUNT = 17


def as_svg(face: BadgeContent) -> bytes:
    """Draw the badge, with attributes only: a style may be refused by a page's policy.

    static/source/badge.js draws the same at the same places, so replacing it is not visible.
    Without reviews the stars stay empty.
    """
    left, width, size = (75, 109, 11) if face.reviews else (16, 150, 12)
    fit = Markup(' font-size="{}" textLength="{}"').format(size, width)
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" width="220" height="72" role="img" '
            'aria-label="{face.label}" font-family="system-ui,sans-serif" font-size="12" '
            'fill="#5c564d"><title>{face.label}</title><rect x=".5" y=".5" width="219" height="71" '
            'rx="11.5" fill="#fff" stroke="#e4ddd0"/>{gold}{score}'
            '<path transform="translate({at} 14)scale(.84)" fill="{paint}" d="{stars}"/>'
            '<text x="{left}" y="53"{fit}>{face.count}</text>{seal}</svg>'
        ).format(
            face=face,
            gold=_gold(face.mean) if face.reviews else "",
            score=_score(face) if face.reviews else "",
            at=left - 2,
            paint="url(#g)" if face.reviews else "#e4ddd0",
            stars=star_path(),
            left=left,
            fit=fit if len(face.count) > LONGEST_COUNT else "",
            seal=Markup('<path d="{}" fill="#37705a"/>').format(SEAL) if face.sealed else "",
        )
    ).encode()


def _gold(mean: float) -> Markup:
    # A stop without an offset is at the one before it (SVG 2, 14.2.4).
    return Markup(
        '<linearGradient id="g"><stop offset="{}" stop-color="#b8791a"/>'
        '<stop stop-color="#e4ddd0"/></linearGradient>'
    ).format(filled_share(mean))


def _score(face: BadgeContent) -> Markup:
    return Markup(
        '<text x="16" y="46" font-size="28" font-weight="600" fill="#1f1d1a">{}</text>'
    ).format(face.score)


def filled_share(mean: float) -> float:
    """Filled share of the stars' own width, from 0 to 1: each end has a margin of 2.1."""
    return round(min(max((120 * filled_width(mean) - 2.1) / 115.8, 0), 1), 3)


def star_path(number: int = 5) -> str:
    """SVG path of so many stars in a row, each on a 24 by 24 grid."""
    return "".join(f"M{12 + 24 * n} 2.4{STAR}" for n in range(number))


def filled_width(mean: float) -> float:
    """Filled share of a row of five stars, from 0 to 1, measured on the stars alone."""
    whole = int(mean)
    part = mean - whole
    return (24 * whole + (2 + 20 * part if part else 0)) / 120
