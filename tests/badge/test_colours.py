"""That the badge can be read: its colours against its paper, as WCAG 2.2 counts (1.4.3, 1.4.11)."""

import re

import pytest

from tests.badge.test_render import EMPTY, FACE
from trustsvc.badge import scripts
from trustsvc.badge.render import svg

TEXT, GRAPHIC = 4.5, 3.0
# i ink, s soft text and the sign of the way to object, g full stars, c seal and focus; p paper.
PARTS = {"badge.css": {"i": TEXT, "s": TEXT, "g": GRAPHIC, "c": GRAPHIC},
         "list.css": {"i": TEXT, "s": TEXT, "g": GRAPHIC, "c": TEXT}}  # fmt: skip


def light(colour):
    """Relative luminance (WCAG 2.2, definitions)."""
    short = colour.removeprefix("#")
    pairs = [two * 2 for two in short] if len(short) == 3 else re.findall("..", short)
    parts = [int(pair, 16) / 255 for pair in pairs]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


def colours(css, scheme):
    found = re.findall(r"--(\w): var\(--[\w-]+, light-dark\((#\w+), (#\w+)\)\)", css)
    return {name: both[scheme] for name, *both in found}


def too_faint(css, parts, scheme):
    seen = colours(css, scheme)
    return [name for name, least in parts.items() if contrast(seen[name], seen["p"]) < least]


@pytest.mark.parametrize("style", PARTS)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stars_seal_and_focus_stand_out_from_the_paper(style, scheme):
    css = (scripts.STATIC / "source" / style).read_text()

    assert too_faint(css, PARTS[style], scheme) == []
    assert too_faint(css.replace("#b8791a", "#eeeeee").replace("#eab65c", "#333"),
                     PARTS[style], scheme) == ["g"]  # fmt: skip


@pytest.mark.parametrize("face", [FACE, EMPTY])
def test_the_image_has_the_light_colours_of_the_script(face):
    css = (scripts.STATIC / "source" / "badge.css").read_text()

    drawn = set(re.findall(r'#[0-9a-f]{3,6}(?=")', svg.as_svg(face).decode()))

    assert drawn <= set(colours(css, 0).values())
    assert {colours(css, 0)[name] for name in "sp"} <= drawn


def test_black_on_white_is_the_most_there_is():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
