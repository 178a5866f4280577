"""A shop's newest reviews as an Atom feed (RFC 4287)."""

import re
from datetime import UTC, datetime

from markupsafe import escape

from trustsvc.badge.render.content import ReviewContent, ReviewListContent

# Characters XML 1.0 (section 2.2) cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_atom(newest: ReviewListContent) -> bytes:
    """Write the feed; valid without entries too.

    A review published again, such as after a correction, keeps its id and gets a new date, so that
    feed readers update it. A withdrawn one is not in the next feed.
    """
    updated = max([newest.since, *(line.published_at for line in newest.lines)])
    url, tag = _escape(newest.badge.url), _escape(newest.tag)
    feed = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{_escape(newest.language)}">\n'
        f"<id>{tag}shop/{_escape(newest.slug)}</id>\n<title>{_escape(newest.title)}</title>\n"
        f"<updated>{_timestamp(updated)}</updated>\n"
        f'<link rel="self" type="application/atom+xml" href="{_escape(newest.feed)}"/>\n'
        f'<link rel="alternate" type="text/html" href="{url}"/>\n'
        f"{''.join(_entry(line, tag, url) for line in newest.lines)}</feed>\n"
    )
    return feed.encode()


def _entry(line: ReviewContent, tag: str, url: str) -> str:
    title = f"{'★' * line.stars} {line.title}".strip()
    content = "\n\n".join(part for part in (line.label, line.text, line.verified_label) if part)
    at, name = _timestamp(line.published_at), _escape(line.public_id)
    return (
        f"<entry><id>{tag}review/{name}</id><title>{_escape(title)}</title>"
        f"<published>{at}</published><updated>{at}</updated>"
        f"<author><name>{_escape(line.by)}</name></author>"
        f'<link rel="alternate" type="text/html" href="{url}#r-{name}"/>'
        f'<content type="text" xml:lang="{_escape(line.language)}">{_escape(content)}</content>'
        "</entry>\n"
    )


def _timestamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _escape(text: str) -> str:
    # Not Markup.format: it took most of the time of a refresh of all shops.
    return str(escape(_NO_XML.sub("", text)))
