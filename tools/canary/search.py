"""Look for marks in bytes, however they may be written: plain, base64, hex, wide, compressed."""

import base64
import gzip
import re
import zlib
from collections import Counter
from pathlib import Path

import brotli

from tools.canary.people import KINDS

AFTER = rb"[0-9a-z]{0,12}"
# Page data of PostgreSQL and pages of SQLite may cut a value in two; each kind is short for that.
PLAIN = re.compile(rb"(" + b"|".join(kind.encode() for kind in KINDS) + rb")" + AFTER)


def _spellings(kind):
    """Give the ways in which a mark can be written other than plainly."""
    raw = kind.encode()
    for pad in range(3):
        # The signs that depend on neither what stands before nor on what comes after.
        text = base64.b64encode(b"\0" * pad + raw)
        first, last = -(-pad * 8 // 6), (pad + len(raw)) * 8 // 6
        yield "base64", text[first:last]
        yield "base64", text[first:last].translate(bytes.maketrans(b"+/", b"-_"))
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    yield "wide", kind.encode("utf-16-le")
    yield "wide", kind.encode("utf-16-be")
    yield "backwards", raw[::-1]


SPELT = [(kind, how, text) for kind in KINDS for how, text in _spellings(kind)]


def marks(content):
    """Count the marks in bytes: (kind, how it is written) to number."""
    found = Counter()
    for hit in PLAIN.finditer(content.lower()):
        found[hit[1].decode(), "plain"] += 1
    for kind, how, text in SPELT:
        if text != kind.encode() and (times := content.count(text)):
            found[kind, how] += times
    return found


def of_file(path):
    """Count the marks in a file, and in what comes out of it where it is compressed."""
    try:
        content = path.read_bytes()
    except OSError:
        return Counter()
    return marks(content) + marks(_unpacked(content, Path(path).suffix))


def of_tree(folder, leave_out=()):
    """Count the marks in every file under a folder, by the file's place."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        inside = path.relative_to(folder)
        if any(inside.is_relative_to(one) for one in leave_out) or not path.is_file():
            continue
        if hits := of_file(path):
            found[str(inside)] = hits
    return found


def _unpacked(content, end):
    # Brotli has no sign to begin with: only its name says what it is.
    ways = [brotli.decompress] if end == ".br" else [gzip.decompress, zlib.decompress]
    for unpack in ways:
        try:
            return unpack(content)
        except (OSError, EOFError, zlib.error, brotli.error):
            continue
    return b""
