"""The badge as an image, and the row of stars that pages draw too."""

from markupsafe import Markup

from trustsvc.badge.render.face import Face

# A star on a field of 24; all but its beginning is relative, so five stars are five beginnings.
STAR = "l2.8 6.6 7.1.6-5.4 4.7 1.6 6.9-6.1-3.7-6.1 3.7 1.6-6.9-5.4-4.7 7.1-.6z"
LONGEST_COUNT = 17  # characters that fit beside the score; longer ones are drawn closer together
SEAL = "M192 24a8 8 0 1 0 16 0a8 8 0 1 0-16 0m4.5.3 2.7 2.7 5-5.4"


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
