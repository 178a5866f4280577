"""Search bytes for markers in any encoding: plain, base64, hex, wide, reversed, compressed."""

import base64
import gzip
import re
import zlib
from collections import Counter
from pathlib import Path

import brotli

from tools.canary.people import KINDS

AFTER = rb"[0-9a-z]{0,12}"
# Database pages may cut a value in two, so each kind is short.
PLAIN = re.compile(rb"(" + b"|".join(kind.encode() for kind in KINDS) + rb")" + AFTER)


def _encodings(kind):
    """Give the encodings of a marker other than plain."""
    raw = kind.encode()
    for pad in range(3):
        # Only the characters that do not depend on the bytes around.
        text = base64.b64encode(b"\0" * pad + raw)
        first, last = -(-pad * 8 // 6), (pad + len(raw)) * 8 // 6
        yield "base64", text[first:last]
        yield "base64", text[first:last].translate(bytes.maketrans(b"+/", b"-_"))
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    yield "wide", kind.encode("utf-16-le")
    yield "wide", kind.encode("utf-16-be")
    yield "backwards", raw[::-1]


def _beginning(texts):
    """Give what all texts begin with."""
    return texts[0][
        : next(n for n, of_all in enumerate(zip(*texts, strict=False)) if len(set(of_all)) > 1)
    ]


def _by_beginning():
    """Group the encodings by how all kinds begin in them: one search rules out a whole group."""
    for ways in zip(*(_encodings(kind) for kind in KINDS), strict=True):
        texts = [text for _, text in ways]
        group = [(kind, how, text) for kind, (how, text) in zip(KINDS, ways, strict=True)]
        # Backwards they end alike.
        yield (
            _beginning(texts) or _beginning([text[::-1] for text in texts])[::-1],
            [one for one in group if one[2] != one[0].encode()],
        )


ENCODED = list(_by_beginning())
BEGINNING = _beginning([kind.encode() for kind in KINDS])


def count_markers(content):
    """Count the markers in bytes, by (kind, encoding)."""
    found = Counter()
    lower = content.lower()
    if BEGINNING in lower:
        for hit in PLAIN.finditer(lower):
            found[hit[1].decode(), "plain"] += 1
    for beginning, group in ENCODED:
        if beginning in content:
            for kind, how, text in group:
                if times := content.count(text):
                    found[kind, how] += times
    return found


def of_file(path):
    """Count the markers in a file, also in its decompressed content."""
    try:
        content = path.read_bytes()
    except OSError:
        return Counter()
    return count_markers(content) + count_markers(_decompressed(content, Path(path).suffix))


def of_tree(folder, leave_out=()):
    """Count the markers in every file below a folder, by relative path."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        inside = path.relative_to(folder)
        if any(inside.is_relative_to(one) for one in leave_out) or not path.is_file():
            continue
        if hits := of_file(path):
            found[str(inside)] = hits
    return found


def _decompressed(content, end):
    # Brotli has no magic bytes; only the file name tells.
    ways = [brotli.decompress] if end == ".br" else [gzip.decompress, zlib.decompress]
    for unpack in ways:
        try:
            return unpack(content)
        except (OSError, EOFError, zlib.error, brotli.error):
            continue
    return b""
