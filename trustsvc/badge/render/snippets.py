"""HTML that a shop puts on its own pages."""

from dataclasses import dataclass

from markupsafe import Markup

from trustsvc.badge.render import svg
from trustsvc.badge.render.content import ReviewListContent

# The list's height in static/source/list.css; reserved, so that nothing moves when it loads.
LIST_HEIGHT = 340
# The icon of the link to object, as in static/source/badge.js, on a 24 by 24 grid.
SIGN = "M5.5 12a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0m6.5-3.4v1.4m0 1.2v4.2"


@dataclass(frozen=True, slots=True)
class ScriptRelease:
    """A script release that shops may pin, with its hash."""

    version: str
    integrity: str


@dataclass(frozen=True, slots=True)
class CardWords:
    """Texts of the card after an order, in one language."""

    language: str
    title: str
    text: str
    data: str
    go: str
    notice: str
    object: str


def card(slug: str, base_url: str, words: CardWords) -> str:
    """Write the card for a shop's thank-you page.

    Plain links and text that work alone; the script adds a button that passes the address on.
    It holds no personal data: the shop sets the element's `email`.
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


def image(slug: str, base_url: str, words: str, privacy: str, form: str = "svg") -> str:
    """Write a badge without a script: a linked image, and a link to the notice."""
    return str(
        Markup(
            '{image}\n<small><a href="{base}/privacy/{slug}#object">{privacy}</a></small>'
        ).format(
            image=_image(slug, base_url, words, form), base=base_url, slug=slug, privacy=privacy
        )
    )


def snippet(slug: str, base_url: str, words: str, privacy: str) -> str:
    """Write the badge with its script; the image works without it."""
    inside = _inside(slug, base_url, words, privacy)
    return _element("review-badge", slug, inside, _script(f"{base_url}/embed/v1.js"))


def pinned(slug: str, base_url: str, words: str, privacy: str, release: ScriptRelease) -> str:
    """Write the badge with a script release pinned by its hash."""
    script = _script(f"{base_url}/embed/{release.version}/badge.js", release.integrity)
    return _element("review-badge", slug, _inside(slug, base_url, words, privacy), script)


def listing(
    slug: str, base_url: str, words: str, privacy: str, release: ScriptRelease | None = None
) -> str:
    """Write the list of the newest reviews, for below the fold of a page.

    An SVG with the links in it reserves the height by attributes, as a style may be refused by the
    page's policy. With a release the script is pinned by its hash.
    """
    links = Markup(
        '<svg width="100%" height="{height}"><foreignObject width="100%" height="{height}">'
        '<a href="{base}/s/{slug}">{words}</a><br>'
        '<small><a href="{base}/privacy/{slug}#object">{privacy}</a></small></foreignObject></svg>'
    ).format(height=LIST_HEIGHT, base=base_url, slug=slug, words=words, privacy=privacy)
    script = (
        _script(f"{base_url}/embed/{release.version}/list.js", release.integrity)
        if release
        else _script(f"{base_url}/embed/v1-list.js")
    )
    return _element("review-list", slug, links, script)


def as_html(newest: ReviewListContent) -> bytes:
    """Write the badge that a shop's server prints into its page: no script, style or request.

    The declarative shadow root keeps the page's rules and the image's ids apart. Browsers without
    it (before 2024) show the link in the element, with the same text. statement/badge_finder.py
    recognises the badge by the element's shop and the origin of its links.
    """
    drawn = Markup(svg.as_svg(newest.badge).decode())  # noqa: S704 - escaped where it was written
    html = Markup(
        '<review-badge-html shop="{one.slug}" lang="{one.language}">'
        '<template shadowrootmode="open"><a href="{one.badge.url}">{drawn}</a><br><small>'
        '<a href="{one.privacy}">{one.notice}</a></small></template>'
        '<a href="{one.badge.url}">{one.badge.label}</a> <small>'
        '<a href="{one.privacy}">{one.notice}</a></small></review-badge-html>\n'
    )
    return str(html.format(one=newest, drawn=drawn)).encode()


def csp_policy(base_url: str) -> str:
    """Write the directives to add to a shop's Content-Security-Policy, for any of these."""
    return "; ".join(f"{kind} {base_url}" for kind in ("script-src", "connect-src", "img-src"))


def _element(name: str, slug: str, inside: Markup, script: Markup) -> str:
    return str(
        Markup('<{name} shop="{slug}">{inside}</{name}>\n{script}').format(
            name=name, slug=slug, inside=inside, script=script
        )
    )


def _inside(slug: str, base_url: str, words: str, privacy: str) -> Markup:
    """Write the element's content until the script replaces it, or for good where it cannot.

    The link to object lies on the image, where the script draws it too. Beside the image it would
    shift the page when it is replaced; after the element it would appear twice. Only an SVG
    overlays by attributes alone, which no policy refuses, and keeps its size without the image.
    """
    return Markup(
        '<svg width="220" height="72"><foreignObject width="220" height="72">{image}'
        '</foreignObject><a href="{base}/privacy/{slug}#object" aria-label="{privacy}">'
        '<rect x="187" y="40" width="24" height="24" fill-opacity="0"/>'
        '<path transform="translate(187 40)" d="{sign}" fill="none" stroke="#5c564d"/></a></svg>'
    ).format(
        image=_image(slug, base_url, words), base=base_url, slug=slug, privacy=privacy, sign=SIGN
    )


def _image(slug: str, base_url: str, words: str, form: str = "svg") -> Markup:
    return Markup(
        '<a href="{base}/s/{slug}"><img src="{base}/badge/v1/{slug}.{form}" width="220" '
        'height="72" alt="{words}" loading="lazy"></a>'
    ).format(base=base_url, slug=slug, words=words, form=form)


def _script(address: str, integrity: str = "") -> Markup:
    attributes = Markup(' integrity="{}" crossorigin="anonymous"').format(integrity)
    return Markup('<script src="{}"{} defer></script>').format(
        address, attributes if integrity else ""
    )
