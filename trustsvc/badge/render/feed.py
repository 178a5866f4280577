"""A shop's newest reviews as an Atom feed (RFC 4287)."""

import re
from datetime import UTC, datetime

from markupsafe import escape

from trustsvc.badge.render.content import ReviewContent, ReviewListContent

# What XML 1.0 (section 2.2) has no way to say, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_atom(newest: ReviewListContent) -> bytes:
    """Write the feed. Without reviews it is a valid one with no entry.

    A review that comes back, after a correction say, keeps its id and gets a new date, so a reader
    shows it once and anew. One that was taken down is not in the next feed.
    """
    updated = max([newest.since, *(line.published_at for line in newest.lines)])
    url, tag = _words(newest.badge.url), _words(newest.tag)
    feed = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{_words(newest.language)}">\n'
        f"<id>{tag}shop/{_words(newest.slug)}</id>\n<title>{_words(newest.title)}</title>\n"
        f"<updated>{_moment(updated)}</updated>\n"
        f'<link rel="self" type="application/atom+xml" href="{_words(newest.feed)}"/>\n'
        f'<link rel="alternate" type="text/html" href="{url}"/>\n'
        f"{''.join(_entry(line, tag, url) for line in newest.lines)}</feed>\n"
    )
    return feed.encode()


def _entry(line: ReviewContent, tag: str, url: str) -> str:
    title = f"{'★' * line.stars} {line.title}".strip()
    said = "\n\n".join(part for part in (line.label, line.text, line.verified_label) if part)
    at, name = _moment(line.published_at), _words(line.public_id)
    return (
        f"<entry><id>{tag}review/{name}</id><title>{_words(title)}</title>"
        f"<published>{at}</published><updated>{at}</updated>"
        f"<author><name>{_words(line.by)}</name></author>"
        f'<link rel="alternate" type="text/html" href="{url}#r-{name}"/>'
        f'<content type="text" xml:lang="{_words(line.language)}">{_words(said)}</content>'
        "</entry>\n"
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _words(text: str) -> str:
    # Not Markup.format, safe as it is: it took most of the time of a round over all shops.
    return str(escape(_NO_XML.sub("", text)))
