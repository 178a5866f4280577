"""A shop's newest reviews as an Atom feed (RFC 4287)."""

import re

from markupsafe import Markup, escape

from trustsvc.badge.render.newest import Line, Newest

# What XML 1.0 (section 2.2) has no way to say, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_atom(newest: Newest) -> bytes:
    """Write the feed. Without reviews it is a valid one with no entry.

    A review that comes back, after a correction say, keeps its id and gets a new date, so a reader
    shows it once and anew. One that was taken down is not in the next feed.
    """
    moments = [newest.since, *(line.published_at for line in newest.lines)]
    feed = Markup(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{one.language}">\n'
        "<id>{one.tag}shop/{one.slug}</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n"
        '<link rel="self" type="application/atom+xml" href="{one.feed}"/>\n'
        '<link rel="alternate" type="text/html" href="{one.face.url}"/>\n{entries}</feed>\n'
    )
    entries = Markup("").join(_entry(newest, line) for line in newest.lines)
    return str(
        feed.format(
            one=newest,
            title=_words(newest.title),
            updated=f"{max(moments):%Y-%m-%dT%H:%M:%SZ}",
            entries=entries,
        )
    ).encode()


def _entry(newest: Newest, line: Line) -> Markup:
    said = "\n\n".join(part for part in (line.label, line.text, line.mark) if part)
    return Markup(
        "<entry><id>{tag}review/{line.public_id}</id><title>{title}</title><published>{at}</published>"
        "<updated>{at}</updated><author><name>{by}</name></author>"
        '<link rel="alternate" type="text/html" href="{url}#r-{line.public_id}"/>'
        '<content type="text" xml:lang="{line.language}">{said}</content></entry>\n'
    ).format(
        tag=newest.tag,
        line=line,
        title=_words(f"{'★' * line.stars} {line.title}".strip()),
        at=f"{line.published_at:%Y-%m-%dT%H:%M:%SZ}",
        by=_words(line.by),
        url=newest.face.url,
        said=_words(said),
    )


def _words(text: str) -> Markup:
    return escape(_NO_XML.sub("", text))
