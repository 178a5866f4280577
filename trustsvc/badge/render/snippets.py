"""What a shop puts on its own pages."""

from dataclasses import dataclass

from markupsafe import Markup


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
