import struct
import zlib
from dataclasses import replace

import pytest

from tests.badge.render.sample_badge import FACE, NO_FACE
from trustsvc.badge.render import png, svg


def pixels(body):
    """Give width, height and the rows as they are packed, each beginning with its filter."""
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", body[16:24])
    at, packed = 8, b""
    while at < len(body):
        (size,) = struct.unpack(">I", body[at : at + 4])
        if body[at + 4 : at + 8] == b"IDAT":
            packed += body[at + 8 : at + 8 + size]
        at += size + 12
    return width, height, zlib.decompress(packed)


@pytest.mark.parametrize("face", [FACE, NO_FACE])
def test_the_bitmap_is_twice_the_badge(face):
    body = png.as_png(svg.as_svg(face))

    assert pixels(body)[:2] == (440, 144)
    assert len(body) < 15_000


def test_words_are_drawn_with_a_font_that_comes_along():
    """Where no letter could be drawn, two badges that differ in words alone would be alike."""
    counts = ["1.234 beoordelingen", "1.243 beoordelingen", ""]

    drawn = {pixels(png.as_png(svg.as_svg(replace(FACE, count=one))))[2] for one in counts}

    assert len(drawn) == 3


@pytest.mark.parametrize("count", ["12 avis", "Aucun été", "größte Ärger", "één ï ç"])
def test_each_message_of_our_languages_has_a_sign(count):
    """A letter the font has not is drawn as nothing or as a box, both alike for any other such."""

    def drawn(text):
        return pixels(png.as_png(svg.as_svg(replace(FACE, count=text))))[2]

    for letter in set(count) - {" "}:
        assert drawn(letter) not in {drawn("\ue123"), drawn("")}


def test_the_narrow_space_in_french_numbers_leaves_a_gap():
    def drawn(text):
        return png.as_png(svg.as_svg(replace(FACE, count=text)))

    assert drawn("1\u202f234 avis") == drawn("1\u00a0234 avis") != drawn("1234 avis")


def test_the_same_badge_gives_the_same_bytes():
    assert png.as_png(svg.as_svg(FACE)) == png.as_png(svg.as_svg(FACE))
