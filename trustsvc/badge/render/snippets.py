"""What a shop puts on its own pages."""

from dataclasses import dataclass

from markupsafe import Markup

# What static/source/list.css gives the list: kept free for it, nothing moves when it comes.
LIST_HEIGHT = 340


@dataclass(frozen=True, slots=True)
class Release:
    """A script that shops may pin: which one, and its hash."""

    version: str
    integrity: str


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


def image(slug: str, base_url: str, words: str, privacy: str) -> str:
    """Write a badge for where no script may be: a link with an image, and one to the notice."""
    return str(
        Markup(
            '{image}\n<small><a href="{base}/privacy/{slug}#object">{privacy}</a></small>'
        ).format(image=_image(slug, base_url, words), base=base_url, slug=slug, privacy=privacy)
    )


def snippet(slug: str, base_url: str, words: str) -> str:
    """Write what a shop puts on its pages: an image that works alone, a script that betters it."""
    return _element(slug, _image(slug, base_url, words), _script(f"{base_url}/embed/v1.js"))


def pinned(slug: str, base_url: str, words: str, release: Release) -> str:
    """Write the same with a script that can never become another one: it is known by its hash."""
    script = _script(f"{base_url}/embed/{release.version}/badge.js", release.integrity)
    return _element(slug, _image(slug, base_url, words), script)


def listing(slug: str, base_url: str, words: str) -> str:
    """Write the list of the newest reviews, to stand below the fold of a page.

    An image of no content keeps its place, with the link in it: attributes do that under any
    policy, where a style would be refused.
    """
    link = Markup(
        '<svg width="100%" height="{height}"><a href="{base}/s/{slug}">'
        '<text y="20" fill="currentColor" text-decoration="underline">{words}</text></a></svg>'
    ).format(height=LIST_HEIGHT, base=base_url, slug=slug, words=words)
    return str(
        Markup('<review-list shop="{}">{}</review-list>\n{}').format(
            slug, link, _script(f"{base_url}/embed/v1-list.js")
        )
    )


def policy(base_url: str) -> str:
    """Write what a shop with a Content-Security-Policy adds to it, for any of these."""
    return "; ".join(f"{kind} {base_url}" for kind in ("script-src", "connect-src", "img-src"))


def _element(slug: str, inside: Markup, script: Markup) -> str:
    return str(Markup('<review-badge shop="{}">{}</review-badge>\n{}').format(slug, inside, script))


def _image(slug: str, base_url: str, words: str) -> Markup:
    return Markup(
        '<a href="{base}/s/{slug}"><img src="{base}/badge/v1/{slug}.svg" width="220" height="72" '
        'alt="{words}" loading="lazy"></a>'
    ).format(base=base_url, slug=slug, words=words)


def _script(address: str, integrity: str = "") -> Markup:
    known = Markup(' integrity="{}" crossorigin="anonymous"').format(integrity)
    return Markup('<script src="{}"{} defer></script>').format(address, known if integrity else "")
